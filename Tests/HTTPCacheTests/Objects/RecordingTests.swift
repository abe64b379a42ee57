// What is told to the store about one response comes in the order in which it became true, from whichever object it is told.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct RecordingTests {
    private static let configuration: HTTPCacheConfiguration = {
        var configuration = HTTPCacheConfiguration()
        configuration.commitBytes = 10_000
        configuration.body.segmentBytes = 30_000
        configuration.body.inlineBytesMax = 3000
        return configuration
    }()

    @Test func `the gate lets one through at a time, in the order in which they came`() async {
        let gate = RecordingGate()
        let order = Order()
        let first = Signal()
        await withTaskGroup(of: Void.self) { group in
            let isInside = Signal()
            group.addTask {
                await gate.pass {
                    isInside.fire()
                    await first.wait()
                    order.add(0)
                }
            }
            await isInside.wait()
            for number in 1...3 {
                group.addTask { await gate.pass { order.add(number) } }
                while gate.waitingCount < number { await Task.yield() }
            }
            first.fire()
        }
        #expect(order.numbers == [0, 1, 2, 3])
    }

    @Test func `an eviction during a commit comes after it, and no fact is left of what is gone`() async throws {
        let medium = StubMedium(count: 60_000)
        let store = SlowStore()
        var configuration = Self.configuration
        configuration.storeBytesMax = 25_000
        try await CacheFixture.run(
            origin: StubOrigin { medium.respond(to: $0) },
            store: store,
            configuration: configuration
        ) { fixture async throws in
            for _ in 0..<20 {
                #expect(try await fixture.get().body.elementsEqual(medium.octets))
                await fixture.isIdle()
                await fixture.cache.recordUse()
                let key = CacheKey(Array("http://origin.test/media/film.mp4".utf8))
                for record in try await store.records(for: key) {
                    for (index, ranges) in record.segments {
                        let file = try store.openSegment(SegmentID(response: record.id, index: index), creating: false)
                        for range in ranges {
                            let start = range.lowerBound - Int64(index) * 30_000
                            let octets = try FileRegion(file: file, offset: start, count: range.count).read()
                            #expect(octets.elementsEqual(medium.octets[Int(range.lowerBound)..<Int(range.upperBound)]))
                        }
                    }
                }
            }
        }
    }

    @Test func `a response that left memory while it is read is the same object when it is loaded again`() async throws
    {
        let medium = StubMedium(count: 100_000)
        var configuration = Self.configuration
        configuration.memoryBytesMax = 16
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { medium.respond(to: $0) },
            store: store,
            configuration: configuration
        ) { fixture async throws in
            _ = try await fixture.get()
            await fixture.isIdle()
            let key = CacheKey(Array("http://origin.test/media/film.mp4".utf8))
            let held = try #require(await fixture.cache.coordinator.variants(of: key).first)
            // Enough others that it goes.
            for number in 0..<200 { _ = try await fixture.get("/\(number)") }
            #expect(fixture.cache.table.variants(of: key) == nil)
            let loaded = try await withThrowingTaskGroup(of: ObjectIdentifier?.self) { group in
                for _ in 0..<8 {
                    group.addTask { await fixture.cache.coordinator.variants(of: key).first.map(ObjectIdentifier.init) }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(loaded == [ObjectIdentifier(held)])
        }
    }

    @Test func `octets are summed up as they are written, run by run`() {
        let octets = StubMedium(count: 100).octets
        var runs = RunRecorder()
        runs.add(octets[10..<25], at: 10, segmentBytes: 30)
        runs.add(octets[25..<30], at: 25, segmentBytes: 30)
        runs.add(octets[30..<40], at: 30, segmentBytes: 30)
        runs.add(octets[70..<80], at: 70, segmentBytes: 30)
        #expect(runs.count == 40)
        let first = [10..<30, 30..<40, 70..<80]
        let expected = first.map { range in
            StoredRun(
                range: Int64(range.lowerBound)..<Int64(range.upperBound),
                checksum: Checksum.of(octets[range])
            )
        }
        #expect(runs.take() == expected)
        #expect(runs.take().isEmpty)
        // It goes on where it was, in a run of its own.
        runs.add(octets[80..<90], at: 80, segmentBytes: 30)
        #expect(runs.take() == [StoredRun(range: 80..<90, checksum: Checksum.of(octets[80..<90]))])
        // What is written once more counts once.
        runs.add(octets[0..<5], at: 0, segmentBytes: 30)
        runs.add(octets[0..<8], at: 0, segmentBytes: 30)
        #expect(runs.take() == [StoredRun(range: 0..<8, checksum: Checksum.of(octets[..<8]))])
    }
}

/// A store in memory whose commits take their time.
private final class SlowStore: CacheStore {
    private let store = MemoryStore()

    var usedBytes: Int64 { store.usedBytes }

    func records(for key: CacheKey) async throws -> [StoredRecord] { try await store.records(for: key) }

    func commit(_ changes: [StoreChange]) async throws {
        for _ in 0..<20 { await Task.yield() }
        try await store.commit(changes)
        for _ in 0..<20 { await Task.yield() }
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

/// Numbers in the order in which they came.
private final class Order: Sendable {
    private let list = Mutex<[Int]>([])

    var numbers: [Int] { list.withLock { $0 } }

    func add(_ number: Int) {
        list.withLock { $0.append(number) }
    }
}
