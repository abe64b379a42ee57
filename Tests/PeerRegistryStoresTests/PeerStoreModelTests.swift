// Random changes against a model too simple to be wrong, and many callers at once on few names.

import HTTP
import PeerIdentity
import PeerRegistry
import TestSupport
import Testing

/// All that the seam promises, in a few lines.
private struct NaiveStore {
    var entries: [String: PeerEntry] = [:]
    var events: [PeerEvent] = []
    var revision: UInt64 = 0

    mutating func apply(_ change: PeerChange) -> UInt64? {
        let old = entries[change.name]
        guard (old?.revision ?? 0) == change.expected else { return nil }
        let who = change.entry ?? old
        if change.entry != nil || (change.kind != nil && old != nil) { revision += 1 }
        if let kind = change.kind, let who {
            events.append(
                PeerEvent(
                    revision: revision,
                    kind: kind,
                    identifier: who.identifier,
                    presentUntil: who.presentUntil
                )
            )
        }
        entries[change.name] = change.entry?.at(revision)
        return revision
    }

    func present(after name: String?, limit: Int) -> [PeerEntry] {
        let names = entries.filter { $0.value.isPresent }.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let rest = names.filter { candidate in name.map { $0.utf8.lexicographicallyPrecedes(candidate.utf8) } ?? true }
        return rest.prefix(limit).compactMap { entries[$0] }
    }

    func due(before time: Timestamp) -> Set<PeerEntry> {
        Set(entries.values.filter { ($0.isPresent ? $0.presentUntil : $0.heldUntil) < time })
    }
}

@Suite(.timeLimit(.minutes(4))) struct PeerStoreModelTests {
    @Test(arguments: StoreKind.available) func `random changes are what a simple model says`(
        _ kind: StoreKind
    ) async throws {
        var generator = SeededGenerator(seed: 0x5eed_0001)
        try await kind.withStore { (store) async throws in
            var model = NaiveStore()
            let key = IdentityKey()
            for step in 0..<400 {
                let changes = try (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    try randomChange(model, key, &generator)
                }
                let expected = changes.map { model.apply($0) }
                // A silent change of nothing has no revision of its own to compare.
                let revisions = try await store.apply(changes)
                for (change, pair) in zip(changes, zip(revisions, expected)) {
                    let isSame =
                        change.entry == nil && change.kind == nil
                        ? (pair.0 == nil) == (pair.1 == nil) : pair.0 == pair.1
                    #expect(isSame, "seed \(generator.seed), step \(step): \(change)")
                }
                guard step % 8 == 0 else { continue }
                try await compare(store, model, &generator, "seed \(generator.seed), step \(step)")
            }
            #expect(try await store.eventList().elementsEqual(model.events))
            try await compare(store, model, &generator, "seed \(generator.seed), end")
        }
    }

    @Test(arguments: StoreKind.available) func `of many that race for a revision exactly one wins`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            try await raceForRevisions([store], tasks: 12, wins: 40)
        }
    }

    private func randomChange(
        _ model: NaiveStore,
        _ key: IdentityKey,
        _ generator: inout SeededGenerator
    ) throws -> PeerChange {
        let name = ["a", "B", "c d", "é", "Я", "k1", "k2", "k3"].randomElement(using: &generator) ?? "a"
        let identifier = try PeerIdentifier(name)
        let held = model.entries[identifier.folded]?.revision ?? 0
        let expected =
            Int.random(in: 0..<5, using: &generator) == 0 ? UInt64.random(in: 0...9, using: &generator) : held
        let kind =
            Int.random(in: 0..<8, using: &generator) == 0
            ? nil : PeerEvent.Kind.allCases.randomElement(using: &generator)
        let isDurable = Bool.random(using: &generator)
        if Int.random(in: 0..<5, using: &generator) == 0 {
            return PeerChange(entry: nil, name: identifier.folded, expected: expected, kind: kind, isDurable: isDurable)
        }
        var entry =
            Bool.random(using: &generator)
            ? try plain(name) : try signed(name, key: key, hasXWing: Bool.random(using: &generator))
        entry.isPresent = Bool.random(using: &generator)
        entry.presentUntil = Timestamp(nanoseconds: Int64.random(in: -1_000...1_000_000, using: &generator))
        entry.heldUntil = Timestamp(nanoseconds: Int64.random(in: -1_000...1_000_000, using: &generator))
        entry.renewals = UInt64.random(in: .min ... .max, using: &generator)
        return PeerChange(entry, expected, kind, isDurable: isDurable)
    }

    private func compare(
        _ store: any PeerStore,
        _ model: NaiveStore,
        _ generator: inout SeededGenerator,
        _ comment: Comment
    ) async throws {
        let names = ["a", "b", "c d", "é", "я", "k1", "k2", "k3", "nobody"].shuffled(using: &generator)
        let found = try await store.entries(.names(names))
        let expected = names.compactMap { model.entries[$0] }
        #expect(found.elementsEqual(expected), comment)
        let after = Bool.random(using: &generator) ? nil : names[0]
        let limit = Int.random(in: 1...9, using: &generator)
        let page = try await store.entries(.presentAfter(after, limit: limit))
        #expect(page.elementsEqual(model.present(after: after, limit: limit)), comment)
        let time = Timestamp(nanoseconds: Int64.random(in: -1_000...1_000_000, using: &generator))
        let due = try await store.entries(.due(before: time, limit: 100))
        #expect(Set(due) == model.due(before: time) && due.count == Set(due).count, comment)
        let since = UInt64.random(in: 0...model.revision, using: &generator)
        let events = try await store.eventList(since: since)
        #expect(events.elementsEqual(model.events.filter { $0.revision > since }), comment)
    }
}

/// Lets tasks on any of `stores` change three names, each on the revision that it read; every revision must be won once.
func raceForRevisions(_ stores: [any PeerStore], tasks: Int, wins: Int) async throws {
    let won = try await withThrowingTaskGroup(of: [UInt64].self) { group in
        for task in 0..<tasks {
            let store = stores[task % stores.count]
            group.addTask {
                var won: [UInt64] = []
                var turn = task
                while won.count < wins {
                    let name = ["x", "y", "z"][turn % 3]
                    turn += 1
                    let held = try await store.entry(name)?.revision ?? 0
                    let change = PeerChange(
                        try plain(name, until: Int64(task)),
                        held,
                        held == 0 ? .join : .renew,
                        isDurable: turn % 2 == 0
                    )
                    if let revision = try await store.apply(change) { won.append(revision) }
                }
                return won
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
    let count = UInt64(tasks * wins)
    #expect(won.sorted().elementsEqual(1...count))
    for store in stores {
        let events = try await store.eventList()
        #expect(events.map(\.revision).elementsEqual(1...count))
        for name in ["x", "y", "z"] {
            let last = events.last { $0.identifier.folded == name }
            #expect(try await store.entry(name)?.revision == last?.revision)
        }
    }
}
