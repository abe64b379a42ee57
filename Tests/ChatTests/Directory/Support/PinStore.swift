// A chat store whose pins a test can make hard to write.

import Chat
import PeerIdentity
import Synchronization

/// Keeps everything in memory; can be made to fail, and to hold writes of pins back.
final class PinStore: ChatStore {
    struct Full: Error {}

    private let kept = MemoryChatStore(randomStream: { StreamID(high: 1, low: 1) })
    private let state = Mutex((writes: 0, isFailing: false))
    /// Called before each write, outside of any lock.
    private let beforeWrite: @Sendable ([Pin]) async -> Void

    init(beforeWrite: @escaping @Sendable ([Pin]) async -> Void = { _ in }) {
        self.beforeWrite = beforeWrite
    }

    var writes: Int { state.withLock { $0.writes } }

    func fail(_ isFailing: Bool) { state.withLock { $0.isFailing = isFailing } }

    /// The pin of a folded name at the registry of ``DirectoryFixture``.
    func stored(_ name: String) async throws -> Pin? {
        try await kept.pins(of: DirectoryFixture.base, changing: []).first { $0.identifier.folded == name }
    }

    func pins(of registry: String, changing: [Pin]) async throws -> [Pin] {
        if !changing.isEmpty { await beforeWrite(changing) }
        try state.withLock { state in
            guard !state.isFailing else { throw Full() }
            if !changing.isEmpty { state.writes += 1 }
        }
        return try await kept.pins(of: registry, changing: changing)
    }

    func enqueue(_ drafts: [Draft]) async throws -> [OutgoingMessage] { try await kept.enqueue(drafts) }

    func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] {
        try await kept.outbox()
    }

    func settle(
        _ to: PeerIdentifier,
        stream: StreamID,
        upTo sequence: UInt64,
        as state: OutgoingMessage.State,
        reason: String?
    ) async throws {
        try await kept.settle(to, stream: stream, upTo: sequence, as: state, reason: reason)
    }

    func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody] {
        try await kept.receive(bodies, atMilliseconds: atMilliseconds)
    }

    func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine] {
        try await kept.history(limit: limit, adding: adding)
    }
}
