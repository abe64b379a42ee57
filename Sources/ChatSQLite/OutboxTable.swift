// What is queued: the statements.

import Chat
import GRDB
import PeerIdentity

/// The outbox and its streams; for use within the writer.
struct OutboxTable {
    let db: Database

    func enqueue(_ draft: Draft, to: PeerIdentifier, _ randomStream: () -> StreamID) throws -> OutgoingMessage {
        let statement = try db.cachedStatement(sql: "SELECT high, low, last FROM streams WHERE folded = ?")
        let (stream, last): (StreamID, Int64)
        if let row = try Row.fetchOne(statement, arguments: [to.folded]) {
            (stream, last) = (StreamID(row, 0), row[2])
        } else {
            (stream, last) = (randomStream(), 0)
        }
        let sequence = last + 1
        try run(
            """
            INSERT INTO streams (folded, high, low, last) VALUES (?, ?, ?, ?)
            ON CONFLICT (folded) DO UPDATE SET last = excluded.last
            """,
            [to.folded, stream.highColumn, stream.lowColumn, sequence]
        )
        try run(
            """
            INSERT INTO outbox (folded, name, high, low, sequence, written, text, state) VALUES (?, ?, ?, ?, ?, ?, ?, 0)
            """,
            [
                to.folded, to.text, stream.highColumn, stream.lowColumn, sequence,
                draft.writtenAtMilliseconds.column, draft.text,
            ]
        )
        let message = ChatMessage(
            sequence: UInt64(sequence),
            sentAtMilliseconds: draft.writtenAtMilliseconds,
            text: draft.text
        )
        return OutgoingMessage(to: to, message: message, stream: stream)
    }

    /// All that is queued, by recipient, oldest first.
    func queued() throws -> [OutgoingMessage] {
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT name, high, low, sequence, written, text FROM outbox WHERE state = 0 ORDER BY folded, id"
        )
        var messages: [OutgoingMessage] = []
        while let row = try rows.next() {
            let name: String = row[0]
            let message = ChatMessage(
                sequence: UInt64(bitPattern: row[3] as Int64),
                sentAtMilliseconds: UInt64(column: row[4]),
                text: row[5]
            )
            messages.append(OutgoingMessage(to: try PeerIdentifier(name), message: message, stream: StreamID(row, 1)))
        }
        return messages
    }

    func remove(_ to: PeerIdentifier, _ stream: StreamID, upTo sequence: UInt64) throws {
        try run(
            "DELETE FROM outbox WHERE folded = ? AND high = ? AND low = ? AND state = 0 AND sequence <= ?",
            [to.folded, stream.highColumn, stream.lowColumn, Int64(clamping: sequence)]
        )
    }

    func fail(_ to: PeerIdentifier, _ stream: StreamID, upTo sequence: UInt64, _ reason: String?, keeping: Int) throws {
        try run(
            """
            UPDATE outbox SET state = 2, reason = ?
            WHERE folded = ? AND high = ? AND low = ? AND state = 0 AND sequence <= ?
            """,
            [reason, to.folded, stream.highColumn, stream.lowColumn, Int64(clamping: sequence)]
        )
        try run(
            """
            DELETE FROM outbox WHERE state = 2
            AND id <= (SELECT id FROM outbox WHERE state = 2 ORDER BY id DESC LIMIT 1 OFFSET ?)
            """,
            [keeping]
        )
    }

    /// New messages begin new streams; what is queued keeps its own.
    func forgetStreams() throws {
        try run("DELETE FROM streams", [])
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

extension StreamID {
    var highColumn: Int64 { Int64(bitPattern: high) }
    var lowColumn: Int64 { Int64(bitPattern: low) }

    /// From two columns, the first at `index`.
    init(_ row: Row, _ index: Int) {
        let (high, low): (Int64, Int64) = (row[index], row[index + 1])
        self.init(high: UInt64(bitPattern: high), low: UInt64(bitPattern: low))
    }
}
