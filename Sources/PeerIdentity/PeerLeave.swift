// A peer's word that it leaves.

/// The payload of a `peer-leave+jwt`: the name is to be taken from the registry, if this key holds it.
package struct PeerLeave: PeerStatement {
    /// Member `sub`.
    package let identifier: PeerIdentifier
    /// Member `seq`, below 2^53: that of the record which it ends, or more; a later record is not ended by it.
    package let sequence: UInt64
    /// Member `exp`, seconds since 1970.
    package let expiresAt: Int64

    package init(identifier: PeerIdentifier, sequence: UInt64, expiresAt: Int64) {
        (self.identifier, self.sequence, self.expiresAt) = (identifier, sequence, expiresAt)
    }

    /// The compact text, signed.
    ///
    /// - Parameter identity: The key that holds the name.
    /// - Returns: What follows `Peer ` in the field Authorization.
    /// - Throws: ``PeerIdentityError`` if a number is not below 2^53; what the crypto library throws if it cannot sign.
    package func signed(by identity: IdentityKey) throws -> String {
        guard sequence <= PeerRecord.sequenceMax, expiresAt >= 0, UInt64(expiresAt) <= PayloadReader.integerMax else {
            throw PeerIdentityError(.malformed, "the numbers of a leave are below 2^53")
        }
        return try compact(signedBy: identity, use: .leave)
    }

    /// Reads a compact text, at most 1,024 octets, in its one canonical form; the signature is not checked.
    package static func parse(_ compact: some Sequence<UInt8>) throws(PeerIdentityError) -> Signed<PeerLeave> {
        try Signed(parsing: compact, use: .leave)
    }

    /// Checks what needs a clock or a path.
    ///
    /// - Parameters:
    ///   - nowSeconds: Seconds since 1970.
    ///   - identifier: Who should be leaving, compared folded.
    /// - Throws: ``PeerIdentityError``: `wrongSubject`, `expired`; `notYetValid` if it expires later than any record.
    package func check(at nowSeconds: Int64, for identifier: PeerIdentifier) throws(PeerIdentityError) {
        guard identifier == self.identifier else {
            throw PeerIdentityError(.wrongSubject, "the leave is of \(self.identifier), not of \(identifier)")
        }
        guard expiresAt > nowSeconds else { throw PeerIdentityError(.expired, "the leave has expired") }
        guard expiresAt - nowSeconds <= PeerRecord.lifetimeSecondsMax + PeerRecord.clockSkewSecondsMax else {
            throw PeerIdentityError(.notYetValid, "the leave expires more than a day ahead; is the clock right?")
        }
    }
}

extension PeerLeave {
    /// Canonical JSON (RFC 8785).
    package var payload: [UInt8] {
        var writer = PayloadWriter()
        writer.append(#"{"exp":"#)
        writer.append(UInt64(clamping: expiresAt))
        writer.append(#","seq":"#)
        writer.append(sequence)
        writer.append(#","sub":""#)
        writer.append(text: identifier.text)
        writer.append(#""}"#)
        return writer.octets
    }

    /// Reads what ``payload`` writes, and nothing else.
    package init(payload: [UInt8]) throws(PeerIdentityError) {
        var reader = PayloadReader(payload)
        try reader.expect(#"{"exp":"#)
        expiresAt = Int64(try reader.integer())
        try reader.expect(#","seq":"#)
        sequence = try reader.integer()
        try reader.expect(#","sub":""#)
        identifier = try PeerIdentifier(try reader.text())
        try reader.expect("}")
        guard reader.isAtEnd else { throw PeerIdentityError(.notCanonical, "something follows the payload") }
    }
}
