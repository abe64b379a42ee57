// One look-up of a name at a time: who comes while it is under way waits for it.

import Synchronization

/// Who looks a name up, and who waits for that.
final class LookUpFlights: Sendable {
    /// What entering came to.
    enum Entry: Sendable, Hashable {
        /// The caller makes the look-up, and calls ``LookUpFlights/leave(_:hasLanded:)`` whatever comes.
        case lead
        /// Another made it: what is remembered is as new as can be.
        case landed
        /// Another began it and gave up, or the caller's task was cancelled: enter again.
        case abandoned
        /// Too many wait.
        case full
    }

    private struct Waiter {
        var number: UInt64
        var continuation: CheckedContinuation<Entry, Never>
    }

    private struct State {
        var flights: [String: [Waiter]] = [:]
        var numbers: UInt64 = 0
    }

    private let waitersMax: Int
    private let state = Mutex(State())

    init(waitersMax: Int) {
        self.waitersMax = waitersMax
    }

    /// Begins a look-up of `name`, or waits for the end of the one under way.
    func enter(_ name: String) async -> Entry {
        let number = state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Cancellation before this point finds no waiter to wake, so it is looked for under the lock.
                let entry: Entry? = state.withLock { state in
                    guard let waiters = state.flights[name] else {
                        state.flights[name] = []
                        return .lead
                    }
                    guard !Task.isCancelled else { return .abandoned }
                    guard waiters.count < waitersMax else { return .full }
                    state.flights[name, default: []].append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let entry { continuation.resume(returning: entry) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.flights[name]?.firstIndex(where: { $0.number == number }) else { return nil }
                return state.flights[name]?.remove(at: index)
            }
            waiter?.continuation.resume(returning: .abandoned)
        }
    }

    /// Ends the look-up that the caller led, and wakes who waited for it.
    func leave(_ name: String, hasLanded: Bool) {
        let waiters = state.withLock { $0.flights.removeValue(forKey: name) ?? [] }
        for waiter in waiters { waiter.continuation.resume(returning: hasLanded ? .landed : .abandoned) }
    }

    /// How many wait for the look-up of `name`.
    func waiting(for name: String) -> Int {
        state.withLock { $0.flights[name]?.count ?? 0 }
    }
}
