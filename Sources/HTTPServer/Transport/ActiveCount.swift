// A count that can be waited for: connections and tasks that must be gone before the server is.

import Synchronization

/// Counts what is alive; waiting ends when nothing is.
final class ActiveCount: Sendable {
    private struct State {
        var count = 0
        var total = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// One more; returns how many there are now.
    @discardableResult
    func enter() -> Int {
        state.withLock { state in
            state.count += 1
            state.total += 1
            return state.count
        }
    }

    /// How many there are now, and how many there ever were.
    var counts: (now: Int, total: Int) { state.withLock { ($0.count, $0.total) } }

    /// One less.
    func leave() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when there is none; does not end sooner if the task is cancelled.
    func waitUntilNone() async {
        await withCheckedContinuation { continuation in
            let isNone = state.withLock { state in
                if state.count > 0 { state.waiters.append(continuation) }
                return state.count == 0
            }
            if isNone { continuation.resume() }
        }
    }
}
