// Signs and seals an envelope to a recipient.

import Crypto
package import PeerIdentity

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A body ready to be sent.
package struct SealedBody: Sendable {
    /// What is posted as `application/vnd.waystation.sealed`.
    package let octets: [UInt8]
    package let suite: SealingSuite
    /// What the answer is checked with: ``Receipt/highest(in:key:)``.
    package let receiptKey: ReceiptKey

    package static let contentType = "application/vnd.waystation.sealed"
}

/// Seals bodies: signature first, then HPKE in base mode (RFC 9180) to a short-lived key of the recipient.
package enum Sealer {
    /// The suite for `recipient`: the best it offers, never less than its key ever offered.
    ///
    /// - Throws: ``SealingError`` `badKeys`.
    package static func suite(for recipient: Destination.Sealing) throws(SealingError) -> SealingSuite {
        let suite: SealingSuite = recipient.keys.xWing == nil ? .x25519 : .xWing
        guard suite.rawValue >= recipient.suiteMin else {
            throw SealingError(.badKeys, "the recipient's key once offered suite \(recipient.suiteMin), now less")
        }
        return suite
    }

    /// Signs `envelope` and seals it to `recipient`; costs about 0.2 ms of CPU.
    ///
    /// - Parameters:
    ///   - envelope: What is to be said.
    ///   - identity: Who signs.
    ///   - recipient: Whose keys.
    /// - Returns: The body, and how to know its receipt.
    /// - Throws: ``SealingError``: `badMessages`, `badKeys`, `failed`.
    package static func seal(
        _ envelope: ChatEnvelope,
        by identity: IdentityKey,
        to recipient: Destination.Sealing
    ) throws(SealingError) -> SealedBody {
        let suite = try suite(for: recipient)
        let publicKey = suite == .xWing ? recipient.keys.xWing ?? [] : recipient.keys.x25519
        let header = SealingHeader(suite: suite, keyID: SealingKeyID(of: publicKey))
        let inner = try EnvelopeCoding.encode(envelope)
        var hpke = try sender(suite, to: publicKey)
        do {
            let encapsulated = [UInt8](hpke.encapsulatedKey)
            let signed = SealingLabel.signed(
                header,
                encapsulated: encapsulated,
                recipient: recipient.key,
                sender: identity.publicKey,
                inner: inner
            )
            let plain = try identity.sign(signed) + identity.publicKey.octets + inner
            let ciphertext = try hpke.seal(
                plain,
                authenticating: SealingLabel.authenticated(header, recipient.key)
            )
            let receiptKey = try hpke.exportSecret(context: SealingLabel.receipt, outputByteCount: 32)
            return SealedBody(
                octets: header.octets + encapsulated + ciphertext,
                suite: suite,
                receiptKey: ReceiptKey(receiptKey)
            )
        } catch {
            throw SealingError(.failed, "sealing failed: \(error)")
        }
    }

    private static func sender(_ suite: SealingSuite, to publicKey: [UInt8]) throws(SealingError) -> HPKE.Sender {
        guard publicKey.count == suite.publicKeyCount, suite != .x25519 || !LowOrderPoints.contains(publicKey) else {
            throw SealingError(.badKeys, "the recipient's sealing key is no key")
        }
        do {
            switch suite {
            case .x25519:
                return try HPKE.Sender(
                    recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
                    ciphersuite: suite.ciphersuite,
                    info: SealingLabel.info
                )
            case .xWing:
                return try HPKE.Sender(
                    recipientKey: XWingMLKEM768X25519.PublicKey(rawRepresentation: publicKey),
                    ciphersuite: suite.ciphersuite,
                    info: SealingLabel.info
                )
            }
        } catch {
            throw SealingError(.badKeys, "the recipient's sealing key is no key: \(error)")
        }
    }
}
