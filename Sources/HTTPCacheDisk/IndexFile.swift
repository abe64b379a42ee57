// The file of the index: what it is before SQLite touches it, making a new one, getting rid of one that is of no use.

import GRDB
import HTTP
import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `DIR/index.sqlite` and the files that SQLite keeps beside it.
///
/// The header of an SQLite file says whose it is (https://www.sqlite.org/fileformat2.html#the_database_header), so a foreign
/// file is recognised without opening, and so changing, it. A new index is made under another name and then renamed: an
/// index that is there is whole.
struct IndexFile: Sendable {
    /// What lies at ``path``.
    enum Kind: Equatable {
        case absent
        /// An index of this version.
        case ours
        /// An index of another version.
        case other(version: UInt32)
        /// Not an index of ours, or too damaged to tell.
        case foreign
    }

    let path: String
    private let directory: String

    init(directory: String) {
        self.directory = directory
        path = directory + "/index.sqlite"
    }

    /// What lies at ``path``, told by its first 100 octets.
    func kind() throws(HTTPCacheError) -> Kind {
        let file: OpenFile
        do {
            file = OpenFile(owning: try openFile(path, O_RDONLY))
        } catch {
            guard error.number == ENOENT else { throw .store("read \(path)", error) }
            return .absent
        }
        var header = [UInt8](repeating: 0, count: 100)
        let count = pread(file.descriptor, &header, header.count, 0)
        guard count >= 0 else { throw .store("read \(path)", .last) }
        if count == 0 { return .absent }
        guard count == header.count, header.starts(with: Array("SQLite format 3\0".utf8)),
            Self.number(in: header, at: 68) == IndexSchema.applicationID
        else { return .foreign }
        let version = Self.number(in: header, at: 60)
        return version == IndexSchema.version ? .ours : .other(version: version)
    }

    /// Makes an empty index; nothing may be at ``path`` that is still needed.
    func create() throws(HTTPCacheError) {
        let new = path + ".new"
        do {
            for suffix in ["", "-journal"] { try deleteFile(new + suffix) }
            // SQLite gives its other files the permissions of this one.
            close(try openFile(new, O_RDWR | O_CREAT))
            let queue = try DatabaseQueue(path: new)
            try queue.write { try IndexSchema.create($0) }
            try queue.close()
            // A write-ahead log that outlived its index would be replayed into the new one.
            try deleteSideFiles()
            guard rename(new, path) == 0 else { throw SystemError.last }
            // Or a power loss could leave an older index beside the new one's log.
            let parent = OpenFile(owning: try openFile(directory, O_RDONLY | O_DIRECTORY))
            guard fsync(parent.descriptor) == 0 else { throw SystemError.last }
        } catch let error as SystemError {
            throw .store("create \(path)", error)
        } catch {
            throw .index("create \(path)", error)
        }
    }

    /// Deletes the index.
    func discard() throws(HTTPCacheError) {
        do {
            // The index first: without its log it might look like an older, cleanly closed one.
            try deleteFile(path)
            try deleteSideFiles()
        } catch {
            throw .store("delete \(path)", error)
        }
    }

    /// Renames what is at ``path``, with its side files, to a name that is free; returns that name.
    func setAside() throws(HTTPCacheError) -> String {
        for number in 1...99 {
            let aside = "\(path).set-aside-\(number)"
            guard access(aside, F_OK) != 0 else { continue }
            // The file itself last: its log belongs to it, whenever this is cut short.
            for suffix in ["-wal", "-shm", "-journal", ""] {
                guard rename(path + suffix, aside + suffix) == 0 || errno == ENOENT else {
                    throw .store("rename \(path)", .last)
                }
            }
            return aside
        }
        throw HTTPCacheError(.storeFailed, "there are 99 files \(path).set-aside-*; look at them and delete them")
    }

    private func deleteSideFiles() throws(SystemError) {
        for suffix in ["-wal", "-shm", "-journal"] { try deleteFile(path + suffix) }
    }

    /// The big-endian number at `offset`.
    private static func number(in header: [UInt8], at offset: Int) -> UInt32 {
        header[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

extension HTTPCacheError {
    /// A failure of the index: what was attempted, what SQLite said, what to do.
    static func index(_ attempt: String, _ error: any Error) -> HTTPCacheError {
        let advice =
            (error as? DatabaseError)?.resultCode == .SQLITE_FULL ? SystemError(number: ENOSPC).advice : ""
        return HTTPCacheError(.storeFailed, "could not \(attempt)\(advice)", underlying: error)
    }
}
