// A body sealed by hand, with one thing wrong that the sealer would not do.

import Crypto
import Foundation
import PeerIdentity

@testable import Chat

enum Forgery {
    /// Suite 1, signed by `signer` while the body names `named`.
    static func seal(
        _ envelope: ChatEnvelope,
        signer: IdentityKey,
        named: PeerKey,
        to alice: Recipient
    ) throws -> [UInt8] {
        let publicKey = alice.keys.publicSet.x25519
        let header = SealingHeader(suite: .x25519, keyID: SealingKeyID(of: publicKey))
        var hpke = try HPKE.Sender(
            recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
            ciphersuite: .Curve25519_SHA256_ChachaPoly,
            info: Data("waystation-sealed-1".utf8)
        )
        let inner = try EnvelopeCoding.encode(envelope)
        let signed = SealingLabel.signed(
            header,
            encapsulated: hpke.encapsulatedKey,
            recipient: alice.identity.publicKey,
            sender: named,
            inner: inner
        )
        let plain = try signer.sign(signed) + named.octets + inner
        let ciphertext = try hpke.seal(plain, authenticating: header.octets + alice.identity.publicKey.octets)
        return header.octets + [UInt8](hpke.encapsulatedKey) + [UInt8](ciphertext)
    }
}
