// Origins that ignore Range: what passes is kept, and the whole is not asked for again and again.

import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct IgnoredRangesTests {
    private static let modified = "Sun, 06 Nov 1994 08:49:37 GMT"

    /// A 200 of `length` octets whose body the test feeds, whatever was asked for.
    private static func fed(_ body: FedBody, length: Int, etag: String?) -> Response {
        var fields: Fields = ["Cache-Control": "max-age=60", "Last-Modified": modified]
        if let etag { fields.append("ETag", etag) }
        return Response(status: 200, fields: fields, body: Body(length: Int64(length), content: .stream(body)))
    }

    /// Limits that make a small body large.
    private static let configuration: HTTPCacheConfiguration = {
        var configuration = HTTPCacheConfiguration()
        configuration.body.finishBytesMax = 100_000
        configuration.body.joinBytesMax = 20_000
        return configuration
    }()

    private static func medium(_ count: Int, etag: String?) -> StubMedium {
        var medium = StubMedium(count: count)
        medium.servesRanges = false
        medium.etag = etag
        medium.fields.append("Last-Modified", modified)
        return medium
    }

    @Test(arguments: ["\"v1\"", "W/\"v1\"", nil])
    func `the whole that answers a range is kept, and answers all others`(_ etag: String?) async throws {
        let medium = Self.medium(400_000, etag: etag)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }, configuration: Self.configuration) {
            fixture async throws in
            for range in [390_000..<390_100, 0..<100, 150_000..<250_000] {
                let answer = try await fixture.get("/", ["Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"])
                #expect(answer.response.status == 206)
                #expect(answer.body.isSame(as: medium.octets[range]))
            }
            #expect(try await fixture.get().body.isSame(as: medium.octets))
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test(arguments: ["\"v1\"", nil])
    func `a fill of what cannot be had by range goes on without readers, up to its limit`(
        _ etag: String?
    ) async throws {
        for (length, isFinished) in [(500_000, true), (500_001, false)] {
            let body = FedBody()
            var configuration = Self.configuration
            configuration.body.finishUnseekableBytesMax = 400_000
            let origin = StubOrigin { _ in Self.fed(body, length: length, etag: etag) }
            try await CacheFixture.run(origin: origin, configuration: configuration) { fixture async throws in
                body.feed([UInt8](repeating: 1, count: 100_000))
                let answer = try await fixture.get("/", ["Range": "bytes=0-99999"])
                #expect(answer.body.count == 100_000)
                guard isFinished else { return await body.cancelled.wait() }
                body.feed([UInt8](repeating: 2, count: length - 100_000))
                body.finish()
                let tail = try await fixture.get("/", ["Range": "bytes=-10"])
                #expect(tail.body == [UInt8](repeating: 2, count: 10))
                #expect(fixture.origin.requests.count == 1)
            }
        }
    }

    @Test func `many ranges of one whole that is on its way wait for it, however far they are`() async throws {
        let medium = Self.medium(600_000, etag: nil)
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: medium.octets.count, etag: nil) }
        try await CacheFixture.run(origin: origin, configuration: Self.configuration) { fixture async throws in
            body.feed(Array(medium.octets[..<1000]))
            _ = try await fixture.get("/", ["Range": "bytes=0-9"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for start in stride(from: 0, to: 600_000, by: 20_000) {
                    group.addTask { () async throws in
                        let answer = try await fixture.get("/", ["Range": "bytes=\(start)-\(start + 999)"])
                        #expect(answer.body.isSame(as: medium.octets[start..<start + 1000]))
                    }
                }
                body.feed(Array(medium.octets[1000...]))
                body.finish()
                try await group.waitForAll()
            }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `a body under way that nobody asked for by range proves to be all there is`() async throws {
        let medium = Self.medium(600_000, etag: nil)
        let first = FedBody()
        let rest = FedBody()
        let bodies = Mutex([first, rest])
        let origin = StubOrigin { _ in
            Self.fed(bodies.withLock { $0.removeFirst() }, length: medium.octets.count, etag: nil)
        }
        try await CacheFixture.run(origin: origin, configuration: Self.configuration) { fixture async throws in
            first.feed(Array(medium.octets[..<1000]))
            let playing = try await fixture.cache.respond(to: fixture.request())
            async let tail = fixture.get("/", ["Range": "bytes=-1000"])
            // The origin is asked for the tail, and sends the whole: that is not needed twice.
            await rest.cancelled.wait()
            first.feed(Array(medium.octets[1000...]))
            first.finish()
            #expect(try await tail.body.elementsEqual(medium.octets.suffix(1000)))
            #expect(try await playing.body.collect(upTo: 1 << 30).isSame(as: medium.octets))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `a fill that gets the whole keeps what passes on the way to what was missing`() async throws {
        let medium = StubMedium(count: 600_000)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }, configuration: Self.configuration) {
            fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=300000-300999"])
            var deaf = medium
            deaf.servesRanges = false
            let ignoring = deaf
            fixture.origin.serve { ignoring.respond(to: $0) }
            let answer = try await fixture.get("/", ["Range": "bytes=500000-500999"])
            #expect(answer.body.isSame(as: medium.octets[500_000..<501_000]))
            #expect(try await fixture.get().body.isSame(as: medium.octets))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `two fills that get the whole at a time become one`() async throws {
        let medium = StubMedium(count: 600_000)
        let bodies = Mutex<[FedBody]>([])
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }, configuration: Self.configuration) {
            fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=300000-300999"])
            fixture.origin.serve { _ in
                let body = FedBody()
                bodies.withLock { $0.append(body) }
                return Self.fed(body, length: medium.octets.count, etag: "\"v1\"")
            }
            async let first = fixture.get("/", ["Range": "bytes=500000-500999"])
            async let second = fixture.get("/", ["Range": "bytes=100000-100999"])
            while bodies.withLock({ $0.count }) < 2 { await Task.yield() }
            let sent = bodies.withLock { $0 }
            while !sent.contains(where: \.isCancelled) { await Task.yield() }
            for body in sent where !body.isCancelled {
                body.feed(medium.octets)
                body.finish()
            }
            #expect(try await first.body.isSame(as: medium.octets[500_000..<501_000]))
            #expect(try await second.body.isSame(as: medium.octets[100_000..<101_000]))
            await fixture.isIdle()
            #expect(try await fixture.get().body.isSame(as: medium.octets))
            #expect(fixture.origin.requests.count == 3)
        }
    }
}
