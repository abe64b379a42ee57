// A record with its signature: what travels, what a registry keeps, what a client checks.

/// A record with the signature under it; the compact form is rebuilt from the fields, octet for octet.
package struct SignedPeerRecord: Sendable, Hashable {
    package var record: PeerRecord
    /// Ed25519, 64 octets.
    package var signature: [UInt8]

    /// At most so many octets is a record in its compact form.
    package static let octetsMax = SignedUse.record.octetsMax

    package init(record: PeerRecord, signature: [UInt8]) {
        (self.record, self.signature) = (record, signature)
    }

    /// Reads a compact `peer-record+jwt` and checks all that needs neither a clock nor the signature; a few
    /// microseconds.
    ///
    /// What it accepts has one spelling: it is written again from the fields, and every octet must be the same.
    ///
    /// - Parameter compact: The text, at most 8 KiB.
    /// - Throws: ``PeerIdentityError``: `tooLarge`, `malformed`, `notCanonical`, `badIdentifier`, `badURL`, `badKey`.
    package init(parsing compact: some Collection<UInt8>) throws(PeerIdentityError) {
        guard compact.count <= Self.octetsMax else {
            throw PeerIdentityError(.tooLarge, "a record has at most \(Self.octetsMax) octets")
        }
        let text = Array(compact)
        let parts = try CompactSignature(text, use: .record)
        record = try PeerRecord(payload: parts.payload)
        signature = parts.signature
        try record.check()
        guard self.compact == text else {
            throw PeerIdentityError(.notCanonical, "the record is not written in its one canonical form")
        }
    }

    /// Whether both are the same octets: the name in the same letters too, which ``PeerIdentifier`` does not compare, for
    /// the signature is over those.
    package static func == (left: SignedPeerRecord, right: SignedPeerRecord) -> Bool {
        left.signature == right.signature && left.record == right.record
            && left.record.identifier.text.utf8.elementsEqual(right.record.identifier.text.utf8)
    }

    /// The text that travels: header, payload, signature (RFC 7515 section 7.1).
    package var compact: [UInt8] {
        CompactSignature.compact(record.payload, signature: signature, use: .record)
    }

    /// Whether the signature is that of the key in the record; about 100 microseconds.
    package var isSignatureValid: Bool {
        record.key.isValid(
            signature: signature,
            of: CompactSignature.signedText(of: record.payload, use: .record)
        )
    }

    /// Checks what needs a clock or a path.
    ///
    /// - Parameters:
    ///   - nowSeconds: Seconds since 1970.
    ///   - identifier: Whose record it should be, compared folded; nil: anybody's.
    /// - Throws: ``PeerIdentityError``: `wrongSubject`, `expired`, `notYetValid`.
    package func check(at nowSeconds: Int64, for identifier: PeerIdentifier?) throws(PeerIdentityError) {
        if let identifier, identifier != record.identifier {
            throw PeerIdentityError(.wrongSubject, "the record is of \(record.identifier), not of \(identifier)")
        }
        guard record.expiresAt > nowSeconds else {
            throw PeerIdentityError(.expired, "the record expired \(nowSeconds - record.expiresAt) s ago")
        }
        guard record.issuedAt - PeerRecord.clockSkewSecondsMax <= nowSeconds else {
            throw PeerIdentityError(
                .notYetValid,
                "the record is of a time \(record.issuedAt - nowSeconds) s ahead; is the clock right?"
            )
        }
    }
}
