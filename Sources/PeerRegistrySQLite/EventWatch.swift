// Those who wait for events that the file does not have yet.

import Synchronization

/// Waiters for a newest revision, woken as it grows.
final class EventWatch: Sendable {
    private struct State {
        var waiters: [UInt64: (after: UInt64, continuation: CheckedContinuation<Void, Never>)] = [:]
        var numbers: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Returns the newest revision once it is above `revision`, or when the task is cancelled.
    func wait(after revision: UInt64, newest: @escaping @Sendable () -> UInt64) async -> UInt64 {
        while !Task.isCancelled, newest() <= revision { await waitOnce(after: revision, newest: newest) }
        return newest()
    }

    /// The newest revision is this one.
    func wake(upTo newest: UInt64) {
        let woken = state.withLock { state in
            let woken = state.waiters.filter { $0.value.after < newest }
            for number in woken.keys { state.waiters[number] = nil }
            return woken.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    private func waitOnce(after revision: UInt64, newest: @escaping @Sendable () -> UInt64) async {
        let number = state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    // Under the lock: whoever wakes has stored the revision before.
                    if Task.isCancelled || newest() > revision { return true }
                    state.waiters[number] = (revision, continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume()
        }
    }
}
