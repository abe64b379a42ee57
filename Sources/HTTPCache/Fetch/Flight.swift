// One question on its way to the origin, and everybody who waits for its answer.

package import HTTP
import Synchronization

/// A request to the origin that several clients may wait for (collapsed forwarding, RFC 9111 section 4).
///
/// Settled once, with an outcome that all may use, or with a response that only the one whose request was sent may have.
/// Who is interested enters, waits, and leaves when something was made of the outcome; who is cancelled while waiting has
/// left. When all have left before there was an outcome, who watches for that gives the request up.
package final class Flight: Sendable {
    /// What came back.
    package enum Outcome: Sendable {
        /// A new stored response, whose body may still be arriving, and who reads it for those who wait.
        case stored(StoredResponse, standIn: ReaderID)
        /// The stored response is still good.
        case validated(StoredResponse)
        /// A response that is not stored: it belongs to the one whose request was sent, others ask for themselves; its
        /// status, if it is one of the origin's.
        case notShared(status: Int?)
        case failed(any Error)
    }

    /// A place in the flight, to be left once.
    package struct Seat: Sendable, Hashable {
        fileprivate let number: Int
    }

    private typealias Waiter = CheckedContinuation<Outcome?, Never>

    private struct State {
        var outcome: Outcome?
        var unshared: Response?
        var withheld: Fields = [:]
        var ownHead: HeadSnapshot?
        /// Taken seats, with who waits in them.
        var seats: [Seat: Waiter?] = [:]
        var lastNumber = 0
        var isAbandoned = false
        var whenAbandoned: (@Sendable () -> Void)?
        var whenLeft: (@Sendable () -> Void)?

        mutating func takeWhenLeft() -> (@Sendable () -> Void)? {
            guard seats.isEmpty, outcome != nil else { return nil }
            defer { whenLeft = nil }
            return whenLeft
        }
    }

    private let isBackground: Bool
    private let state = Mutex(State())

    /// A flight that nobody has entered yet; one in the background is never abandoned.
    package init(isBackground: Bool) {
        self.isBackground = isBackground
    }

    /// How many have a seat.
    var seatCount: Int { state.withLock { $0.seats.count } }

    /// Whether all who waited have gone before it was settled.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Takes a seat; nil if the flight has been given up.
    package func enter() -> Seat? {
        state.withLock { state in
            guard !state.isAbandoned else { return nil }
            state.lastNumber += 1
            let seat = Seat(number: state.lastNumber)
            state.seats[seat] = .some(nil)
            return seat
        }
    }

    /// Waits for the outcome; nil, and the seat is left, if the calling task is cancelled first.
    package func outcome(for seat: Seat) async -> Outcome? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Outcome?? = state.withLock { state in
                    guard state.seats[seat] != nil else { return .some(nil) }
                    if let outcome = state.outcome { return .some(outcome) }
                    state.seats[seat] = .some(continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let (waiter, whenAbandoned): (Waiter?, (@Sendable () -> Void)?) = state.withLock { state in
                // With an outcome in hand it is the caller who leaves.
                guard state.outcome == nil, let waiter = state.seats.removeValue(forKey: seat) else {
                    return (nil, nil)
                }
                return (waiter, abandonIfEmpty(&state))
            }
            waiter?.resume(returning: nil)
            whenAbandoned?()
        }
    }

    /// Leaves a seat whose outcome was had, once something was made of it.
    package func leave(_ seat: Seat) {
        let (whenLeft, whenAbandoned) = state.withLock { state in
            state.seats[seat] = nil
            return (state.takeWhenLeft(), abandonIfEmpty(&state))
        }
        whenLeft?()
        whenAbandoned?()
    }

    /// Takes the response that is not shared; nil for all but the first.
    package func takePrivateResponse() -> Response? {
        state.withLock { state in
            defer { state.unshared = nil }
            return state.unshared
        }
    }

    /// Takes the fields that are not stored; empty for all but the first.
    package func takeWithheldFields() -> Fields {
        state.withLock { state in
            defer { state.withheld = [:] }
            return state.withheld
        }
    }

    /// Takes the head that is not shared; nil for all but the first, and if the stored response's is for all.
    func takeOwnHead() -> HeadSnapshot? {
        state.withLock { state in
            defer { state.ownHead = nil }
            return state.ownHead
        }
    }

    /// Says what came back, once; `whenLeft` is called when all who have a seat have left.
    ///
    /// `response` is a response that is not shared, `withheld` the fields of a shared one that are not, `ownHead` the head that
    /// a shared one has for the one alone whose request was sent.
    package func settle(
        _ outcome: Outcome,
        response: Response? = nil,
        withheld: Fields = [:],
        ownHead: HeadSnapshot? = nil,
        whenLeft: (@Sendable () -> Void)? = nil
    ) {
        let (waiters, isWanted, left) = state.withLock { state in
            state.outcome = outcome
            state.whenLeft = whenLeft
            let waiters = state.seats.values.compactMap(\.self)
            for seat in state.seats.keys { state.seats[seat] = .some(nil) }
            let isWanted = !state.seats.isEmpty
            if isWanted { (state.unshared, state.withheld, state.ownHead) = (response, withheld, ownHead) }
            state.whenAbandoned = nil
            return (waiters, isWanted, state.takeWhenLeft())
        }
        if !isWanted { response?.body.cancel() }
        for waiter in waiters { waiter.resume(returning: outcome) }
        left?()
    }

    /// Has `abandoned` called if nobody waits any more before the flight is settled; at once if that is so already.
    func watchAbandonment(_ abandoned: @escaping @Sendable () -> Void) {
        let isAbandoned = state.withLock { state in
            if !state.isAbandoned, state.outcome == nil { state.whenAbandoned = abandoned }
            return state.isAbandoned
        }
        if isAbandoned { abandoned() }
    }

    private func abandonIfEmpty(_ state: inout State) -> (@Sendable () -> Void)? {
        guard !isBackground, state.seats.isEmpty, state.outcome == nil else { return nil }
        state.isAbandoned = true
        return state.whenAbandoned.take()
    }
}
