// The inbox of a chat store in memory, that a test can hold up or have fail; and a log of what is shown.

import PeerIdentity
import Synchronization
import TestSupport

@testable import Chat

/// Keeps the highest number of each stream; refuses texts that are "bad".
actor StubChatStore: ChatStore {
    private struct Stream: Hashable {
        let sender: PeerKey
        let id: StreamID
    }

    struct Refusal: Error {}

    nonisolated let begun = Tally("transactions begun")
    private var highest: [Stream: UInt64] = [:]
    private(set) var transactions: [Int] = []
    private(set) var lines: [HistoryLine] = []
    private(set) var bodies: [IncomingBody] = []
    private var isHeld = false
    private var held: [CheckedContinuation<Void, Never>] = []

    func hold() { isHeld = true }

    func release() {
        isHeld = false
        for waiter in held { waiter.resume() }
        held = []
    }

    func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody] {
        begun.advance()
        if isHeld { await withCheckedContinuation { held.append($0) } }
        guard !bodies.contains(where: { $0.messages.contains { $0.text == "bad" } }) else { throw Refusal() }
        transactions.append(bodies.count)
        self.bodies += bodies
        return bodies.map { body in
            let stream = Stream(sender: body.sender, id: body.stream)
            let old = highest[stream] ?? 0
            let new = body.messages.filter { $0.sequence > old }
            highest[stream] = new.last?.sequence ?? old
            return StoredBody(
                highest: highest[stream] ?? 0,
                new: new,
                missing: new.first.map { $0.sequence - old - 1 } ?? 0
            )
        }
    }

    func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine] {
        guard !adding.contains(where: { $0.text == "bad" }) else { throw Refusal() }
        lines += adding
        return Array(lines.suffix(limit))
    }

    func enqueue(_ drafts: [Draft]) async throws -> [OutgoingMessage] { [] }
    func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] { [] }
    func settle(
        _: PeerIdentifier,
        stream: StreamID,
        upTo: UInt64,
        as: OutgoingMessage.State,
        reason: String?
    ) async throws {}
    func pins(of registry: String, changing: [Pin]) async throws -> [Pin] { [] }
}

/// What was shown, as lines.
final class EventLog: Sendable {
    let shown = Tally("events shown")
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }

    func append(_ event: ChatEvent) {
        let line =
            switch event {
            case .received(let message):
                (message.isSealed ? "" : "(not encrypted) ")
                    + (message.isChecked || !message.isSealed ? "" : "unchecked ")
                    + "\(message.from): \(message.text)"
            case .missing(let from, let count): "\(from) misses \(count)"
            default: "\(event)"
            }
        state.withLock { $0.append(line) }
        shown.advance()
    }
}

extension Inbox {
    /// Returns once so many entries wait for the next transaction.
    func waits(for count: Int) async throws {
        for _ in 0..<1_000_000 {
            if waitingCount >= count { return }
            await Task.yield()
        }
        throw TestSupportError.notReached("\(count) entries in the inbox, there were \(waitingCount)")
    }
}
