// Opening the index: decides whether what lies in the directory can be believed, and starts empty if not.

import GRDB
import HTTP
import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Opens the index of a directory whose lock is held.
struct IndexOpening {
    private let directory: String
    private let boot: String
    private let onProblem: @Sendable (String) -> Void
    private let file: IndexFile

    /// `boot`: nil to ask the kernel.
    init(directory: String, boot: String?, onProblem: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.boot = boot ?? Self.currentBoot() ?? ""
        self.onProblem = onProblem
        file = IndexFile(directory: directory)
    }

    /// Opens the index, a new one if need be, and notes that it is in use; blocks.
    func open() throws(HTTPCacheError) -> StoreIndex {
        let usable = try prepare()
        if usable, let index = try openExisting() { return index }
        if usable { try file.discard() }
        try file.create()
        do {
            try deleteFile(Self.damageMark(in: directory))
        } catch {
            throw .store("delete \(Self.damageMark(in: directory))", error)
        }
        do {
            let index = try StoreIndex(path: file.path)
            try index.markRunning(boot: boot, isNewEra: false)
            return index
        } catch {
            throw .index("open \(file.path)", error)
        }
    }

    /// Whether an index of ours lies there; clears away anything else.
    private func prepare() throws(HTTPCacheError) -> Bool {
        switch try file.kind() {
        case .absent:
            return false
        case .foreign:
            let aside = try file.setAside()
            startsEmpty("\(file.path) is damaged or not an index of a cdn; it is now called \(aside)")
            return false
        case .other(let version):
            try file.discard()
            startsEmpty("\(file.path) was written by another version of cdn (format \(version))")
            return false
        case .ours:
            guard access(Self.damageMark(in: directory), F_OK) == 0 else { return true }
            try file.discard()
            startsEmpty("\(file.path) was found to be damaged when last used")
            return false
        }
    }

    /// The index that lies there, marked as in use; nil if it cannot be believed.
    private func openExisting() throws(HTTPCacheError) -> StoreIndex? {
        do {
            let index = try StoreIndex(path: file.path)
            let (lastBoot, isClean) = try index.state()
            let isTrusted = isClean || (lastBoot == boot && !boot.isEmpty)
            try index.markRunning(boot: boot, isNewEra: !isTrusted)
            if !isTrusted {
                onProblem(
                    "the system went down while the store \(directory) was in use: bodies are checked before they are served"
                )
            }
            return index
        } catch let error as DatabaseError where error.isDamage || error.resultCode == .SQLITE_ERROR {
            // SQLITE_ERROR here: the tables are not those of the schema.
            startsEmpty("\(file.path) is damaged (\(error.message ?? "no more is known"))")
            return nil
        } catch {
            throw .index("open \(file.path)", error)
        }
    }

    private func startsEmpty(_ reason: String) {
        onProblem("the store \(directory) starts empty: \(reason)")
    }

    /// Notes that the index is damaged, so that the next start begins with an empty one.
    static func noteDamage(in directory: String, _ onProblem: @Sendable (String) -> Void) {
        let path = damageMark(in: directory)
        guard access(path, F_OK) != 0 else { return }
        do {
            _ = OpenFile(owning: try openFile(path, O_WRONLY | O_CREAT))
            onProblem("the index of the store \(directory) is damaged; it starts empty next time")
        } catch {
            onProblem("the index of the store \(directory) is damaged; delete the directory")
        }
    }

    private static func damageMark(in directory: String) -> String {
        directory + "/damaged"
    }

    /// The kernel's name for this boot; nil where there is none.
    private static func currentBoot() -> String? {
        // Without it, bodies of a store that was not closed are checked: safe.
        guard let descriptor = try? openFile("/proc/sys/kernel/random/boot_id", O_RDONLY) else { return nil }
        let file = OpenFile(owning: descriptor)
        var octets = [UInt8](repeating: 0, count: 64)
        let count = pread(file.descriptor, &octets, octets.count, 0)
        guard count > 0 else { return nil }
        return String(decoding: octets[..<count].prefix { $0 != 0x0a }, as: UTF8.self)
    }
}

extension DatabaseError {
    /// Whether the file is to blame, not the circumstances: nothing in it is to be believed.
    var isDamage: Bool {
        resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB
    }
}
