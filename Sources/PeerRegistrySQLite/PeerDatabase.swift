// The file itself: the only one that talks to SQLite once the store is open.

import Foundation
import GRDB
import HTTP
import PeerIdentity
import PeerRegistry
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One connection, which holds the file for itself, confined to the queue of GRDB's that its methods run on.
///
/// All but ``enqueue(_:)`` block; none is called on Swift's own threads but while the store opens.
final class PeerDatabase: Sendable {
    /// What the file says of the store as a whole.
    struct Head {
        let secret: [UInt8]
        /// Up to this revision any may have been given in an earlier life.
        let lastRevision: UInt64
        let events: [PeerEvent]
        let eventsBase: UInt64
    }

    let path: String
    private let queue: DatabaseQueue

    /// Opens the file at `path`, a new one if there is none.
    ///
    /// - Parameters:
    ///   - path: The file; SQLite keeps `-wal` beside it.
    ///   - synchronous: When a commit counts.
    ///   - newSecret: The secret of a new file.
    /// - Throws: ``SQLiteStoreError``; a file that is not ours is left as it is.
    init(path: String, synchronous: SQLiteConfiguration.Synchronous, newSecret: [UInt8]) throws(SQLiteStoreError) {
        self.path = path
        var configuration = Configuration()
        configuration.label = "peer registry"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { db in
            // Before anything is read: then no second process can come in between, and no shared memory is needed.
            try db.execute(
                sql: "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16000; PRAGMA cell_size_check = ON"
            )
        }
        do {
            try Self.makeFile(path)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { db in
                let isNew = try Self.isNew(db, path)
                // It says with which mode it came to be, and fails if another has the file.
                guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                    throw DatabaseError(message: "it cannot have a write-ahead log there")
                }
                try db.execute(sql: "PRAGMA synchronous = \(synchronous.rawValue)")
                try db.inTransaction(.exclusive) {
                    if isNew { try PeerSchema.create(db, secret: newSecret) }
                    return .commit
                }
            }
            self.queue = queue
        } catch {
            throw .of("open", path, error)
        }
    }

    /// Makes the file readable for its owner alone: whoever has the secret can prolong presence.
    private static func makeFile(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            // Whatever else is wrong, SQLite says when it opens the file.
            return
        }
        closeDescriptor(descriptor)
    }

    /// Whether the file is empty; throws if it is not one that this version can use.
    private static func isNew(_ db: Database, _ path: String) throws -> Bool {
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let tables = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if application == 0, version == 0, tables == 0 { return true }
        guard application == PeerSchema.applicationID else {
            throw SQLiteStoreError(.foreign, SQLiteStoreError.foreign(path))
        }
        guard version <= PeerSchema.version else {
            let message =
                "\(path) was written by a later version of the registry (format \(version), this one knows "
                + "\(PeerSchema.version)); use that version, or another file"
            throw SQLiteStoreError(.newer, message)
        }
        return false
    }

    /// Reads what the store begins with, at most `eventsMax` events.
    func head(eventsMax: Int) throws(SQLiteStoreError) -> Head {
        do {
            return try queue.inDatabase { db in
                guard let row = try Row.fetchOne(db, sql: PeerStatement.head), let secret = row.octets(0),
                    secret.count == 32, let reserved = row.revision(1), let base = row.revision(2)
                else { throw damaged("the table registry") }
                let newest = try Row.fetchOne(db, sql: PeerStatement.newestEvent)?.revision(0) ?? 0
                let cut =
                    try Row.fetchOne(db, sql: PeerStatement.eventsCut, arguments: [eventsMax])?.revision(0) ?? base
                var events: [PeerEvent] = []
                let rows = try Row.fetchCursor(db, sql: PeerStatement.events, arguments: [max(base, cut)])
                while let row = try rows.next() {
                    // What is no identifier any more is damage, whatever the reason.
                    guard let revision = row.revision(0), let number = row.integer(1).flatMap({ UInt8(exactly: $0) }),
                        let kind = PeerEvent.Kind(rawValue: number), let until = row.integer(3),
                        let identifier = row.text(2).flatMap({ try? PeerIdentifier($0) })
                    else { throw damaged("the table events") }
                    events.append(
                        PeerEvent(
                            revision: UInt64(bitPattern: revision),
                            kind: kind,
                            identifier: identifier,
                            presentUntil: Timestamp(nanoseconds: until)
                        )
                    )
                }
                return Head(
                    secret: secret,
                    lastRevision: UInt64(bitPattern: max(reserved, newest)),
                    events: events,
                    eventsBase: UInt64(bitPattern: max(base, cut))
                )
            }
        } catch {
            throw .of("read", path, error)
        }
    }

    /// Gives every entry to `body`, in order of name.
    func forEachEntry(_ body: (PackedEntry) -> Void) throws(SQLiteStoreError) {
        do {
            try queue.inDatabase { db in
                let rows = try Row.fetchCursor(db, sql: PeerStatement.entries)
                while let row = try rows.next() {
                    guard let content = row.octets(0).flatMap({ PackedContent(stored: $0) }),
                        let revision = row.revision(1), let presentUntil = row.integer(2),
                        let isPresent = row.integer(3),
                        let heldSince = row.integer(4), let heldUntil = row.integer(5), let renewals = row.integer(6)
                    else { throw damaged("a row of the table peers or leases") }
                    body(
                        PackedEntry(
                            content: content,
                            presentUntil: Timestamp(nanoseconds: presentUntil),
                            isPresent: isPresent != 0,
                            heldSince: Timestamp(nanoseconds: heldSince),
                            heldUntil: Timestamp(nanoseconds: heldUntil),
                            renewals: UInt64(bitPattern: renewals),
                            revision: UInt64(bitPattern: revision)
                        )
                    )
                }
            }
        } catch {
            throw .of("read", path, error)
        }
    }

    /// Runs `body` on the queue, after what was given to it before, without waiting for it.
    func enqueue(_ body: @escaping @Sendable (PeerTransaction) -> Void) {
        queue.asyncWriteWithoutTransaction { db in body(PeerTransaction(db: db, path: self.path)) }
    }

    /// Notes that revisions up to this one may be given.
    func reserve(_ revision: UInt64) throws(SQLiteStoreError) {
        do {
            try queue.write { db in
                try db.execute(sql: PeerStatement.reserve, arguments: [Int64(bitPattern: revision)])
            }
        } catch {
            throw .of("write to", path, error)
        }
    }

    /// Closes the file.
    func close() throws(SQLiteStoreError) {
        do {
            try queue.close()
        } catch {
            throw .of("close", path, error)
        }
    }

    private func damaged(_ what: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(what) holds what was never written")
    }
}

extension Row {
    /// A column as it is stored; GRDB's typed access stops the process when a damaged file holds something else.
    private func storage(_ column: Int) -> DatabaseValue.Storage {
        (self[column] as DatabaseValue).storage
    }

    func integer(_ column: Int) -> Int64? {
        if case .int64(let number) = storage(column) { number } else { nil }
    }

    /// A revision; nil for what was never given: with it the next could not be counted.
    func revision(_ column: Int) -> Int64? {
        integer(column).flatMap { 0..<(1 << 62) ~= $0 ? $0 : nil }
    }

    func octets(_ column: Int) -> [UInt8]? {
        if case .blob(let data) = storage(column) { [UInt8](data) } else { nil }
    }

    func text(_ column: Int) -> String? {
        if case .string(let text) = storage(column) { text } else { nil }
    }
}

extension [UInt8] {
    /// These octets as SQLite takes them.
    var blob: Data { Data(self) }
}

/// `close`, which is another thing within a type that has a method of that name.
private func closeDescriptor(_ descriptor: Int32) {
    _ = close(descriptor)
}
