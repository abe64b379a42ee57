// Nodes over TCP, put together as in `peer`, for programs that have one inside.

import Foundation
import PeerCompression
import PeerIdentity
public import PeerNetwork
import PeerTCP

extension MeshNode {
    /// A node of a mesh that takes part from now on, until ``MeshNode/stop()``.
    ///
    ///     let mesh = try await MeshNode.listening()
    ///     mesh.connect(to: address)
    ///     try await mesh.broadcast("hello")
    ///     for await message in mesh.messages { ... }
    ///
    /// - Throws: ``PeerNetworkError`` with code `listening` if the port is taken, or not for this user, or others
    ///   would not find it: see ``PeerSettings/address``.
    public static func listening(_ settings: PeerSettings = PeerSettings()) async throws(PeerNetworkError) -> MeshNode {
        let parts = try await NodeParts(settings, subnet: settings.subnet ?? "mesh")
        let node = MeshNode(
            parts.identity,
            settings.configuration,
            over: parts.transport,
            compressor: SystemCompressor(),
            seed: .random(in: .min ... .max),
            now: NodeParts.now
        )
        node.start()
        return node
    }
}

extension SyncNode {
    /// A node with a table that is the same everywhere, which takes part from now on, until ``MeshNode/stop()`` of ``mesh``.
    ///
    ///     let table = try await SyncNode.listening()
    ///     try await table.set("key", to: "value")
    ///     table["key"]
    ///
    /// `isLeasing`: a key is for an hour that of who has set it last. Nodes that differ in it do not link to each other.
    ///
    /// - Throws: ``PeerNetworkError`` with code `listening` if the port is taken, or not for this user, or others
    ///   would not find it: see ``PeerSettings/address``.
    public static func listening(
        _ settings: PeerSettings = PeerSettings(),
        isLeasing: Bool = true
    ) async throws(PeerNetworkError) -> SyncNode {
        let subnet = SyncNode.subnet(settings.subnet ?? "sync", isLeasing: isLeasing)
        let parts = try await NodeParts(settings, subnet: subnet)
        let node = SyncNode(
            parts.identity,
            settings.configuration,
            isLeasing: isLeasing,
            over: parts.transport,
            compressor: SystemCompressor(),
            seed: .random(in: .min ... .max),
            now: NodeParts.now
        )
        node.mesh.start()
        return node
    }
}

extension ChordNode {
    /// A node that finds what is in a table shared out among all, until ``MeshNode/stop()`` of ``mesh``.
    ///
    /// It holds a part of the table from ``join()`` on.
    ///
    ///     let chord = try await ChordNode.listening()
    ///     chord.mesh.connect(to: address)
    ///     chord.join()
    ///     try await chord.set("key", to: "value")
    ///     await chord.value(for: "key")
    ///
    /// - Throws: ``PeerNetworkError`` with code `listening` if the port is taken, or not for this user, or others
    ///   would not find it: see ``PeerSettings/address``.
    public static func listening(_ settings: PeerSettings = PeerSettings()) async throws(PeerNetworkError) -> ChordNode
    {
        let parts = try await NodeParts(settings, subnet: settings.subnet ?? "chord")
        let node = ChordNode(
            parts.identity,
            settings.configuration,
            over: parts.transport,
            compressor: SystemCompressor(),
            seed: .random(in: .min ... .max),
            now: NodeParts.now
        )
        node.mesh.start()
        return node
    }
}

/// What nodes of all kinds are made of.
private struct NodeParts {
    let identity: NodeIdentity
    let transport: TCPTransport

    init(_ settings: PeerSettings, subnet: String) async throws(PeerNetworkError) {
        // Others would take it for themselves.
        guard settings.address != nil || !["0.0.0.0", "::"].contains(settings.host) else {
            let text = "who listens on \(settings.host) has to say where others reach it: PeerSettings.address"
            throw PeerNetworkError(.listening, text)
        }
        do {
            transport = try await TCPTransport.listen(
                host: settings.host,
                port: settings.port,
                tls: settings.usesTLS ? try PeerTLS(now: Date()) : nil
            )
        } catch {
            throw PeerNetworkError(.listening, "cannot listen on \(settings.host), port \(settings.port): \(error)")
        }
        let network = NetworkID(subnet: subnet, isEncrypted: settings.usesTLS)
        let address = settings.address ?? PeerAddress(host: settings.host, port: transport.port)
        let methods = SystemCompressor().methods
        if settings.isSigning {
            identity = NodeIdentity(key: IdentityKey(), network: network, address: address, methods: methods)
        } else {
            let id = NodeID(
                host: address?.host ?? settings.host,
                port: address?.port ?? transport.port,
                network: network,
                salt: UUID().uuidString.lowercased()
            )
            identity = NodeIdentity(id: id, network: network, address: address, methods: methods)
        }
    }

    @Sendable
    static func now() -> Int64 { Int64(Date().timeIntervalSince1970) }
}
