// A cache that is started anew over the same store.

import HTTP
import HTTPCache
import Testing

@Suite struct RestartTests {
    private let medium = StubMedium(count: 300_000)

    private func origin() -> StubOrigin {
        let medium = medium
        return StubOrigin { medium.respond(to: $0) }
    }

    @Test func `what was stored is served without the origin`() async throws {
        for medium in [medium, StubMedium(count: 1000), StubMedium(count: 0)] {
            let store = MemoryStore()
            try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }, store: store) {
                fixture async throws in
                _ = try await fixture.get()
                await fixture.isIdle()
            }
            let none = StubOrigin { _ in throw BodyError.truncated }
            try await CacheFixture.run(origin: none, store: store) { fixture async throws in
                fixture.clock.advance(seconds: 5)
                #expect(fixture.express() == nil)
                let answer = try await fixture.get()
                #expect(answer.response.status == 200)
                #expect(answer.body.elementsEqual(medium.octets))
                #expect(answer.response.cacheStatus == "waystation; hit; ttl=55")
                #expect(answer.response.fields.text(.age) == "5")
                // A file may have been closed for others of this process.
                if medium.octets.count <= 1000 { #expect(fixture.express() != nil) }
                #expect(fixture.origin.requests.isEmpty)
            }
        }
    }

    @Test func `a partial is resumed where it ended`() async throws {
        let store = MemoryStore()
        try await CacheFixture.run(origin: origin(), store: store) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-99999"])
            _ = try await fixture.get("/", ["Range": "bytes=200000-209999"])
            await fixture.isIdle()
        }
        try await CacheFixture.run(origin: origin(), store: store) { fixture async throws in
            #expect(try await fixture.get().body.elementsEqual(medium.octets))
            let asked = fixture.origin.requests.map { $0.fields.text(.range) ?? "" }
            #expect(asked == ["bytes=100000-199999", "bytes=210000-"])
        }
    }

    @Test func `a body that was cut is resumed after a restart, if its tag is strong`() async throws {
        for tag in ["\"v1\"", "W/\"v1\""] {
            let store = MemoryStore()
            let body = FedBody()
            let fields: Fields = ["Cache-Control": "max-age=60", "ETag": tag]
            let cut = StubOrigin { _ in
                Response(status: 200, fields: fields, body: Body(length: 300_000, content: .stream(body)))
            }
            let octets = medium.octets
            try await CacheFixture.run(origin: cut, store: store) { fixture async throws in
                body.feed(Array(octets[..<100_000]))
                let response = try await fixture.cache.respond(to: fixture.request())
                body.fail(BodyError.truncated)
                await #expect(throws: (any Error).self) { try await response.body.collect(upTo: 1 << 20) }
                await fixture.isIdle()
            }
            var same = medium
            same.etag = tag
            let served = same
            try await CacheFixture.run(origin: StubOrigin { served.respond(to: $0) }, store: store) {
                fixture async throws in
                #expect(try await fixture.get().body.elementsEqual(octets))
                let asked = fixture.origin.requests.map { $0.fields.text(.range) }
                #expect(asked == [tag.hasPrefix("W") ? nil : "bytes=100000-"])
            }
        }
    }

    @Test func `a piece is a fact until the whole that takes its place is one`() async throws {
        var tagged = medium
        tagged.etag = "W/\"v1\""
        let served = tagged
        var small = HTTPCacheConfiguration()
        small.commitBytes = 10_000
        small.body.inlineBytesMax = 3000
        let configuration = small
        let store = MemoryStore()
        let clock = TestClock()
        let range: Fields = ["Range": "bytes=200000-209999"]
        let key = CacheKey(Array("http://origin.test/media/film.mp4".utf8))
        try await CacheFixture.run(
            origin: StubOrigin { served.respond(to: $0) },
            store: store,
            configuration: configuration,
            clock: clock
        ) { fixture async throws in
            _ = try await fixture.get("/", range)
            await fixture.isIdle()
            clock.advance(seconds: 1)
            let body = FedBody()
            var whole = served.respond(to: fixture.request())
            whole.body = Body(length: 300_000, content: .stream(body))
            let coming = whole
            fixture.origin.serve { _ in coming }
            body.feed(Array(served.octets[..<100_000]))
            let response = try await fixture.cache.respond(to: fixture.request())
            // Asked for more, it has made facts of what has come.
            while body.pulls < 2 { await Task.yield() }
            #expect(try await store.records(for: key).count == 2)
            // What a kill would leave now.
            let none = StubOrigin { _ in throw BodyError.truncated }
            try await CacheFixture.run(origin: none, store: store, clock: clock) { left async throws in
                let answer = try await left.get("/", range)
                #expect(answer.response.cacheStatus.hasPrefix("waystation; hit"))
                #expect(answer.body.elementsEqual(served.octets[200_000..<210_000]))
            }
            body.feed(Array(served.octets[100_000...]))
            body.finish()
            #expect(try await response.body.collect(upTo: 1 << 20).elementsEqual(served.octets))
            await fixture.isIdle()
            #expect(try await store.records(for: key).count == 1)
        }
    }

    @Test func `a partial of what has changed meanwhile is replaced`() async throws {
        let store = MemoryStore()
        try await CacheFixture.run(origin: origin(), store: store) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-99999"])
            await fixture.isIdle()
        }
        var other = StubMedium(count: 250_000, seed: 77)
        other.etag = "\"v2\""
        let newer = other
        try await CacheFixture.run(origin: StubOrigin { newer.respond(to: $0) }, store: store) { fixture async throws in
            let answer = try await fixture.get("/", ["Range": "bytes=150000-"])
            #expect(answer.response.status == 206)
            #expect(answer.body.elementsEqual(newer.octets[150_000...]))
            #expect(try await fixture.get().body.elementsEqual(newer.octets))
        }
    }

    @Test func `a validation is remembered`() async throws {
        let store = MemoryStore()
        let clock = TestClock()
        try await CacheFixture.run(origin: origin(), store: store, clock: clock) { fixture async throws in
            _ = try await fixture.get()
            clock.advance(seconds: 100)
            _ = try await fixture.get()
            await fixture.isIdle()
        }
        try await CacheFixture.run(origin: origin(), store: store, clock: clock) { fixture async throws in
            #expect(try await fixture.get().response.cacheStatus == "waystation; hit; ttl=60")
            #expect(fixture.origin.requests.isEmpty)
        }
    }

    @Test func `variants are found again`() async throws {
        let store = MemoryStore()
        let origin = StubOrigin { request in
            Response(
                status: 200,
                fields: ["Cache-Control": "max-age=60", "Vary": "Accept-Language"],
                body: Body(request.fields.text(.acceptLanguage) ?? "none")
            )
        }
        for round in 0..<2 {
            try await CacheFixture.run(origin: origin, store: store) { fixture async throws in
                for language in ["de", "fr"] {
                    #expect(try await fixture.get("/", ["Accept-Language": language]).body == Array(language.utf8))
                }
                await fixture.isIdle()
                #expect(fixture.origin.requests.count == 2, "round \(round)")
            }
        }
    }

    @Test func `octets whose file has gone are fetched again`() async throws {
        let store = MemoryStore()
        let key = CacheKey(Array("http://origin.test/media/film.mp4".utf8))
        try await CacheFixture.run(origin: origin(), store: store) { fixture async throws in
            _ = try await fixture.get()
            await fixture.isIdle()
        }
        let record = try #require(try await store.records(for: key).first)
        store.discardFiles(of: record.id, segment: 0)
        try await CacheFixture.run(origin: origin(), store: store) { fixture async throws in
            #expect(try await fixture.get().body.elementsEqual(medium.octets))
            #expect(fixture.origin.requests.count == 1)
        }
    }
}
