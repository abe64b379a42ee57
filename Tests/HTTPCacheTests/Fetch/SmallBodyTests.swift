// Small bodies that come whole: answered before they are facts, without holding up others.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite(.timeLimit(.minutes(5))) struct SmallBodyTests {
    private static func cache(commitsWaitingMax: Int) -> HTTPCacheConfiguration {
        var configuration = HTTPCacheConfiguration()
        configuration.fillsMax = 1
        configuration.commitsWaitingMax = commitsWaitingMax
        return configuration
    }

    private static let origin = StubOrigin { request in
        Response(status: 200, fields: ["Cache-Control": "max-age=60"], body: Body(request.targetText))
    }

    @Test func `with one place, as many are answered as may wait to become facts, and one more waits for a place`()
        async throws
    {
        let store = HeldStore()
        try await CacheFixture.run(origin: Self.origin, store: store, configuration: Self.cache(commitsWaitingMax: 2)) {
            fixture async throws in
            for number in 0..<3 {
                let answer = try await fixture.get("/\(number)")
                #expect(answer.body.elementsEqual("/media/\(number)".utf8))
                #expect(answer.response.fields.text("Cache-Status")?.contains("stored") == true)
                // The one after the limit keeps its place.
                while store.heldCount <= number { await Task.yield() }
                #expect(fixture.cache.coordinator.turns.counts.places == (number < 2 ? 0 : 1))
            }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { try await fixture.get("/3").body.elementsEqual("/media/3".utf8) }
                while fixture.cache.coordinator.turns.counts.waiting == 0 { await Task.yield() }
                #expect(store.heldCount == 3)
                store.release()
                for try await isRight in group { #expect(isRight) }
            }
            await fixture.isIdle()
            #expect(fixture.cache.coordinator.turns.counts.places == 0)
            for number in 0..<4 { #expect(fixture.express("/\(number)") != nil) }
        }
    }

    @Test func `what could not become a fact is not kept, though it was answered`() async throws {
        let store = FailingStore()
        store.set([.committing])
        try await CacheFixture.run(origin: Self.origin, store: store, configuration: Self.cache(commitsWaitingMax: 2)) {
            fixture async throws in
            #expect(try await fixture.get("/a").response.status == 200)
            await fixture.isIdle()
            #expect(fixture.express("/a") == nil)
            #expect(fixture.cache.metrics.storeFailures.load(ordering: .relaxed) > 0)
        }
    }

    @Test(arguments: [(1000, 0), (100_000, 1)])
    func `files are looked for only of a replaced response that had some`(_ count: Int, _ searches: Int) async throws {
        let store = HeldStore()
        store.release()
        let origin = StubOrigin { _ in
            let octets = [UInt8](repeating: 7, count: count)
            return Response(status: 200, fields: ["Cache-Control": "max-age=60"], body: Body(octets))
        }
        try await CacheFixture.run(origin: origin, store: store) { fixture async throws in
            for _ in 0..<2 {
                let answer = try await fixture.get("/a", ["Cache-Control": "no-cache"])
                #expect(answer.body.count == count)
                await fixture.isIdle()
            }
        }
        #expect(origin.requests.count == 2)
        #expect(store.discards.load(ordering: .relaxed) == searches)
    }

    @Test func `a body of the largest size that is kept in memory, and one octet more, come back as they are`()
        async throws
    {
        let count = HTTPCacheConfiguration().body.inlineBytesMax
        let origin = StubOrigin { request in
            let octets = (0..<count + (request.targetText.hasSuffix("more") ? 1 : 0)).map {
                UInt8(truncatingIfNeeded: $0)
            }
            return Response(status: 200, fields: ["Cache-Control": "max-age=60"], body: Body(octets))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for (target, size) in [("/just", count), ("/more", count + 1)] {
                let missed = try await fixture.get(target)
                #expect(missed.body.count == size)
                await fixture.isIdle()
                let hit = try await fixture.get(target)
                #expect(hit.body == missed.body)
                #expect(hit.response.fields.text("Cache-Status")?.contains("hit") == true)
            }
            #expect(origin.requests.count == 2)
        }
    }
}

/// A store in memory whose commits wait until they are let go.
private final class HeldStore: CacheStore {
    private let store = MemoryStore()
    /// How often files were to be discarded.
    let discards = Atomic<Int>(0)
    private let held = Mutex<(waiting: [CheckedContinuation<Void, Never>], isOpen: Bool)>(([], false))

    var heldCount: Int { held.withLock { $0.waiting.count } }
    var usedBytes: Int64 { store.usedBytes }

    /// Lets all commits go, and all that come.
    func release() {
        let waiting = held.withLock { held in
            held.isOpen = true
            defer { held.waiting = [] }
            return held.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    func commit(_ changes: [StoreChange]) async throws {
        await withCheckedContinuation { continuation in
            let isOpen = held.withLock { held in
                if !held.isOpen { held.waiting.append(continuation) }
                return held.isOpen
            }
            if isOpen { continuation.resume() }
        }
        try await store.commit(changes)
    }

    func records(for key: CacheKey) async throws -> [StoredRecord] { try await store.records(for: key) }
    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        try store.openSegment(segment, creating: creating)
    }
    func discardFiles(of response: ResponseID, segment: Int?) {
        discards.add(1, ordering: .relaxed)
        store.discardFiles(of: response, segment: segment)
    }
    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await store.units(after: position, limit: limit)
    }
}
