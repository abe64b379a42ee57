// A chat store of which the directory's tests use the pins alone.

import Chat
import PeerIdentity
import Synchronization

/// Keeps pins in memory; can be made to fail, and holds writes back at a gate.
final class PinStore: ChatStore {
    struct Full: Error {}

    private struct State {
        var pins: [String: [String: Pin]] = [:]
        var writes = 0
        var isFailing = false
    }

    private let state = Mutex(State())
    /// Called before each write, outside of any lock.
    private let beforeWrite: @Sendable () async -> Void

    init(beforeWrite: @escaping @Sendable () async -> Void = {}) {
        self.beforeWrite = beforeWrite
    }

    var writes: Int { state.withLock { $0.writes } }

    func fail(_ isFailing: Bool) { state.withLock { $0.isFailing = isFailing } }

    func stored(_ name: String) -> Pin? { state.withLock { $0.pins.values.compactMap { $0[name] }.first } }

    func pins(of registry: String, changing: [Pin]) async throws -> [Pin] {
        if !changing.isEmpty { await beforeWrite() }
        return try state.withLock { state in
            guard !state.isFailing else { throw Full() }
            if !changing.isEmpty { state.writes += 1 }
            for pin in changing { state.pins[registry, default: [:]][pin.identifier.folded] = pin }
            return Array((state.pins[registry] ?? [:]).values)
        }
    }

    func enqueue(
        _ text: String,
        to recipients: [PeerIdentifier],
        atMilliseconds: UInt64
    ) async throws -> [OutgoingMessage] { throw Full() }

    func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] { throw Full() }

    func settle(
        _ to: PeerIdentifier,
        upTo sequence: UInt64,
        as state: OutgoingMessage.State,
        reason: String?
    ) async throws { throw Full() }

    func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody] { throw Full() }

    func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine] { throw Full() }
}
