// One connection: frames wait in order, and go in as few writes as there can be.

import NIOCore
import PeerNetwork
import Synchronization

/// What waits to be sent on all links of a transport, in octets.
final class QueuedBytes: Sendable {
    private let bytes = Atomic(0)

    var count: Int { bytes.load(ordering: .relaxed) }

    func add(_ more: Int) { bytes.add(more, ordering: .relaxed) }
}

/// The sending half of a link, once it stands.
final class TCPConnection: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        /// What waits and what is being written.
        var queuedBytes = 0
        var sentBytes = 0
        var isScheduled = false
        /// Whether frames go one at a time.
        var isPaced = true
        var isClosing = false
        /// Whether what waits counts for all links: not any more where it will be gone in a second.
        var isCounted = true

        /// Nothing more is taken; how much does not count any more.
        mutating func stopCounting() -> Int {
            defer { (isClosing, isCounted) = (true, false) }
            return isCounted ? queuedBytes : 0
        }
    }

    /// What frames in the queue come to.
    enum Standing {
        case fine
        case congested
        case tooMuch
    }

    let link: LinkID
    private let channel: any Channel
    private let handler: NIOLoopBound<LinkHandler>
    private let limits: TCPLimits
    private let state = Mutex(State())
    private let queued: QueuedBytes
    private let whenFree: @Sendable (LinkID) -> Void
    /// The tick at which a frame began to come that has not come whole; 0: none has.
    let partSince = Atomic(0)

    /// `whenFree` is called whenever something was written and there is room again.
    init(
        _ link: LinkID,
        _ channel: any Channel,
        _ handler: NIOLoopBound<LinkHandler>,
        _ limits: TCPLimits,
        _ queued: QueuedBytes,
        whenFree: @escaping @Sendable (LinkID) -> Void
    ) {
        (self.link, self.channel, self.limits, self.whenFree) = (link, channel, limits, whenFree)
        (self.handler, self.queued) = (handler, queued)
    }

    /// What waits, in octets.
    var queuedBytes: Int { state.withLock { $0.queuedBytes } }

    /// What has gone to the system so far, in octets.
    var sentBytes: Int { state.withLock { $0.sentBytes } }

    /// Whether so much waits that it counts as congested.
    var isCongested: Bool { state.withLock { $0.queuedBytes >= limits.congestedBytes } }

    /// Puts a frame around each payload behind those that wait.
    func send(_ payloads: [[UInt8]]) -> Standing {
        let (standing, isFirst): (Standing, Bool) = state.withLock { state in
            guard !state.isClosing else { return (.fine, false) }
            let before = state.queuedBytes
            defer { queued.add(state.queuedBytes - before) }
            for payload in payloads {
                guard state.queuedBytes <= limits.queueBytesMax else { return (.tooMuch, false) }
                LinkWriter.append(frameAround: payload, to: &state.waiting)
                state.queuedBytes += LinkWriter.frameByteCount(around: payload)
            }
            let isFirst = !state.isScheduled
            state.isScheduled = true
            return (state.queuedBytes >= limits.congestedBytes ? .congested : .fine, isFirst)
        }
        if isFirst { channel.eventLoop.execute { self.flush() } }
        return standing
    }

    /// Closes it behind what waits, or after a second.
    func close() {
        queued.add(-state.withLock { $0.stopCounting() })
        channel.eventLoop.execute {
            self.flush()
            self.channel.writeAndFlush(ByteBuffer()).whenComplete { _ in self.channel.close(promise: nil) }
            self.channel.eventLoop.scheduleTask(in: .seconds(1)) { self.channel.close(promise: nil) }
        }
    }

    /// Closes it at once; what waits is lost.
    func abandon() {
        let bytes = state.withLock { state in
            state.waiting = []
            return state.stopCounting()
        }
        queued.add(-bytes)
        channel.close(promise: nil)
    }

    /// From now on frames go as they come.
    func hurry() {
        state.withLock { $0.isPaced = false }
    }

    /// Takes nothing in, or does again, beginning with what has come already.
    func setReading(_ isReading: Bool) {
        let (channel, handler) = (channel, handler)
        channel.eventLoop.execute {
            channel.setOption(.autoRead, value: isReading).whenComplete { _ in }
            if isReading { handler.value.takeFrames() }
        }
    }

    /// On the event loop.
    private func flush() {
        let (octets, isRest): ([UInt8], Bool) = state.withLock { state in
            let octets = isPaced(state) ? firstFrame(&state.waiting) : consumed(&state.waiting)
            state.isScheduled = !state.waiting.isEmpty || isPaced(state) && !octets.isEmpty
            return (octets, state.isScheduled)
        }
        if isRest {
            channel.eventLoop.scheduleTask(in: .microseconds(limits.pauseMicroseconds)) { self.flush() }
        }
        var rest = ByteBuffer(bytes: octets)
        // In pieces, as each that has gone is headway.
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, 128 << 10)) {
            write(piece)
        }
        channel.flush()
    }

    private func write(_ piece: ByteBuffer) {
        let count = piece.readableBytes
        channel.write(piece).whenComplete { _ in
            let isFree = self.state.withLock { state in
                state.queuedBytes -= count
                if state.isCounted { self.queued.add(-count) }
                state.sentBytes += count
                return state.queuedBytes < self.limits.congestedBytes
            }
            if isFree { self.whenFree(self.link) }
        }
    }

    private func isPaced(_ state: State) -> Bool {
        state.isPaced && !state.isClosing && state.waiting.count < limits.pausedBytesMax
    }

    /// Takes the frame that is first, with its length in front.
    private func firstFrame(_ octets: inout [UInt8]) -> [UInt8] {
        guard octets.count > 4 else { return consumed(&octets) }
        let count = min(octets.count, 4 + octets[..<4].reduce(0) { $0 << 8 | Int($1) })
        defer { octets.removeFirst(count) }
        return Array(octets[..<count])
    }

    private func consumed(_ octets: inout [UInt8]) -> [UInt8] {
        defer { octets = [] }
        return octets
    }
}
