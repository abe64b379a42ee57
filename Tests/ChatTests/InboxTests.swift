// What is stored together, what is answered when, and in which order it is shown.

import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct InboxQueueTests {
    private func queue(_ change: (inout InboxLimits) -> Void) -> InboxQueue<String, Int> {
        var limits = InboxLimits()
        change(&limits)
        return InboxQueue(limits: limits)
    }

    @Test func `sources take turns and each keeps its order`() {
        var queue = queue { $0.batchEntriesMax = 4 }
        for number in 1...4 { #expect(queue.add(number, of: "a", messages: 1) == true) }
        #expect(queue.add(10, of: "b", messages: 1) == true)
        #expect(queue.add(20, of: "c", messages: 1) == true)
        #expect(queue.takeBatch() == [1, 10, 20, 2])
        #expect(queue.add(11, of: "b", messages: 1) == true)
        #expect(queue.takeBatch() == [3, 11, 4])
        #expect(queue.takeBatch() == [] && queue.count == 0)
    }

    @Test func `a transaction has so many messages, but always one entry`() {
        var queue = queue { $0.batchMessagesMax = 10 }
        for (number, messages) in [(1, 64), (2, 5), (3, 5), (4, 1)] {
            #expect(queue.add(number, of: "a", messages: messages) == true)
        }
        #expect(queue.takeBatch() == [1])
        #expect(queue.takeBatch() == [2, 3])
        #expect(queue.takeBatch() == [4])
    }

    @Test func `a source has so many entries, all have so many, and one more is refused`() {
        var queue = queue { ($0.entriesPerSourceMax, $0.entriesMax) = (2, 3) }
        #expect(queue.add(1, of: "a", messages: 1) == true)
        #expect(queue.add(2, of: "a", messages: 1) == true)
        #expect(queue.add(3, of: "a", messages: 1) == false)
        #expect(queue.add(4, of: "b", messages: 1) == true)
        #expect(queue.add(5, of: "c", messages: 1) == false)
        #expect(queue.takeBatch() == [1, 4, 2])
        #expect(queue.add(5, of: "c", messages: 1) == true)
    }
}

@Suite struct InboxTests {
    private let bob = IdentityKey().publicKey

    private func item(
        _ texts: [String],
        first: UInt64 = 1,
        stream: UInt64 = 1,
        isChecked: Bool = true
    ) throws -> InboxItem {
        let envelope = try ChatEnvelope.bob(texts, first: first, stream: StreamID(high: 0, low: stream))
        let name = SenderName(name: "Bob", isChecked: isChecked, isBlocked: false)
        return .sealed(
            IncomingBody(sender: bob, from: envelope.from, stream: envelope.stream, messages: envelope.messages),
            from: name
        )
    }

    /// Runs `body` beside an inbox.
    private func withInbox(
        _ store: StubChatStore,
        limits: InboxLimits = InboxLimits(),
        _ body: @Sendable (Inbox, EventLog) async throws -> Void
    ) async throws {
        let log = EventLog()
        let inbox = Inbox(store: store, limits: limits, now: { .start }, sink: { log.append($0) })
        try await withThrowingTaskGroup { group in
            group.addTask { await inbox.run() }
            try await body(inbox, log)
            group.cancelAll()
        }
    }

    @Test func `a gap is shown, a duplicate acknowledged and not shown`() async throws {
        try await withInbox(StubChatStore()) { inbox, log in
            #expect(try await inbox.deliver(item(["1", "2"])) == 2)
            #expect(try await inbox.deliver(item(["1", "2"])) == 2)
            #expect(try await inbox.deliver(item(["2", "3"], first: 2)) == 3)
            #expect(try await inbox.deliver(item(["6"], first: 6)) == 6)
            try await log.shown.reach(5)
            #expect(log.lines == ["Bob: 1", "Bob: 2", "Bob: 3", "Bob misses 2", "Bob: 6"])
        }
    }

    @Test func `a sender who is not checked is said to be that`() async throws {
        try await withInbox(StubChatStore()) { inbox, log in
            _ = try await inbox.deliver(item(["x"], first: 3, isChecked: false))
            try await log.shown.reach(2)
            #expect(log.lines == ["Bob (unchecked) misses 2", "unchecked Bob: x"])
        }
    }

    @Test func `while one transaction runs, others gather for the next`() async throws {
        let store = StubChatStore()
        try await withInbox(store) { inbox, log in
            await store.hold()
            try await withThrowingTaskGroup(of: UInt64.self) { group in
                group.addTask { try await inbox.deliver(item(["first"], stream: 100)) }
                try await store.begun.reach(1)
                for stream in 0..<20 {
                    group.addTask { try await inbox.deliver(item(["later"], stream: UInt64(stream))) }
                }
                try await inbox.waits(for: 20)
                // Nothing is shown nor answered before it is stored.
                #expect(log.lines.isEmpty)
                await store.release()
                for try await highest in group { #expect(highest == 1) }
            }
            #expect(await store.transactions == [1, 20])
        }
    }

    @Test func `a body that the store refuses does not take others with it`() async throws {
        let store = StubChatStore()
        try await withInbox(store) { inbox, _ in
            await store.hold()
            try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { "\(try await inbox.deliver(item(["first"], stream: 100)))" }
                try await store.begun.reach(1)
                for (stream, text) in ["good", "bad", "fine"].enumerated() {
                    let item = try item([text], stream: UInt64(stream))
                    group.addTask {
                        do throws(InboxError) {
                            _ = try await inbox.deliver(item)
                            return text
                        } catch {
                            return "\(text) \(error)"
                        }
                    }
                }
                try await inbox.waits(for: 3)
                await store.release()
                var answers: [String] = []
                for try await answer in group { answers.append(answer) }
                #expect(answers.sorted() == ["1", "bad notStored", "fine", "good"])
            }
        }
    }

    @Test func `a plain text that cannot be stored leaves sealed ones stored and shown`() async throws {
        let store = StubChatStore()
        try await withInbox(store) { inbox, log in
            await store.hold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await inbox.deliver(item(["first"], stream: 100)) }
                try await store.begun.reach(1)
                group.addTask { _ = try await inbox.deliver(item(["second"])) }
                group.addTask {
                    let plain = InboxItem.plain(text: "bad", name: "x", address: .unknown)
                    #expect(await failure { try await inbox.deliver(plain) } == .notStored)
                }
                try await inbox.waits(for: 2)
                await store.release()
                try await group.waitForAll()
            }
            try await log.shown.reach(2)
            #expect(log.lines == ["Bob: first", "Bob: second"])
        }
    }

    @Test func `what waits at the end is refused, and so is what comes after`() async throws {
        let store = StubChatStore()
        let inbox = Inbox(store: store, limits: InboxLimits(), now: { .start }, sink: { _ in })
        await withTaskGroup { group in
            group.addTask { await inbox.run() }
            group.cancelAll()
        }
        await #expect(throws: InboxError.notStored) { try await inbox.deliver(item(["late"])) }
    }

    @Test func `an abandoned wait ends, and a full inbox refuses at once`() async throws {
        var limits = InboxLimits()
        limits.entriesMax = 1
        // Nobody runs it.
        let inbox = Inbox(store: StubChatStore(), limits: limits, now: { .start }, sink: { _ in })
        await withTaskGroup(of: InboxError?.self) { group in
            group.addTask { await failure { try await inbox.deliver(item(["a"])) } }
            try? await inbox.waits(for: 1)
            #expect(await failure { try await inbox.deliver(item(["b"])) } == .full)
            group.cancelAll()
            for await error in group { #expect(error == .cancelled) }
        }
    }

    private func failure(_ body: () async throws -> UInt64) async -> InboxError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? InboxError
        }
    }
}
