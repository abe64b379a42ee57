// Opens sealed bodies: what is cheap first, then the key, then the signature.

import Crypto
package import HTTP
package import PeerIdentity

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A body that was opened and whose signature is right.
package struct OpenedBody: Sendable {
    /// Who signed it.
    package let sender: PeerKey
    package let envelope: ChatEnvelope
    package let suite: SealingSuite
    /// What the answer is made with: ``Receipt/make(highest:key:)``.
    package let receiptKey: ReceiptKey
}

/// A body that passed every check that costs nothing, with the keys to open it.
package struct InspectedBody: Sendable {
    package let header: SealingHeader
    let octets: [UInt8]
    let keys: SealingKeys
}

/// Opens what was sealed to one peer.
package struct Opener: Sendable {
    /// Ours.
    package let identifier: PeerIdentifier
    /// Ours.
    package let key: PeerKey
    private let ring: SealingKeyRing

    package init(identifier: PeerIdentifier, key: PeerKey, ring: SealingKeyRing) {
        (self.identifier, self.key, self.ring) = (identifier, key, ring)
    }

    /// Every check that needs no cryptography: sizes, header, whether the sealing key is held.
    ///
    /// - Parameters:
    ///   - octets: The whole body.
    ///   - now: The present.
    /// - Returns: What ``open(_:)`` takes.
    /// - Throws: ``SealingError``: `tooLarge`, `malformed`, `unknownFormat`, `unknownKey`.
    package func inspect(_ octets: [UInt8], at now: Timestamp) throws(SealingError) -> InspectedBody {
        let header = try SealingHeader(of: octets)
        guard let keys = ring.keys(for: header, at: now) else {
            throw SealingError(.unknownKey, "the body is sealed to a key that is not held, or no longer")
        }
        let encapsulated = octets.dropFirst(SealingHeader.count).prefix(header.suite.encapsulationCount)
        if header.suite == .x25519, LowOrderPoints.contains(encapsulated) {
            throw SealingError(.malformed, "the encapsulated key is of low order")
        }
        return InspectedBody(header: header, octets: octets, keys: keys)
    }

    /// Opens the body, then checks whom it is for and its signature; costs 0.2 to 0.4 ms of CPU.
    ///
    /// - Parameter body: From ``inspect(_:at:)``.
    /// - Returns: What it says and who signed it.
    /// - Throws: ``SealingError``: `malformed`, `wrongRecipient`, `badSignature`.
    package func open(_ body: InspectedBody) throws(SealingError) -> OpenedBody {
        let rest = body.octets.dropFirst(SealingHeader.count)
        let encapsulated = rest.prefix(body.header.suite.encapsulationCount)
        let ciphertext = rest.dropFirst(encapsulated.count)
        let plain: [UInt8]
        let receiptKey: SymmetricKey
        do {
            var hpke = try body.keys.recipient(body.header.suite, encapsulated: Data(encapsulated))
            plain = [UInt8](
                try hpke.open(Data(ciphertext), authenticating: SealingLabel.authenticated(body.header, key))
            )
            receiptKey = try hpke.exportSecret(context: SealingLabel.receipt, outputByteCount: 32)
        } catch {
            throw SealingError(.malformed, "the body does not open: it was altered, or sealed to another key")
        }
        guard let sender = PeerKey(plain.dropFirst(64).prefix(32)), plain.count > SealingLimits.signerCount else {
            throw SealingError(.malformed, "the body is shorter than its signature")
        }
        let inner = Array(plain.dropFirst(SealingLimits.signerCount))
        let envelope = try EnvelopeCoding.decode(inner)
        guard envelope.to == identifier else {
            throw SealingError(.wrongRecipient, "the body is addressed to another name than \(identifier)")
        }
        let signed = SealingLabel.signed(
            body.header,
            encapsulated: encapsulated,
            recipient: key,
            sender: sender,
            inner: inner
        )
        guard !sender.isLowOrder, sender.isValid(signature: plain.prefix(64), of: signed) else {
            throw SealingError(.badSignature, "the body is not signed by the key it names")
        }
        return OpenedBody(
            sender: sender,
            envelope: envelope,
            suite: body.header.suite,
            receiptKey: ReceiptKey(receiptKey)
        )
    }

    /// ``inspect(_:at:)`` and ``open(_:)`` in one.
    package func open(_ octets: [UInt8], at now: Timestamp) throws(SealingError) -> OpenedBody {
        try open(inspect(octets, at: now))
    }
}
