// Whether a node takes anything in: not while its user has more than enough to take.

import Synchronization

/// What waits for the user, and whether the transport reads.
final class Intake: Sendable {
    private struct State {
        var isReading = true
    }

    let queue = EventQueue()
    private let countMax: Int
    private let bytesMax: Int
    private let transport: any PeerTransport
    private let state = Mutex(State())

    /// Reads until more than `countMax` events wait, or `bytesMax` octets in them; again when half of that does.
    init(countMax: Int, bytesMax: Int, _ transport: any PeerTransport) {
        (self.countMax, self.bytesMax, self.transport) = (countMax, bytesMax, transport)
    }

    /// Whether what has come is to be taken.
    var isReading: Bool { state.withLock { $0.isReading } }

    /// Looks how much waits: to be called whenever there is more, or less.
    ///
    /// The transport is told within the lock, as of two that tell at the same time the last must not be out of date.
    func update() {
        state.withLock { state in
            let share = state.isReading ? 1 : 2
            let isReading = queue.count <= countMax / share && queue.bytes <= bytesMax / share
            guard isReading != state.isReading else { return }
            state.isReading = isReading
            transport.setReading(isReading)
        }
    }
}
