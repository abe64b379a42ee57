// What a node has to tell, until its user takes it.

import Synchronization

/// Events in order, for those who take them.
///
/// Somebody who takes them loses none: that there is much to take tells the node to take nothing in. While there is nobody, the
/// node goes on, and of what it has to tell the latest is kept.
final class EventQueue: Sendable {
    private struct State {
        var events: [NodeEvent] = []
        /// Those before this one have been taken, or dropped.
        var first = 0
        var bytes = 0
        /// How many there are who take them.
        var takers = 0
        /// What was dropped while there was nobody, and nobody has been told of.
        var droppedCount = 0
        /// Who waits for another.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
        var isEnded = false

        var count: Int { events.count - first }

        mutating func dropFirst() {
            bytes -= events[first].bytes
            first += 1
            droppedCount += 1
            compact()
        }

        mutating func take(_ countMax: Int) -> [NodeEvent]? {
            if droppedCount > 0 {
                defer { droppedCount = 0 }
                let text = "\(droppedCount) events were dropped: nobody took them"
                return [.trouble(text)]
            }
            guard count > 0 else { return isEnded ? [] : nil }
            if countMax >= count, first == 0 {
                defer { (events, bytes) = ([], 0) }
                return events
            }
            let taken = Array(events[first..<first + min(countMax, count)])
            first += taken.count
            bytes -= taken.reduce(0) { $0 + $1.bytes }
            compact()
            return taken
        }

        private mutating func compact() {
            guard first > events.count / 2 else { return }
            events.removeFirst(first)
            first = 0
        }
    }

    private let countMax: Int
    private let bytesMax: Int
    private let state = Mutex(State())

    /// So many may wait, and so many octets in them.
    init(countMax: Int, bytesMax: Int) {
        (self.countMax, self.bytesMax) = (countMax, bytesMax)
    }

    /// Whether no more than one part in `share` of what may wait does, or there is nobody to wait for.
    func hasRoom(share: Int) -> Bool {
        state.withLock { $0.takers == 0 || $0.count <= countMax / share && $0.bytes <= bytesMax / share }
    }

    func append(_ events: [NodeEvent]) {
        guard !events.isEmpty else { return }
        let bytes = events.reduce(0) { $0 + $1.bytes }
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            guard !state.isEnded else { return [] }
            state.events += events
            state.bytes += bytes
            while state.takers == 0, state.count > countMax || state.bytes > bytesMax { state.dropFirst() }
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// There will be no more.
    func end() {
        let waiters = state.withLock { state in
            state.isEnded = true
            return Self.takeWaiters(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Somebody takes events from now on, until ``leave()``.
    func enter() { state.withLock { $0.takers += 1 } }

    func leave() { state.withLock { $0.takers -= 1 } }

    /// Those that wait, at least one and at most so many; none: there will be no more, or the task was cancelled.
    func take(_ countMax: Int = .max) async -> [NodeEvent] {
        while true {
            if let events = state.withLock({ $0.take(countMax) }) { return events }
            guard !Task.isCancelled else { return [] }
            await waitForMore()
        }
    }

    private func waitForMore() async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard state.count == 0, !state.isEnded, !Task.isCancelled else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    private static func takeWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        guard !state.waiters.isEmpty else { return [] }
        defer { state.waiters = [:] }
        return Array(state.waiters.values)
    }
}

/// What happens at a node, in order, for one loop at a time.
///
/// While there is a loop nothing is lost: a node whose loop takes nothing hears nobody once 65,536 events wait, or 64 MiB of
/// them. While there is none the node goes on, and keeps as many, the latest, for the next: that begins with a
/// ``NodeEvent/trouble(_:)`` if others were dropped.
public struct NodeEvents: AsyncSequence, Sendable {
    /// Takes one event after another.
    public struct Iterator: AsyncIteratorProtocol {
        private let taker: EventTaker

        init(_ taker: EventTaker) { self.taker = taker }

        /// The next event; nil when the node has closed or the task is cancelled.
        public mutating func next(isolation: isolated (any Actor)? = #isolation) async -> NodeEvent? {
            await taker.take(1).first
        }

        /// All events that there are, at least one; nil when the node has closed or the task is cancelled.
        public mutating func nextBatch(isolation: isolated (any Actor)? = #isolation) async -> [NodeEvent]? {
            let events = await taker.take(.max)
            return events.isEmpty ? nil : events
        }
    }

    let intake: Intake

    /// Takes events from where the last loop has left off.
    public func makeAsyncIterator() -> Iterator { Iterator(EventTaker(intake)) }
}

/// Somebody who takes events, for as long as this lives.
final class EventTaker: Sendable {
    private let intake: Intake

    init(_ intake: Intake) {
        self.intake = intake
        intake.queue.enter()
    }

    deinit {
        intake.queue.leave()
        intake.update()
    }

    func take(_ countMax: Int) async -> [NodeEvent] {
        let events = await intake.queue.take(countMax)
        intake.update()
        return events
    }
}
