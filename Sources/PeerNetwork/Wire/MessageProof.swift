// Who has really sent a message: an id that is the hash of a key, and a signature by that key.

import Crypto
package import PeerIdentity

extension NodeID {
    /// The id that only who holds `key` can prove to be its own: base 58 of SHA-384 over a label and the public key.
    ///
    /// To nodes that know nothing of it, it is an id like any other.
    package init(of key: PeerKey) {
        octets = Base58.encode(SHA384.hash(data: Array("waystation-node-1\0".utf8) + key.octets))
    }
}

/// A public key and its signature under one message of one network.
///
/// It says: the node whose id is this key's sent that message, as it is (the message's id is the hash of all that it says,
/// its sender and its time among it), to all nodes of that network or to that one neighbour.
package struct MessageProof: Sendable, Hashable {
    static let byteCount = 96

    /// Whose message it is.
    package let key: PeerKey
    private let signature: [UInt8]

    /// The proof in 96 octets, key and signature; nil if there are not so many.
    ///
    /// Nothing is checked.
    init?(_ octets: [UInt8]) {
        guard octets.count == Self.byteCount, let key = PeerKey(octets[..<32]) else { return nil }
        (self.key, signature) = (key, Array(octets[32...]))
    }

    /// Signs; `receiver` is nil for a message to all.
    ///
    /// - Throws: What the crypto library throws if it cannot sign.
    init(of message: MessageID, by key: IdentityKey, in network: NetworkID, to receiver: NodeID?) throws {
        self.key = key.publicKey
        signature = try key.sign(Self.statement(message, network, receiver))
    }

    /// Key and signature.
    var octets: [UInt8] { key.octets + signature }

    /// Whether the signature is the key's, under this; about 100 microseconds.
    func isValid(for message: MessageID, in network: NetworkID, to receiver: NodeID?) -> Bool {
        key.isValid(signature: signature, of: Self.statement(message, network, receiver))
    }

    /// No network's id has a zero in it, and the message's is always as long, so that no two statements are the same octets.
    private static func statement(_ message: MessageID, _ network: NetworkID, _ receiver: NodeID?) -> [UInt8] {
        Array("waystation-vouch-1\0".utf8) + network.octets + [0] + (receiver?.octets ?? []) + [0] + message.octets
    }
}
