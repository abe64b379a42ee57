// Runs tasks one job at a time in an order drawn from a seed, with a clock that jumps: every interleaving can be played again.

import Synchronization
import TestSupport

/// A task executor whose schedule is random, whose time is virtual, and which notices when nothing can go on any more.
///
/// With one thread a run depends on its seed alone (and on the process's hash seed: `SWIFT_DETERMINISTIC_HASHING=1` fixes
/// that too). With two, jobs really run at the same time.
final class SeededExecutor: TaskExecutor {
    private struct Alarm {
        let due: Int64
        let ring: @Sendable () -> Void
    }

    private struct State {
        var generator: SeededGenerator
        var ready: [UnownedJob] = []
        var alarms: [Alarm] = []
        var nanoseconds: Int64 = 0
        var running = 0
        var isDone = false
        /// Jobs since time went on last.
        var jobsAtOnce = 0
    }

    /// So many jobs with no time going on between them are jobs that wake each other for ever.
    private static let jobsAtOnceMax = 1_000_000

    /// How a run ended.
    enum Outcome {
        case done
        /// Nobody can go on, and somebody waits.
        case stuck
        /// They go on and on, and time does not.
        case restless
    }

    private let state: Mutex<State>

    init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// Virtual nanoseconds since the start.
    var nanoseconds: Int64 { state.withLock { $0.nanoseconds } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(job) }
    }

    /// Calls `ring` once so much virtual time has passed; never before, and only when nothing else can go on.
    func schedule(after milliseconds: Int, _ ring: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.alarms.append(Alarm(due: state.nanoseconds + Int64(milliseconds) * 1_000_000, ring: ring))
        }
    }

    /// Lets virtual time pass.
    func sleep(milliseconds: Int) async {
        await withCheckedContinuation { continuation in
            schedule(after: milliseconds) { continuation.resume() }
        }
    }

    /// Runs `body` and all that it starts on the calling thread, until it ends or cannot.
    func run(_ body: @escaping @Sendable () async -> Void) -> Outcome {
        start(body)
        while !isRestless, step() {}
        return isRestless ? .restless : state.withLock { $0.isDone } ? .done : .stuck
    }

    private var isRestless: Bool { state.withLock { $0.jobsAtOnce > Self.jobsAtOnceMax } }

    /// Begins `body`, whose jobs ``step()`` runs.
    func start(_ body: @escaping @Sendable () async -> Void) {
        _ = Task(executorPreference: self) {
            await body()
            self.state.withLock { $0.isDone = true }
        }
    }

    private enum Step {
        case job(UnownedJob)
        case ring(@Sendable () -> Void)
        case look
        case over
    }

    /// Runs one job, or rings one alarm; false when there is nothing left to do.
    func step() -> Bool {
        let step: Step = state.withLock { state in
            if !state.ready.isEmpty {
                let index = Int.random(in: 0..<state.ready.count, using: &state.generator)
                state.ready.swapAt(index, state.ready.count - 1)
                state.running += 1
                state.jobsAtOnce += 1
                return .job(state.ready.removeLast())
            }
            if state.running > 0 { return .look }
            guard let next = state.alarms.indices.min(by: { state.alarms[$0].due < state.alarms[$1].due }) else {
                return .over
            }
            let alarm = state.alarms.remove(at: next)
            if alarm.due > state.nanoseconds { state.jobsAtOnce = 0 }
            state.nanoseconds = max(state.nanoseconds, alarm.due)
            state.running += 1
            return .ring(alarm.ring)
        }
        switch step {
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        case .ring(let ring): ring()
        case .look: return true
        case .over: return false
        }
        state.withLock { $0.running -= 1 }
        return true
    }
}
