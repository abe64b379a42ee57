// A record with a fixed key and every field, for tests that change one of them.

import PeerIdentity

/// Fixed keys and times.
enum RecordFixture {
    /// Octets 0 to 31.
    static func identity(_ first: UInt8 = 0) throws -> IdentityKey {
        try IdentityKey(rawRepresentation: (0..<32).map { first &+ $0 })
    }

    static let issuedAt: Int64 = 1_800_000_000

    /// Suite 1 only, no handover.
    static func record(_ name: String = "Alice") throws -> PeerRecord {
        PeerRecord(
            identifier: try PeerIdentifier(name),
            url: try PeerURL("http://127.0.0.1:8081/"),
            key: try identity().publicKey,
            sealingKeys: SealingKeySet(x25519: [9] + [UInt8](repeating: 7, count: 31), xWing: nil),
            sequence: 7,
            issuedAt: issuedAt,
            expiresAt: issuedAt + 3_600
        )
    }

    /// With an X-Wing key and a handover from the key that begins with 100.
    static func fullRecord() throws -> PeerRecord {
        var record = try record()
        record.sealingKeys.xWing = (0..<1_216).map { $0 % 3 == 2 ? 0x5a : UInt8(truncatingIfNeeded: $0 & 0x0b) }
        record.handover = try PeerHandover(identifier: record.identifier, sequence: 6, newKey: record.key)
            .signed(by: identity(100))
        return record
    }
}
