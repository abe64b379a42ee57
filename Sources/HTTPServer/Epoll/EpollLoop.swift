// One thread's share of the server: its epoll instance, its connections, their engine context, its tick.

#if os(Linux)
import CLinux
import HTTP
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Made, run and let go on one thread; nothing of it is touched by another.
///
/// Everything is edge triggered but the listening sockets, so that a connection costs one `epoll_ctl` in its life at most. What a
/// loop could not do in one turn without keeping others waiting it does in the next.
final class EpollLoop {
    /// What a loop is made from; may be passed to its thread.
    struct Parts: Sendable {
        let configuration: HTTPServerConfiguration
        let responder: any Responder
        let logger: Logger
        /// Connections of all loops.
        let connectionCount: ActiveCount
        /// Tasks of all loops.
        let taskCount: ActiveCount
        let listeners: [ListeningSocket]
        let set: EpollSet
        let mailbox: EpollMailbox
        /// The mailboxes of all loops, this one's too.
        let mailboxes: [EpollMailbox]
    }

    let parts: Parts
    /// Passed into each call of an engine; empty of output between calls.
    var context: EngineContext
    /// Octets of the connection that is being read; used up before the next read.
    let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: EpollLoop.readBytes)
    private(set) var isShuttingDown = false
    /// When accepting goes on, in milliseconds; nil while it does not rest.
    var acceptsAgainAt: Int64?
    /// When it may be said again that it rests.
    var nextRestNotice: Int64 = 0
    /// Milliseconds of the loop's clock as of this turn.
    private(set) var now: Int64 = 0

    /// By descriptor.
    private var connections: [EpollConnection?] = []
    private var connectionsOpen = 0
    /// Connections that have more to do without an event.
    private var unfinished: [EpollConnection] = []
    private var generation: UInt64 = 0
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: EpollLoop.eventsMax)
    private let tickInterval: Int64
    private var nextTick: Int64 = 0
    private var hardStop: Int64?
    private var isStopped = false

    /// Octets that one read takes at most; a shorter read has emptied the socket.
    private static let readBytes = 64 * 1024
    private static let eventsMax = 256

    init(_ parts: Parts) {
        self.parts = parts
        context = EngineContext(
            configuration: parts.configuration,
            responder: parts.responder,
            monotonicNanoseconds: EpollLoop.monotonicNanoseconds
        )
        tickInterval = max(10, min(250, context.timeouts.shortest / 4))
    }

    deinit {
        readBuffer.deallocate()
        events.deallocate()
    }

    // MARK: Turns

    /// Returns after ``EpollMailbox/Message/stop``; then no connection is left.
    func run() {
        blockSignals()
        let wake = parts.mailbox.wake.descriptor
        if parts.set.add(wake, for: clinux_epoll_in, as: UInt64(wake)) {
            watchListeners()
            while !isStopped { turn() }
        } else {
            parts.logger.error("A loop of the server cannot be woken: it is not started")
        }
        forEachConnection { $0.abort() }
        context.journal.finish()
        parts.mailbox.close()
    }

    private func turn() {
        let count = parts.set.wait(for: events, milliseconds: patience())
        now = Int64(EpollLoop.monotonicNanoseconds() / 1_000_000)
        if now >= nextTick { tick() }
        for event in events[..<count] {
            let descriptor = Int32(truncatingIfNeeded: event.data.u64)
            if event.data.u64 >> 32 != 0 {
                connection(event.data.u64)?.handle(event.events)
            } else if descriptor == parts.mailbox.wake.descriptor {
                for message in parts.mailbox.take() { handle(message) }
            } else {
                accept(from: descriptor)
            }
        }
        guard !unfinished.isEmpty else { return }
        let resumed = unfinished
        unfinished = []
        for connection in resumed { connection.resume() }
    }

    /// How long to wait for an event: not at all, until the next tick, or for ever where nothing needs one.
    private func patience() -> Int32 {
        if !unfinished.isEmpty { return 0 }
        if connectionsOpen == 0, acceptsAgainAt == nil, !context.journal.hasUnsaved { return -1 }
        return Int32(clamping: max(0, nextTick - now))
    }

    private func handle(_ message: EpollMailbox.Message) {
        switch message {
        case .adopt(let descriptor): adopt(descriptor)
        case .request(let token, let number, let event):
            guard let connection = connection(token) else { return event.drop() }
            connection.take(event, of: number)
        case .shutDown(let grace): shutDown(grace: grace)
        case .stop: isStopped = true
        }
    }

    // MARK: Connections

    /// Makes a connection of an accepted socket, which is counted in the mailbox already.
    func adopt(_ descriptor: Int32) {
        generation = generation % UInt64(UInt32.max) + 1
        let token = generation << 32 | UInt64(descriptor)
        let count = parts.connectionCount.enter()
        let limit = context.configuration.connectionsMax
        guard count <= limit + Lane.refusedConnectionsMax else {
            leave()
            return SocketCall.close(descriptor)
        }
        let connection = EpollConnection(descriptor, token: token, loop: self)
        while connections.count <= descriptor { connections.append(nil) }
        connections[Int(descriptor)] = connection
        connectionsOpen += 1
        connection.begin(isWithinLimit: count <= limit)
        // A request is there more often than not when its connection is taken, and many connections bring no other one.
        guard connection.isOpen else { return }
        let events = clinux_epoll_in | clinux_epoll_out | clinux_epoll_peer_end | clinux_epoll_edge
        if !parts.set.add(descriptor, for: events, as: token) { connection.lose() }
    }

    /// Forgets a connection; to be called before its descriptor is closed.
    func remove(_ connection: EpollConnection) {
        connections[Int(connection.socket)] = nil
        connectionsOpen -= 1
        leave()
    }

    private func leave() {
        parts.mailbox.connections.subtract(1, ordering: .relaxed)
        parts.connectionCount.leave()
    }

    /// Lets a connection go on in the next turn.
    func resumeLater(_ connection: EpollConnection) {
        unfinished.append(connection)
    }

    private func connection(_ token: UInt64) -> EpollConnection? {
        let descriptor = Int(UInt32(truncatingIfNeeded: token))
        // Another token: the descriptor was closed and used again since.
        guard descriptor < connections.count, let connection = connections[descriptor], connection.token == token
        else { return nil }
        return connection
    }

    private func forEachConnection(_ body: (EpollConnection) -> Void) {
        for index in connections.indices {
            if let connection = connections[index] { body(connection) }
        }
    }

    // MARK: Time and shutdown

    private func tick() {
        nextTick = now + tickInterval
        context.advance(to: now)
        if let acceptsAgainAt, now >= acceptsAgainAt {
            self.acceptsAgainAt = nil
            watchListeners()
        }
        if let hardStop, now >= hardStop { return cutAll() }
        forEachConnection { $0.tick() }
    }

    /// Ends idle connections now, the others after what they are doing, and what is left then after `grace`.
    private func shutDown(grace: Duration) {
        isShuttingDown = true
        guard grace > .zero else { return cutAll() }
        hardStop = now + grace.milliseconds
        forEachConnection { $0.shutDown() }
    }

    /// Resets every connection, and those that are only being accepted at the next tick.
    private func cutAll() {
        hardStop = 0
        forEachConnection { $0.abort() }
    }

    private static let monotonicNanoseconds: @Sendable () -> UInt64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Takes no signals on this thread: they are for those that wait for them.
    ///
    /// A broken pipe is an error of its own call. Faults stay visible.
    private func blockSignals() {
        var signals = sigset_t()
        sigfillset(&signals)
        for fault in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] { sigdelset(&signals, fault) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
#endif
