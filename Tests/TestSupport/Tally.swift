// Waiting for things to have happened n times, without a sleep and without asking again and again.

import Synchronization

/// A count that only grows and that a test can wait for.
package final class Tally: Sendable {
    private struct Waiter {
        let id: Int
        let threshold: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var count = 0
        var nextID = 0
        var waiters: [Waiter] = []
    }

    private let name: String
    private let state = Mutex(State())

    /// `name` says in failure messages what is counted.
    package init(_ name: String) {
        self.name = name
    }

    /// How many there were so far.
    package var count: Int { state.withLock { $0.count } }

    /// Counts `more`, from any thread.
    package func advance(by more: Int = 1) {
        let reached = state.withLock { state in
            state.count += more
            let reached = state.waiters.filter { $0.threshold <= state.count }
            state.waiters.removeAll { $0.threshold <= state.count }
            return reached
        }
        for waiter in reached { waiter.continuation.resume(returning: true) }
    }

    /// Returns once the count is at least `threshold`; throws ``TestSupportError/notReached(_:)`` after `bound`.
    package func reach(_ threshold: Int, within bound: Duration = .seconds(30)) async throws {
        let reached = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait(for: threshold) }
            group.addTask {
                // A throw means that the other child was first and this one is no longer needed.
                try? await Task.sleep(for: bound)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        guard reached else {
            throw TestSupportError.notReached("waited \(bound) for \(threshold) of \(name), there were \(count)")
        }
    }

    private func wait(for threshold: Int) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.count >= threshold { return true }
                    if Task.isCancelled { return false }
                    state.waiters.append(Waiter(id: id, threshold: threshold, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let given = state.withLock { state in
                let given = state.waiters.filter { $0.id == id }
                state.waiters.removeAll { $0.id == id }
                return given
            }
            for waiter in given { waiter.continuation.resume(returning: false) }
        }
    }
}
