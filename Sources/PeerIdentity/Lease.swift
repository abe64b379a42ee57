// The key with which a peer renews its presence, made by the registry and not kept.

import Crypto
import Foundation

/// A lease: after a signed PUT a peer shows by MACs that it is still there.
package enum Lease {
    /// The lease key, 32 octets: HMAC-SHA256(`secret`, `lease` 00 id 00 key ‖ seq), seq in 8 octets, big-endian.
    ///
    /// `id` is the identifier's **folded** form in UTF-8: the form in which a registry finds a name, so that the key is
    /// the same however the name is written in a path.
    ///
    /// - Parameters:
    ///   - secret: The registry's, 32 octets.
    ///   - identifier: Whose lease.
    ///   - key: The key that holds the name.
    ///   - sequence: Of the record that the lease began with.
    /// - Returns: What `Peer-Lease` says in base64url.
    package static func key(
        secret: [UInt8],
        identifier: PeerIdentifier,
        key: PeerKey,
        sequence: UInt64
    ) -> [UInt8] {
        var message = labelled("lease", identifier.folded)
        message += key.octets
        append(sequence, to: &message)
        return Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: secret)))
    }

    /// The text of the label, 00, the name, 00.
    static func labelled(_ label: String, _ name: String) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(label.utf8.count + name.utf8.count + 48)
        message += label.utf8
        message.append(0)
        message += name.utf8
        message.append(0)
        return message
    }

    /// Eight octets, big-endian.
    static func append(_ value: UInt64, to message: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) { message.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
