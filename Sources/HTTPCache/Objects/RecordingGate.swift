// One at a time, across awaits: the order in which facts about one response are read and written down.

import Synchronization

/// Lets one task through at a time; others wait in the order in which they came.
///
/// Facts are read from a response's state and then committed, and the two must not be overtaken: an older reading that
/// lands after a newer one would name octets that are gone.
final class RecordingGate: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` when all who came before have finished.
    ///
    /// Does not watch for cancellation: facts in hand are written.
    func pass<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.isTaken else {
                    state.isTaken = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next = state.withLock { state in
                guard !state.waiting.isEmpty else {
                    state.isTaken = false
                    return nil as CheckedContinuation<Void, Never>?
                }
                return state.waiting.removeFirst()
            }
            next?.resume()
        }
        return try await body()
    }
}
