// What every store of conversations must do, whatever it is kept in.

import Chat
import PeerIdentity
import Testing

@Suite struct ChatStoreConformanceTests {
    private static func body(_ sender: PeerKey, _ stream: UInt64, _ numbers: ClosedRange<UInt64>) throws -> IncomingBody
    {
        IncomingBody(
            sender: sender,
            from: try peer("Alice"),
            stream: StreamID(high: 9, low: stream),
            messages: messages(numbers)
        )
    }

    @Test(arguments: StoreKind.allCases)
    func `drafts are numbered for each recipient, in order`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let (alice, bob) = (try peer("Alice"), try peer("bob"))
        let first = try await tested.store.enqueue([
            Draft(text: "one", recipients: [alice, bob], writtenAtMilliseconds: 5),
            Draft(text: "two", recipients: [alice], writtenAtMilliseconds: 6),
        ])
        let second = try await tested.store.enqueue("three", to: [try peer("ALICE")], atMilliseconds: 7)
        #expect((first + second).map(\.to) == [alice, bob, alice, alice])
        #expect((first + second).map(\.message.sequence) == [1, 1, 2, 3])
        #expect((first + second).map(\.message.text) == ["one", "one", "two", "three"])
        #expect((first + second).map(\.message.sentAtMilliseconds) == [5, 5, 6, 7])
        #expect(first[0].stream != first[1].stream)
        #expect(first[0].stream == first[2].stream && first[0].stream == second[0].stream)
        for _ in 0..<2 {
            let outbox = try await tested.store.outbox()
            #expect(outbox.map(\.to) == [alice, bob])
            #expect(outbox[0].messages == [first[0], first[2], second[0]])
            #expect(outbox[1].messages == [first[1]])
            try tested.kill()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what is settled leaves the outbox, and its numbers are not given again`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let (alice, bob) = (try peer("Alice"), try peer("Bob"))
        let sent = try await tested.store.enqueue(
            (1...5).map { Draft(text: "\($0)", recipients: [alice, bob], writtenAtMilliseconds: 1) }
        )
        let stream = sent[0].stream
        try await tested.store.settle(alice, stream: stream, upTo: 2, as: .delivered, reason: nil)
        try await tested.store.settle(alice, stream: stream, upTo: 3, as: .failed, reason: "too long")
        // Another stream, another state: nothing of these.
        try await tested.store.settle(alice, stream: StreamID(high: 1, low: 1), upTo: 9, as: .delivered, reason: nil)
        try await tested.store.settle(alice, stream: stream, upTo: 9, as: .queued, reason: nil)
        for _ in 0..<2 {
            let outbox = try await tested.store.outbox()
            #expect(outbox.first?.messages.map(\.message.sequence) == [4, 5])
            #expect(outbox.last?.messages.map(\.message.sequence) == [1, 2, 3, 4, 5])
            try tested.kill()
        }
        try await tested.store.settle(alice, stream: stream, upTo: .max, as: .delivered, reason: nil)
        try tested.kill()
        let next = try await tested.store.enqueue("next", to: [alice], atMilliseconds: 1)
        #expect(next[0].stream == stream)
        #expect(next[0].message.sequence == 6)
    }

    @Test(arguments: StoreKind.allCases)
    func `what was stored is a duplicate, also after a kill`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let sender = try key(1)
        let first = try await tested.store.receive([try Self.body(sender, 1, 1...3)], atMilliseconds: 1)
        #expect(first == [StoredBody(highest: 3, new: messages(1...3), missing: 0)])
        try tested.kill()
        let again = try await tested.store.receive(
            [try Self.body(sender, 1, 1...3), try Self.body(sender, 1, 2...5), try Self.body(sender, 1, 1...2)],
            atMilliseconds: 2
        )
        #expect(again.map(\.highest) == [3, 5, 5])
        #expect(again.map(\.new) == [[], messages(4...5), []])
        let jump = try await tested.store.receive([try Self.body(sender, 1, 9...9)], atMilliseconds: 2)
        #expect(jump == [StoredBody(highest: 9, new: messages(9...9), missing: 3)])
        // Another sender may use the same name for its stream.
        let other = try await tested.store.receive([try Self.body(try key(2), 1, 1...1)], atMilliseconds: 2)
        #expect(other[0].new.count == 1)
    }

    @Test(arguments: StoreKind.allCases)
    func `numbers at the ends of their range are kept in order`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let sender = try key(1)
        let half = UInt64(1) << 63
        for (numbers, new) in [
            (0...0, 0), (half - 1...half, 2), (half - 1...half, 0), (UInt64.max...UInt64.max, 1), (1...9, 0),
            (UInt64.max...UInt64.max, 0),
        ] as [(ClosedRange<UInt64>, Int)] {
            let stored = try await tested.store.receive([try Self.body(sender, 1, numbers)], atMilliseconds: 1)
            #expect(stored[0].new.count == new)
            try tested.kill()
        }
        let unshown = try await tested.store.unshown().flatMap(\.messages).map(\.sequence)
        #expect(unshown == [half - 1, half, .max])
        try await tested.store.markShown(from: sender, stream: StreamID(high: 9, low: 1), upTo: half)
        #expect(try await tested.store.unshown().flatMap(\.messages).map(\.sequence) == [.max])
    }

    @Test(arguments: StoreKind.allCases)
    func `eight streams of a key are known, of nine the least recently used is not`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let (sender, other) = (try key(1), try key(2))
        _ = try await tested.store.receive([try Self.body(other, 1, 1...1)], atMilliseconds: 1)
        for stream in 1...8 as ClosedRange<UInt64> {
            _ = try await tested.store.receive([try Self.body(sender, stream, 1...1)], atMilliseconds: 1)
        }
        func isKnown(_ key: PeerKey, _ stream: UInt64) async throws -> Bool {
            try await tested.store.receive([try Self.body(key, stream, 1...1)], atMilliseconds: 1)[0].new.isEmpty
        }
        for stream in 1...8 as ClosedRange<UInt64> { #expect(try await isKnown(sender, stream)) }
        #expect(try await isKnown(sender, 1))
        #expect(try await isKnown(sender, 9) == false)
        for stream in [1, 3, 4, 5, 6, 7, 8, 9] as [UInt64] { #expect(try await isKnown(sender, stream)) }
        #expect(try await isKnown(other, 1))
        #expect(try await isKnown(sender, 2) == false)
    }

    @Test(arguments: StoreKind.allCases)
    func `strangers' keys push one another out, never one that is pinned`(_ kind: StoreKind) async throws {
        var limits = ChatStoreLimits()
        limits.streamsMax = 4
        let tested = try TestedStore(kind, limits: limits)
        let pinned = try key(1)
        let pin = Pin(identifier: try peer("Alice"), key: pinned, record: nil, sequence: 1, suite: 1)
        _ = try await tested.store.pins(of: "r", changing: [pin])
        _ = try await tested.store.receive([try Self.body(pinned, 1, 1...1)], atMilliseconds: 1)
        for number in 2...9 {
            _ = try await tested.store.receive([try Self.body(try key(number), 1, 1...1)], atMilliseconds: 1)
        }
        for number in 7...9 {
            let stored = try await tested.store.receive([try Self.body(try key(number), 1, 1...1)], atMilliseconds: 1)
            #expect(stored[0].new.isEmpty, "\(number)")
        }
        #expect(try await tested.store.receive([try Self.body(pinned, 1, 1...1)], atMilliseconds: 1)[0].new.isEmpty)
        #expect(
            try await tested.store.receive([try Self.body(try key(6), 1, 1...1)], atMilliseconds: 1)[0].new.count == 1
        )
    }

    @Test(arguments: StoreKind.allCases)
    func `a name that nobody checked stands in the history as it was shown, and is claimed anew after a kill`(
        _ kind: StoreKind
    ) async throws {
        let tested = try TestedStore(kind)
        var body = try Self.body(try key(1), 1, 1...1)
        body.shownAs = "Alice (unchecked)"
        _ = try await tested.store.receive([body], atMilliseconds: 1)
        try tested.kill()
        #expect(try await tested.store.unshown() == [body])
        let names = try await tested.store.history(limit: 9, adding: []).map(\.peer)
        #expect(names == (kind == .sqliteWithoutHistory ? [] : ["Alice (unchecked)"]))
    }

    @Test(arguments: StoreKind.allCases)
    func `what was stored and not shown is there after a kill`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let sender = try key(1)
        let bodies = [
            try Self.body(sender, 1, 1...3), try Self.body(sender, 2, 1...1), try Self.body(sender, 1, 4...4),
        ]
        _ = try await tested.store.receive(bodies, atMilliseconds: 1)
        try tested.kill()
        #expect(try await tested.store.unshown() == bodies)
        try await tested.store.markShown(from: sender, stream: StreamID(high: 9, low: 1), upTo: 2)
        try tested.kill()
        let rest = try await tested.store.unshown()
        #expect(rest.flatMap(\.messages).map(\.sequence) == [3, 1, 4])
        try await tested.store.markShown(from: sender, stream: StreamID(high: 9, low: 1), upTo: 4)
        try await tested.store.markShown(from: sender, stream: StreamID(high: 9, low: 2), upTo: 4)
        #expect(try await tested.store.unshown().isEmpty)
    }

    @Test(arguments: [StoreKind.memory, .sqlite])
    func `the history has what was written and what came, bounded`(_ kind: StoreKind) async throws {
        var limits = ChatStoreLimits()
        limits.historyLinesMax = 5
        let tested = try TestedStore(kind, limits: limits)
        let sender = try key(1)
        _ = try await tested.store.enqueue("hi", to: [try peer("Bob")], atMilliseconds: 3)
        _ = try await tested.store.receive([try Self.body(sender, 1, 1...1)], atMilliseconds: 4)
        _ = try await tested.store.receive([try Self.body(sender, 1, 1...1)], atMilliseconds: 4)
        let plain = HistoryLine(isOutgoing: false, peer: "?", atMilliseconds: 5, text: "plain", isSealed: false)
        let lines = try await tested.store.history(limit: 9, adding: [plain])
        let expected = [
            HistoryLine(isOutgoing: true, peer: "Bob", atMilliseconds: 3, text: "hi", isSealed: true),
            HistoryLine(isOutgoing: false, peer: "Alice", atMilliseconds: 4, text: "text 1", isSealed: true),
            plain,
        ]
        #expect(lines == expected)
        try tested.kill()
        #expect(try await tested.store.history(limit: 2, adding: []) == Array(expected.suffix(2)))
        #expect(try await tested.store.history(limit: 0, adding: []) == [])
        #expect(try await tested.store.history(limit: -1, adding: []) == [])
        try await tested.store.markShown(from: sender, stream: StreamID(high: 9, low: 1), upTo: 1)
        let many = try await tested.store.history(limit: 99, adding: Array(repeating: plain, count: 5))
        #expect(many == Array(repeating: plain, count: 5))
    }

    @Test(arguments: StoreKind.allCases)
    func `pins of one registry are kept whole, and changed by name`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let identity = IdentityKey()
        let record = try PeerRecord(
            identifier: try peer("Alice"),
            url: try PeerURL("http://127.0.0.1:8081/"),
            key: identity.publicKey,
            sealingKeys: SealingKeySet(x25519: [9] + [UInt8](repeating: 0, count: 31), xWing: nil),
            sequence: 7,
            issuedAt: 1_000_000,
            expiresAt: 1_003_600
        ).signed(by: identity)
        var pin = Pin(
            identifier: try peer("Alice"),
            key: identity.publicKey,
            record: record,
            sequence: .max,
            suite: 2
        )
        (pin.isBlocked, pin.allowsPlain, pin.isVerified) = (true, false, true)
        let other = Pin(identifier: try peer("Bob"), key: try key(1), record: nil, sequence: 0, suite: 1)
        #expect(try await tested.store.pins(of: "one", changing: [other, pin]) == [pin, other])
        #expect(try await tested.store.pins(of: "two", changing: []) == [])
        try tested.kill()
        (pin.isBlocked, pin.allowsPlain) = (false, true)
        #expect(try await tested.store.pins(of: "one", changing: [pin]) == [pin, other])
    }

    @Test(arguments: StoreKind.allCases)
    func `many callers at once lose nothing and share no number`(_ kind: StoreKind) async throws {
        let tested = try TestedStore(kind)
        let store = tested.store
        let alice = try peer("Alice")
        let numbers = try await withThrowingTaskGroup(of: UInt64.self) { group in
            for caller in 0..<200 {
                group.addTask {
                    try await store.enqueue("\(caller)", to: [alice], atMilliseconds: 1)[0].message.sequence
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(numbers == Set(1...200))
        try tested.kill()
        #expect(try await tested.store.outbox()[0].messages.map(\.message.sequence) == Array(1...200))
    }
}
