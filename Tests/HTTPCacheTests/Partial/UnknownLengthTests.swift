// Parts of a whole whose length nobody has told: `bytes a-b/*`, and bodies that were cut before their end.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct UnknownLengthTests {
    private static let octets = StubMedium(count: 100_000).octets
    private static let fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\"", "Content-Type": "video/mp4"]

    /// An origin that never tells the length but by 416, and for a range beyond the end sends what there is.
    private static func respond(to request: Request, chunkBytesMax: Int64 = 1 << 40) -> Response {
        let isWanted = request.fields.text(.ifRange).map { $0 == "\"v1\"" } ?? true
        guard isWanted, let spec = ByteRange.parse(request.fields, specsMax: 1)?.first else {
            let body = FedBody()
            body.feed(octets)
            body.finish()
            return Response(status: 200, fields: fields, body: Body(length: nil, content: .stream(body)))
        }
        guard let all = spec.resolve(length: Int64(octets.count)) else {
            return Response(status: 416, fields: ["Content-Range": "bytes */\(octets.count)"])
        }
        let range = all.lowerBound..<min(all.upperBound, all.lowerBound + chunkBytesMax)
        var fields = fields
        fields.append("Content-Range", ContentRange(range: range, completeLength: nil).text)
        let part = octets[Int(range.lowerBound)..<Int(range.upperBound)]
        return Response(status: 206, fields: fields, body: Body(Array(part)))
    }

    @Test func `RFC 9110 section 14.4: a part of an unknown whole is kept, and so are others beside it`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            for (range, asked) in [
                (1000..<2000, "bytes=1000-1999"), (1000..<2000, nil), (1500..<1600, nil), (0..<500, "bytes=0-499"),
                (400..<1200, "bytes=500-999"), (1800..<2500, "bytes=2000-2499"), (0..<2500, nil),
            ] {
                let before = fixture.origin.requests.count
                let text = "\(range.lowerBound)-\(range.upperBound - 1)"
                let answer = try await fixture.get("/", ["Range": "bytes=\(text)"])
                #expect(answer.response.status == 206)
                #expect(answer.response.fields.text(.contentRange) == "bytes \(text)/*")
                #expect(answer.body.isSame(as: Self.octets[range]))
                #expect(
                    fixture.origin.requests.dropFirst(before).map { $0.fields.text(.range) }
                        == (asked.map { [$0] } ?? [])
                )
            }
        }
    }

    @Test func `several ranges of an unknown whole are parts of it`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-1999"])
            let answer = try await fixture.get("/", ["Range": "bytes=500-509,0-9"])
            let type = answer.response.fields.text(.contentType) ?? ""
            let reading = try #require(MultipartReading(contentType: type, answer.body))
            #expect(reading.parts.map { $0.contentRange?.text } == ["bytes 500-509/*", "bytes 0-9/*"])
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `the length is learnt from a part that tells it, and the whole is completed`() async throws {
        let medium = StubMedium(count: 100_000)
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=1000-1999"])
            fixture.origin.serve { medium.respond(to: $0) }
            let whole = try await fixture.get()
            #expect(whole.response.status == 200)
            #expect(whole.response.body.length == 100_000)
            #expect(whole.body.isSame(as: Self.octets))
            let asked = fixture.origin.requests.map { $0.fields.text(.range) }
            #expect(asked == ["bytes=1000-1999", "bytes=2000-", "bytes=0-999"])
            #expect(fixture.origin.requests.dropFirst().allSatisfy { $0.fields.text(.ifRange) == "\"v1\"" })
            let tail = try await fixture.get("/", ["Range": "bytes=-5"])
            #expect(tail.response.fields.text(.contentRange) == "bytes 99995-99999/100000")
            #expect(fixture.origin.requests.count == 3)
        }
    }

    @Test func `the length is learnt from a 416, and what is open goes to the end`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            let first = try await fixture.get("/", ["Range": "bytes=90000-"])
            #expect(first.response.fields.text(.contentRange) == "bytes 90000-99999/*")
            let second = try await fixture.get("/", ["Range": "bytes=95000-"])
            #expect(second.response.fields.text(.contentRange) == "bytes 95000-99999/100000")
            #expect(second.body.isSame(as: Self.octets[95_000...]))
            // RFC 9211 section 2.1: the origin was asked, so it is no hit.
            #expect(second.response.cacheStatus == "waystation; fwd=partial; fwd-status=416")
            #expect(fixture.origin.requests.map { $0.fields.text(.range) } == ["bytes=90000-", "bytes=100000-"])
            let behind = try await fixture.get("/", ["Range": "bytes=100000-"])
            #expect(behind.response.status == 416)
            #expect(try await fixture.get().body.isSame(as: Self.octets))
            #expect(fixture.origin.requests.count == 3)
        }
    }

    @Test func `a range over the unknown end asks for what is behind what is held, once`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=90000-94999"])
            let answer = try await fixture.get("/", ["Range": "bytes=92000-97999"])
            #expect(answer.response.fields.text(.contentRange) == "bytes 92000-97999/*")
            #expect(answer.body.isSame(as: Self.octets[92_000..<98_000]))
            #expect(
                fixture.origin.requests.map { $0.fields.text(.range) } == ["bytes=90000-94999", "bytes=95000-97999"]
            )
        }
    }

    @Test func `a range over the unknown end gets what there is, and the end is learnt behind it`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
            for (text, asked) in [
                ("bytes 99000-99999/*", 1), ("bytes 99000-99999/100000", 2), ("bytes 99000-99999/100000", 2),
            ] {
                let answer = try await fixture.get("/", ["Range": "bytes=99000-100999"])
                #expect(answer.response.status == 206)
                #expect(answer.response.fields.text(.contentRange) == text)
                #expect(answer.body.isSame(as: Self.octets[99_000...]))
                #expect(fixture.origin.requests.count == asked)
            }
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=100000-100999")
        }
    }

    @Test func `an open range gets what there is, as long as nobody knows more`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0, chunkBytesMax: 1000) }) {
            fixture async throws in
            for (range, text) in [("bytes=0-", "bytes 0-999/*"), ("bytes=0-", "bytes 0-1999/*")] {
                let answer = try await fixture.get("/", ["Range": range])
                #expect(answer.response.status == 206)
                #expect(answer.response.fields.text(.contentRange) == text)
                #expect(answer.body.isSame(as: Self.octets[..<answer.body.count]))
            }
            #expect(try await fixture.get().body.isSame(as: Self.octets))
        }
    }

    @Test func `another representation behind what is held is never put to it`() async throws {
        var other = StubMedium(count: 120_000, seed: 77)
        other.etag = "\"v2\""
        let medium = other
        for (range, expected) in [(nil, 0..<120_000), ("bytes=500-2999", 500..<3000), ("bytes=500-", 500..<120_000)] {
            try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }) { fixture async throws in
                _ = try await fixture.get("/", ["Range": "bytes=0-1999"])
                fixture.origin.serve { medium.respond(to: $0) }
                let answer = try await fixture.get("/", range.map { ["Range": $0] } ?? [:])
                #expect(answer.response.fields.text(.etag) == "\"v2\"")
                #expect(answer.body.isSame(as: medium.octets[expected]))
            }
        }
    }

    @Test func `a body without a declared length that was cut is resumed under a strong tag`() async throws {
        let medium = StubMedium(count: 100_000)
        for wanted: Range<Int> in [0..<100_000, 500..<600, 79_000..<81_000] {
            let body = FedBody()
            let origin = StubOrigin { _ in
                Response(status: 200, fields: Self.fields, body: Body(length: nil, content: .stream(body)))
            }
            try await CacheFixture.run(origin: origin) { fixture async throws in
                body.feed(Array(Self.octets[..<80_000]))
                let response = try await fixture.cache.respond(to: fixture.request())
                body.fail(BodyError.truncated)
                await #expect(throws: HTTPCacheError.self) { try await response.body.collect(upTo: 1 << 20) }
                await fixture.isIdle()
                fixture.origin.serve { medium.respond(to: $0) }
                let text = "bytes=\(wanted.lowerBound)-\(wanted.upperBound - 1)"
                let answer = try await fixture.get("/", wanted.count == 100_000 ? [:] : ["Range": text])
                #expect(answer.body.isSame(as: Self.octets[wanted]))
                let asked = fixture.origin.requests.dropFirst().map { $0.fields.text(.range) }
                #expect(
                    asked
                        == [["bytes=80000-"], [], ["bytes=80000-80999"]][
                            [100_000, 100, 2000].firstIndex(of: wanted.count) ?? 0
                        ]
                )
            }
        }
    }

    @Test func `what is held of an unknown whole is there after a restart, and completed`() async throws {
        let store = MemoryStore()
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }, store: store) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=1000-1999"])
            await fixture.isIdle()
        }
        try await CacheFixture.run(origin: StubOrigin { Self.respond(to: $0) }, store: store) { fixture async throws in
            #expect(try await fixture.get("/", ["Range": "bytes=1500-1599"]).body.isSame(as: Self.octets[1500..<1600]))
            #expect(fixture.origin.requests.isEmpty)
            #expect(try await fixture.get().body.isSame(as: Self.octets))
        }
    }
}
