// The old key's word that a name goes to a new one.

/// The payload of a `peer-handover+jwt`, signed by the old key.
package struct PeerHandover: PeerStatement {
    /// Member `sub`.
    package let identifier: PeerIdentifier
    /// Member `seq`, below 2^53: numbered with the old key's records.
    package let sequence: UInt64
    /// Member `x`: whose name it is from now on.
    package let newKey: PeerKey

    package init(identifier: PeerIdentifier, sequence: UInt64, newKey: PeerKey) {
        (self.identifier, self.sequence, self.newKey) = (identifier, sequence, newKey)
    }

    /// The compact text, signed.
    ///
    /// - Parameter identity: The old key.
    /// - Returns: Member `prev` of the new key's first record.
    /// - Throws: ``PeerIdentityError`` if ``sequence`` is not below 2^53; what the crypto library throws if it cannot
    ///   sign.
    package func signed(by identity: IdentityKey) throws -> String {
        guard sequence <= PeerRecord.sequenceMax else {
            throw PeerIdentityError(.malformed, "the numbers of a handover are below 2^53")
        }
        return try compact(signedBy: identity, use: .handover)
    }

    /// Reads a compact text, at most 1,024 octets, in its one canonical form; the signature is not checked.
    package static func parse(_ compact: some Sequence<UInt8>) throws(PeerIdentityError) -> Signed<PeerHandover> {
        try Signed(parsing: compact, use: .handover)
    }
}

extension PeerHandover {
    /// Canonical JSON (RFC 8785).
    package var payload: [UInt8] {
        var writer = PayloadWriter()
        writer.append(#"{"seq":"#)
        writer.append(sequence)
        writer.append(#","sub":""#)
        writer.append(text: identifier.text)
        writer.append(#"","x":""#)
        writer.append(base64URL: newKey.octets)
        writer.append(#""}"#)
        return writer.octets
    }

    /// Reads what ``payload`` writes, and nothing else.
    package init(payload: [UInt8]) throws(PeerIdentityError) {
        var reader = PayloadReader(payload)
        try reader.expect(#"{"seq":"#)
        sequence = try reader.integer()
        try reader.expect(#","sub":""#)
        identifier = try PeerIdentifier(try reader.text())
        try reader.expect(#","x":""#)
        newKey = PeerKey(thirtyTwo: try reader.binary(32, "x"))
        try reader.expect("}")
        guard reader.isAtEnd else { throw PeerIdentityError(.notCanonical, "something follows the payload") }
    }
}
