// A peer's public key: what a name belongs to.

import Crypto
import Foundation

/// An Ed25519 public key, 32 octets.
package struct PeerKey: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Nil unless there are 32 octets; whether they are a point of the curve shows when a signature is checked.
    package init?(_ octets: some Collection<UInt8>) {
        guard octets.count == 32 else { return nil }
        self.init(thirtyTwo: octets)
    }

    /// Of octets that are known to be 32.
    init(thirtyTwo octets: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var index = 0
        for octet in octets {
            switch index >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(octet)
            case 1: words.1 = words.1 << 8 | UInt64(octet)
            case 2: words.2 = words.2 << 8 | UInt64(octet)
            default: words.3 = words.3 << 8 | UInt64(octet)
            }
            index += 1
        }
        self.words = words
    }

    /// Nil unless it is the base64url of 32 octets.
    package init?(base64URL text: some StringProtocol) {
        guard let octets = Base64URL.decode(text.utf8) else { return nil }
        self.init(octets)
    }

    package var octets: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            for (place, word) in [words.0, words.1, words.2, words.3].enumerated() {
                for index in 0..<8 { buffer[place * 8 + index] = UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
            }
            count = 32
        }
    }

    /// 43 characters: member `x` of a JWK (RFC 8037 section 2).
    package var base64URL: String { Base64URL.encode(octets) }

    /// Whether `signature` is this key's under `message` (RFC 8032 section 5.1.7); about 100 microseconds.
    package func isValid(signature: some Sequence<UInt8>, of message: some Sequence<UInt8>) -> Bool {
        // What is no key has signed nothing.
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: octets) else { return false }
        return key.isValidSignature(Array(signature), for: Array(message))
    }

    package static func == (left: PeerKey, right: PeerKey) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension PeerKey: Comparable {
    /// By octets, first one first: the order in which safety words stand.
    package static func < (left: PeerKey, right: PeerKey) -> Bool { left.words < right.words }
}

extension PeerKey: CustomStringConvertible {
    package var description: String { base64URL }
}
