// The connections of one transport, by the names that the node gave them.

import NIOCore
import NIOPosix
import PeerNetwork
import Synchronization

/// Who is connected; any thread may ask, and what a connection tells comes from its event loop.
final class TCPLinks: Sendable {
    private struct State {
        var node: (any TransportDelegate)?
        var connections: [LinkID: TCPConnection] = [:]
        /// The tick at which each was seen to make headway last, and what it had sent by then.
        var congested: [LinkID: (tick: Int, sentBytes: Int)] = [:]
        var ticks = 0
        var isReading = true
        /// Those that are being dialled, and still wanted.
        var dialling: Set<LinkID> = []
        /// Connections that stand, those too that nobody wants any more and that are still being sent something.
        var openCount = 0
        /// Who waits until there is none.
        var whenNoneIsOpen: (@Sendable () -> Void)?
    }

    let limits: TCPLimits
    private let state = Mutex(State())
    private let telling = Mutex(())
    private let queued = QueuedBytes()

    private let tls: PeerTLS?

    init(_ limits: TCPLimits, _ tls: PeerTLS?) {
        (self.limits, self.tls) = (limits, tls)
    }

    func start(_ node: any TransportDelegate) { state.withLock { $0.node = node } }

    // MARK: Connections that are made

    /// Prepares a connection that has come in.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try tls?.add(to: channel.pipeline.syncOperations, isDialled: false)
            try channel.pipeline.syncOperations.addHandler(LinkHandler(self, link: nil))
        }
    }

    /// A connection is about to be dialled.
    func dial(_ link: LinkID) { state.withLock { _ = $0.dialling.insert(link) } }

    /// Prepares a connection that is being dialled.
    func prepare(_ channel: any Channel, _ link: LinkID) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try tls?.add(to: channel.pipeline.syncOperations, isDialled: true)
            try channel.pipeline.syncOperations.addHandler(LinkHandler(self, link: link))
        }
    }

    /// A connection stands; its name, and the node to tell of it, or nil if nobody wants it.
    func stand(
        _ channel: any Channel,
        _ handler: NIOLoopBound<LinkHandler>,
        _ link: LinkID?
    ) -> (link: LinkID, node: any TransportDelegate)? {
        guard let node = state.withLock({ $0.node }) else { return nil }
        if let link {
            guard state.withLock({ $0.dialling.remove(link) }) != nil, add(channel, handler, link) else { return nil }
            node.opened(link)
            return (link, node)
        }
        // What the node sends at once waits until the connection has its name.
        var isAdded = false
        let accepted = node.accepted { link in isAdded = self.add(channel, handler, link) }
        return isAdded ? (accepted, node) : nil
    }

    private func add(_ channel: any Channel, _ handler: NIOLoopBound<LinkHandler>, _ link: LinkID) -> Bool {
        let connection = TCPConnection(link, channel, handler, limits, queued) { [weak self] link in
            self?.noteFree(link)
        }
        let isWanted = state.withLock { state in
            guard state.node != nil else { return false }
            state.connections[link] = connection
            state.openCount += 1
            // Before anybody else can say otherwise.
            if !state.isReading { connection.setReading(false) }
            return true
        }
        if isWanted { channel.closeFuture.whenComplete { _ in self.noteClosed() } }
        return isWanted
    }

    private func noteClosed() {
        let waiter = state.withLock { state in
            state.openCount -= 1
            return state.openCount == 0 ? state.whenNoneIsOpen.take() : nil
        }
        waiter?()
    }

    /// A connection could not be made.
    func fail(_ link: LinkID, _ why: String) {
        let node = state.withLock { $0.dialling.remove(link) == nil ? nil : $0.node }
        node?.closed(link, why)
    }

    /// A connection is over; why, if that is known.
    func end(_ link: LinkID, _ why: String?) {
        let node = state.withLock { state in
            state.connections.removeValue(forKey: link) == nil ? nil : state.node
        }
        noteFree(link)
        node?.closed(link, why)
    }

    /// Takes note of whether a frame has come in part.
    func notePart(_ isPart: Bool, of link: LinkID) {
        state.withLock { state in
            state.connections[link]?.partSince.store(isPart ? max(1, state.ticks) : 0, ordering: .relaxed)
        }
    }

    // MARK: What the node wants

    func send(_ payloads: [[UInt8]], on link: LinkID) {
        guard let connection = state.withLock({ $0.connections[link] }) else { return }
        switch connection.send(payloads) {
        case .fine: break
        case .congested: noteCongested(link)
        case .tooMuch: drop(link, "the peer reads too slowly")
        }
        while queued.count > limits.queuesBytesMax, dropLargest() {}
    }

    func hurry(_ link: LinkID) { state.withLock { $0.connections[link] }?.hurry() }

    func close(_ link: LinkID) {
        let connection = state.withLock { state in
            state.dialling.remove(link)
            return state.connections.removeValue(forKey: link)
        }
        noteFree(link)
        connection?.close()
    }

    func setReading(_ isReading: Bool) {
        let connections = state.withLock { state in
            state.isReading = isReading
            // Nobody could end the frame that he had begun.
            for connection in state.connections.values where connection.partSince.load(ordering: .relaxed) > 0 {
                connection.partSince.store(max(1, state.ticks), ordering: .relaxed)
            }
            return Array(state.connections.values)
        }
        for connection in connections { connection.setReading(isReading) }
    }

    func tick() {
        let (node, slow, stalled): ((any TransportDelegate)?, [LinkID], [LinkID]) = state.withLock { state in
            state.ticks += 1
            let (ticks, slowMax, partMax) = (state.ticks, Int(limits.stallSeconds) * 4, Int(limits.frameSeconds) * 4)
            let stalled = state.connections.filter { _, connection in
                let since = connection.partSince.load(ordering: .relaxed)
                return state.isReading && since > 0 && ticks - since > partMax
            }
            for (link, seen) in state.congested {
                guard let sent = state.connections[link]?.sentBytes, sent > seen.sentBytes else { continue }
                state.congested[link] = (ticks, sent)
            }
            let slow = state.congested.filter { ticks - $0.value.tick > slowMax }
            return (state.node, Array(slow.keys), Array(stalled.keys))
        }
        for link in slow { drop(link, "the peer reads too slowly") }
        for link in stalled { drop(link, "the peer stopped in the middle of a frame") }
        node?.tick()
    }

    /// Closes all connections behind what was sent; `whenDone` is called when that is done, or by ``stopWaiting()``.
    func stop(_ whenDone: @escaping @Sendable () -> Void) {
        let (connections, isDone) = state.withLock { state in
            state.node = nil
            defer { state.connections = [:] }
            if state.openCount > 0 { state.whenNoneIsOpen = whenDone }
            return (Array(state.connections.values), state.openCount == 0)
        }
        for connection in connections { connection.close() }
        if isDone { whenDone() }
    }

    /// Has whoever waits for connections to be closed wait no longer.
    func stopWaiting() {
        let waiter = state.withLock { $0.whenNoneIsOpen.take() }
        waiter?()
    }

    // MARK: Congestion

    /// A peer that does not do its part is let go.
    private func drop(_ link: LinkID, _ why: String) {
        let (node, connection) = state.withLock { ($0.node, $0.connections.removeValue(forKey: link)) }
        noteFree(link)
        guard let connection else { return }
        connection.close()
        node?.closed(link, why)
    }

    /// Lets the peer go for whom most waits; false if there is none.
    private func dropLargest() -> Bool {
        let (node, largest) = state.withLock { state in
            let largest = state.connections.values.max { $0.queuedBytes < $1.queuedBytes }
            if let largest { state.connections[largest.link] = nil }
            return (state.node, largest)
        }
        guard let largest else { return false }
        largest.abandon()
        noteFree(largest.link)
        node?.closed(largest.link, "too much waits to be sent, most of it there")
        return true
    }

    private func noteCongested(_ link: LinkID) {
        let isFirst = state.withLock { state in
            // What waited may have gone by now, and nobody would say so again.
            guard let connection = state.connections[link], connection.isCongested, state.congested[link] == nil else {
                return false
            }
            state.congested[link] = (state.ticks, connection.sentBytes)
            return state.congested.count == 1
        }
        if isFirst { tellCongestion() }
    }

    private func noteFree(_ link: LinkID) {
        let isLast = state.withLock { $0.congested.removeValue(forKey: link) != nil && $0.congested.isEmpty }
        if isLast { tellCongestion() }
    }

    /// Tells how it is by now: of two that tell at the same time the last must not be out of date.
    private func tellCongestion() {
        telling.withLock { _ in
            let (node, isCongested) = state.withLock { ($0.node, !$0.congested.isEmpty) }
            node?.setCongested(isCongested)
        }
    }
}
