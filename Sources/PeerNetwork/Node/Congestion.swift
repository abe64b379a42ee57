// Who waits until there is less to send.

import Synchronization

/// Whether more waits to be sent than is good, and who waits until that is over.
final class Congestion: Sendable {
    private struct Waiter {
        let since: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var isCongested = false
        /// Nothing is sent any more.
        var isStopped = false
        var ticks = 0
        var lastWaiter = 0
        var waiters: [Int: Waiter] = [:]
    }

    /// 20 s: who tells more than goes out is slowed down until it does, but one peer is not to hold up a person for ever.
    private static let ticksMax = 80

    private let state = Mutex(State())

    func set(_ isCongested: Bool) {
        resume { state in
            state.isCongested = isCongested && !state.isStopped
            return state.isCongested ? [] : Array(state.waiters.keys)
        }
    }

    /// Nobody waits from now on; false if that was so before.
    func stop() -> Bool {
        let isFirst = state.withLock { state in
            defer { (state.isStopped, state.isCongested) = (true, false) }
            return !state.isStopped
        }
        resume { Array($0.waiters.keys) }
        return isFirst
    }

    /// To be called about every quarter of a second.
    func tick() {
        resume { state in
            state.ticks += 1
            return state.waiters.filter { state.ticks - $0.value.since >= Self.ticksMax }.map(\.key)
        }
    }

    /// Returns when little enough waits to be sent, or this has waited for long, or the task is cancelled.
    func waitUntilFree() async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard state.isCongested, !Task.isCancelled else { return false }
                    state.waiters[id] = Waiter(since: state.ticks, continuation: continuation)
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            resume { _ in [id] }
        }
    }

    /// Lets those go on whom `choose` names, as far as they wait.
    private func resume(_ choose: (inout State) -> [Int]) {
        let waiters = state.withLock { state in
            let chosen = choose(&state)
            return chosen.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in waiters { waiter.continuation.resume() }
    }
}
