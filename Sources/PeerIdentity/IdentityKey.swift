// A peer's private key: who has it is the peer.

import Crypto
import Foundation

/// An Ed25519 private key; its octets are never logged nor described.
package struct IdentityKey: Sendable, CustomStringConvertible {
    package let publicKey: PeerKey
    private let key: Curve25519.Signing.PrivateKey

    /// A new one, from the crypto library's randomness.
    package init() {
        self.init(Curve25519.Signing.PrivateKey())
    }

    /// The key of this seed (RFC 8032 section 5.1.5).
    ///
    /// - Parameter rawRepresentation: 32 octets.
    /// - Throws: ``PeerIdentityError`` with ``PeerIdentityError/Code/badKey``.
    package init(rawRepresentation: some Collection<UInt8>) throws(PeerIdentityError) {
        // The library refuses nothing but a wrong length.
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(rawRepresentation)) else {
            throw PeerIdentityError(.badKey, "an identity key has 32 octets, not \(rawRepresentation.count)")
        }
        self.init(key)
    }

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        publicKey = PeerKey(thirtyTwo: key.publicKey.rawRepresentation)
    }

    /// The seed, 32 octets: whoever has it is this peer.
    package var rawRepresentation: [UInt8] { Array(key.rawRepresentation) }

    /// The signature of `message`, 64 octets (RFC 8032 section 5.1.6).
    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message))
    }

    package var description: String { "IdentityKey(\(publicKey))" }
}
