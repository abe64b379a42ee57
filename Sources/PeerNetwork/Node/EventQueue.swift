// What a node has to tell, until its user takes it.

import Synchronization

/// Events in order, for one who takes them; how many wait tells the node when to take nothing in.
final class EventQueue: Sendable {
    private struct State {
        var events: [NodeEvent] = []
        var bytes = 0
        var waiter: CheckedContinuation<[NodeEvent], Never>?
        var isEnded = false
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.events.count } }

    /// What they take in memory, in octets, about.
    var bytes: Int { state.withLock { $0.bytes } }

    func append(_ events: [NodeEvent]) {
        guard !events.isEmpty else { return }
        let bytes = events.reduce(0) { $0 + $1.bytes }
        let waiter = state.withLock { state in
            guard let waiter = state.waiter.take() else {
                if !state.isEnded {
                    state.events += events
                    state.bytes += bytes
                }
                return nil as CheckedContinuation<[NodeEvent], Never>?
            }
            return waiter
        }
        waiter?.resume(returning: events)
    }

    /// There will be no more.
    func end() {
        let waiter = state.withLock { state in
            state.isEnded = true
            return state.waiter.take()
        }
        waiter?.resume(returning: [])
    }

    /// Those that wait, at least one; none: there will be no more, or the task was cancelled.
    func take() async -> [NodeEvent] {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let events: [NodeEvent]? = state.withLock { state in
                    if state.events.isEmpty, !state.isEnded, !Task.isCancelled, state.waiter == nil {
                        state.waiter = continuation
                        return nil
                    }
                    defer { (state.events, state.bytes) = ([], 0) }
                    return state.events
                }
                if let events { continuation.resume(returning: events) }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume(returning: [])
        }
    }
}

/// What happens at a node, in order, from the first time that it is asked for; for one loop at a time.
public struct NodeEvents: AsyncSequence, Sendable {
    /// Takes one event after another.
    public struct Iterator: AsyncIteratorProtocol {
        let queue: EventQueue
        let whenTaken: @Sendable () -> Void
        var batch: ArraySlice<NodeEvent> = []

        /// The next event; nil when the node has closed or the task is cancelled.
        public mutating func next(isolation: isolated (any Actor)? = #isolation) async -> NodeEvent? {
            if batch.isEmpty, let events = await nextBatch(isolation: isolation) { batch = events[...] }
            return batch.popFirst()
        }

        /// All events that there are, at least one, but for what ``next(isolation:)`` has begun to give; nil when the node has
        /// closed or the task is cancelled.
        public mutating func nextBatch(isolation: isolated (any Actor)? = #isolation) async -> [NodeEvent]? {
            let events = await queue.take()
            whenTaken()
            return events.isEmpty ? nil : events
        }
    }

    let queue: EventQueue
    let whenTaken: @Sendable () -> Void

    /// Takes events from where the last loop has left off.
    public func makeAsyncIterator() -> Iterator { Iterator(queue: queue, whenTaken: whenTaken) }
}
