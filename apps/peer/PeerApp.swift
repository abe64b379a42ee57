// `peer`: a node of a p2p.today network.

import Daemon
import Foundation
import Glibc
import Logging
import PeerCompression
import PeerIdentity
import PeerNetwork
import PeerTCP
import ServiceLifecycle

@main
enum PeerApp {
    static func main() async {
        await Program(name: "peer", settings: PeerCommand.settings).run(
            PeerCommand.self,
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: Program.environment
        ) { command in
            LineLogHandler.bootstrap(format: .text(isColoured: false), level: .notice, now: WallClock.sinceEpoch)
            try await run(command)
        }
    }

    /// Listens, says so, and takes part until a signal or `quit`.
    private static func run(_ command: PeerCommand) async throws {
        let transport = try await listen(command)
        let address = try outward(command.host, port: transport.port)
        let key = try command.key.map { file throws(ExitFailure) in try KeyFile.key(in: file) } ?? IdentityKey()
        let identity = identity(command, key, address)
        let node = node(command, identity, transport)
        let printer = EventPrinter(isJSON: command.json)
        let session = PeerSession(node, printer, isTyped: !command.json)
        let begin: @Sendable () -> Void = {
            node.mesh.start()
            if case .chord(let chord) = node, command.join { chord.join() }
            StandardError.write("peer: \(command.network.rawValue) node \(identity.id) on \(address)\n")
            printer.show { lines in
                lines.addReady(identity.id, identity.network, command.subnetName, address, port: transport.port)
            }
            for place in command.connect { node.mesh.connect(to: place.address) }
        }
        let meeting = try await meeting(command, key, address, node.mesh, printer)
        try await Services(
            // What is last leaves the registry first.
            [Follower(session: session, mesh: node.mesh)] + meeting,
            leading: Console(session: session, begin: begin),
            gracePeriod: .seconds(3),
            logger: Logger(label: "peer")
        ).run()
        // Who wants it to end sooner than what it has said is read can have that.
        for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
        printer.finish()
    }

    /// Who signs is called by its key; others by where they are.
    private static func identity(_ command: PeerCommand, _ key: IdentityKey, _ address: PeerAddress) -> NodeIdentity {
        let (network, methods) = (command.networkID, SystemCompressor(command.compression).methods)
        if command.sign { return NodeIdentity(key: key, network: network, address: address, methods: methods) }
        let salt = UUID().uuidString.lowercased()
        let id = NodeID(host: address.host, port: address.port, network: network, salt: salt)
        return NodeIdentity(id: id, network: network, address: address, methods: methods)
    }

    /// What meets others through a registry, if one was given.
    private static func meeting(
        _ command: PeerCommand,
        _ key: IdentityKey,
        _ address: PeerAddress,
        _ mesh: MeshNode,
        _ printer: EventPrinter
    ) async throws -> [any Service] {
        guard let registry = command.registry else { return [] }
        let place = command.registryPlace
        do {
            let parts = RegistryMeeting.Parts(
                registry: registry,
                place: place,
                name: try place.identifier(command.name ?? RegistryPlace.name(of: key.publicKey)),
                key: key,
                address: address,
                linksMax: command.limits.outgoing,
                caFile: command.ca
            )
            return [try await RegistryMeeting(parts, mesh, printer)]
        } catch let error as InvalidValue {
            throw ExitFailure(.usage, "\(error)")
        }
    }

    private static func node(
        _ command: PeerCommand,
        _ identity: NodeIdentity,
        _ transport: TCPTransport
    ) -> AnyNode {
        let (compressor, limits) = (SystemCompressor(command.compression), command.limits)
        var configuration = limits.node
        configuration.requiresSigned = command.requireSigned
        let seed = UInt64.random(in: .min ... .max)
        let now: @Sendable () -> Int64 = { WallClock.sinceEpoch().components.seconds }
        return switch command.network {
        case .mesh:
            .mesh(
                MeshNode(identity, configuration, over: transport, compressor: compressor, seed: seed, now: now)
            )
        case .sync:
            .sync(
                SyncNode(
                    identity,
                    configuration,
                    isLeasing: !command.noLease,
                    limits: limits.sync,
                    over: transport,
                    compressor: compressor,
                    seed: seed,
                    now: now
                )
            )
        case .chord:
            .chord(
                ChordNode(
                    identity,
                    configuration,
                    limits: limits.chord,
                    over: transport,
                    compressor: compressor,
                    seed: seed,
                    now: now
                )
            )
        }
    }

    private static func listen(_ command: PeerCommand) async throws -> TCPTransport {
        do {
            let tls = command.tls ? try PeerTLS(now: Date()) : nil
            return try await TCPTransport.listen(
                host: command.host,
                port: command.port,
                tls: tls,
                limits: command.limits.tcp
            )
        } catch {
            throw ExitFailure.listening(
                "\(error)",
                code: TCPTransport.systemErrorCode(error),
                hosts: [command.host],
                port: command.port
            )
        }
    }

    /// Where others reach what listens on `host`: itself, or the address that this machine has for others.
    private static func outward(_ host: String, port: Int) throws(ExitFailure) -> PeerAddress {
        let isEverywhere = host == "0.0.0.0" || host == "::"
        let own = isEverywhere ? OutwardAddress.find(isIPv6: host == "::") ?? "127.0.0.1" : host
        guard let address = PeerAddress(host: own, port: port) else {
            throw ExitFailure(.operatingSystem, "the system gave no port to listen on; give --port one")
        }
        return address
    }
}

/// Shows what happens; stops the node at the end.
private struct Follower: Service {
    let session: PeerSession
    let mesh: MeshNode

    func run() async throws {
        await withGracefulShutdownHandler {
            await session.follow()
        } onGracefulShutdown: {
            mesh.stop()
        }
    }
}

/// Carries out what is typed; returns at `quit`, and at the end of what a person types.
private struct Console: Service {
    let session: PeerSession
    /// Has the node take part, and says so: not before signals are heeded.
    let begin: @Sendable () -> Void

    func run() async throws {
        begin()
        let isLeaving = await cancelWhenGracefulShutdown {
            for await lines in LineReader() {
                guard await session.perform(lines) else { return true }
            }
            // A program that closes our input wants the node to go on.
            return isatty(STDIN_FILENO) == 1
        }
        if !isLeaving { try await gracefulShutdown() }
    }
}
