// The tables of the index, and what tells an index of ours from any other file.

import GRDB
import HTTPCache

/// The index as SQLite sees it.
///
/// - `responses`: one row a stored response. `key` is the whole key, not its hash, which differs in each process.
///   `checksum` is of the rest of the row, see ``StoredRecord/checksum``.
/// - `segments`: what holds octets: segments with their runs as ``ExtentCoding`` writes them, and inline bodies as segment -1
///   without any. `used` is twice a counter, not a clock, of what was last stored or used; one more if it was used again
///   since it was stored.
/// - `store`: one row. `era` counts the times that the system went down while the store was in use: runs of an earlier
///   era are checked before use. `used_bytes` is the sum of `segments.bytes`, kept by triggers, so that it is exact without a scan.
enum IndexSchema {
    /// "WyHC" in the header of the file: it is ours.
    static let applicationID: UInt32 = 0x5779_4843
    /// The version of the tables; an index with another one is not read.
    static let version: UInt32 = 2
    /// The segment that stands for an inline body.
    static let inlineIndex = -1
    /// The bit of `segments.used` that says that it was used again.
    static let usedAgain: Int64 = 1

    /// Creates all tables.
    static func create(_ db: Database) throws {
        try db.execute(
            sql: """
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(version);
                CREATE TABLE store (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    boot TEXT NOT NULL,
                    clean INTEGER NOT NULL,
                    era INTEGER NOT NULL,
                    used_bytes INTEGER NOT NULL
                ) STRICT;
                INSERT INTO store VALUES (1, '', 1, 0, 0);
                CREATE TABLE responses (
                    id INTEGER PRIMARY KEY,
                    key BLOB NOT NULL,
                    metadata BLOB NOT NULL,
                    length INTEGER,
                    inline BLOB,
                    checksum INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX responses_key ON responses (key);
                CREATE TABLE segments (
                    response INTEGER NOT NULL,
                    idx INTEGER NOT NULL,
                    bytes INTEGER NOT NULL,
                    used INTEGER NOT NULL,
                    extents BLOB,
                    PRIMARY KEY (response, idx)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX segments_used ON segments (used, bytes);
                CREATE TRIGGER segments_inserted AFTER INSERT ON segments BEGIN
                    UPDATE store SET used_bytes = used_bytes + new.bytes;
                END;
                CREATE TRIGGER segments_updated AFTER UPDATE OF bytes ON segments WHEN new.bytes <> old.bytes BEGIN
                    UPDATE store SET used_bytes = used_bytes + new.bytes - old.bytes;
                END;
                CREATE TRIGGER segments_deleted AFTER DELETE ON segments BEGIN
                    UPDATE store SET used_bytes = used_bytes - old.bytes;
                END;
                """
        )
    }
}

/// The statements that make changes facts.
enum IndexStatement {
    static let putResponse = """
        INSERT INTO responses (id, key, metadata, length, inline, checksum) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET key = excluded.key, metadata = excluded.metadata,
            length = excluded.length, inline = excluded.inline, checksum = excluded.checksum
        """
    static let putSegment = """
        INSERT INTO segments (response, idx, bytes, used, extents)
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM responses WHERE id = ?1)
        ON CONFLICT (response, idx) DO UPDATE SET bytes = excluded.bytes, used = excluded.used | (used & 1),
            extents = excluded.extents
        """
    /// For a response that was put just now.
    static let putInline = """
        INSERT INTO segments (response, idx, bytes, used, extents) VALUES (?, ?, ?, ?, NULL)
        ON CONFLICT (response, idx) DO UPDATE SET bytes = excluded.bytes, used = excluded.used | (used & 1),
            extents = excluded.extents
        """
    static let deleteSegment = "DELETE FROM segments WHERE response = ? AND idx = ?"
    static let deleteSegments = "DELETE FROM segments WHERE response = ?"
    static let deleteResponse = "DELETE FROM responses WHERE id = ?"
    static let deleteEmptyResponse = """
        DELETE FROM responses WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM segments WHERE response = ?1)
        """
    static let touch = "UPDATE segments SET used = ? WHERE response = ? AND idx = ?"
    static let usedBytes = "SELECT used_bytes FROM store"
    static let lastUse = "SELECT max(used) FROM segments"
    static let state = "SELECT boot, clean, era FROM store"
    static let markRunning = "UPDATE store SET boot = ?, clean = 0, era = ?"
    static let markClean = "UPDATE store SET clean = 1"
    static let responseExists = "SELECT 1 FROM responses WHERE id = ?"
    static let responses = "SELECT id, metadata, length, inline, checksum FROM responses WHERE key = ?"
    static let responseCount = "SELECT count(*) FROM responses"
    // From the index by keys alone: the table would be read with all its small bodies.
    static let keys = "SELECT key FROM responses INDEXED BY responses_key WHERE key > ? ORDER BY key LIMIT ?"
    static let emptiness = """
        SELECT id, NOT EXISTS (SELECT 1 FROM segments WHERE response = responses.id), key
        FROM responses INDEXED BY responses_key WHERE (key, id) > (?, ?) ORDER BY key, id LIMIT ?
        """
    static let segment = "SELECT extents FROM segments WHERE response = ? AND idx = ?"
    static let segments = "SELECT idx, extents FROM segments WHERE response = ? AND idx >= 0"
    // All columns are in the index, so that a page is read in one go.
    static let units = """
        SELECT response, idx, bytes, used FROM segments INDEXED BY segments_used WHERE used > ? ORDER BY used LIMIT ?
        """
}
