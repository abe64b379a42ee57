// Opening the file of conversations: it is ours, or new, or it is left alone.

import Chat
import GRDB

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file of conversations at a path.
struct ChatFile {
    let path: String
    let synchronous: String

    /// Opens it, making it if there is none; blocks.
    ///
    /// - Throws: ``ChatError`` with `storeFailed`: not ours, of a newer version, damaged, in use, not to be read or written.
    func openQueue() throws(ChatError) -> DatabaseQueue {
        try createPrivately()
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            do {
                try prepare(queue)
                return queue
            } catch {
                // The first error is the one to tell.
                try? queue.close()
                throw error
            }
        } catch let error as ChatError {
            throw error
        } catch {
            throw .store("open \(path)", error)
        }
    }

    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "conversations"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { [synchronous] db in
            // Exclusive: this process alone, so the log needs no shared memory, and a second process is told at once.
            try db.execute(
                sql: """
                    PRAGMA locking_mode = EXCLUSIVE;
                    PRAGMA synchronous = \(synchronous);
                    PRAGMA cell_size_check = ON;
                    PRAGMA secure_delete = FAST;
                    """
            )
        }
        return configuration
    }

    private func prepare(_ queue: DatabaseQueue) throws {
        let isForeign = try queue.inDatabase { db in
            // Both are read through the log, unlike the header of the file.
            let id = try Int64.fetchOne(db, sql: "PRAGMA application_id")
            let tables = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master")
            return id != ChatSchema.applicationID && (id != 0 || tables != 0)
        }
        if isForeign {
            throw ChatError(.storeFailed, "\(path) is not a file of this client; move it away or name another")
        }
        let migrator = ChatSchema.migrator
        if try queue.inDatabase(migrator.hasBeenSuperseded) {
            throw ChatError(.storeFailed, "\(path) was written by a newer version of the client; use that one")
        }
        try queue.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try migrator.migrate(queue)
    }

    /// The file exists after this, for its owner alone; SQLite gives its log the same permissions.
    private func createPrivately() throws(ChatError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw ChatError(.storeFailed, "could not open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw ChatError(.storeFailed, "could not make \(path) private: \(String(cString: strerror(errno)))")
        }
    }
}

extension ChatError {
    /// A failure of the file: what was attempted, what SQLite said, what to do.
    static func store(_ attempt: String, _ error: any Error) -> ChatError {
        guard let error = error as? DatabaseError else {
            return ChatError(.storeFailed, "could not \(attempt): \(error)")
        }
        let reason =
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another client uses it; end that one first"
            case .SQLITE_NOTADB: "it is not a file of this client; move it away or name another"
            case .SQLITE_CORRUPT: "it is damaged (\(error.message ?? "no more is known")); move it away"
            case .SQLITE_FULL: "the disk is full; free some space"
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: "it cannot be written; look at its permissions"
            default: error.message ?? "SQLite says \(error.resultCode)"
            }
        return ChatError(.storeFailed, "could not \(attempt): \(reason)")
    }
}
