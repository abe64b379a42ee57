// Small signed statements beside the record: a leave, a handover.

/// What can be signed: its use and its one canonical form.
package protocol PeerStatement: Sendable, Hashable {
    /// Canonical JSON (RFC 8785).
    var payload: [UInt8] { get }

    /// Reads what ``payload`` writes, and nothing else.
    init(payload: [UInt8]) throws(PeerIdentityError)
}

/// A statement with the signature under it.
package struct Signed<Payload: PeerStatement>: Sendable, Hashable {
    package let payload: Payload
    /// Ed25519, 64 octets.
    package let signature: [UInt8]
    private let use: SignedUse

    init(payload: Payload, signature: [UInt8], use: SignedUse) {
        (self.payload, self.signature, self.use) = (payload, signature, use)
    }

    /// The text that travels.
    package var compact: String {
        String(decoding: CompactSignature.compact(payload.payload, signature: signature, use: use), as: UTF8.self)
    }

    /// Whether `key` signed it; about 100 microseconds.
    package func isSignatureValid(by key: PeerKey) -> Bool {
        key.isValid(signature: signature, of: CompactSignature.signedText(of: payload.payload, use: use))
    }

    init(parsing compact: some Sequence<UInt8>, use: SignedUse) throws(PeerIdentityError) {
        // One more than allowed is enough to see that it is too much.
        let text = Array(compact.prefix(use.octetsMax + 1))
        let parts = try CompactSignature(text, use: use)
        let payload = try Payload(payload: parts.payload)
        self.init(payload: payload, signature: parts.signature, use: use)
        guard CompactSignature.compact(payload.payload, signature: signature, use: use) == text else {
            throw PeerIdentityError(.notCanonical, "the \(use.type) is not written in its one canonical form")
        }
    }
}

extension PeerStatement {
    func compact(signedBy identity: IdentityKey, use: SignedUse) throws -> String {
        let signature = try identity.sign(CompactSignature.signedText(of: payload, use: use))
        return Signed(payload: self, signature: signature, use: use).compact
    }
}
