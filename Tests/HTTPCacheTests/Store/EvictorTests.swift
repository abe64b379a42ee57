// What eviction is told in a running cache, and what it keeps the store to.

import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct EvictorTests {
    private static func configuration(storeBytesMax: Int64) -> HTTPCacheConfiguration {
        var configuration = HTTPCacheConfiguration()
        configuration.storeBytesMax = storeBytesMax
        configuration.commitBytes = 15_000
        configuration.body.segmentBytes = 30_000
        configuration.body.inlineBytesMax = 3000
        configuration.body.readAheadBytesMax = 30_000
        return configuration
    }

    private static let small = StubOrigin { StubMedium(count: 1000, seed: UInt8($0.target.count)).respond(to: $0) }

    private static func key(_ target: String) -> CacheKey {
        CacheKey(Array("http://origin.test/media\(target)".utf8))
    }

    @Test func `a restart keeps what is popular`() async throws {
        let store = MemoryStore()
        let configuration = Self.configuration(storeBytesMax: 20_500)
        try await CacheFixture.run(origin: Self.small, store: store, configuration: configuration) {
            fixture async throws in
            for index in 0..<10 { _ = try await fixture.get("/\(index)") }
            await fixture.settle()
            for index in 0..<5 { #expect(fixture.express("/\(index)") != nil) }
            await fixture.settle()
        }
        let kept = try await store.units(after: nil, limit: 100)
        #expect(kept.filter(\.wasUsedAgain).count == 5)
        try await CacheFixture.run(origin: Self.small, store: store, configuration: configuration) {
            fixture async throws in
            for index in 0..<50 { _ = try await fixture.get("/new/\(index)") }
            await fixture.settle()
        }
        #expect(store.usedBytes <= 20_500)
        let left = Set(try await store.units(after: nil, limit: 100).map(\.id))
        #expect(kept.map { left.contains($0.id) } == kept.map(\.wasUsedAgain))
    }

    @Test func `who has a body fetched does not use it, who comes later uses the segments he reads`() async throws {
        let medium = StubMedium(count: 300_000)
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { medium.respond(to: $0) },
            store: store,
            configuration: Self.configuration(storeBytesMax: 1 << 20)
        ) { fixture async throws in
            func used() async throws -> [Int] {
                try await store.units(after: nil, limit: 100).filter(\.wasUsedAgain).map(\.id.index).sorted()
            }
            // One who has it fetched, and one who joins him.
            async let first = fixture.get()
            async let second = fixture.get()
            _ = try await (first, second)
            await fixture.settle()
            #expect(try await store.units(after: nil, limit: 100).count == 10)
            #expect(try await used() == [])
            let range = try await fixture.get("/", ["Range": "bytes=100000-129999"])
            #expect(range.body.elementsEqual(medium.octets[100_000..<130_000]))
            await fixture.settle()
            #expect(try await used() == [3, 4])
            #expect(fixture.express("/", ["Range": "bytes=270000-270009"]) != nil)
            await fixture.settle()
            #expect(try await used() == [3, 4, 9])
        }
    }

    @Test func `a store that was fuller than it may be is learned in pages and cut down`() async throws {
        let store = MemoryStore()
        for number in 0..<9000 as Range<UInt64> {
            let record = StoredRecord(
                id: ResponseID(rawValue: number),
                key: Self.key("/\(number)"),
                metadata: [],
                length: 10,
                inlineBody: Array(repeating: 1, count: 10)
            )
            try await store.commit([.put(record)])
        }
        try await CacheFixture.run(
            origin: Self.small,
            store: store,
            configuration: Self.configuration(storeBytesMax: 50_000)
        ) { fixture async throws in
            while fixture.cache.coordinator.evictor.known.units < 9000 { await Task.yield() }
            await fixture.settle()
            #expect(store.usedBytes <= 50_000 && store.usedBytes > 48_000)
            let left = try await store.units(after: nil, limit: 9000)
            #expect(fixture.cache.coordinator.evictor.known.units == left.count)
            #expect(left.map(\.id.response.rawValue).min() == UInt64(9000 - left.count), "the oldest have gone")
        }
    }

    @Test func `responses without octets are limited in number`() async throws {
        let store = MemoryStore()
        var configuration = Self.configuration(storeBytesMax: 1 << 20)
        configuration.storeUnitsMax = 10
        try await CacheFixture.run(
            origin: StubOrigin { _ in Response(status: 200, fields: ["Cache-Control": "max-age=60"], body: Body([])) },
            store: store,
            configuration: configuration
        ) { fixture async throws in
            for index in 0..<30 { _ = try await fixture.get("/\(index)") }
            await fixture.settle()
            #expect(try await store.units(after: nil, limit: 100).count == 10)
        }
    }

    @Test func `a burst of fills stays within the store's size and what is being written`() async throws {
        let store = PeakStore()
        let configuration = Self.configuration(storeBytesMax: 1_000_000)
        try await CacheFixture.run(
            origin: StubOrigin { _ in
                let body = Body(length: 200_000, content: .stream(PiecewiseBody(pieces: 40, of: 5000)))
                return Response(status: 200, fields: ["Cache-Control": "max-age=60", "ETag": "\"v1\""], body: body)
            },
            store: store,
            configuration: configuration
        ) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<60 {
                    if index >= 20 { try await group.next() }
                    group.addTask {
                        let answer = try await fixture.get("/\(index)")
                        #expect(answer.body.count == 200_000)
                    }
                }
                try await group.waitForAll()
            }
            await fixture.settle()
            // Of each of 20 fills: the segment that it writes, and one that its reader has not had yet.
            #expect(store.peak <= 1_000_000 + 20 * 60_000, "it held \(store.peak)")
            #expect(store.usedBytes <= 1_000_000)
        }
    }

    @Test func `what is written and no fact yet takes room as well`() async throws {
        let store = MemoryStore()
        let table = ObjectTable(bytesMax: 1 << 20)
        let evictor = Evictor(store: store, table: table, bytesMax: 1000, unitsMax: 100, metrics: HTTPCacheMetrics())
        let watched = EvictingStore(store, evictor: evictor)
        for number in 1...10 as ClosedRange<UInt64> {
            let record = StoredRecord(
                id: ResponseID(rawValue: number),
                key: Self.key("/\(number)"),
                metadata: [],
                length: 100,
                inlineBody: Array(repeating: 1, count: 100)
            )
            try await watched.commit([.put(record)])
        }
        await evictor.evictIfNeeded()
        #expect(store.usedBytes == 1000)
        evictor.addPending(250)
        await evictor.evictIfNeeded()
        #expect(store.usedBytes <= 750)
        evictor.addPending(-250)
    }

    @Test func `a segment that has no number is refused, and its neighbours in the commit with it`() async throws {
        let store = MemoryStore()
        let table = ObjectTable(bytesMax: 1 << 20)
        let evictor = Evictor(store: store, table: table, bytesMax: 1000, unitsMax: 100, metrics: HTTPCacheMetrics())
        let watched = EvictingStore(store, evictor: evictor)
        let response = ResponseID(rawValue: 1)
        try await watched.commit([.put(StoredRecord(id: response, key: Self.key("/"), metadata: [], length: nil))])
        let last = Int(Int32.max)
        let run = StoredRun(range: 0..<10, checksum: 0)
        try await watched.commit([.extents(SegmentID(response: response, index: last), [0..<10], adding: [run])])
        #expect(evictor.known.units == 1)
        await #expect(throws: HTTPCacheError.self) {
            try await watched.commit([.extents(SegmentID(response: response, index: last + 1), [0..<10], adding: [run])]
            )
        }
        #expect(store.usedBytes == 10)
    }
}

/// A body that comes in pieces, as from a network.
private final class PiecewiseBody: BodySource {
    private let left: Atomic<Int>
    private let pieceBytes: Int

    init(pieces: Int, of pieceBytes: Int) {
        left = Atomic(pieces)
        self.pieceBytes = pieceBytes
    }

    func next() async throws -> BodyChunk? {
        await Task.yield()
        guard left.subtract(1, ordering: .relaxed).newValue >= 0 else { return nil }
        return .bytes(ArraySlice([UInt8](repeating: 1, count: pieceBytes)))
    }

    func cancel() {}
}

/// A store in memory that remembers the most that it held.
private final class PeakStore: CacheStore {
    private let store = MemoryStore()
    private let most = Atomic<Int64>(0)

    var peak: Int64 { most.load(ordering: .relaxed) }
    var usedBytes: Int64 { store.usedBytes }

    func records(for key: CacheKey) async throws -> [StoredRecord] {
        try await store.records(for: key)
    }

    func commit(_ changes: [StoreChange]) async throws {
        try await store.commit(changes)
        most.max(store.usedBytes, ordering: .relaxed)
    }

    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        try store.openSegment(segment, creating: creating)
    }

    func discardFiles(of response: ResponseID, segment: Int?) {
        store.discardFiles(of: response, segment: segment)
    }

    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await store.units(after: position, limit: limit)
    }
}

extension CacheFixture {
    /// Waits until nothing is under way, and lets the cache do what it does every few seconds.
    fileprivate func settle() async {
        await isIdle()
        await cache.recordUse()
    }
}
