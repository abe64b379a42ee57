// One question on its way to the origin, and everybody who waits for its answer.

package import HTTP
import Synchronization

/// A request to the origin that several clients may wait for (collapsed forwarding, RFC 9111 section 4).
///
/// Settled once, with an outcome that all may use, or with a response that only one may have. When the last who waits has
/// gone, ``waitUntilAbandoned()`` returns and the request is given up.
package final class Flight: Sendable {
    /// What came back.
    package enum Outcome: Sendable {
        /// A new stored response, whose body may still be arriving, and who reads it for those who wait.
        case stored(StoredResponse, standIn: ReaderID)
        /// The stored response is still good.
        case validated(StoredResponse)
        /// A response that is not stored: the first to take it has it, others ask for themselves.
        case notShared
        case failed(any Error)
    }

    private struct State {
        var outcome: Outcome?
        var unshared: Response?
        var waiting: [Int: CheckedContinuation<Outcome?, Never>] = [:]
        var interested = 0
        var lastID = 0
        var isAbandoned = false
        var isBackground = false
        var abandonment: CheckedContinuation<Void, Never>?
        var whenLeft: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// A flight nobody waits for yet; `isBackground` ones are never abandoned.
    package init(isBackground: Bool) {
        if isBackground {
            state.withLock { state in
                state.interested = 1
                state.isBackground = true
            }
        }
    }

    /// Waits for the outcome; nil if the calling task is cancelled first, or the flight has been abandoned already.
    package func join() async -> Outcome? {
        let id: Int? = state.withLock { state in
            guard !state.isAbandoned else { return nil }
            state.interested += 1
            state.lastID += 1
            return state.lastID
        }
        guard let id else { return nil }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Outcome?? = state.withLock { state in
                    if let outcome = state.outcome { return .some(outcome) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let (waiting, abandonment, whenLeft) = state.withLock {
                state -> (
                    CheckedContinuation<Outcome?, Never>?, abandonment: CheckedContinuation<Void, Never>?,
                    whenLeft: (@Sendable () -> Void)?
                ) in
                let waiting = state.waiting.removeValue(forKey: id)
                // With the outcome in hand it is the caller who leaves.
                guard waiting != nil || state.outcome == nil else { return (waiting, abandonment: nil, whenLeft: nil) }
                state.interested -= 1
                return (waiting, Self.abandonIfUnwanted(&state), Self.takeWhenLeft(&state))
            }
            waiting?.resume(returning: nil)
            abandonment?.resume()
            whenLeft?()
        }
    }

    /// Takes the response that is not shared; nil for all but the first.
    package func takePrivateResponse() -> Response? {
        state.withLock { state in
            defer { state.unshared = nil }
            return state.unshared
        }
    }

    /// To be called by each who has got an outcome, once they have made something of it.
    package func leave() {
        let whenLeft = state.withLock { state in
            state.interested -= 1
            return Self.takeWhenLeft(&state)
        }
        whenLeft?()
    }

    /// Says what came back, once; `whenLeft` is called when all who wait for it have left.
    package func settle(
        _ outcome: Outcome,
        response: Response? = nil,
        whenLeft: (@Sendable () -> Void)? = nil
    ) {
        let (waiting, abandonment, unwanted) = state.withLock { state in
            state.outcome = outcome
            let waiting = state.waiting
            state.waiting = [:]
            let isUnwanted = waiting.isEmpty && state.interested == 0
            if !isUnwanted { state.unshared = response }
            let abandonment = state.abandonment
            state.abandonment = nil
            // Nobody ever leaves a flight in the background.
            state.whenLeft = whenLeft
            if state.isBackground { state.interested -= 1 }
            return (waiting, abandonment, isUnwanted)
        }
        state.withLock { Self.takeWhenLeft(&$0) }?()
        if unwanted { response?.body.cancel() }
        for continuation in waiting.values { continuation.resume(returning: outcome) }
        abandonment?.resume()
    }

    /// Returns when nobody waits any more, or the flight is settled; true if it was abandoned.
    package func waitUntilAbandoned() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isAbandoned || state.outcome != nil || Task.isCancelled { return true }
                    state.abandonment = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let abandonment = state.withLock { state in
                defer { state.abandonment = nil }
                return state.abandonment
            }
            abandonment?.resume()
        }
        return state.withLock { $0.isAbandoned }
    }

    private static func takeWhenLeft(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.interested == 0, state.outcome != nil else { return nil }
        defer { state.whenLeft = nil }
        return state.whenLeft
    }

    private static func abandonIfUnwanted(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard state.interested == 0, state.outcome == nil else { return nil }
        state.isAbandoned = true
        defer { state.abandonment = nil }
        return state.abandonment
    }
}
