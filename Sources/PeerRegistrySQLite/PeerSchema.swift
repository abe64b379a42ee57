// The tables of the registry's file, and what tells it from any other.

import GRDB

/// The file as SQLite sees it.
///
/// - `registry`: one row. `reserved`: revisions up to this one may have been given; `events_base`: all events after this
///   revision are in `events`.
/// - `peers`: what was registered, in the form of `PackedContent`; large, and written once a record.
/// - `leases`: what a sign of life changes; small, so that thousands a second stay in few pages.
/// - `events`: what watchers of `/changes` were told.
///
/// Names are folded, as UTF-8; times are nanoseconds since 1970.
enum PeerSchema {
    /// "WyPR" in the header of the file: it is ours.
    static let applicationID: Int64 = 0x5779_5052
    /// The version of the tables.
    static let version: Int64 = 1

    /// Creates all tables; within a transaction.
    static func create(_ db: Database, secret: [UInt8]) throws {
        try db.execute(
            sql: """
                CREATE TABLE registry (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    secret BLOB NOT NULL,
                    reserved INTEGER NOT NULL,
                    events_base INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE peers (name BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE leases (
                    name BLOB PRIMARY KEY,
                    revision INTEGER NOT NULL,
                    present_until INTEGER NOT NULL,
                    is_present INTEGER NOT NULL,
                    held_since INTEGER NOT NULL,
                    held_until INTEGER NOT NULL,
                    renewals INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE events (
                    revision INTEGER PRIMARY KEY,
                    kind INTEGER NOT NULL,
                    identifier TEXT NOT NULL,
                    present_until INTEGER NOT NULL
                ) STRICT;
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(version);
                """
        )
        try db.execute(sql: "INSERT INTO registry VALUES (1, ?, 0, 0)", arguments: [secret.blob])
    }
}

/// The statements that are run while the store is in use.
enum PeerStatement {
    static let head = "SELECT secret, reserved, events_base FROM registry"
    static let reserve = "UPDATE registry SET reserved = ?"
    static let setEventsBase = "UPDATE registry SET events_base = ?"
    static let entries = """
        SELECT content, revision, present_until, is_present, held_since, held_until, renewals
        FROM leases LEFT JOIN peers USING (name)
        """
    static let events =
        "SELECT revision, kind, identifier, present_until FROM events WHERE revision > ? ORDER BY revision"
    static let putContent = """
        INSERT INTO peers (name, content) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET content = excluded.content
        """
    static let putLease = """
        INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, present_until = excluded.present_until,
            is_present = excluded.is_present, held_since = excluded.held_since, held_until = excluded.held_until,
            renewals = excluded.renewals
        """
    static let deleteContent = "DELETE FROM peers WHERE name = ?"
    static let deleteLease = "DELETE FROM leases WHERE name = ?"
    static let putEvent = "INSERT INTO events VALUES (?, ?, ?, ?)"
    static let eventCount = "SELECT count(*) FROM events"
    static let newestEvent = "SELECT max(revision) FROM events"
    /// The newest event that is more than so many back.
    static let eventsCut = "SELECT revision FROM events ORDER BY revision DESC LIMIT 1 OFFSET ?"
    static let deleteEvents = "DELETE FROM events WHERE revision <= ?"
}
