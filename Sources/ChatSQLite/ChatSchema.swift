// The tables of a person's conversations, and what tells our file from any other.

import GRDB

/// The file as SQLite sees it.
///
/// - `store`: one row: in which boot of the system it was last used, and whether it was closed; how many marks there are.
/// - `streams`: the stream of each recipient, and the last number given out in it.
/// - `outbox`: what is queued (`state` 0), or failed, in order of `id`; what is delivered is deleted.
/// - `marks`: the highest number stored of each sender's stream. `used` counts up with each use.
/// - `lines`: the history, and, `unshown`, what was received and not marked as shown; `peer` is the name as it is shown,
///   `claimed` the one that the body gives.
/// - `pins`: whom names belong to.
///
/// Numbers of 64 bits that others choose are kept as what ``UInt64/column`` makes of them, so that they keep their order.
enum ChatSchema {
    /// "WyCh" in the header of the file: it is ours.
    static let applicationID: Int64 = 0x5779_4368

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: outbox)
            try db.execute(sql: inbox)
        }
        return migrator
    }

    private static let outbox = """
        CREATE TABLE store (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            boot TEXT NOT NULL,
            clean INTEGER NOT NULL,
            marks INTEGER NOT NULL
        ) STRICT;
        INSERT INTO store VALUES (1, '', 1, 0);
        CREATE TABLE streams (
            folded TEXT PRIMARY KEY,
            high INTEGER NOT NULL,
            low INTEGER NOT NULL,
            last INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            folded TEXT NOT NULL,
            name TEXT NOT NULL,
            high INTEGER NOT NULL,
            low INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            written INTEGER NOT NULL,
            text TEXT NOT NULL,
            state INTEGER NOT NULL,
            reason TEXT
        ) STRICT;
        CREATE INDEX outbox_queued ON outbox (folded, high, low, sequence) WHERE state = 0;
        CREATE INDEX outbox_failed ON outbox (id) WHERE state = 2;
        """

    private static let inbox = """
        CREATE TABLE marks (
            sender BLOB NOT NULL,
            high INTEGER NOT NULL,
            low INTEGER NOT NULL,
            highest INTEGER NOT NULL,
            used INTEGER NOT NULL,
            PRIMARY KEY (sender, high, low)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX marks_used ON marks (used);
        CREATE TRIGGER marks_inserted AFTER INSERT ON marks BEGIN
            UPDATE store SET marks = marks + 1;
        END;
        CREATE TRIGGER marks_deleted AFTER DELETE ON marks BEGIN
            UPDATE store SET marks = marks - 1;
        END;
        CREATE TABLE lines (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            outgoing INTEGER NOT NULL,
            peer TEXT NOT NULL,
            at INTEGER NOT NULL,
            text TEXT NOT NULL,
            sealed INTEGER NOT NULL,
            unshown INTEGER NOT NULL,
            sender BLOB,
            high INTEGER,
            low INTEGER,
            sequence INTEGER,
            sent INTEGER,
            claimed TEXT
        ) STRICT;
        CREATE INDEX lines_unshown ON lines (sender, high, low, sequence) WHERE unshown = 1;
        CREATE TABLE pins (
            registry TEXT NOT NULL,
            folded TEXT NOT NULL,
            name TEXT NOT NULL,
            key BLOB NOT NULL,
            record BLOB,
            sequence INTEGER NOT NULL,
            suite INTEGER NOT NULL,
            blocked INTEGER NOT NULL,
            plain INTEGER NOT NULL,
            verified INTEGER NOT NULL,
            PRIMARY KEY (registry, folded)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX pins_key ON pins (key);
        """
}

extension UInt64 {
    /// An integer that SQLite orders as these numbers are ordered.
    var column: Int64 { Int64(bitPattern: self ^ 1 << 63) }

    init(column: Int64) {
        self = UInt64(bitPattern: column) ^ 1 << 63
    }
}
