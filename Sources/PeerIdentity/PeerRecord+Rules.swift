// What a record must fulfil by itself, before anybody looks at a clock, a table or the signature.

extension PeerRecord {
    /// ``expiresAt`` is at most so much after ``issuedAt``.
    package static let lifetimeSecondsMax: Int64 = 86_400
    /// ``issuedAt`` is at most so much ahead of the reader's clock.
    package static let clockSkewSecondsMax: Int64 = 60
    package static let ttlSecondsAllowed = 2...3_600
    /// ``sequence`` is at most this, 2^53 - 1.
    package static let sequenceMax = PayloadReader.integerMax

    /// Signs it.
    ///
    /// - Parameter identity: The private half of ``key``.
    /// - Returns: The record with the signature.
    /// - Throws: ``PeerIdentityError`` if the record breaks a rule of its own, or names another key; what the crypto
    ///   library throws if it cannot sign.
    package func signed(by identity: IdentityKey) throws -> SignedPeerRecord {
        guard identity.publicKey == key else {
            throw PeerIdentityError(.badKey, "a record is signed by the key that it names")
        }
        try check()
        let text = CompactSignature.signedText(of: payload, use: .record)
        let signed = SignedPeerRecord(record: self, signature: try identity.sign(text))
        guard signed.compact.count <= SignedUse.record.octetsMax else {
            throw PeerIdentityError(.tooLarge, "a record has at most \(SignedUse.record.octetsMax) octets")
        }
        return signed
    }

    /// Checks what needs no clock: times, numbers, keys, the handover's subject and key.
    func check() throws(PeerIdentityError) {
        guard expiresAt > issuedAt, issuedAt >= 0, expiresAt - issuedAt <= Self.lifetimeSecondsMax else {
            throw PeerIdentityError(.malformed, "exp is after iat, by at most \(Self.lifetimeSecondsMax) s")
        }
        guard UInt64(expiresAt) <= PayloadReader.integerMax, sequence <= Self.sequenceMax else {
            throw PeerIdentityError(.malformed, "the numbers of a record are below 2^53")
        }
        guard Self.ttlSecondsAllowed.contains(ttlSeconds) else {
            throw PeerIdentityError(.malformed, "ttl is 2 to 3600 s")
        }
        guard !LowOrderPoint.isEd25519(key.octets) else {
            throw PeerIdentityError(.badKey, "the key of member cnf is of low order")
        }
        try sealingKeys.check()
        guard let handover else { return }
        let payload = try PeerHandover.parse(handover.utf8).payload
        guard payload.identifier.text == identifier.text, payload.newKey == key else {
            throw PeerIdentityError(.malformed, "member prev hands over another name or to another key")
        }
    }
}

extension SealingKeySet {
    /// Whether an agreement with each key comes out different for each sender.
    func check() throws(PeerIdentityError) {
        // RFC 9180 section 7.1.4.
        guard x25519.count == 32, !LowOrderPoint.isX25519(x25519) else {
            throw PeerIdentityError(.badKey, "the X25519 key has 32 octets and is not of low order")
        }
        guard let xWing else { return }
        guard XWingKey.isValid(xWing) else {
            throw PeerIdentityError(.badKey, "the X-Wing key has 1216 octets: ML-KEM-768 and X25519, each valid")
        }
    }
}
