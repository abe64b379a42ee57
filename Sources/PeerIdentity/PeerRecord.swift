// What a peer says of itself, under its key: where it listens and to which keys a message to it is sealed.

/// The keys to seal to: member `enc` of a record.
package struct SealingKeySet: Sendable, Hashable {
    /// Suite 1: X25519, 32 octets, not of low order.
    package var x25519: [UInt8]
    /// Suite 2: X-Wing (ML-KEM-768 with X25519), 1,216 octets; nil if not offered.
    package var xWing: [UInt8]?

    package init(x25519: [UInt8], xWing: [UInt8]?) {
        (self.x25519, self.xWing) = (x25519, xWing)
    }
}

/// The payload of a `peer-record+jwt`.
package struct PeerRecord: Sendable, Hashable {
    /// Member `sub`.
    package var identifier: PeerIdentifier
    /// Member `url`.
    package var url: PeerURL
    /// Member `cnf`: whose record it is, and who signed it.
    package var key: PeerKey
    /// Member `enc`.
    package var sealingKeys: SealingKeySet
    /// Member `seq`, below 2^53: grows with each record of a key.
    package var sequence: UInt64
    /// Member `iat`, seconds since 1970.
    package var issuedAt: Int64
    /// Member `exp`, seconds since 1970: at most 24 h after ``issuedAt``.
    package var expiresAt: Int64
    /// Member `ttl`, 2 to 3,600 s: how long the peer is present after each sign of life.
    package var ttlSeconds: Int
    /// Member `prev`: a compact `peer-handover+jwt` in which the old key names this one; nil usually.
    package var handover: String?

    package init(
        identifier: PeerIdentifier,
        url: PeerURL,
        key: PeerKey,
        sealingKeys: SealingKeySet,
        sequence: UInt64,
        issuedAt: Int64,
        expiresAt: Int64,
        ttlSeconds: Int = 30,
        handover: String? = nil
    ) {
        (self.identifier, self.url, self.key, self.sealingKeys) = (identifier, url, key, sealingKeys)
        (self.sequence, self.issuedAt, self.expiresAt) = (sequence, issuedAt, expiresAt)
        (self.ttlSeconds, self.handover) = (ttlSeconds, handover)
    }
}
