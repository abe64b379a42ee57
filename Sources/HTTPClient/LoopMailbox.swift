// What other threads want of the loop, and the descriptor that wakes it.

import CCurl
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One wish.
enum LoopCommand: Sendable {
    case start(Exchange)
    case resumeReceiving(Int)
    case resumeSending(Int)
    case cancel(Int)
    case stop
}

/// The way into the loop, from any thread.
final class LoopMailbox: Sendable {
    fileprivate struct State {
        var commands: [LoopCommand] = []
        /// Jobs of tasks that run on the loop's thread.
        var jobs: [UnownedJob] = []
        var isStopped = false
        /// The loop has ended: nobody takes jobs any more.
        var isClosed = false
        /// The loop waits, or is about to, and must be woken.
        var isWaiting = true
        /// Exchanges started and not yet over.
        var open = 0
        var nextID = 0
    }

    /// Becomes readable when there are commands; -1 if none could be had.
    let wakeDescriptor: Int32
    private let openMax: Int
    private let state = Mutex(State())

    /// `openMax` bounds the exchanges started and not yet over.
    init(openMax: Int) {
        self.openMax = openMax
        wakeDescriptor = ccurl_eventfd_create()
    }

    deinit {
        if wakeDescriptor >= 0 { close(wakeDescriptor) }
    }

    /// A number for a new exchange.
    func nextID() -> Int {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Starts `exchange`; throws if there are too many or the loop has stopped.
    func start(_ exchange: Exchange) throws(HTTPClientError) {
        var wakes = false
        let refusal: HTTPClientError.Code? = state.withLock { state in
            if state.isStopped { return .shutDown }
            if state.open >= openMax { return .overloaded }
            state.open += 1
            // Under the same lock, so that nothing comes behind a stop.
            state.commands.append(.start(exchange))
            wakes = state.takeWait()
            return nil
        }
        if let refusal {
            throw HTTPClientError(refusal, "\(exchange.request.summary): not started, \(openMax) exchanges at most")
        }
        if wakes { ccurl_eventfd_signal(wakeDescriptor) }
    }

    /// Gives the loop a command; wakes it if it has none yet.
    func post(_ command: LoopCommand) {
        let wakes = state.withLock { state in
            if case .stop = command { state.isStopped = true }
            state.commands.append(command)
            return state.takeWait()
        }
        if wakes { ccurl_eventfd_signal(wakeDescriptor) }
    }

    /// Gives the loop a job to run; false if it has ended.
    func post(_ job: UnownedJob) -> Bool {
        let wakes: Bool? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.jobs.append(job)
            return state.takeWait()
        }
        if wakes == true { ccurl_eventfd_signal(wakeDescriptor) }
        return wakes != nil
    }

    // MARK: The loop

    /// All commands and jobs since the last call, in order.
    func take() -> (commands: [LoopCommand], jobs: [UnownedJob]) {
        state.withLock { state in
            defer { (state.commands, state.jobs) = ([], []) }
            return (state.commands, state.jobs)
        }
    }

    /// Whether the loop may wait: nothing is here for it, and from now on it is woken by what comes.
    func mayWait() -> Bool {
        state.withLock { state in
            state.isWaiting = state.commands.isEmpty && state.jobs.isEmpty
            return state.isWaiting
        }
    }

    /// The loop has woken up.
    func noteWake() {
        state.withLock { $0.isWaiting = false }
    }

    /// Takes the last jobs, and no more.
    func closeJobs() -> [UnownedJob] {
        state.withLock { state in
            state.isClosed = true
            defer { state.jobs = [] }
            return state.jobs
        }
    }

    /// An exchange is over.
    func closeExchange() {
        state.withLock { $0.open -= 1 }
    }
}

extension LoopMailbox.State {
    /// Whether the loop must be woken; once for each time that it waits.
    fileprivate mutating func takeWait() -> Bool {
        defer { isWaiting = false }
        return isWaiting
    }
}
