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
    private struct State {
        var commands: [LoopCommand] = []
        var isStopped = false
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
            wakes = state.commands.count == 1
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
            return state.commands.count == 1
        }
        if wakes { ccurl_eventfd_signal(wakeDescriptor) }
    }

    // MARK: The loop

    /// All commands since the last call, in order.
    func take() -> [LoopCommand] {
        ccurl_eventfd_drain(wakeDescriptor)
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// An exchange is over.
    func closeExchange() {
        state.withLock { $0.open -= 1 }
    }
}
