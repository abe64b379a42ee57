// One connection: frames wait in order, and go in as few writes as there can be.

import NIOCore
import PeerNetwork
import Synchronization

/// The sending half of a link, once it stands.
final class TCPConnection: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        /// What waits and what is being written.
        var queuedBytes = 0
        var isScheduled = false
        var isClosing = false
    }

    /// What a frame in the queue comes to.
    enum Standing {
        case fine
        case congested
        case tooMuch
    }

    let link: LinkID
    private let channel: any Channel
    private let limits: TCPLimits
    private let state = Mutex(State())
    private let whenFree: @Sendable (LinkID) -> Void
    /// The tick at which a frame began to come that has not come whole; 0: none has.
    let partSince = Atomic(0)

    /// `whenFree` is called whenever something was written and there is room again.
    init(_ link: LinkID, _ channel: any Channel, _ limits: TCPLimits, whenFree: @escaping @Sendable (LinkID) -> Void) {
        (self.link, self.channel, self.limits, self.whenFree) = (link, channel, limits, whenFree)
    }

    /// Puts a frame behind those that wait.
    func send(_ frame: [UInt8]) -> Standing {
        let (standing, isFirst): (Standing, Bool) = state.withLock { state in
            guard !state.isClosing else { return (.fine, false) }
            guard state.queuedBytes <= limits.queueBytesMax else { return (.tooMuch, false) }
            state.waiting += frame
            state.queuedBytes += frame.count
            let isFirst = !state.isScheduled
            state.isScheduled = true
            return (state.queuedBytes >= limits.congestedBytes ? .congested : .fine, isFirst)
        }
        if isFirst { channel.eventLoop.execute { self.flush() } }
        return standing
    }

    /// Closes it behind what waits, or after a second.
    func close() {
        state.withLock { $0.isClosing = true }
        channel.eventLoop.execute {
            self.flush()
            self.channel.writeAndFlush(ByteBuffer()).whenComplete { _ in self.channel.close(promise: nil) }
            self.channel.eventLoop.scheduleTask(in: .seconds(1)) { self.channel.close(promise: nil) }
        }
    }

    func setReading(_ isReading: Bool) {
        channel.setOption(.autoRead, value: isReading).whenComplete { _ in }
    }

    /// On the event loop.
    private func flush() {
        let octets = state.withLock { state in
            state.isScheduled = false
            return state.waiting.isEmpty ? [] : consumed(&state.waiting)
        }
        guard !octets.isEmpty else { return }
        channel.writeAndFlush(ByteBuffer(bytes: octets)).whenComplete { _ in
            let isFree = self.state.withLock { state in
                state.queuedBytes -= octets.count
                return state.queuedBytes < self.limits.congestedBytes
            }
            if isFree { self.whenFree(self.link) }
        }
    }

    private func consumed(_ octets: inout [UInt8]) -> [UInt8] {
        defer { octets = [] }
        return octets
    }
}
