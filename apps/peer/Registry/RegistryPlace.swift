// How a node of a network is called in a registry, and how its address stands there.

import Daemon
import PeerIdentity
import PeerNetwork

/// The part of a registry that is one network's.
struct RegistryPlace: Sendable {
    /// What the names of its nodes begin with: kind and subnet.
    let prefix: String
    /// Which network exactly: nodes of others may have names that begin the same.
    private let path: String

    /// - Parameters:
    ///   - kind: Which kind of network.
    ///   - subnet: As it was given; one that is no part of a name is replaced by letters of the network's id.
    ///   - network: What its nodes have in common.
    init(_ kind: NetworkKind, subnet: String, network: NetworkID) {
        let isPlain = (1...24).contains(subnet.utf8.count) && subnet.utf8.allSatisfy(Self.isPlain)
        prefix = "\(kind.rawValue).\(isPlain ? subnet : String("\(network)".prefix(12)))."
        path = "/p2p/\(network)"
    }

    /// The node called `name` in that network.
    func identifier(_ name: String) throws(InvalidValue) -> PeerIdentifier {
        do throws(PeerIdentityError) {
            return try PeerIdentifier(normalising: prefix + name)
        } catch {
            throw InvalidValue("'\(prefix)\(name)' cannot be a name: \(error.message)")
        }
    }

    /// The name of a node that was given none: from its key, so that it is the same as long as that is.
    static func name(of key: PeerKey) -> String { String("\(NodeID(of: key))".prefix(10)) }

    /// What a registry is told of a node at `address`: not that it speaks HTTP, but where, and of which network.
    func url(of address: PeerAddress) throws(InvalidValue) -> PeerURL {
        do throws(PeerIdentityError) {
            return try PeerURL("http://\(address)\(path)")
        } catch {
            throw InvalidValue("\(address) cannot stand in a registry: \(error.message)")
        }
    }

    /// Where the node is that a registry gives `url` for; nil if it is none of this network.
    func address(in url: PeerURL) -> PeerAddress? {
        url.path == path ? PeerAddress(host: url.host, port: url.port) : nil
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        (octet | 0x20) &- 0x61 < 26 || octet &- 0x30 < 10 || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "_")
    }
}
