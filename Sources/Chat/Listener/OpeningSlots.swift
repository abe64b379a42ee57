// The few places where bodies are opened, and who waits for one.

import Synchronization

/// Lets at most as many bodies be opened at once as there are CPUs, in the order of ``OpeningSchedule``.
final class OpeningSlots: Sendable {
    /// What came of asking for a place.
    enum Entry: Sendable, Hashable {
        /// Open now, then ``leave(_:)``.
        case granted
        /// Too many wait already.
        case refused
        /// The task was cancelled.
        case cancelled
    }

    fileprivate struct State {
        var schedule: OpeningSchedule
        var waiters: [OpeningSchedule.Ticket: CheckedContinuation<Entry, Never>] = [:]
        var lastTicket: OpeningSchedule.Ticket = 0
    }

    private let state: Mutex<State>

    init(limits: OpeningLimits) {
        state = Mutex(State(schedule: OpeningSchedule(limits: limits)))
    }

    /// Waits for the lane's turn.
    func enter(_ lane: OpeningLane) async -> Entry {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (entry, displaced) = state.withLock { state in
                    state.admit(ticket, in: lane, continuation, isCancelled: Task.isCancelled)
                }
                if let entry { continuation.resume(returning: entry) }
                displaced?.resume(returning: .refused)
            }
        } onCancel: {
            let waiter = state.withLock { state in
                guard let waiter = state.waiters.removeValue(forKey: ticket) else { return nil as Waiter? }
                _ = state.schedule.abandon(ticket, in: lane)
                return waiter
            }
            waiter?.resume(returning: .cancelled)
        }
    }

    /// Gives a granted place back.
    func leave(_ lane: OpeningLane) {
        let started = state.withLock { state in
            state.schedule.leave(lane).compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in started { waiter.resume(returning: .granted) }
    }

    private typealias Waiter = CheckedContinuation<Entry, Never>
}

extension OpeningSlots.State {
    /// Asks the schedule; the answer is nil if it waits.
    fileprivate mutating func admit(
        _ ticket: OpeningSchedule.Ticket,
        in lane: OpeningLane,
        _ continuation: CheckedContinuation<OpeningSlots.Entry, Never>,
        isCancelled: Bool
    ) -> (OpeningSlots.Entry?, displaced: CheckedContinuation<OpeningSlots.Entry, Never>?) {
        guard !isCancelled else { return (.cancelled, nil) }
        switch schedule.enter(ticket, in: lane) {
        case .runs: return (.granted, nil)
        case .isRefused: return (.refused, nil)
        case .waits:
            waiters[ticket] = continuation
            return (nil, nil)
        case .displaces(let other):
            waiters[ticket] = continuation
            return (nil, waiters.removeValue(forKey: other))
        }
    }
}
