// Whether a node takes anything in: not while its user has more than enough to take, or it has more than enough to do.

import Synchronization

/// What waits for the user, what is to be done, and whether the transport reads.
final class Intake: Sendable {
    private struct State {
        var isReading = true
    }

    let queue: EventQueue
    private let undoneBytes = Atomic(0)
    private let transport: any PeerTransport
    private let state = Mutex(State())

    /// So much may be decided that is not done, in octets.
    private static let undoneBytesMax = 8 << 20

    /// Reads until more events wait in `queue` than may, for somebody who takes them; again when half of that does.
    init(_ queue: EventQueue, _ transport: any PeerTransport) {
        (self.queue, self.transport) = (queue, transport)
    }

    /// Whether what has come is to be taken.
    var isReading: Bool { state.withLock { $0.isReading } }

    /// Takes note of how much is decided and not done; whether that is too much.
    @discardableResult
    func note(undoneBytes: Int) -> Bool {
        self.undoneBytes.store(undoneBytes, ordering: .relaxed)
        return isAhead
    }

    /// Whether so much is decided and not done that nothing is to be taken in.
    var isAhead: Bool { undoneBytes.load(ordering: .relaxed) > Self.undoneBytesMax }

    /// Looks how much waits: to be called whenever there is more, or less.
    ///
    /// The transport is told within the lock, as of two that tell at the same time the last must not be out of date.
    func update() {
        state.withLock { state in
            let share = state.isReading ? 1 : 2
            let isReading = queue.hasRoom(share: share) && !isAhead
            guard isReading != state.isReading else { return }
            state.isReading = isReading
            transport.setReading(isReading)
        }
    }
}
