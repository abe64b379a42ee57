// 206s that are not what they say, or not what was asked for: never stored, never served as something else.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct UnsoundPartTests {
    private static let medium = StubMedium(count: 100_000)
    private static let fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\"", "Content-Type": "video/mp4"]

    /// A 206 with that Content-Range and `count` octets from `start`, told beforehand or not.
    private static func part(_ contentRange: String?, from start: Int, count: Int, isDeclared: Bool = true) -> Response
    {
        var fields = fields
        if let contentRange { fields.append("Content-Range", contentRange) }
        let octets = Array(medium.octets[start..<start + count])
        guard isDeclared else {
            let body = FedBody()
            body.feed(octets)
            body.finish()
            return Response(status: 206, fields: fields, body: Body(length: nil, content: .stream(body)))
        }
        return Response(status: 206, fields: fields, body: Body(octets))
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let contentRange: String?
        var start = 1000
        var count = 1000
        /// What the client gets.
        var status = 502

        var testDescription: String { what }
    }

    /// In answer to bytes=1000-1999.
    static let rows: [Row] = [
        Row(what: "no Content-Range", contentRange: nil),
        Row(what: "another unit", contentRange: "items 1000-1999/100000"),
        Row(what: "last before first", contentRange: "bytes 1999-1000/100000"),
        Row(what: "total smaller than last", contentRange: "bytes 1000-1999/1999"),
        Row(what: "overflow", contentRange: "bytes 1000-99999999999999999999/*"),
        Row(what: "overflow of the total", contentRange: "bytes 1000-1999/99999999999999999999"),
        Row(what: "unsatisfied", contentRange: "bytes */100000"),
        Row(what: "too long", contentRange: "bytes 1000-2999/100000", count: 2000),
        Row(what: "start not as asked", contentRange: "bytes 0-999/100000", start: 0),
        Row(what: "start before", contentRange: "bytes 999-1999/100000", start: 999, count: 1001),
        Row(what: "the whole", contentRange: "bytes 0-99999/100000", start: 0, count: 100_000),
        Row(what: "body longer than it says", contentRange: "bytes 1000-1999/100000", count: 1001),
        Row(what: "body shorter than it says", contentRange: "bytes 1000-1999/100000", count: 999),
        Row(what: "body of nothing", contentRange: "bytes 1000-1999/100000", count: 0),
        // RFC 9110 section 15.3.7: less than was asked for describes itself.
        Row(what: "a part of it", contentRange: "bytes 1000-1499/100000", count: 500, status: 206),
        Row(
            what: "a part of it, further on",
            contentRange: "bytes 1500-1999/100000",
            start: 1500,
            count: 500,
            status: 206
        ),
        Row(what: "a part of it, of who knows how much", contentRange: "bytes 1000-1499/*", count: 500, status: 206),
    ]

    @Test(arguments: rows)
    func `a 206 that is not what was asked for is not stored, and not served as that`(_ row: Row) async throws {
        let origin = StubOrigin { _ in Self.part(row.contentRange, from: row.start, count: row.count) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for _ in 0..<2 {
                let answer = try await fixture.get("/", ["Range": "bytes=1000-1999"])
                #expect(answer.response.status == row.status)
                guard row.status == 206 else { continue }
                #expect(answer.response.fields.text(.contentRange) == row.contentRange)
                #expect(answer.body.isSame(as: Self.medium.octets[row.start..<row.start + row.count]))
            }
            #expect(fixture.origin.requests.count == 2)
            fixture.origin.serve { Self.medium.respond(to: $0) }
            let sound = try await fixture.get("/", ["Range": "bytes=1000-1999"])
            #expect(sound.response.status == 206)
            #expect(sound.body.isSame(as: Self.medium.octets[1000..<2000]))
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=1000-1999")
        }
    }

    @Test(arguments: rows)
    func `a 206 that is not what was missing is not put to what is held, which stays`(_ row: Row) async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-499"])
            fixture.origin.serve { _ in Self.part(row.contentRange, from: row.start, count: row.count) }
            let broken = try await fixture.get("/", ["Range": "bytes=1000-1999"])
            #expect(broken.response.status == 502)
            fixture.origin.serve { Self.medium.respond(to: $0) }
            #expect(try await fixture.get().body.isSame(as: Self.medium.octets))
            let asked = fixture.origin.requests.dropFirst(2).map { $0.fields.text(.range) ?? "" }
            // Another length under the same tag is another representation; everything else leaves what is held.
            #expect(asked == (row.contentRange == "bytes 1000-1999/1999" ? asked : ["bytes=500-"]))
        }
    }

    @Test(arguments: [999, 1001])
    func `a 206 whose body turns out to be of another length is broken, and nothing of it stays`(
        _ count: Int
    ) async throws {
        for before in [false, true] {
            try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
                if before { _ = try await fixture.get("/", ["Range": "bytes=0-499"]) }
                fixture.origin.serve { _ in
                    Self.part("bytes 1000-1999/100000", from: 1000, count: count, isDeclared: false)
                }
                let answer = try? await fixture.get("/", ["Range": "bytes=1000-1999"])
                #expect(answer?.response.status ?? 206 == 206)
                // Of too few the client sees the end missing; of too many it has got no more than was announced.
                #expect(answer.map { $0.body.isSame(as: Self.medium.octets[1000..<2000]) } ?? (count < 1000))
                await fixture.isIdle()
                fixture.origin.serve { Self.medium.respond(to: $0) }
                _ = try await fixture.get("/", ["Range": "bytes=1000-1999"])
                #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=1000-1999")
            }
        }
    }

    @Test func `RFC 9110 section 15.3.7: a 206 that nobody asked for is 502, and not stored`() async throws {
        let origin = StubOrigin { _ in Self.part("bytes 0-999/100000", from: 0, count: 1000) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for method in [Method.get, .head] {
                let response = try await fixture.cache.respond(to: fixture.request("/", [:], method: method))
                #expect(response.status == 502)
                #expect(response.fields.text(.proxyStatus)?.contains("error=http_protocol_error") == true)
            }
            #expect(fixture.express() == nil)
        }
    }

    @Test func `RFC 9110 section 14.6: an origin's own multipart answer passes and is not stored`() async throws {
        let text =
            "--X\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--X\r\nContent-Range: bytes 8-8/9\r\n\r\ni\r\n--X--\r\n"
        let origin = StubOrigin { _ in
            var fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\""]
            fields.append("Content-Type", "Multipart/ByteRanges; boundary=X")
            return Response(status: 206, fields: fields, body: Body(text))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for count in 1...2 {
                let answer = try await fixture.get("/", ["Range": "bytes=0-0,-1"])
                #expect(answer.response.status == 206)
                #expect(answer.response.fields.text(.contentType) == "Multipart/ByteRanges; boundary=X")
                #expect(answer.body.elementsEqual(text.utf8))
                // Asked for one range first, and then, since it does not know how, for what the client wants.
                #expect(fixture.origin.requests.count == 2 * count)
                #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=0-0,-1")
            }
        }
    }

    @Test func `a range behind the end of something unknown says nothing about other requests for it`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            let answer = try await fixture.get("/", ["Range": "bytes=100000-"])
            #expect(answer.response.status == 416)
            #expect(answer.response.fields.text(.contentRange) == "bytes */100000")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { () async throws in
                        #expect(try await fixture.get().body.isSame(as: Self.medium.octets))
                    }
                }
                try await group.waitForAll()
            }
            #expect(fixture.origin.requests.count == 2)
        }
    }
}
