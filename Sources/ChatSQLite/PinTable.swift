// Whom names belong to: the statements.

import Chat
import Foundation
import GRDB
import PeerIdentity

/// The pins; for use within the writer.
struct PinTable {
    let db: Database

    func put(_ pin: Pin, of registry: String) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO pins
                (registry, folded, name, key, record, sequence, suite, blocked, plain, verified)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(arguments: [
            registry, pin.identifier.folded, pin.identifier.text, Data(pin.key.octets),
            pin.record.map { Data($0.compact) }, pin.sequence.column, Int64(pin.suite), pin.isBlocked,
            pin.allowsPlain, pin.isVerified,
        ])
    }

    func all(of registry: String) throws -> [Pin] {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT name, key, record, sequence, suite, blocked, plain, verified FROM pins
                    WHERE registry = ? ORDER BY folded
                    """
            ),
            arguments: [registry]
        )
        var pins: [Pin] = []
        while let row = try rows.next() {
            let (name, octets, record): (String, Data, Data?) = (row[0], row[1], row[2])
            guard let key = PeerKey(octets) else {
                throw ChatError(.storeFailed, "the key that \(name) is pinned to is damaged in the file")
            }
            var pin = Pin(
                identifier: try PeerIdentifier(name),
                key: key,
                record: try record.map { try SignedPeerRecord(parsing: $0) },
                sequence: UInt64(column: row[3]),
                suite: UInt8(clamping: row[4] as Int64)
            )
            (pin.isBlocked, pin.allowsPlain, pin.isVerified) = (row[5], row[6], row[7])
            pins.append(pin)
        }
        return pins
    }
}
