// The private sealing keys of one hour.

import Crypto
package import PeerIdentity

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A private key for each suite; in memory only, never written anywhere.
package struct SealingKeys: Sendable {
    private let x25519: Curve25519.KeyAgreement.PrivateKey
    private let xWing: XWingMLKEM768X25519.PrivateKey
    private let x25519ID: SealingKeyID
    private let xWingID: SealingKeyID
    /// What is published in the record.
    package let publicSet: SealingKeySet

    /// New keys, by the library's own randomness.
    package init() throws(SealingError) {
        do {
            self.init(x25519: Curve25519.KeyAgreement.PrivateKey(), xWing: try XWingMLKEM768X25519.PrivateKey())
        } catch {
            throw SealingError(.failed, "making sealing keys failed: \(error)")
        }
    }

    /// Given keys, for test vectors: a raw X25519 key and an X-Wing seed, 32 octets each.
    package init(x25519: [UInt8], xWingSeed: [UInt8]) throws(SealingError) {
        do {
            self.init(
                x25519: try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: x25519),
                xWing: try XWingMLKEM768X25519.PrivateKey(seedRepresentation: xWingSeed, publicKey: nil)
            )
        } catch {
            throw SealingError(.badKeys, "a sealing key is not 32 octets")
        }
    }

    private init(x25519: Curve25519.KeyAgreement.PrivateKey, xWing: XWingMLKEM768X25519.PrivateKey) {
        let x25519Public = [UInt8](x25519.publicKey.rawRepresentation)
        let xWingPublic = [UInt8](xWing.publicKey.rawRepresentation)
        (self.x25519, self.xWing) = (x25519, xWing)
        (x25519ID, xWingID) = (SealingKeyID(of: x25519Public), SealingKeyID(of: xWingPublic))
        publicSet = SealingKeySet(x25519: x25519Public, xWing: xWingPublic)
    }

    /// The id by which a body says that it is sealed to the key of that suite.
    package func id(of suite: SealingSuite) -> SealingKeyID {
        switch suite {
        case .x25519: x25519ID
        case .xWing: xWingID
        }
    }

    /// The receiving side of HPKE for one body; the expensive step of opening.
    func recipient(_ suite: SealingSuite, encapsulated: Data) throws -> HPKE.Recipient {
        switch suite {
        case .x25519:
            try HPKE.Recipient(
                privateKey: x25519,
                ciphersuite: suite.ciphersuite,
                info: SealingLabel.info,
                encapsulatedKey: encapsulated
            )
        case .xWing:
            try HPKE.Recipient(
                privateKey: xWing,
                ciphersuite: suite.ciphersuite,
                info: SealingLabel.info,
                encapsulatedKey: encapsulated
            )
        }
    }
}

/// The texts that keep one use of keys from another.
enum SealingLabel {
    static let info = Data("waystation-sealed-1".utf8)
    static let receipt = Data("waystation-receipt-1".utf8)
    static let signed = Array("waystation-signed-1".utf8) + [0]

    /// What HPKE authenticates beside the ciphertext.
    static func authenticated(_ header: SealingHeader, _ recipient: PeerKey) -> [UInt8] {
        header.octets + recipient.octets
    }

    /// What the sender signs.
    static func signed(
        _ header: SealingHeader,
        encapsulated: some Collection<UInt8>,
        recipient: PeerKey,
        sender: PeerKey,
        inner: some Collection<UInt8>
    ) -> [UInt8] {
        var octets = signed
        octets.reserveCapacity(octets.count + SealingHeader.count + encapsulated.count + 64 + inner.count)
        octets += header.octets
        octets += encapsulated
        octets += recipient.octets
        octets += sender.octets
        octets += inner
        return octets
    }
}
