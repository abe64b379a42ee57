// Wakes the one who waits, now or when he comes.

import Synchronization

/// Rung once, it stays rung.
final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var numbers: UInt64 = 0
    }

    private let state = Mutex(State())

    var isRung: Bool { state.withLock { $0.isRung } }

    /// Wakes all who wait and all who come.
    func ring() {
        let waiters = state.withLock { state in
            state.isRung = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once it was rung, or when the task is cancelled.
    func wait() async {
        let number = state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard !state.isRung, !Task.isCancelled else { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    /// Runs `operation` until the bell is rung, which cancels it.
    ///
    /// - Returns: What it returned; nil if the bell came first.
    func unlessRung<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            defer { group.cancelAll() }
            group.addTask { await operation() }
            group.addTask {
                await self.wait()
                return nil
            }
            return await group.next() ?? nil
        }
    }
}
