// Counts calls from any thread.

import Synchronization

final class Calls: Sendable {
    private let state = Mutex(0)

    /// Counts one more; returns how many there were.
    func count() -> Int {
        state.withLock { state in
            state += 1
            return state
        }
    }

    var made: Int { state.withLock { $0 } }
}
