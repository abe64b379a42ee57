// What every store must do, whatever it keeps its things in: the rules of the seam, one test each.

import HTTP
import PeerIdentity
import PeerRegistry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct PeerStoreConformanceTests {
    @Test(.enabled(if: RedisServer.isInstalled, "redis-server is not installed: the suite ran without Redis"))
    func `the suite runs over every kind of store`() {
        #expect(StoreKind.available == StoreKind.allCases)
    }

    @Test(arguments: StoreKind.available) func `a new store holds nothing but a secret of 32 octets`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            #expect(try await store.secret() == secretOctets(1))
            #expect(try await store.entries(.presentAfter(nil, limit: 10)) == [])
            #expect(try await store.entries(.due(before: .latest, limit: 10)) == [])
            #expect(try await store.entries(.names(["a"])) == [])
            #expect(try await store.entries(.names([])) == [])
            #expect(try await store.events(since: 0, limit: 10) == .events([]))
            #expect(try await store.apply([]) == [])
        }
    }

    @Test(arguments: StoreKind.available) func `what was registered comes back in every field`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            let (dora, cleo) = (IdentityKey(), IdentityKey())
            func handover(_ name: String, to key: IdentityKey) throws -> String {
                try PeerHandover(identifier: try PeerIdentifier(name), sequence: 4, newKey: key.publicKey)
                    .signed(by: IdentityKey())
            }
            let entries = [
                try signed("Alice"), try signed("Bob", hasXWing: true),
                try signed("Dora", key: dora, handover: try handover("Dora", to: dora)),
                try signed(
                    "Cleo",
                    key: cleo,
                    sequence: 1 << 53 - 1,
                    hasXWing: true,
                    handover: try handover("Cleo", to: cleo)
                ),
                try plain("Carol", url: "http://[2001:db8::1]:8080/a/b%20c"),
                try plain("José Ñandú"), try plain("Зоя"), try plain("名前"), try plain("a-b_c.d e"), try plain("9"),
                try plain("ÄÖÜ", isPresent: false), try plain(String(repeating: "x", count: 64)),
            ]
            let revisions = try await store.apply(entries.map { PeerChange($0, 0) })
            #expect(revisions == (1...UInt64(entries.count)).map { $0 })
            for (entry, revision) in zip(entries, revisions) {
                let found = try await store.entry(entry.identifier.folded)
                expectSame(found, entry.at(revision ?? 0))
            }
            let names = entries.map(\.identifier.folded)
            let found = try await store.entries(.names(names + ["nobody"] + names.reversed()))
            #expect(found.map(\.identifier.folded) == names + names.reversed())
        }
    }

    @Test(arguments: StoreKind.available) func `a change is made only on the revision it was decided on`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            let (first, second) = (try plain("A", until: 1), try plain("A", until: 2))
            #expect(try await store.apply(PeerChange(first, 1)) == nil)
            #expect(try await store.apply(PeerChange(first, 0)) == 1)
            #expect(try await store.apply(PeerChange(second, 0)) == nil)
            #expect(try await store.apply(PeerChange(second, 2)) == nil)
            expectSame(try await store.entry("a"), first.at(1))
            #expect(try await store.apply(PeerChange(second, 1, .renew)) == 2)
            expectSame(try await store.entry("a"), second.at(2))
            #expect(try await store.apply(PeerChange(entry: nil, name: "a", expected: 1, kind: .leave)) == nil)
            #expect(try await store.eventList().map(\.kind) == [.join, .renew])
        }
    }

    @Test(arguments: StoreKind.available) func `a conflict leaves the other changes alone`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("b"), 0))
            let revisions = try await store.apply([
                PeerChange(try plain("a"), 0), PeerChange(try plain("b", until: 7), 0), PeerChange(try plain("c"), 9),
                PeerChange(try plain("d"), 0), PeerChange(try plain("a", until: 8), 2, .renew),
            ])
            #expect(revisions == [2, nil, nil, 3, 4])
            #expect(try await store.entry("a")?.presentUntil == Timestamp(seconds: 8))
            #expect(try await store.entry("b")?.presentUntil == Timestamp(seconds: 100))
            #expect(try await store.eventList().map(\.revision) == [1, 2, 3, 4])
        }
    }

    @Test(arguments: StoreKind.available) func `more changes than go into one step are made`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            let changes = try (0..<1_500).map { PeerChange(try plain("n\($0)"), 0) }
            let revisions = try await store.apply(changes)
            #expect(revisions.elementsEqual((1...1_500).map { UInt64($0) }))
            let found = try await store.entries(.names(changes.map(\.name)))
            #expect(found.map(\.revision).elementsEqual(1...1_500))
        }
    }

    @Test(arguments: StoreKind.available) func `a freed name is gone, is told of with what it was, and can be taken`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("Anna B"), 0))
            #expect(try await store.apply(PeerChange(entry: nil, name: "anna b", expected: 1, kind: .leave)) == 2)
            #expect(try await store.entry("anna b") == nil)
            #expect(try await store.entries(.presentAfter(nil, limit: 9)) == [])
            #expect(try await store.entries(.due(before: .latest, limit: 9)) == [])
            let leave = try await store.eventList().last
            #expect(leave?.kind == .leave)
            #expect(leave?.identifier.text == "Anna B")
            #expect(try await store.apply(PeerChange(try signed("ANNA B"), 0)) == 3)
            #expect(try await store.entry("anna b")?.identifier.text == "ANNA B")
        }
    }

    @Test(arguments: StoreKind.available) func `a name that nobody is told of becomes free without a revision`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("a", isPresent: false), 0))
            let free = PeerChange(entry: nil, name: "a", expected: 1, kind: nil)
            #expect(try await store.apply(free) != nil)
            #expect(try await store.entry("a") == nil)
            #expect(try await store.apply(free) == nil)
            #expect(try await store.apply(PeerChange(try plain("b"), 0)) == 2)
            #expect(try await store.eventList().map(\.revision) == [1, 2])
        }
    }

    @Test(arguments: StoreKind.available) func `a silent change has a revision, and no event is missed for it`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            #expect(try await store.apply(PeerChange(try plain("a"), 0, nil)) == 1)
            #expect(try await store.events(since: 0, limit: 9) == .events([]))
            #expect(try await store.apply(PeerChange(try plain("a"), 1, .join)) == 2)
            #expect(try await store.apply(PeerChange(try plain("a"), 2, nil)) == 3)
            #expect(try await store.apply(PeerChange(try plain("a"), 3, .renew)) == 4)
            for since in UInt64(0)...4 {
                #expect(try await store.eventList(since: since).map(\.revision) == [2, 4].filter { $0 > since })
            }
        }
    }

    @Test(arguments: StoreKind.available) func `present ones come in order of their names, in pages`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            var generator = SeededGenerator(seed: 11)
            let names =
                ["a", "a b", "a-b", "a.b", "a0", "aa", "b", "z", "ß", "é", "я", "名"] + (0..<40).map { "m\($0)" }
            let absent: Set = ["a-b", "m7", "z"]
            for name in names.shuffled(using: &generator) {
                _ = try await store.apply(PeerChange(try plain(name, isPresent: !absent.contains(name)), 0))
            }
            let expected = names.filter { !absent.contains($0) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for limit in [1, 7, expected.count, expected.count + 1, 100_000] {
                var found: [String] = []
                while case let page = try await store.entries(.presentAfter(found.last, limit: limit)), !page.isEmpty {
                    #expect(page.count <= limit)
                    found += page.map(\.identifier.folded)
                }
                #expect(found == expected)
            }
            let after = try await store.entries(.presentAfter("a1", limit: 2)).map(\.identifier.folded)
            #expect(after == ["aa", "b"])
            #expect(try await store.entries(.presentAfter(nil, limit: 0)) == [])
        }
    }

    @Test(arguments: StoreKind.available) func `who leaves is off the list and who comes back is on it`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("a"), 0))
            _ = try await store.apply(PeerChange(try plain("a", isPresent: false), 1, .leave))
            #expect(try await store.entries(.presentAfter(nil, limit: 9)) == [])
            expectSame(try await store.entry("a"), try plain("a", isPresent: false).at(2))
            _ = try await store.apply(PeerChange(try plain("a"), 2, .join))
            #expect(try await store.entries(.presentAfter(nil, limit: 9)).count == 1)
        }
    }

    @Test(arguments: StoreKind.available) func `present ones are due by lease, held ones by hold, to the nanosecond`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            var exact = try plain("exact", until: 0)
            exact.presentUntil = Timestamp(nanoseconds: 50_000_000_001)
            _ = try await store.apply([
                PeerChange(try plain("p1", until: 10), 0), PeerChange(try plain("p2", until: 20), 0),
                PeerChange(try plain("h1", until: 1, isPresent: false, heldUntil: 30), 0), PeerChange(exact, 0),
                PeerChange(try plain("old", until: -5), 0),
            ])
            func due(_ time: Timestamp, limit: Int = 100) async throws -> [String] {
                try await store.entries(.due(before: time, limit: limit)).map(\.identifier.folded).sorted()
            }
            #expect(try await due(Timestamp(seconds: -5)) == [])
            #expect(try await due(Timestamp(seconds: 10)) == ["old"])
            #expect(try await due(Timestamp(nanoseconds: 10_000_000_001)) == ["old", "p1"])
            #expect(try await due(Timestamp(seconds: 30)) == ["old", "p1", "p2"])
            #expect(try await due(Timestamp(nanoseconds: 50_000_000_001)) == ["h1", "old", "p1", "p2"])
            #expect(try await due(Timestamp(nanoseconds: 50_000_000_002)) == ["exact", "h1", "old", "p1", "p2"])
            #expect(try await due(.latest, limit: 2).count == 2)
            #expect(try await due(.latest, limit: 0) == [])
            // Asked again, the same; renewed, no longer.
            _ = try await store.apply(PeerChange(try plain("p1", until: 99), 1, .renew))
            #expect(try await due(Timestamp(seconds: 50)) == ["h1", "old", "p2"])
            _ = try await store.apply(PeerChange(try plain("p2", until: 20, isPresent: false), 2, .expire))
            #expect(try await due(Timestamp(seconds: 50)) == ["h1", "old"])
            // A lease may become shorter.
            _ = try await store.apply(PeerChange(try plain("p1", until: 5), 6, .renew))
            #expect(try await due(Timestamp(seconds: 6)) == ["old", "p1"])
        }
    }

    @Test(arguments: StoreKind.available) func `a sign of life is seen at once`(_ kind: StoreKind) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try signed("a"), 0))
            var renewed = try signed("a", sequence: 2)
            renewed.renewals = 5
            #expect(try await store.apply(PeerChange(renewed, 1, .renew, isDurable: false)) == 2)
            expectSame(try await store.entry("a"), renewed.at(2))
        }
    }

    @Test(arguments: StoreKind.available) func `what can be said at once is what is held`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            let entry = try signed("a")
            _ = try await store.apply(PeerChange(entry, 0))
            guard let image = store.image else {
                #expect(kind == .redis)
                return
            }
            let (found, other) = (self.packed(image, "a"), self.packed(image, "b"))
            let packed = try #require(found)
            expectSame(packed.entry, entry.at(1))
            #expect(other?.entry == nil)
            var renewed = packed
            renewed.presentUntil = Timestamp(seconds: 500)
            #expect(image.renew(renewed, of: entry.identifier, expected: 7) != true)
            guard let isMade = image.renew(renewed, of: entry.identifier, expected: 1) else { return }
            #expect(isMade)
            #expect(try await store.entry("a")?.presentUntil == Timestamp(seconds: 500))
            #expect(try await store.eventList().map(\.kind) == [.join, .renew])
        }
    }

    private func packed(_ image: PeerImage, _ name: String) -> PackedEntry? {
        image.memory.packedEntry(Array(name.utf8).span)
    }
}
