// A peer with an identity and sealing keys, who makes records.

import Crypto
import HTTP
import PeerIdentity

/// Makes signed records of one name.
struct TestPeer {
    var identifier: PeerIdentifier
    let identity: IdentityKey
    var url: PeerURL
    var keys: SealingKeySet

    init(_ name: String, identity: IdentityKey = IdentityKey(), xWing: Bool = false) throws {
        identifier = try PeerIdentifier(name)
        self.identity = identity
        url = try PeerURL("http://127.0.0.1:9000")
        keys = try TestPeer.keys(xWing: xWing)
    }

    static func keys(xWing: Bool = false) throws -> SealingKeySet {
        SealingKeySet(
            x25519: Array(Curve25519.KeyAgreement.PrivateKey().publicKey.rawRepresentation),
            xWing: xWing ? Array(try XWingMLKEM768X25519.PrivateKey.generate().publicKey.rawRepresentation) : nil
        )
    }

    func record(
        _ sequence: UInt64,
        at now: Timestamp,
        lifetime: Int64 = 3_600,
        handover: String? = nil
    ) throws -> SignedPeerRecord {
        try PeerRecord(
            identifier: identifier,
            url: url,
            key: identity.publicKey,
            sealingKeys: keys,
            sequence: sequence,
            issuedAt: now.seconds,
            expiresAt: now.seconds + lifetime,
            handover: handover
        ).signed(by: identity)
    }
}
