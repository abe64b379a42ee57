// The compact serialisation of a JWS (RFC 7515 section 7.1), of which this protocol uses one spelling.

/// What a signature is made for; a signature for one use is none for another.
struct SignedUse: Sendable, Hashable {
    /// Member `typ` of the header.
    let type: String
    /// The header and the dot behind it, as they stand in the text.
    let prefix: [UInt8]
    /// Octets of the whole text.
    let octetsMax: Int

    private init(_ type: String, octetsMax: Int) {
        self.type = type
        self.octetsMax = octetsMax
        // RFC 8037 section 3.1.
        prefix = Array((Base64URL.encode(#"{"alg":"EdDSA","typ":"\#(type)"}"#.utf8) + ".").utf8)
    }

    static let record = SignedUse("peer-record+jwt", octetsMax: 8_192)
    static let leave = SignedUse("peer-leave+jwt", octetsMax: 1_024)
    static let handover = SignedUse("peer-handover+jwt", octetsMax: 1_024)
}

/// The two parts of a compact text that say something.
struct CompactSignature: Sendable, Hashable {
    /// JSON, canonical.
    let payload: [UInt8]
    /// Ed25519, 64 octets.
    let signature: [UInt8]

    /// The dot and 64 octets in base64url.
    static let signatureLength = 87

    /// Takes a text apart; neither reads the payload nor checks the signature.
    init(_ text: [UInt8], use: SignedUse) throws(PeerIdentityError) {
        guard text.count <= use.octetsMax else {
            throw PeerIdentityError(.tooLarge, "a \(use.type) has at most \(use.octetsMax) octets")
        }
        guard text.starts(with: use.prefix) else {
            throw PeerIdentityError(.malformed, "this does not begin with the header of a \(use.type)")
        }
        let payloadEnd = text.count - Self.signatureLength
        guard payloadEnd > use.prefix.count, text[payloadEnd] == UInt8(ascii: "."),
            let signature = Base64URL.decode(text[(payloadEnd + 1)...])
        else { throw PeerIdentityError(.malformed, "a \(use.type) ends with a signature of 64 octets in base64url") }
        guard let payload = Base64URL.decode(text[use.prefix.count..<payloadEnd]) else {
            throw PeerIdentityError(.malformed, "the payload of a \(use.type) is base64url without padding")
        }
        (self.payload, self.signature) = (payload, signature)
    }

    /// What is signed: header, dot, payload (RFC 7515 section 5.1).
    static func signedText(of payload: [UInt8], use: SignedUse) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(use.prefix.count + (payload.count * 4 + 2) / 3 + signatureLength)
        text += use.prefix
        Base64URL.append(payload, to: &text)
        return text
    }

    static func compact(_ payload: [UInt8], signature: [UInt8], use: SignedUse) -> [UInt8] {
        var text = signedText(of: payload, use: use)
        text.append(UInt8(ascii: "."))
        Base64URL.append(signature, to: &text)
        return text
    }
}
