// The transport on bare epoll: a thread for each loop, all accepting from the same sockets.

#if os(Linux)
import HTTP
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves connections over loops of its own; bound once, then run once.
final class EpollTransport: Transport {
    private let configuration: HTTPServerConfiguration
    private let responder: any Responder
    private let logger: Logger
    private let connections = ActiveCount()
    private let tasks = ActiveCount()
    private let bound = Mutex<[EpollLoop.Parts]?>(nil)

    init(configuration: HTTPServerConfiguration, responder: any Responder, logger: Logger) {
        self.configuration = configuration
        self.responder = responder
        self.logger = logger
    }

    func bind() async throws(HTTPServerError) -> [BoundAddress] {
        let backlog = Int32(clamping: configuration.backlog)
        let mailboxes: [EpollMailbox]
        do {
            mailboxes = try (0..<max(1, configuration.eventLoops ?? AvailableCPUs.count())).map { _ in
                try EpollMailbox()
            }
        } catch {
            throw HTTPServerError(code: .bindFailed, message: "cannot make an event loop: \(error)", underlying: error)
        }
        // Beyond those that are told so clients wait with the system; every loop may accept one at the same time.
        let most = configuration.connectionsMax + max(0, Lane.refusedConnectionsMax + 1 - mailboxes.count)
        let hasRoom = { @Sendable in mailboxes.reduce(0) { $0 + $1.connections.load(ordering: .relaxed) } < most }
        let listeners = try await Listener<ListeningSocket>(
            addresses: configuration.addresses,
            open: { try ListeningSocket($0, isIPv6Only: $1, backlog: backlog, hasRoom: hasRoom) },
            localAddress: { $0.localAddress },
            close: { _ in }  // Closes when nobody holds it.
        ).bind()
        let loops: [EpollLoop.Parts]
        do {
            loops = try makeParts(listeners, mailboxes)
        } catch {
            throw HTTPServerError(code: .bindFailed, message: "cannot make an event loop: \(error)", underlying: error)
        }
        bound.withLock { $0 = loops }
        return listeners.compactMap { BoundAddress($0.localAddress) }
    }

    func run() async {
        guard let loops = bound.withLock({ $0.take() }) else { return }
        let threads = NIOThreadPool(numberOfThreads: loops.count)
        threads.start()
        await withTaskGroup(of: Void.self) { group in
            for parts in loops {
                group.addTask {
                    // Throws only if this task was cancelled before the loop began.
                    try? await threads.runIfActive { EpollLoop(parts).run() }
                    parts.mailbox.close()
                }
            }
            await serve(loops)
            for parts in loops { parts.mailbox.post(.stop) }
        }
        // Those of a connection that came with the end.
        await tasks.waitUntilNone()
        do {
            try await threads.shutdownGracefully()
        } catch {
            logger.error("The event loops did not stop", metadata: ["error.message": "\(error)"])
        }
    }

    var connectionCounts: (now: Int, total: Int) { connections.counts }

    func reload() {}

    // MARK: Parts of run

    /// Returns when the server was to stop and no connection and no task is left.
    private func serve(_ loops: [EpollLoop.Parts]) async {
        try? await gracefulShutdown()  // Throws only when cancelled, which is an end as well.
        for listener in loops.first?.listeners ?? [] { listener.stopListening() }
        let grace = Task.isCancelled ? Duration.zero : configuration.shutdownGrace
        for parts in loops { parts.mailbox.post(.shutDown(grace: grace)) }
        await withTaskCancellationHandler {
            await connections.waitUntilNone()
        } onCancel: {
            for parts in loops { parts.mailbox.post(.shutDown(grace: .zero)) }
        }
        await tasks.waitUntilNone()
    }

    private func makeParts(
        _ listeners: [ListeningSocket],
        _ mailboxes: [EpollMailbox]
    ) throws(SocketError) -> [EpollLoop.Parts] {
        var parts: [EpollLoop.Parts] = []
        for mailbox in mailboxes {
            parts.append(
                EpollLoop.Parts(
                    configuration: configuration,
                    responder: responder,
                    logger: logger,
                    connectionCount: connections,
                    taskCount: tasks,
                    listeners: listeners,
                    set: try EpollSet(),
                    mailbox: mailbox,
                    mailboxes: mailboxes
                )
            )
        }
        return parts
    }
}
#endif
