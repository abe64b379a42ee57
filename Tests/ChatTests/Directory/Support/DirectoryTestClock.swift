// Virtual time for the directory's tests: it passes when a test says so.

import HTTP
import Synchronization

/// A clock that stands still until ``advance(by:)``; who sleeps is woken in order.
final class DirectoryTestClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct Sleeper {
        var number: Int
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        var duration: Duration
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Sleeper] = []
        var watchers: [Watcher] = []
        var numbers = 0
    }

    private let state = Mutex(State())
    /// 2026-01-01 00:00 UTC.
    let start = Timestamp(seconds: 1_767_225_600)

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }

    /// The wall clock that goes along with it.
    var timestamp: Timestamp { start.advanced(byNanoseconds: Int64(now.offset / .nanoseconds(1))) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let number = state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Outcome { case due, cancelled, asleep([CheckedContinuation<Void, Never>]) }
                let outcome: Outcome = state.withLock { state in
                    guard !Task.isCancelled else { return .cancelled }
                    guard deadline > state.now else { return .due }
                    state.sleepers.append(Sleeper(number: number, deadline: deadline, continuation: continuation))
                    let told = state.watchers.filter { state.now.advanced(by: $0.duration) == deadline }
                    state.watchers.removeAll { state.now.advanced(by: $0.duration) == deadline }
                    return .asleep(told.map(\.continuation))
                }
                switch outcome {
                case .due: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                case .asleep(let watchers): for watcher in watchers { watcher.resume() }
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.number == number }) else { return nil }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Waits until somebody sleeps who will wake in exactly so long.
    func sleeper(for duration: Duration) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                let deadline = state.now.advanced(by: duration)
                if state.sleepers.contains(where: { $0.deadline == deadline }) { return true }
                state.watchers.append(Watcher(duration: duration, continuation: continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets time pass, and wakes those whose time has come.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.deadline <= state.now }.sorted { $0.deadline < $1.deadline }
            state.sleepers.removeAll { $0.deadline <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits for one who sleeps so long, and lets just that time pass.
    func pass(_ duration: Duration) async {
        await sleeper(for: duration)
        advance(by: duration)
    }
}
