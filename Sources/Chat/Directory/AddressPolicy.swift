// To which addresses a URL that somebody else wrote may lead us: none more local than the registry's.

package import PeerIdentity
import Synchronization

/// Judges the resolved address that is about to be connected to.
///
/// A peer's URL is whatever that peer wrote, so a client must not be sent to what only it can reach: its own machine,
/// its own network. A registry on loopback means a conversation within one machine, which then may use every address.
package struct AddressPolicy: Sendable, Hashable {
    /// How local the registry is; nil until a connection to it was made, which permits public addresses only.
    package var registryScope: AddressScope?
    /// `--allow-local`: loopback and private addresses are connected to wherever the registry is.
    package var allowsLocal: Bool

    package init(registryScope: AddressScope? = nil, allowsLocal: Bool = false) {
        (self.registryScope, self.allowsLocal) = (registryScope, allowsLocal)
    }

    /// Whether an address may be connected to: never one that is link-local, multicast, unspecified or broadcast.
    ///
    /// - Parameter octets: 4 or 16 of them, as they stand in the socket's address; an IPv4-mapped one counts as IPv4.
    /// - Returns: Whether it may.
    package func allows(octets: [UInt8]) -> Bool {
        guard let scope = AddressScope(octets: octets) else { return false }
        return allowsLocal || scope >= registryScope ?? .public
    }
}

/// The policy in force, which learns from each connection to the registry how local that is.
package final class AddressGuard: Sendable {
    private let policy: Mutex<AddressPolicy>

    package init(allowsLocal: Bool = false) {
        policy = Mutex(AddressPolicy(allowsLocal: allowsLocal))
    }

    /// A connection to the registry has this remote address; the most public one seen counts, so that a registry
    /// which moves inwards does not open what was closed.
    package func learn(registryAddress octets: [UInt8]) {
        guard let scope = AddressScope(octets: octets) else { return }
        policy.withLock { $0.registryScope = max($0.registryScope ?? scope, scope) }
    }

    /// Whether an address of a peer may be connected to, from any thread.
    package func allows(octets: [UInt8]) -> Bool {
        policy.withLock { $0 }.allows(octets: octets)
    }
}
