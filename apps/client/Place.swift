// Where this client is, as far as it knows: the port it has, and the address it has towards the registry.

import Chat
import Glibc
import HTTPClient
import PeerIdentity
import Synchronization

/// Learns from each connection to the registry which address others reach us by, and how local the registry is.
final class Place: Sendable {
    let guardian: AddressGuard
    /// What the listener takes for its own URL: only its path and host count.
    let listenerURL: PeerURL
    let hostName: String
    private let scheme: String
    private let port: Int
    private let isLoopbackOnly: Bool
    private let given: PeerURL?
    private let learnt = Mutex<PeerURL?>(nil)

    /// - Parameters:
    ///   - options: What the person said of it.
    ///   - port: The port that is bound.
    /// - Throws: Nothing that can happen with a port that was bound.
    init(_ options: ClientOptions, port: Int) throws {
        (scheme, self.port, given) = (options.scheme, port, options.url)
        isLoopbackOnly = options.hosts.allSatisfy { AddressScope(literal: $0) == .loopback }
        listenerURL = try options.url ?? PeerURL("\(options.scheme)://127.0.0.1:\(port)/")
        guardian = AddressGuard(allowsLocal: options.allowsLocal)
        // A registry on this machine is that also while it is away.
        if options.isRegistryLocal {
            guardian.learn(registryAddress: [127, 0, 0, 1])
        } else if let scope = Self.octets(options.registry.host) {
            guardian.learn(registryAddress: scope)
        }
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        hostName = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// What others reach us by; nil while it is not known.
    var url: PeerURL? { given ?? learnt.withLock { $0 } }

    /// What others most likely reach us by while no registry was reached: where it was last, if the port is the same.
    func likelyURL(last: PeerURL?) -> PeerURL? {
        if let last, last.scheme == scheme, last.port == port { return last }
        // Who listens on loopback alone is nowhere else.
        return isLoopbackOnly ? listenerURL : nil
    }

    /// Takes note of a connection to the registry.
    @Sendable
    func learn(registry connection: ConnectionAddresses) {
        guardian.learn(registryAddress: connection.remoteAddress)
        // An address of ours that is no URL is of no use.
        guard let url = try? PeerURL("\(scheme)://\(Self.text(connection.localAddress)):\(port)/") else { return }
        learnt.withLock { $0 = url }
    }

    /// As it stands in a URL.
    private static func text(_ octets: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        inet_ntop(octets.count == 4 ? AF_INET : AF_INET6, octets, &text, socklen_t(text.count))
        let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return octets.count == 4 ? address : "[\(address)]"
    }

    private static func octets(_ host: String) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &octets) == 1 { return Array(octets.prefix(4)) }
        return inet_pton(AF_INET6, host, &octets) == 1 ? octets : nil
    }
}
