// One process a directory: an advisory lock that the kernel releases however the process ends.

import HTTP
import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Holds `DIR/lock` until it is released or gone; the file names the process for whoever comes second.
final class DirectoryLock: Sendable {
    private let file: OpenFile

    /// Takes the lock of `directory`; throws at once if another has it.
    init(directory: String) throws(HTTPCacheError) {
        let path = directory + "/lock"
        do {
            file = OpenFile(owning: try openFile(path, O_RDWR | O_CREAT))
        } catch {
            throw .store("write in the store \(directory)", error)
        }
        while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = SystemError.last
            if error.number == EINTR { continue }
            guard error.number == EWOULDBLOCK else { throw .store("lock \(path)", error) }
            let holder = Self.processIdentifier(in: file).map { " (pid \($0))" } ?? ""
            throw HTTPCacheError(
                .storeFailed,
                "the store \(directory) is in use by another cdn\(holder); choose another directory with --store DIR"
            )
        }
        let text = Array("\(getpid())\n".utf8)
        // The number only helps people; the lock holds without it, on a full disk too.
        _ = ftruncate(file.descriptor, 0)
        _ = pwrite(file.descriptor, text, text.count, 0)
    }

    /// Gives the directory free, for others and for this process.
    func release() {
        _ = flock(file.descriptor, LOCK_UN)
    }

    private static func processIdentifier(in file: OpenFile) -> Int32? {
        var octets = [UInt8](repeating: 0, count: 16)
        let count = pread(file.descriptor, &octets, octets.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: octets[..<count].prefix { Octet.isDigit($0) }, as: UTF8.self))
    }
}
