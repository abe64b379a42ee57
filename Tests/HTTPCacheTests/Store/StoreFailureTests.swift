// A store that fails: clients get whole bodies all the same, and nothing is kept as if it were whole.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct StoreFailureTests {
    private static let medium = StubMedium(count: 150_000)
    private static let segmented: HTTPCacheConfiguration = {
        var configuration = HTTPCacheConfiguration()
        configuration.body.segmentBytes = 30_000
        configuration.commitBytes = 15_000
        return configuration
    }()

    /// Takes `count` octets, at least, of a body.
    private static func read(_ source: any BodySource, atLeast count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let chunk = try await source.next() { bytes += try chunk.octets() }
        return bytes
    }

    @Test(arguments: [
        Set([FailingStore.Fault.creating]), [.writing], [.committing], [.creating, .committing, .reading],
    ])
    func `clients get whole bodies while the store fails, and nothing is kept of them`(
        _ faults: Set<FailingStore.Fault>
    ) async throws {
        let store = FailingStore()
        store.set(faults)
        let origin = StubOrigin { Self.medium.respond(to: $0) }
        try await CacheFixture.run(origin: origin, store: store, configuration: Self.segmented) {
            fixture async throws in
            for _ in 0..<3 {
                let answer = try await fixture.get()
                #expect(answer.response.status == 200)
                #expect(answer.body.elementsEqual(Self.medium.octets))
                // Until the fill is over what it brought is in memory, for whoever comes just then.
                await fixture.isIdle()
            }
            #expect(fixture.origin.requests.count == 3)
            #expect(fixture.cache.metrics.storeFailures.load(ordering: .relaxed) > 0)
            #expect(store.storedResponses == [])
            #expect(fixture.express() == nil)
            store.set([])
            #expect(try await fixture.get().body.elementsEqual(Self.medium.octets))
            #expect(try await fixture.get().body.elementsEqual(Self.medium.octets))
            #expect(fixture.origin.requests.count == 4)
        }
    }

    @Test(arguments: [FailingStore.Fault.creating, .writing, .committing], [true, false])
    func `a store that fails in the middle of a body breaks no reader`(
        _ fault: FailingStore.Fault,
        _ isStrong: Bool
    ) async throws {
        let store = FailingStore()
        let body = FedBody()
        let fields: Fields =
            isStrong ? ["Cache-Control": "max-age=60", "ETag": "\"v1\""] : ["Cache-Control": "max-age=60"]
        let octets = Self.medium.octets
        let origin = StubOrigin { _ in
            Response(status: 200, fields: fields, body: Body(length: 150_000, content: .stream(body)))
        }
        try await CacheFixture.run(origin: origin, store: store, configuration: Self.segmented) {
            fixture async throws in
            body.feed(Array(octets[..<39_000]))
            let ahead = try await fixture.cache.respond(to: fixture.request())
            let behind = try await fixture.cache.respond(to: fixture.request())
            guard case .stream(let fast) = ahead.body.content, case .stream(let slow) = behind.body.content else {
                Issue.record("no streams")
                return
            }
            var fastBytes = try await Self.read(fast, atLeast: 39_000)
            var slowBytes = try await Self.read(slow, atLeast: 1)
            store.set([fault])
            body.feed(Array(octets[39_000..<45_000]))
            fastBytes += try await Self.read(fast, atLeast: 6000)
            body.feed(Array(octets[45_000...]))
            body.finish()
            fastBytes += try await Self.read(fast, atLeast: .max)
            slowBytes += try await Self.read(slow, atLeast: .max)
            #expect(fastBytes.elementsEqual(octets))
            #expect(slowBytes.elementsEqual(octets))
            #expect(fixture.origin.requests.count == 1)
            #expect(fixture.express() == nil)
        }
    }

    @Test func `a store that cannot be read is an empty one`() async throws {
        let store = FailingStore()
        let origin = StubOrigin { Self.medium.respond(to: $0) }
        try await CacheFixture.run(origin: origin, store: store) { fixture async throws in
            _ = try await fixture.get()
        }
        store.set([.reading])
        try await CacheFixture.run(origin: origin, store: store) { fixture async throws in
            #expect(try await fixture.get().body.elementsEqual(Self.medium.octets))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `a small body that cannot be made a fact is served and asked for anew`() async throws {
        let store = FailingStore()
        store.set([.committing])
        let small = StubMedium(count: 1000)
        try await CacheFixture.run(origin: StubOrigin { small.respond(to: $0) }, store: store) {
            fixture async throws in
            #expect(try await fixture.get().body.elementsEqual(small.octets))
            #expect(try await fixture.get().body.elementsEqual(small.octets))
            #expect(store.storedResponses == [])
        }
    }

    @Test func `a validation that cannot be made a fact holds as long as the process`() async throws {
        let store = FailingStore()
        let origin = StubOrigin { Self.medium.respond(to: $0) }
        try await CacheFixture.run(origin: origin, store: store) { fixture async throws in
            _ = try await fixture.get()
            // Its last commit may come after its last octet was read.
            await fixture.isIdle()
            fixture.clock.advance(seconds: 100)
            store.set([.committing])
            #expect(try await fixture.get().response.cacheStatus.contains("fwd-status=304"))
            #expect(try await fixture.get().response.cacheStatus == "waystation; hit; ttl=60")
        }
    }

    @Test func `a range that joins a body on a full disk does not wait for the reader that stands in for it`()
        async throws
    {
        let store = FailingStore()
        store.set([.writing])
        let body = FedBody()
        let origin = StubOrigin { _ in
            Response(
                status: 200,
                fields: ["Cache-Control": "max-age=60"],
                body: Body(length: 150_000, content: .stream(body))
            )
        }
        var configuration = Self.segmented
        configuration.body.readAheadBytesMax = 20_000
        try await CacheFixture.run(origin: origin, store: store, configuration: configuration) { fixture async throws in
            async let ranged = fixture.get("/", ["Range": "bytes=100000-149999"])
            async let whole = fixture.get()
            // In pieces, so that it is held back on the way.
            for start in stride(from: 0, to: 150_000, by: 10_000) {
                body.feed(Array(Self.medium.octets[start..<start + 10_000]))
            }
            body.finish()
            #expect(try await whole.body.elementsEqual(Self.medium.octets))
            #expect(try await ranged.body.count >= 50_000)
        }
    }

    /// How somebody learns that a segment is not held.
    enum Finding: CaseIterable { case writing, looking, evicting }

    @Test(arguments: Finding.allCases)
    func `a segment whose file was lost is no fact any more when a new file takes its place`(
        _ finding: Finding
    ) async throws {
        let store = FailingStore()
        let origin = StubOrigin { Self.medium.respond(to: $0) }
        var configuration = Self.segmented
        if finding == .evicting { configuration.storeBytesMax = 9999 }
        try await CacheFixture.run(origin: origin, store: store, configuration: configuration) {
            fixture async throws in
            let part = try await fixture.cache.respond(to: fixture.request("/", ["Range": "bytes=0-9999"]))
            // Until it goes nothing is evicted.
            await fixture.isIdle()
            let key = fixture.cache.upstream.key(of: Array("/".utf8).span)
            let id = try #require(try await store.records(for: key).first?.id)
            let stored = try #require(fixture.cache.table.variants(of: key)?.first)
            if finding == .evicting {
                // The octets are gone from the body, but the facts could not be told.
                store.set([.committing])
                part.body.cancel()
                await fixture.cache.recordUse()
                store.set([])
                #expect(try await store.records(for: key).first?.segments[0] != nil)
            }
            store.discardFiles(of: id, segment: 0)
            stored.closeFile(segment: 0)
            if finding == .looking { stored.checkFiles(of: 0..<10_000) }
            _ = try await stored.fileToWrite(segment: 0)
            #expect(try await store.records(for: key).first?.segments[0] == nil)
            #expect(
                try await fixture.get("/", ["Range": "bytes=0-9999"]).body.elementsEqual(Self.medium.octets[..<10_000])
            )
        }
    }

    @Test func `a file that another fill makes meanwhile, and what is in it, is kept`() async throws {
        let store = RacingStore()
        let stored = StoredResponse.segmented(length: 100, segmentBytes: 1000, store: store)
        store.beforeMissing = { segment in
            try? store.inner.openSegment(segment, creating: true).write([1, 2, 3][...], at: 0)
            stored.withBody { body in
                let fill = body.addFill(from: 0, to: 100)
                body.advance(fill, by: 3, rate: 0).resume()
            }
        }
        let file = try await stored.fileToWrite(segment: 0)
        #expect(stored.withBody { $0.extents.ranges } == [0..<3])
        #expect(try FileRegion(file: file, offset: 0, count: 3).read() == [1, 2, 3])
    }
}

extension BodyChunk {
    /// The octets, wherever they are.
    func octets() throws -> [UInt8] {
        switch self {
        case .bytes(let bytes): Array(bytes)
        case .file(let region): try region.read()
        }
    }
}
