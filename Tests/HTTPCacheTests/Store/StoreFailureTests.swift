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
            fixture.clock.advance(seconds: 100)
            store.set([.committing])
            #expect(try await fixture.get().response.cacheStatus.contains("fwd-status=304"))
            #expect(try await fixture.get().response.cacheStatus == "waystation; hit; ttl=60")
        }
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
