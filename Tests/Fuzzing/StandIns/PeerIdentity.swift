// In place of our PeerIdentity where parsers are compiled for libFuzzer: keys that anybody can sign by, as the fuzzer is to
// come past the signatures.

import Crypto

/// A public key, which is what it signs by too.
package struct PeerKey: Sendable, Hashable {
    package let octets: [UInt8]

    package init?(_ octets: some Collection<UInt8>) {
        guard octets.count == 32 else { return nil }
        self.octets = Array(octets)
    }

    package func isValid(signature: some Sequence<UInt8>, of message: some Sequence<UInt8>) -> Bool {
        Array(signature) == self.signature(of: Array(message))
    }

    fileprivate func signature(of message: [UInt8]) -> [UInt8] { Array(SHA512.hash(data: octets + message)) }
}

/// A key by which a node signs.
package struct IdentityKey: Sendable {
    package let publicKey: PeerKey

    package init(_ publicKey: PeerKey) {
        self.publicKey = publicKey
    }

    package func sign(_ message: [UInt8]) throws -> [UInt8] { publicKey.signature(of: message) }
}
