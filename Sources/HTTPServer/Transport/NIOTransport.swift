// The transport over SwiftNIO: a channel for each connection, for TLS and for platforms without epoll.

import HTTP
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization

/// Serves connections over NIO's event loops; bound once, then run once.
final class NIOTransport: Transport {
    /// What is there between bind and the end.
    private struct Running: Sendable {
        let group: MultiThreadedEventLoopGroup
        let lanes: [NIOLoopBound<Lane>]
        let channels: [any Channel]
        let tls: TLSCredentials?
    }

    private let configuration: HTTPServerConfiguration
    private let responder: any Responder
    private let logger: Logger
    private let connections = ActiveCount()
    private let tasks = ActiveCount()
    private let bound = Mutex<Running?>(nil)
    private let credentials = Mutex<TLSCredentials?>(nil)

    init(configuration: HTTPServerConfiguration, responder: any Responder, logger: Logger) {
        self.configuration = configuration
        self.responder = responder
        self.logger = logger
    }

    func bind() async throws(HTTPServerError) -> [BoundAddress] {
        var tls: TLSCredentials?
        if let configuration = configuration.tls { tls = try TLSCredentials(configuration) }
        credentials.withLock { $0 = tls }
        let sslContext = tls?.context
        let group = MultiThreadedEventLoopGroup(
            numberOfThreads: max(1, configuration.eventLoops ?? AvailableCPUs.count())
        )
        let lanes = await makeLanes(in: group)
        do throws(HTTPServerError) {
            let channels = try await Listener<any Channel>(
                addresses: configuration.addresses,
                open: { address, isIPv6Only in
                    let onlyV6 = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
                    let bootstrap = self.bootstrap(in: group, lanes: lanes, tls: sslContext)
                    let channel = try await (isIPv6Only ? bootstrap.serverChannelOption(onlyV6, value: 1) : bootstrap)
                        .bind(to: address).get()
                    if address.isLoopback { LoopbackCongestion.avoid(channel) }
                    return channel
                },
                localAddress: { $0.localAddress },
                close: { try? await $0.close().get() }  // Fails only if it is closed already.
            ).bind()
            bound.withLock { $0 = Running(group: group, lanes: lanes, channels: channels, tls: tls) }
            return channels.compactMap { BoundAddress($0.localAddress) }
        } catch {
            await stop(group)
            throw error
        }
    }

    func run() async {
        guard let running = bound.withLock({ $0.take() }) else { return }
        for channel in running.channels {
            try? await channel.setOption(.autoRead, value: true).get()  // Fails only on a closed channel.
        }
        await serve(running)
        let grace = Task.isCancelled ? Duration.zero : configuration.shutdownGrace
        for lane in running.lanes { lane.eventLoop.execute { lane.value.shutDown(grace: grace) } }
        await withTaskCancellationHandler {
            await connections.waitUntilNone()
        } onCancel: {
            for lane in running.lanes { lane.eventLoop.execute { lane.value.shutDown(grace: .zero) } }
        }
        await tasks.waitUntilNone()
        for lane in running.lanes {
            try? await lane.eventLoop.submit { lane.value.stopTicking() }.get()  // Throws nothing.
        }
        await stop(running.group)
    }

    var connectionCounts: (now: Int, total: Int) { connections.counts }

    func reload() {
        credentials.withLock { $0 }?.reload(isAsked: true, logger)
    }

    // MARK: Parts of run

    /// Returns when the server is to stop and no socket listens any more.
    private func serve(_ running: Running) async {
        await withTaskGroup(of: Void.self) { group in
            for channel in running.channels {
                // Only ends by our own close or a failure of the socket; either way the server is over.
                group.addTask { try? await channel.closeFuture.get() }
            }
            group.addTask { try? await gracefulShutdown() }  // Throws only when cancelled, which is an end as well.
            if let tls = running.tls { group.addTask { [logger] in await tls.follow(logger) } }
            await group.next()
            for channel in running.channels {
                try? await channel.close().get()  // Fails only if it is closed already.
            }
            group.cancelAll()
        }
    }

    private func makeLanes(in group: MultiThreadedEventLoopGroup) async -> [NIOLoopBound<Lane>] {
        var lanes: [NIOLoopBound<Lane>] = []
        for eventLoop in group.makeIterator() {
            let made = eventLoop.submit { [configuration, responder, logger, connections, tasks] in
                let context = EngineContext(
                    configuration: configuration,
                    responder: responder,
                    monotonicNanoseconds: { NIODeadline.now().uptimeNanoseconds }
                )
                let lane = Lane(
                    eventLoop: eventLoop,
                    context: context,
                    logger: logger,
                    connections: connections,
                    tasks: tasks
                )
                lane.startTicking()
                return NIOLoopBound(lane, eventLoop: eventLoop)
            }
            // A task submitted to a running loop that throws nothing cannot fail.
            if let lane = try? await made.get() { lanes.append(lane) }
        }
        return lanes
    }

    private func bootstrap(
        in group: MultiThreadedEventLoopGroup,
        lanes: [NIOLoopBound<Lane>],
        tls: NIOSSLContext?
    ) -> ServerBootstrap {
        let lanesByLoop = Dictionary(uniqueKeysWithValues: lanes.map { (ObjectIdentifier($0.eventLoop), $0) })
        // TCP_NODELAY is NIO's default on the listening socket, and accepted ones inherit it.
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.so_keepalive), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                // Without descriptors left accepting rests for a second instead of spinning.
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptBackoffHandler(shouldForwardIOErrorCaught: false)
                    )
                }
            }
            .childChannelInitializer { channel in
                guard let lane = lanesByLoop[ObjectIdentifier(channel.eventLoop)] else {
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
                    if tls != nil {
                        // A channel keeps its buffers while it rests; a record of TLS is 16 KiB at most.
                        let sizes = AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 16 * 1024)
                        try channel.syncOptions?.setOption(.recvAllocator, value: sizes)
                    }
                    if let tls { try Connection.addTLS(tls, to: channel.pipeline.syncOperations) }
                    try channel.pipeline.syncOperations.addHandler(Connection(lane: lane.value))
                }
            }
    }

    private func stop(_ group: MultiThreadedEventLoopGroup) async {
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.error("The event loops did not stop", metadata: ["error.message": "\(error)"])
        }
    }
}
