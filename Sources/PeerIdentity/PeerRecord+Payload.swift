// The payload of a record as canonical JSON (RFC 8785): written, and read back in that one form.

extension PeerRecord {
    /// Its octets.
    var payload: [UInt8] {
        var writer = PayloadWriter()
        writer.append(#"{"cnf":{"jwk":{"crv":"Ed25519","kty":"OKP","x":""#)
        writer.append(base64URL: key.octets)
        writer.append(#""}},"enc":{"1":""#)
        writer.append(base64URL: sealingKeys.x25519)
        if let xWing = sealingKeys.xWing {
            writer.append(#"","2":""#)
            writer.append(base64URL: xWing)
        }
        writer.append(#""},"exp":"#)
        writer.append(UInt64(clamping: expiresAt))
        writer.append(#","iat":"#)
        writer.append(UInt64(clamping: issuedAt))
        if let handover {
            writer.append(#","prev":""#)
            writer.append(text: handover)
            writer.append(#"""#)
        }
        writer.append(#","seq":"#)
        writer.append(sequence)
        writer.append(#","sub":""#)
        writer.append(text: identifier.text)
        writer.append(#"","ttl":"#)
        writer.append(UInt64(clamping: ttlSeconds))
        writer.append(#","url":""#)
        writer.append(text: url.text)
        writer.append(#""}"#)
        return writer.octets
    }

    /// Reads what ``payload`` writes, and nothing else.
    init(payload: [UInt8]) throws(PeerIdentityError) {
        var reader = PayloadReader(payload)
        try reader.expect(#"{"cnf":{"jwk":{"crv":"Ed25519","kty":"OKP","x":""#)
        let key = PeerKey(thirtyTwo: try reader.binary(32, "x"))
        try reader.expect(#"}},"enc":{"1":""#)
        let x25519 = try reader.binary(32, "enc.1")
        let xWing = reader.skip(#","2":""#) ? try reader.binary(XWingKey.length, "enc.2") : nil
        try reader.expect(#"},"exp":"#)
        let expiresAt = try reader.integer()
        try reader.expect(#","iat":"#)
        let issuedAt = try reader.integer()
        let handover = reader.skip(#","prev":""#) ? try reader.text() : nil
        try reader.expect(#","seq":"#)
        let sequence = try reader.integer()
        try reader.expect(#","sub":""#)
        let identifier = try PeerIdentifier(try reader.text())
        try reader.expect(#","ttl":"#)
        let ttlSeconds = try reader.integer()
        try reader.expect(#","url":""#)
        let url = try PeerURL(try reader.text())
        try reader.expect("}")
        guard reader.isAtEnd else { throw PeerIdentityError(.notCanonical, "something follows the payload") }
        self.init(
            identifier: identifier,
            url: url,
            key: key,
            sealingKeys: SealingKeySet(x25519: x25519, xWing: xWing),
            sequence: sequence,
            issuedAt: Int64(issuedAt),
            expiresAt: Int64(expiresAt),
            ttlSeconds: Int(ttlSeconds),
            handover: handover
        )
    }
}
