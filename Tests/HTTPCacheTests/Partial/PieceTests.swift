// Parts without a strong validator: one contiguous piece is kept, and two responses are never combined (RFC 9111 3.4).

import HTTP
import Testing

@testable import HTTPCache

@Suite struct PieceTests {
    private static let modified = "Sun, 06 Nov 1994 08:49:37 GMT"

    /// Media that differ in their octets alone, so that a mixture shows.
    private static func medium(seed: UInt8 = 1, fields: Fields = [:]) -> StubMedium {
        var medium = StubMedium(count: 300_000, seed: seed)
        medium.etag = nil
        for line in fields.lines { medium.fields.append(line, of: fields) }
        return medium
    }

    static let validators: [Fields] = [
        [:], ["ETag": "W/\"v1\""], ["ETag": "v1"], ["Last-Modified": modified],
        ["Last-Modified": modified, "Date": "Sun, 06 Nov 1994 09:49:37 GMT"],
    ]

    @Test(arguments: validators)
    func `RFC 9111 section 3.3: a piece without a strong validator answers what lies within`(
        _ fields: Fields
    ) async throws {
        let medium = Self.medium(fields: fields)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=100000-149999"])
            await fixture.isIdle()
            for (text, range) in [
                ("100000-149999", 100_000..<150_000), ("120000-120000", 120_000..<120_001),
                ("149999-149999", 149_999..<150_000),
            ] {
                let answer = try await fixture.get("/", ["Range": "bytes=\(text)"])
                #expect(answer.response.status == 206)
                #expect(answer.response.fields.text(.contentRange) == "bytes \(text)/300000")
                #expect(answer.response.cacheStatus.hasPrefix("waystation; hit"))
                #expect(answer.body.isSame(as: medium.octets[range]))
            }
            #expect(fixture.express("/", ["Range": "bytes=100000-100009"]) != nil)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test(arguments: validators)
    func `RFC 9111 section 3.4: two pieces are never combined`(_ fields: Fields) async throws {
        let old = Self.medium(fields: fields)
        let new = Self.medium(seed: 99, fields: fields)
        for wanted in [nil, "bytes=0-199999", "bytes=100000-", "bytes=50000-50009,120000-120009"] {
            try await CacheFixture.run(origin: StubOrigin { old.respond(to: $0) }) { fixture async throws in
                _ = try await fixture.get("/", ["Range": "bytes=100000-149999"])
                fixture.origin.serve { new.respond(to: $0) }
                let answer = try await fixture.get("/", wanted.map { ["Range": $0] } ?? [:])
                let range = ContentRange.parse(answer.response.fields)?.range ?? 0..<300_000
                #expect(answer.body.isSame(as: new.octets[Int(range.lowerBound)..<Int(range.upperBound)]))
                #expect(fixture.origin.requests.count >= 2)
                #expect(fixture.origin.requests.last?.fields.text(.range) == wanted)
            }
        }
    }

    @Test func `the longer of two pieces of one age is kept, and the other goes to its client alone`() async throws {
        let medium = Self.medium(fields: ["Last-Modified": Self.modified])
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            let long: Fields = ["Range": "bytes=0-199999"]
            _ = try await fixture.get("/", long)
            let tail = try await fixture.get("/", ["Range": "bytes=290000-"])
            #expect(tail.response.status == 206)
            #expect(tail.body.isSame(as: medium.octets[290_000...]))
            #expect(fixture.origin.requests.count == 2)
            #expect(try await fixture.get("/", long).body.isSame(as: medium.octets[..<200_000]))
            #expect(fixture.origin.requests.count == 2)
            // A longer one takes its place.
            _ = try await fixture.get("/", ["Range": "bytes=50000-"])
            #expect(try await fixture.get("/", ["Range": "bytes=290000-"]).body.isSame(as: medium.octets[290_000...]))
            #expect(fixture.origin.requests.count == 3)
        }
    }

    @Test func `a piece that was cut is not kept`() async throws {
        let medium = Self.medium(fields: ["Last-Modified": Self.modified])
        let body = FedBody()
        let origin = StubOrigin { request in
            var response = medium.respond(to: request)
            response.body = Body(length: 50_000, content: .stream(body))
            return response
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            body.feed(Array(medium.octets[100_000..<120_000]))
            let response = try await fixture.cache.respond(
                to: fixture.request("/", ["Range": "bytes=100000-149999"])
            )
            body.fail(BodyError.truncated)
            await #expect(throws: (any Error).self) { try await response.body.collect(upTo: 1 << 20) }
            await fixture.isIdle()
            fixture.origin.serve { medium.respond(to: $0) }
            let again = try await fixture.get("/", ["Range": "bytes=100000-100009"])
            #expect(again.body.isSame(as: medium.octets[100_000..<100_010]))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `a stale piece is validated for what it answers, and not for what it does not`() async throws {
        var dated = Self.medium(fields: ["Last-Modified": Self.modified])
        dated.fields.set("Cache-Control", "max-age=1")
        let medium = dated
        let origin = StubOrigin { request in
            guard request.fields.contains(.ifModifiedSince) else { return medium.respond(to: request) }
            return Response(status: 304, fields: medium.fields, body: Body(length: nil, content: .none))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=100000-149999"])
            await fixture.isIdle()
            fixture.clock.advance(seconds: 10)
            let within = try await fixture.get("/", ["Range": "bytes=100000-100009"])
            #expect(within.response.cacheStatus.contains("fwd=stale; fwd-status=304"))
            #expect(within.body.isSame(as: medium.octets[100_000..<100_010]))
            fixture.clock.advance(seconds: 10)
            let beyond = try await fixture.get("/", ["Range": "bytes=0-9"])
            #expect(beyond.body.isSame(as: medium.octets[..<10]))
            #expect(fixture.origin.requests.map { $0.fields.contains(.ifModifiedSince) } == [false, true, false])
        }
    }

    @Test func `a far range of a body that is still coming is asked for alone`() async throws {
        let medium = Self.medium(fields: ["Last-Modified": Self.modified])
        let body = FedBody()
        let count: Int64 = 100 << 20
        let origin = StubOrigin { request in
            guard let spec = ByteRange.parse(request.fields, specsMax: 1)?.first,
                let range = spec.resolve(length: count)
            else {
                return Response(status: 200, fields: medium.fields, body: Body(length: count, content: .stream(body)))
            }
            var fields = medium.fields
            fields.append("Content-Range", ContentRange(range: range, completeLength: count).text)
            return Response(status: 206, fields: fields, body: Body([UInt8](repeating: 7, count: range.count)))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            body.feed([UInt8](repeating: 1, count: 100_000))
            let playing = try await fixture.cache.respond(to: fixture.request())
            let tail = try await fixture.get("/", ["Range": "bytes=-1000"])
            #expect(tail.body == [UInt8](repeating: 7, count: 1000))
            // And what is near is waited for.
            let near = try await fixture.get("/", ["Range": "bytes=50000-50009"])
            #expect(near.body == [UInt8](repeating: 1, count: 10))
            #expect(fixture.origin.requests.map { $0.fields.text(.range) } == [nil, "bytes=-1000"])
            playing.body.cancel()
        }
    }
}
