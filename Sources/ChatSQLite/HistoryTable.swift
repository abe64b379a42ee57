// The lines of the history: the statements.

import Chat
import GRDB

/// The history; for use within the writer.
struct HistoryTable {
    let db: Database

    func add(_ line: HistoryLine) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO lines (outgoing, peer, at, text, sealed, unshown) VALUES (?, ?, ?, ?, ?, 0)"
        )
        try statement.execute(arguments: [
            line.isOutgoing, line.peer, line.atMilliseconds.column, line.text, line.isSealed,
        ])
    }

    /// The last lines, oldest first.
    func last(_ limit: Int) throws -> [HistoryLine] {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT outgoing, peer, at, text, sealed FROM lines ORDER BY id DESC LIMIT ?"
            ),
            arguments: [max(0, limit)]
        )
        return rows.reversed().map { row in
            HistoryLine(
                isOutgoing: row[0],
                peer: row[1],
                atMilliseconds: UInt64(column: row[2]),
                text: row[3],
                isSealed: row[4]
            )
        }
    }

    /// Deletes the oldest beyond `count`.
    func bound(to count: Int) throws {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM lines WHERE unshown = 0 AND id <= (SELECT max(id) FROM lines) - ?"
        )
        try statement.execute(arguments: [count])
    }
}
