// What every store must tell of its changes, and how one waits for them.

import HTTP
import PeerIdentity
import PeerRegistry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct PeerStoreEventTests {
    @Test(arguments: StoreKind.available) func `events are consecutive from 1 over all names and say what happened`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply([PeerChange(try plain("Ann", until: 1), 0), PeerChange(try signed("Bo"), 0)])
            _ = try await store.apply(PeerChange(try plain("Ann", until: 50), 1, .renew, isDurable: false))
            _ = try await store.apply(PeerChange(try plain("ann", until: 60, isPresent: false), 3, .expire))
            _ = try await store.apply(PeerChange(entry: nil, name: "bo", expected: 2, kind: .leave))
            let events = try await store.eventList()
            #expect(events.map(\.revision) == [1, 2, 3, 4, 5])
            #expect(events.map(\.kind) == [.join, .join, .renew, .expire, .leave])
            #expect(events.map(\.identifier.text) == ["Ann", "Bo", "Ann", "ann", "Bo"])
            let seconds = [1, 100, 50, 60, 100]
            #expect(events.map { Int($0.presentUntil.seconds) } == seconds)
        }
    }

    @Test(arguments: StoreKind.available) func `events come after a revision, at most so many`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(try (0..<10).map { PeerChange(try plain("n\($0)"), 0) })
            for since in UInt64(0)...10 {
                for limit in [1, 3, 10, 11] {
                    guard case .events(let events) = try await store.events(since: since, limit: limit) else {
                        Issue.record("events after \(since) are gone")
                        continue
                    }
                    #expect(events.map(\.revision) == Array(((since + 1)..<11).prefix(limit)))
                }
            }
        }
    }

    @Test(arguments: StoreKind.available) func `events that were trimmed are gone, and the oldest held can be read`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore(eventsMax: 100) { (store) async throws in
            for batch in 0..<10 {
                _ = try await store.apply(try (0..<50).map { PeerChange(try plain("n\(batch)-\($0)"), 0) })
            }
            guard case .gone(let oldest) = try await store.events(since: 0, limit: 5) else {
                Issue.record("500 events are held where 100 were asked for")
                return
            }
            // Redis trims whole nodes of its stream, of 100 events.
            #expect((302...401).contains(oldest))
            #expect(try await store.events(since: oldest - 2, limit: 5) == .gone(oldest: oldest))
            let rest = try await store.eventList(since: oldest - 1)
            #expect(rest.map(\.revision).elementsEqual(oldest...500))
            #expect(try await store.events(since: 500, limit: 5) == .events([]))
        }
    }

    @Test(arguments: StoreKind.available) func `a wait is over at once if there is something already`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply([PeerChange(try plain("a"), 0), PeerChange(try plain("b"), 0)])
            #expect(try await store.waitForEvents(after: 0) == 2)
            #expect(try await store.waitForEvents(after: 1) == 2)
        }
    }

    @Test(arguments: StoreKind.available) func `a wait ends with the next change, for all who wait`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("a"), 0))
            for round in UInt64(1)...5 {
                try await withThrowingTaskGroup(of: UInt64.self) { group in
                    for _ in 0..<20 { group.addTask { try await store.waitForEvents(after: round) } }
                    group.addTask { try await store.apply(PeerChange(try plain("a"), round, .renew)) ?? 0 }
                    for try await revision in group { #expect(revision == round + 1) }
                }
            }
        }
    }

    @Test(arguments: StoreKind.available) func `a wait ends when it is cancelled`(_ kind: StoreKind) async throws {
        try await kind.withStore { (store) async throws in
            _ = try await store.apply(PeerChange(try plain("a"), 0))
            _ = try await store.waitForEvents(after: 0)
            try await withThrowingTaskGroup(of: UInt64.self) { group in
                group.addTask { try await store.waitForEvents(after: 1) }
                group.addTask { try await store.waitForEvents(after: 1_000) }
                group.cancelAll()
                for try await revision in group { #expect(revision <= 1) }
            }
            // Cancelled while it really waits.
            let waiting = Task { try await store.waitForEvents(after: 1) }
            for _ in 0..<100 { await Task.yield() }
            waiting.cancel()
            #expect(try await waiting.value == 1)
        }
    }

    @Test(arguments: StoreKind.available) func `a reader that waits and reads misses nothing`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            let last: UInt64 = 600
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        var seen: UInt64 = 0
                        while seen < last {
                            let newest = try await store.waitForEvents(after: seen)
                            #expect(newest > seen)
                            for event in try await store.eventList(since: seen) {
                                #expect(event.revision == seen + 1)
                                seen = event.revision
                            }
                        }
                    }
                }
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<150 {
                            let change = PeerChange(try plain("w\(writer)-\(number)"), 0, isDurable: number % 3 == 0)
                            #expect(try await store.apply(change) != nil)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
