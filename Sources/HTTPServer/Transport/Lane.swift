// One event loop's share of the server: its connections, their shared engine context, its tick.

import HTTP
import Logging
import NIOCore

/// What the connections of one event loop share; made, used and let go on that loop only.
final class Lane {
    let eventLoop: any EventLoop
    let logger: Logger
    /// Connections of all lanes.
    let connectionCount: ActiveCount
    /// Tasks of all lanes.
    let taskCount: ActiveCount
    /// Passed into each call of an engine; empty of output between calls.
    var context: EngineContext
    /// Reused for output that is written at once.
    var writeBuffer = ByteBuffer()
    private(set) var isShuttingDown = false

    private var connections: [ObjectIdentifier: Connection] = [:]
    private var ticks: RepeatedTask?
    private let epoch = NIODeadline.now()
    private var hardStop: Int64?

    init(eventLoop: any EventLoop, context: EngineContext, logger: Logger, connections: ActiveCount, tasks: ActiveCount)
    {
        self.eventLoop = eventLoop
        self.context = context
        self.logger = logger
        connectionCount = connections
        taskCount = tasks
    }

    // MARK: Connections

    /// A new connection; whether it is within the limit, or nil if it should not even be answered.
    func add(_ connection: Connection) -> Bool? {
        connections[ObjectIdentifier(connection)] = connection
        let count = connectionCount.enter()
        let limit = context.configuration.connectionsMax
        if count <= limit { return true }
        return count <= limit + Lane.refusedConnectionsMax ? false : nil
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        connectionCount.leave()
    }

    /// Connections beyond the limit that are being told so.
    static var refusedConnectionsMax: Int { DescriptorShares.process.refusals }

    // MARK: Time

    /// Starts the tick that all timeouts of this loop are checked on.
    func startTicking() {
        let interval = TimeAmount.milliseconds(max(10, min(250, context.timeouts.shortest / 4)))
        let lane = NIOLoopBound(self, eventLoop: eventLoop)
        ticks = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in lane.value.tick() }
    }

    func stopTicking() {
        ticks?.cancel()
        ticks = nil
        context.journal.finish()
    }

    private func tick() {
        let now = (NIODeadline.now() - epoch).nanoseconds / 1_000_000
        context.advance(to: now)
        if let hardStop, now >= hardStop { return cutAll() }
        for connection in Array(connections.values) { connection.tick() }
    }

    // MARK: Shutdown

    /// Ends idle connections now, the others after what they are doing, and what is left then after `grace`.
    func shutDown(grace: Duration) {
        isShuttingDown = true
        guard grace > .zero else { return cutAll() }
        hardStop = (NIODeadline.now() - epoch).nanoseconds / 1_000_000 + grace.milliseconds
        for connection in Array(connections.values) { connection.shutDown() }
    }

    /// Resets every connection, and those that are only being accepted at the next tick.
    private func cutAll() {
        hardStop = 0
        for connection in Array(connections.values) { connection.abort() }
    }
}
