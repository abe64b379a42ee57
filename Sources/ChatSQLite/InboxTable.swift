// What came: the statements.

import Chat
import Foundation
import GRDB
import PeerIdentity

/// The highest numbers, and the texts that belong to them; for use within the writer.
struct InboxTable {
    let db: Database
    let limits: ChatStoreLimits

    /// Stores what is new in `body`.
    func receive(_ body: IncomingBody, at milliseconds: UInt64) throws -> StoredBody {
        let sender = Data(body.sender.octets)
        let (high, low) = (body.stream.highColumn, body.stream.lowColumn)
        let highest = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT highest FROM marks WHERE sender = ? AND high = ? AND low = ?"),
            arguments: [sender, high, low]
        )
        let fresh = StoredBody(body.messages, after: highest.map { UInt64(column: $0) } ?? 0)
        guard highest != nil || !fresh.new.isEmpty else { return fresh }
        if highest == nil { try makeRoom(for: sender) }
        try run(
            """
            INSERT INTO marks (sender, high, low, highest, used)
            VALUES (?, ?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM marks))
            ON CONFLICT (sender, high, low) DO UPDATE SET highest = excluded.highest, used = excluded.used
            """,
            [sender, high, low, fresh.highest.column]
        )
        for message in fresh.new {
            try run(
                """
                INSERT INTO lines (outgoing, peer, at, text, sealed, unshown, sender, high, low, sequence, sent, claimed)
                VALUES (0, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?)
                """,
                [
                    body.shownAs, milliseconds.column, message.text, sender, high, low, message.sequence.column,
                    message.sentAtMilliseconds.column, body.from.text,
                ]
            )
        }
        return fresh
    }

    /// What was not marked as shown, oldest first, as bodies.
    func unshown() throws -> [IncomingBody] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT claimed, sender, high, low, sequence, sent, text, peer FROM lines WHERE unshown = 1 ORDER BY id
                """
        )
        var bodies: [IncomingBody] = []
        while let row = try rows.next() {
            guard let octets: Data = row[1], let sender = PeerKey(octets) else { continue }
            let (name, stream): (String, StreamID) = (row[0], StreamID(row, 2))
            let message = ChatMessage(
                sequence: UInt64(column: row[4]),
                sentAtMilliseconds: UInt64(column: row[5]),
                text: row[6]
            )
            if let last = bodies.last, last.sender == sender, last.stream == stream, last.from.text == name {
                bodies[bodies.count - 1].messages.append(message)
            } else {
                let from = try PeerIdentifier(name)
                bodies.append(
                    IncomingBody(sender: sender, from: from, stream: stream, messages: [message], shownAs: row[7])
                )
            }
        }
        return bodies
    }

    /// Marks as shown; `keeping`: the texts stay as history.
    func markShown(from sender: PeerKey, _ stream: StreamID, upTo sequence: UInt64, keeping: Bool) throws {
        try run(
            (keeping ? "UPDATE lines SET unshown = 0" : "DELETE FROM lines")
                + " WHERE unshown = 1 AND sender = ? AND high = ? AND low = ? AND sequence <= ?",
            [Data(sender.octets), stream.highColumn, stream.lowColumn, sequence.column]
        )
    }

    /// Gives up the oldest of what is not shown beyond the limit.
    func boundUnshown(keeping: Bool) throws {
        let statement = try db.cachedStatement(sql: "SELECT count(*) FROM lines WHERE unshown = 1")
        let count = try Int.fetchOne(statement) ?? 0
        guard count > limits.unshownMax else { return }
        try run(
            (keeping ? "UPDATE lines SET unshown = 0" : "DELETE FROM lines")
                + " WHERE id IN (SELECT id FROM lines WHERE unshown = 1 ORDER BY id LIMIT ?)",
            [count - limits.unshownMax]
        )
    }

    /// Drops the least recently used stream of this key, or of keys that are pinned to no name, if there are too many.
    private func makeRoom(for sender: Data) throws {
        try run(
            """
            DELETE FROM marks WHERE sender = ?1 AND used <=
            (SELECT used FROM marks WHERE sender = ?1 ORDER BY used DESC LIMIT 1 OFFSET ?2)
            """,
            [sender, max(0, limits.streamsPerKeyMax - 1)]
        )
        let statement = try db.cachedStatement(sql: "SELECT marks FROM store")
        guard try Int.fetchOne(statement) ?? 0 >= limits.streamsMax else { return }
        try run(
            """
            DELETE FROM marks WHERE used =
            (SELECT used FROM marks WHERE sender NOT IN (SELECT key FROM pins) ORDER BY used LIMIT 1)
            """,
            []
        )
    }

    private func run(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
