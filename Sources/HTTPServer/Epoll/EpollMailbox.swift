// What other threads want of a loop, and the descriptor that wakes it.

#if os(Linux)
import HTTP
import Synchronization

/// The way into a loop, from any thread.
final class EpollMailbox: Sendable, Wakeable {
    /// One wish.
    enum Message: Sendable {
        /// A connection that another loop accepted, already counted here.
        case adopt(Int32)
        /// What a task tells the connection of that token about one of its requests.
        case request(UInt64, RequestNumber, RequestEvent)
        /// No new requests, and an end to what runs after that time.
        case shutDown(grace: Duration)
        /// Return from the loop; what is still open is cut.
        case stop

        /// The loop is over: releases what the message holds.
        func drop() {
            switch self {
            case .adopt(let descriptor): SocketCall.close(descriptor)
            case .request(_, _, let event): event.drop()
            case .shutDown, .stop: break
            }
        }
    }

    private struct State {
        var messages: [Message] = []
        var isClosed = false
    }

    let wake: WakeDescriptor
    /// Connections of the loop, and those on their way to it: by this the loops share them evenly.
    let connections = Atomic<Int>(0)
    private let state = Mutex(State())

    init() throws(SocketError) {
        wake = try WakeDescriptor()
    }

    /// Gives the loop a message, and drops it if the loop is over; wakes the loop if it has none yet.
    func post(_ message: Message) {
        let (isClosed, wakes) = state.withLock { state in
            guard !state.isClosed else { return (true, false) }
            state.messages.append(message)
            return (false, state.messages.count == 1)
        }
        if isClosed { return message.drop() }
        if wakes { WakeRound.wake(self) }
    }

    func wakeUp() { wake.signal() }

    /// All messages since the last call, in order.
    func take() -> [Message] {
        wake.drain()
        return state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// Drops what is there and what still comes.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
        for message in rest { message.drop() }
    }
}
#endif
