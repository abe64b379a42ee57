// The server: binds, serves until it is told to stop, lets what runs finish.

package import HTTP
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// An HTTP/1.1 server for one responder.
///
/// Call ``bind()`` to learn the ports before ``run()``; connections wait until ``run()`` is called. At graceful shutdown
/// it stops accepting, closes idle connections and lets the others finish what they are doing within
/// ``HTTPServerConfiguration/shutdownGrace``; if its task is cancelled it resets them all. When ``run()`` returns, no
/// task and no connection is left.
package final class HTTPServer: Service {
    private enum State {
        case new
        case bound(Running)
        case ran
    }

    /// What is there between bind and the end.
    private struct Running: Sendable {
        let group: MultiThreadedEventLoopGroup
        let lanes: [NIOLoopBound<Lane>]
        let channels: [any Channel]
    }

    private let configuration: HTTPServerConfiguration
    private let responder: any Responder
    private let logger: Logger
    private let connections = ActiveCount()
    private let tasks = ActiveCount()
    private let state = Mutex(State.new)

    /// A server that is not listening yet.
    ///
    /// - Parameters:
    ///   - configuration: Addresses and limits.
    ///   - responder: Answers every request.
    ///   - logger: Told of what goes wrong inside; never of what a request holds.
    package init(configuration: HTTPServerConfiguration, responder: any Responder, logger: Logger) {
        self.configuration = configuration
        self.responder = responder
        self.logger = logger
    }

    /// Binds every address of the configuration and returns them in that order, with the ports really bound.
    ///
    /// - Throws: ``HTTPServerError`` if one of them cannot be bound (then none is), or if the server was bound before.
    @discardableResult
    package func bind() async throws(HTTPServerError) -> [BoundAddress] {
        let isFirst = state.withLock { state in
            guard case .new = state else { return false }
            state = .ran
            return true
        }
        guard isFirst else {
            throw HTTPServerError(code: .alreadyRan, message: "a server can be bound only once", underlying: nil)
        }
        let group = MultiThreadedEventLoopGroup(
            numberOfThreads: max(1, configuration.eventLoops ?? AvailableCPUs.count())
        )
        let lanes = await makeLanes(in: group)
        do {
            let channels = try await Listener(
                bootstrap: bootstrap(in: group, lanes: lanes),
                addresses: configuration.addresses
            ).bind()
            state.withLock { $0 = .bound(Running(group: group, lanes: lanes, channels: channels)) }
            return channels.compactMap { channel in
                guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else {
                    return nil
                }
                return BoundAddress(host: host, port: port)
            }
        } catch {
            await stop(group)
            throw error
        }
    }

    /// Serves until graceful shutdown or cancellation; binds first if that is not done.
    ///
    /// - Throws: ``HTTPServerError`` if an address cannot be bound or the server ran before.
    package func run() async throws {
        if state.withLock({ if case .new = $0 { true } else { false } }) { try await bind() }
        let running = state.withLock { state -> Running? in
            guard case .bound(let running) = state else { return nil }
            state = .ran
            return running
        }
        guard let running else {
            throw HTTPServerError(code: .alreadyRan, message: "a server can run only once", underlying: nil)
        }
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

    // MARK: Parts of run

    /// Returns when the server is to stop and no socket listens any more.
    private func serve(_ running: Running) async {
        await withTaskGroup(of: Void.self) { group in
            for channel in running.channels {
                // Only ends by our own close or a failure of the socket; either way the server is over.
                group.addTask { try? await channel.closeFuture.get() }
            }
            group.addTask { try? await gracefulShutdown() }  // Throws only when cancelled, which is an end as well.
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
        lanes: [NIOLoopBound<Lane>]
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
