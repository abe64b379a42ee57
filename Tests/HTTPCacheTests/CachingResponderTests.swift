// The cache from the outside: what it answers and what it asks of the origin.

import HTTP
import HTTPCache
import Synchronization
import Testing

@Suite struct CachingResponderTests {
    let medium = StubMedium(count: 200_000)

    private func origin() -> StubOrigin {
        let medium = medium
        return StubOrigin { medium.respond(to: $0) }
    }

    @Test func `a second request is answered without the origin`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            let first = try await fixture.get()
            #expect(first.response.status == 200)
            #expect(first.body.elementsEqual(medium.octets))
            #expect(first.response.cacheStatus == "waystation; fwd=uri-miss; stored")
            fixture.clock.advance(seconds: 7)
            let second = try await fixture.get()
            #expect(second.body.elementsEqual(medium.octets))
            #expect(second.response.fields.text(.age) == "7")
            #expect(second.response.cacheStatus == "waystation; hit; ttl=53")
            #expect(second.response.fields.text(.via) == "1.1 waystation")
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `the express lane answers a small hit whole, as a range, as HEAD and as 304`() async throws {
        let medium = StubMedium(count: 1000)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            #expect(fixture.express() == nil)
            _ = try await fixture.get()
            let whole = try #require(fixture.express())
            #expect(whole.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(whole.head.contains("\r\nContent-Length: 1000\r\n"))
            #expect(
                whole.head.hasSuffix("\r\nAge: 0\r\nVia: 1.1 waystation\r\nCache-Status: waystation; hit; ttl=60\r\n")
            )
            guard case .bytes(let bytes)? = whole.body else {
                Issue.record("no body in memory")
                return
            }
            #expect(Array(bytes) == medium.octets)
            let range = try #require(fixture.express("/", ["Range": "bytes=10-19"]))
            #expect(range.head.hasPrefix("HTTP/1.1 206 Partial Content\r\n"))
            #expect(range.head.contains("\r\nContent-Range: bytes 10-19/1000\r\nContent-Length: 10\r\n"))
            let head = try #require(fixture.express(method: "HEAD"))
            #expect(head.head.contains("\r\nContent-Length: 1000\r\n"))
            #expect(head.body == nil)
            let notModified = try #require(fixture.express("/", ["If-None-Match": "W/\"v1\""]))
            #expect(notModified.head.hasPrefix("HTTP/1.1 304 Not Modified\r\n"))
            #expect(notModified.head.contains("ETag: \"v1\"\r\n"))
            #expect(notModified.body == nil)
            fixture.clock.advance(seconds: 61)
            #expect(fixture.express() == nil)
        }
    }

    @Test func `the express lane answers from an open segment`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            let answer = try #require(fixture.express("/", ["Range": "bytes=100000-149999"]))
            guard case .file(let region)? = answer.body else {
                Issue.record("no file region")
                return
            }
            #expect(try region.read() == Array(medium.octets[100_000..<150_000]))
        }
    }

    @Test func `a range of something unknown is asked for as it is, and the rest later on`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            let first = try await fixture.get("/", ["Range": "bytes=50000-59999"])
            #expect(first.response.status == 206)
            #expect(first.response.fields.text(.contentRange) == "bytes 50000-59999/200000")
            #expect(first.body.elementsEqual(medium.octets[50_000..<60_000]))
            #expect(fixture.origin.requests[0].fields.text(.range) == "bytes=50000-59999")
            let whole = try await fixture.get()
            #expect(whole.response.status == 200)
            #expect(whole.body.elementsEqual(medium.octets))
            #expect(whole.response.cacheStatus.hasPrefix("waystation; fwd=partial"))
            let asked = fixture.origin.requests.dropFirst().map { $0.fields.text(.range) ?? "" }
            #expect(asked == ["bytes=0-49999", "bytes=60000-"])
            #expect(fixture.origin.requests.dropFirst().allSatisfy { $0.fields.text(.ifRange) == "\"v1\"" })
            let again = try await fixture.get("/", ["Range": "bytes=-100"])
            #expect(again.body.elementsEqual(medium.octets.suffix(100)))
            #expect(again.response.cacheStatus == "waystation; hit; ttl=60")
            #expect(fixture.origin.requests.count == 3)
        }
    }

    @Test func `a range behind the end is 416 with the length`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            let answer = try await fixture.get("/", ["Range": "bytes=200000-"])
            #expect(answer.response.status == 416)
            #expect(answer.response.fields.text(.contentRange) == "bytes */200000")
        }
    }

    @Test func `If-Range with another tag gets the whole`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            let other = try await fixture.get("/", ["Range": "bytes=0-9", "If-Range": "\"v0\""])
            #expect(other.response.status == 200)
            let same = try await fixture.get("/", ["Range": "bytes=0-9", "If-Range": "\"v1\""])
            #expect(same.response.status == 206)
        }
    }

    @Test func `If-Match that holds for what is stored needs no origin, and one that does not goes there`() async throws
    {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            let held = try await fixture.get("/", ["If-Match": "\"v1\"", "Range": "bytes=7-9"])
            #expect(held.response.status == 206)
            #expect(held.response.cacheStatus == "waystation; hit; ttl=60")
            #expect(fixture.origin.requests.count == 1)
            _ = try await fixture.get("/", ["If-Match": "\"other\""])
            #expect(fixture.origin.requests.last?.fields.text(.ifMatch) == "\"other\"")
            fixture.clock.advance(seconds: 100)
            var changed = StubMedium(count: 10)
            changed.etag = "\"v2\""
            let next = changed
            fixture.origin.serve { next.respond(to: $0) }
            #expect(try await fixture.get("/", ["If-Match": "\"v1\""]).response.status == 412)
        }
    }

    @Test func `a stale response is validated, and a 304 makes it fresh`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            fixture.clock.advance(seconds: 100)
            let second = try await fixture.get()
            #expect(second.body.elementsEqual(medium.octets))
            #expect(second.response.cacheStatus == "waystation; fwd=stale; fwd-status=304")
            #expect(fixture.origin.requests[1].fields.text(.ifNoneMatch) == "\"v1\"")
            let third = try await fixture.get()
            #expect(third.response.cacheStatus == "waystation; hit; ttl=60")
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `a stale response whose origin has another one is replaced`() async throws {
        var newer = StubMedium(count: 1000, seed: 9)
        newer.etag = "\"v2\""
        let next = newer
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            fixture.clock.advance(seconds: 100)
            fixture.origin.serve { next.respond(to: $0) }
            #expect(try await fixture.get().body.elementsEqual(next.octets))
            #expect(try await fixture.get().body.elementsEqual(next.octets))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `an origin that is gone leaves the stale response, unless it must be revalidated`() async throws {
        for (control, status) in [("max-age=1", 200), ("max-age=1, must-revalidate", 502)] {
            var medium = StubMedium(count: 1000)
            medium.fields = ["Cache-Control": control]
            let served = medium
            try await CacheFixture.run(origin: StubOrigin { served.respond(to: $0) }) { fixture async throws in
                _ = try await fixture.get()
                fixture.clock.advance(seconds: 10)
                fixture.origin.serve { _ in throw BodyError.truncated }
                #expect(try await fixture.get().response.status == status)
            }
        }
    }

    @Test(arguments: ["private, max-age=60", "no-store, max-age=60"])
    func `a 304 that forbids to store is obeyed`(control: String) async throws {
        let medium = StubMedium(count: 1000)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            fixture.clock.advance(seconds: 100)
            var other = medium
            other.fields = ["Cache-Control": control]
            let next = other
            fixture.origin.serve { next.respond(to: $0) }
            #expect(try await fixture.get().body.elementsEqual(medium.octets))
            #expect(fixture.express() == nil)
            #expect(try await fixture.get().response.cacheStatus == "waystation; fwd=uri-miss")
        }
    }

    @Test func `an origin that is gone leaves a stale response without a validator, and its head`() async throws {
        let origin = StubOrigin { _ in
            Response(status: 200, fields: ["Cache-Control": "max-age=1"], body: Body("old"))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            _ = try await fixture.get()
            fixture.clock.advance(seconds: 10)
            fixture.origin.serve { _ in throw BodyError.truncated }
            let stale = try await fixture.get()
            #expect(stale.body == Array("old".utf8))
            #expect(stale.response.cacheStatus.hasPrefix("waystation; fwd=stale; ttl=-9"))
            #expect(try await fixture.cache.respond(to: fixture.request(method: .head)).status == 200)
        }
    }

    @Test func `variants are told apart by the fields that Vary names`() async throws {
        let origin = StubOrigin { request in
            let language = request.fields.text(.acceptLanguage) ?? "none"
            return Response(
                status: 200,
                fields: ["Cache-Control": "max-age=60", "Vary": "Accept-Language"],
                body: Body(language)
            )
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for _ in 0..<2 {
                #expect(try await fixture.get("/", ["Accept-Language": "de"]).body == Array("de".utf8))
                #expect(try await fixture.get("/", ["Accept-Language": "fr"]).body == Array("fr".utf8))
                #expect(try await fixture.get().body == Array("none".utf8))
            }
            #expect(fixture.origin.requests.count == 3)
            #expect(fixture.express("/", ["Accept-Language": "DE"]) != nil)
            #expect(fixture.express("/", ["Accept-Language": "es"]) == nil)
        }
    }

    @Test(arguments: [503, 200]) func `twenty who wait for what is not stored ask once each, and get their own`(
        _ status: Int
    ) async throws {
        let number = Mutex(0)
        let origin = StubOrigin { _ in
            let count = number.withLock { number in
                number += 1
                return number
            }
            await Task.yield()
            return Response(status: status, fields: ["Cache-Control": "no-store"], body: Body("\(count)"))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let bodies = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let answer = try await fixture.get()
                        return (answer.response.status, answer.body)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(bodies.allSatisfy { $0.0 == status })
            // RFC 9111 section 4: what may not be reused answers the one request alone that it was the answer to.
            #expect(Set(bodies.map(\.1)).count == 20)
            #expect(fixture.origin.requests.count == 20)
        }
    }

    @Test func `what is private or no-store is passed on and asked for anew`() async throws {
        for control in ["private", "no-store"] {
            let origin = StubOrigin { _ in
                Response(status: 200, fields: ["Cache-Control": control], body: Body("mine"))
            }
            try await CacheFixture.run(origin: origin) { fixture async throws in
                for _ in 0..<2 {
                    let answer = try await fixture.get()
                    #expect(answer.body == Array("mine".utf8))
                    #expect(answer.response.cacheStatus == "waystation; fwd=uri-miss")
                }
                #expect(fixture.origin.requests.count == 2)
            }
        }
    }

    @Test func `a private response goes to the client whose request was sent, and to nobody who waited with it`()
        async throws
    {
        let origin = StubOrigin { request in
            // The others arrive meanwhile, and wait for this one's answer.
            for _ in 0..<1000 { await Task.yield() }
            let cookie = request.fields.text(.cookie) ?? ""
            return Response(status: 200, fields: ["Cache-Control": "private"], body: Body(cookie))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for client in 0..<20 {
                    group.addTask { () async throws in
                        try await fixture.get("/", ["Cookie": "client \(client)"]).body
                            == Array("client \(client)".utf8)
                    }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
        }
    }

    @Test func `a HEAD is answered from the stored GET`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get()
            let answer = try await fixture.cache.respond(to: fixture.request(method: .head))
            #expect(answer.status == 200)
            #expect(answer.body.length == 200_000)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `a POST passes with its body, and makes the stored response invalid`() async throws {
        let medium = medium
        let origin = StubOrigin { request in
            request.method == .post
                ? Response(status: 204, body: Body(length: nil, content: .none)) : medium.respond(to: request)
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            _ = try await fixture.get()
            var post = fixture.request(method: .post)
            post.body = Body("x")
            #expect(try await fixture.cache.respond(to: post).status == 204)
            _ = try await fixture.get()
            #expect(fixture.origin.requests.map(\.method) == [.get, .post, .get])
        }
    }

    @Test func `only-if-cached asks nobody`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            #expect(try await fixture.get("/", ["Cache-Control": "only-if-cached"]).response.status == 504)
            #expect(fixture.origin.requests.isEmpty)
        }
    }

    @Test func `a request that comes back to the cache is refused`() async throws {
        let medium = medium
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            let forwarded = fixture.origin.requests[0]
            let answer = try await fixture.cache.respond(to: fixture.request("/", forwarded.fields))
            #expect(answer.status == 508)
        }
    }

    @Test func `what a client sends cannot poison the answer for others`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get(
                "/",
                ["X-Forwarded-Host": "evil.test", "X-Original-URL": "/admin", "X-Other": "1"]
            )
            let forwarded = fixture.origin.requests[0]
            #expect(forwarded.fields.text("X-Forwarded-Host") == nil)
            #expect(forwarded.fields.text("X-Original-URL") == nil)
            #expect(forwarded.fields.text("X-Other") == "1")
            #expect(forwarded.authority == "origin.test")
            #expect(forwarded.targetText == "/media/film.mp4")
        }
    }

    @Test(arguments: [
        ("/media/b.ts", "/b.ts"), ("b.ts?x", "b.ts?x"), ("http://origin.test/media/", "/"),
        ("http://ORIGIN.test:80/media/c#f", "/c#f"), ("/other/b.ts", "/other/b.ts"),
        ("https://origin.test/media/b.ts", "https://origin.test/media/b.ts"),
        ("http://cdn.test/media/b.ts", "http://cdn.test/media/b.ts"),
    ])
    func `a Location in the mapped directory is a path of ours, others pass, and a hit says the same`(
        _ location: String,
        _ expected: String
    ) async throws {
        let origin = StubOrigin { _ in
            Response(status: 302, fields: ["Location": location, "Cache-Control": "max-age=60"])
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for _ in 0..<2 {
                let answer = try await fixture.get("/a.ts")
                #expect(answer.response.fields.text(.location) == expected)
            }
            #expect(origin.requests.count == 1)
        }
    }

    @Test func `paths resolve against the medium's directory`() async throws {
        try await CacheFixture.run(origin: origin()) { fixture async throws in
            _ = try await fixture.get("/seg%2f1.ts?x=1")
            #expect(fixture.origin.requests[0].targetText == "/media/seg%2f1.ts?x=1")
        }
    }
}
