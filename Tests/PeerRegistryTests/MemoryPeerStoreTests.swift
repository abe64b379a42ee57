// Tests of the memory store against a naive model, and of its parts.

import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import PeerRegistry

struct MemoryPeerStoreTests {
    private static let secret = [UInt8](repeating: 1, count: 32)

    private static func entry(_ name: String, until: Int64, isPresent: Bool = true, hold: Int64 = 0) throws -> PeerEntry
    {
        PeerEntry(
            content: .plain(try PeerIdentifier(name), try PeerURL("http://127.0.0.1:1/\(name.utf8.count)")),
            presentUntil: Timestamp(seconds: until),
            isPresent: isPresent,
            heldSince: Timestamp(seconds: 0),
            heldUntil: Timestamp(seconds: until + hold)
        )
    }

    // MARK: Packing

    @Test func `a packed entry comes out as it went in`() throws {
        let identity = try RegistryFixture.identity()
        var record = try RegistryFixture.record("Ålice İ", by: identity)
        let handover = PeerHandover(identifier: record.identifier, sequence: 1, newKey: identity.publicKey)
        var contents: [PeerEntry.Content] = [
            .plain(try PeerIdentifier("Bob"), try PeerURL("https://example.org/a/b")),
            .signed(try record.signed(by: identity)),
        ]
        record.sealingKeys.xWing = (0..<1_216).map { UInt8(truncatingIfNeeded: $0) }
        record.handover = try handover.signed(by: identity)
        contents.append(.signed(SignedPeerRecord(record: record, signature: [UInt8](repeating: 3, count: 64))))
        for content in contents {
            let packed = try #require(PackedContent(content))
            #expect(packed.content == content)
            if case .signed(let signed) = content {
                #expect(packed.sequence == signed.record.sequence && packed.ttlSeconds == signed.record.ttlSeconds)
                #expect(packed.expiresAt == signed.record.expiresAt)
                #expect(packed.octets[packed.key].elementsEqual(signed.record.key.octets))
            }
        }
    }

    // MARK: The model

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func `the store does what a naive one does`(_ seed: UInt64) async throws
    {
        var random = SeededGenerator(seed: seed)
        let store = MemoryPeerStore(secret: MemoryPeerStoreTests.secret, eventsMax: 50)
        var model: [String: PeerEntry] = [:]
        var events: [PeerEvent] = []
        var revision: UInt64 = 0
        for step in 0..<3_000 {
            let name = "n\(Int.random(in: 0..<200, using: &random))"
            let old = model[name]
            let isStale = Int.random(in: 0..<10, using: &random) == 0
            let expected = isStale ? (old?.revision ?? 0) + 1 : old?.revision ?? 0
            let isRemoval = old != nil && Int.random(in: 0..<4, using: &random) == 0
            var entry = try MemoryPeerStoreTests.entry(
                name,
                until: Int64.random(in: 0..<1_000, using: &random),
                isPresent: Bool.random(using: &random),
                hold: Int64.random(in: 0..<1_000, using: &random)
            )
            let change = PeerChange(
                entry: isRemoval ? nil : entry,
                name: name,
                expected: expected,
                kind: isRemoval ? nil : PeerEvent.Kind.allCases.randomElement(using: &random),
                isDurable: false
            )
            let answer = try await store.apply([change])
            if isStale {
                #expect(answer == [nil], "seed \(seed), step \(step)")
            } else if isRemoval {
                model[name] = nil
                #expect(answer == [revision])
            } else {
                revision += 1
                entry.revision = revision
                model[name] = entry
                let kind = try #require(change.kind)
                events.append(
                    PeerEvent(
                        revision: revision,
                        kind: kind,
                        identifier: entry.identifier,
                        presentUntil: entry.presentUntil
                    )
                )
                #expect(answer == [revision], "seed \(seed), step \(step)")
            }
            if step % 50 == 0 { compare(store, model, events, &random, seed) }
        }
        compare(store, model, events, &random, seed)
    }

    private func compare(
        _ store: MemoryPeerStore,
        _ model: [String: PeerEntry],
        _ events: [PeerEvent],
        _ random: inout SeededGenerator,
        _ seed: UInt64
    ) {
        #expect(store.count == model.count, "seed \(seed)")
        let names = (0..<200).map { "n\($0)" }
        #expect(store.entriesNow(.names(names)).elementsEqual(names.compactMap { model[$0] }), "seed \(seed)")
        let sorted = model.values.filter(\.isPresent).sorted { $0.identifier.folded < $1.identifier.folded }
        for after in [nil, "n1", "n", "n77", "n999"] as [String?] {
            let limit = Int.random(in: 0..<250, using: &random)
            let expected = sorted.filter { after == nil || $0.identifier.folded > after ?? "" }.prefix(limit)
            #expect(store.entriesNow(.presentAfter(after, limit: limit)).elementsEqual(expected), "seed \(seed)")
        }
        let time = Timestamp(seconds: Int64.random(in: 0..<1_200, using: &random))
        let due = model.values.filter { ($0.isPresent ? $0.presentUntil : $0.heldUntil) < time }
        let found = store.entriesNow(.due(before: time, limit: 1_000))
        #expect(Set(found) == Set(due) && found.count == due.count, "seed \(seed)")
        #expect(store.entriesNow(.due(before: time, limit: 3)).count == min(3, due.count))
        let oldest = events.count > 50 ? events[events.count - 50].revision : 1
        for since in [0, UInt64(max(0, events.count - 60)), UInt64(events.count) / 2, UInt64(events.count)] {
            let page = store.eventsNow(since: since, limit: 20)
            if since + 1 < oldest {
                #expect(page == .gone(oldest: oldest))
            } else {
                #expect(page == .events(Array(events.filter { $0.revision > since }.prefix(20))))
            }
        }
    }

    // MARK: Parts

    @Test func `names whose hashes are alike are told apart, also after some were removed`() {
        var index = NameIndex()
        for slot in 0..<100 { index.insert(slot, hash: UInt32(slot % 3)) }
        for slot in stride(from: 0, to: 100, by: 2) { index.remove(slot, hash: UInt32(slot % 3)) }
        for slot in 0..<100 {
            #expect(index.slot(hash: UInt32(slot % 3)) { $0 == slot } == (slot % 2 == 1 ? slot : nil))
        }
        #expect(index.count == 50)
    }

    @Test func `due times come out in order`() {
        var random = SeededGenerator(seed: 7)
        var due = DueTimes()
        let times = (0..<500).map { _ in Int64.random(in: 0..<100, using: &random) }
        for (slot, time) in times.enumerated() { due.insert(DueTimes.Item(time: time, slot: UInt32(slot))) }
        var out: [Int64] = []
        while let item = due.removeFirst() { out.append(item.time) }
        #expect(out == times.sorted())
    }

    @Test func `a peer that comes and goes for ever does not make the queue of times grow for ever`() throws {
        var table = PeerTable(lastRevision: 0)
        let name = Array("a".utf8)
        for round in 0..<3_000 as Range<Int64> {
            var entry = try MemoryPeerStoreTests.entry("a", until: 10 * round + 5)
            entry.heldUntil = Timestamp(seconds: 1_000_000 + round)
            var packed = try #require(PackedEntry(entry))
            let revision = table.lastRevision
            #expect(table.apply(name: name, expected: revision, entry: packed, isTold: true) != nil)
            #expect(table.due(before: Timestamp(seconds: 10 * round + 6), limit: 10).count == 1)
            packed.isPresent = false
            #expect(table.apply(name: name, expected: revision + 1, entry: packed, isTold: true) != nil)
            #expect(table.due(before: Timestamp(seconds: 10 * round + 7), limit: 10).isEmpty)
        }
        #expect(table.dueCount <= PeerTable.staleItemsMax + 3)
        #expect(table.due(before: Timestamp(seconds: 2_000_000), limit: 10).count == 1)
    }

    @Test func `a store that starts with entries goes on from their revisions`() async throws {
        var entry = try MemoryPeerStoreTests.entry("a", until: 10)
        entry.revision = 41
        let store = MemoryPeerStore(secret: MemoryPeerStoreTests.secret, entries: [entry], lastRevision: 50)
        #expect(store.entriesNow(.names(["a"])) == [entry])
        #expect(store.eventsNow(since: 49, limit: 1) == .gone(oldest: 51))
        #expect(store.eventsNow(since: 50, limit: 1) == .events([]))
        let change = PeerChange(entry: entry, name: "a", expected: 41, kind: .renew)
        #expect(try await store.apply([change]) == [51])
    }

    @Test func `who waits is woken by the next event, and by cancellation`() async throws {
        let store = MemoryPeerStore(secret: MemoryPeerStoreTests.secret)
        let change = PeerChange(
            entry: try MemoryPeerStoreTests.entry("a", until: 10),
            name: "a",
            expected: 0,
            kind: .join
        )
        try await withThrowingTaskGroup(of: UInt64.self) { group async throws -> Void in
            group.addTask { try await store.waitForEvents(after: 0) }
            #expect(try await store.apply([change]) == [1])
            #expect(try await group.next() == 1)
            group.addTask { try await store.waitForEvents(after: 1) }
            group.cancelAll()
            #expect(try await group.next() == 1)
        }
    }
}
