// Writing a batch to the file.

import Foundation
import GRDB
import HTTP
import PeerIdentity
import PeerRegistry

/// The connection while the queue runs something of ours.
struct PeerTransaction {
    /// What one transaction makes fact.
    struct Contents {
        /// Folded names with what is held (nil: the name is free) and whether not only the lease changed.
        var entries: [(name: String, entry: PackedEntry?, hasContent: Bool)]
        var events: [PeerEvent]
        /// Events up to this revision are no longer in the file, though they are not replaced.
        var eventsBase: UInt64?
        /// A new bound for revisions.
        var reserved: UInt64?
    }

    let db: Database
    let path: String

    /// Writes all of it or nothing.
    func commit(_ contents: Contents) throws(SQLiteStoreError) {
        do {
            try db.inTransaction(.immediate) {
                for (name, entry, hasContent) in contents.entries { try put(Data(name.utf8), entry, hasContent) }
                if let base = contents.eventsBase { try cutEvents(upTo: base) }
                let statement = try db.cachedStatement(sql: PeerStatement.putEvent)
                for event in contents.events {
                    try statement.execute(arguments: [
                        Int64(bitPattern: event.revision), Int64(event.kind.rawValue), event.identifier.text,
                        event.presentUntil.nanoseconds,
                    ])
                }
                if let reserved = contents.reserved {
                    try run(PeerStatement.reserve, [Int64(bitPattern: reserved)])
                }
                return .commit
            }
        } catch {
            throw .of("write to", path, error)
        }
    }

    /// Deletes all events but the newest `eventsMax`.
    func trimEvents(to eventsMax: Int) throws(SQLiteStoreError) {
        do {
            try db.inTransaction(.immediate) {
                let row = try Row.fetchOne(db.cachedStatement(sql: PeerStatement.eventsCut), arguments: [eventsMax])
                if let cut = row?.integer(0) { try cutEvents(upTo: UInt64(bitPattern: cut)) }
                return .commit
            }
        } catch {
            throw .of("write to", path, error)
        }
    }

    private func cutEvents(upTo revision: UInt64) throws {
        try run(PeerStatement.deleteEvents, [Int64(bitPattern: revision)])
        try run(PeerStatement.setEventsBase, [Int64(bitPattern: revision)])
    }

    private func put(_ name: Data, _ entry: PackedEntry?, _ hasContent: Bool) throws {
        guard let entry else {
            try run(PeerStatement.deleteLease, [name])
            try run(PeerStatement.deleteContent, [name])
            return
        }
        if hasContent { try run(PeerStatement.putContent, [name, entry.content.octets.blob]) }
        try run(
            PeerStatement.putLease,
            [
                name, Int64(bitPattern: entry.revision), entry.presentUntil.nanoseconds, entry.isPresent,
                entry.heldSince.nanoseconds, entry.heldUntil.nanoseconds, Int64(bitPattern: entry.renewals),
            ]
        )
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
