// Ranges with conditions, odd ranges, and what is no range at all: a table over the whole cache.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct RangeConditionTests {
    /// One request and what is to come of it.
    struct Row: Sendable, CustomTestStringConvertible {
        let section: String
        let request: Fields
        let status: Int
        /// Content-Range of a 206 or 416.
        var contentRange: String?
        var method: HTTP.Method = .get

        var testDescription: String { "\(section): \(request.description)" }
    }

    private static let modified = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"

    private static let medium: StubMedium = {
        var medium = StubMedium(count: 200_000)
        medium.fields.append("Last-Modified", modified)
        medium.fields.append("Date", "Sun, 06 Nov 1994 09:00:00 GMT")
        return medium
    }()

    static let rows: [Row] = [
        Row(section: "14.1.2", request: ["Range": "bytes=0-9"], status: 206, contentRange: "bytes 0-9/200000"),
        Row(
            section: "14.1 unit's case",
            request: ["Range": "ByTeS=0-9"],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
        Row(
            section: "14.1.2",
            request: ["Range": "bytes=199999-"],
            status: 206,
            contentRange: "bytes 199999-199999/200000"
        ),
        Row(section: "14.1.2", request: ["Range": "bytes=-1"], status: 206, contentRange: "bytes 199999-199999/200000"),
        Row(
            section: "14.1.2 longer",
            request: ["Range": "bytes=-200001"],
            status: 206,
            contentRange: "bytes 0-199999/200000"
        ),
        Row(
            section: "14.1.2 saturates",
            request: ["Range": "bytes=5-99999999999999999999999"],
            status: 206,
            contentRange: "bytes 5-199999/200000"
        ),
        Row(
            section: "14.1.2 saturates",
            request: ["Range": "bytes=-99999999999999999999999"],
            status: 206,
            contentRange: "bytes 0-199999/200000"
        ),
        Row(section: "15.5.17", request: ["Range": "bytes=200000-"], status: 416, contentRange: "bytes */200000"),
        Row(section: "15.5.17", request: ["Range": "bytes=-0"], status: 416, contentRange: "bytes */200000"),
        Row(
            section: "15.5.17",
            request: ["Range": "bytes=99999999999999999999999-"],
            status: 416,
            contentRange: "bytes */200000"
        ),
        Row(
            section: "15.5.17 all",
            request: ["Range": "bytes=200000-,300000-400000"],
            status: 416,
            contentRange: "bytes */200000"
        ),
        Row(section: "14.2 other unit", request: ["Range": "lines=0-9"], status: 200),
        Row(section: "14.2 malformed", request: ["Range": "bytes=9-0"], status: 200),
        Row(section: "14.2 malformed", request: ["Range": "bytes= 0-9"], status: 200),
        Row(section: "14.2 malformed", request: ["Range": "bytes=0-9,x"], status: 200),
        Row(section: "14.2 two lines", request: ["Range": "bytes=0-9", "Range": "bytes=0-9"], status: 200),
        Row(section: "14.2 HEAD", request: ["Range": "bytes=0-9"], status: 200, method: .head),
        Row(section: "14.2 HEAD", request: ["Range": "bytes=300000-"], status: 200, method: .head),
        Row(
            section: "13.1.5",
            request: ["Range": "bytes=0-9", "If-Range": "\"v1\""],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
        Row(section: "13.1.5", request: ["Range": "bytes=0-9", "If-Range": "\"v2\""], status: 200),
        Row(section: "13.1.5 weak", request: ["Range": "bytes=0-9", "If-Range": "W/\"v1\""], status: 200),
        Row(section: "13.1.5 no tag", request: ["Range": "bytes=0-9", "If-Range": "v1"], status: 200),
        Row(
            section: "13.1.5 date",
            request: ["Range": "bytes=0-9", "If-Range": modified],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
        Row(section: "13.1.5 later", request: ["Range": "bytes=0-9", "If-Range": later], status: 200),
        Row(section: "13.1.5 and 416", request: ["Range": "bytes=300000-", "If-Range": "\"v2\""], status: 200),
        Row(section: "13.1.5 alone", request: ["If-Range": "\"v1\""], status: 200),
        Row(section: "13.1.2 first", request: ["Range": "bytes=0-9", "If-None-Match": "\"v1\""], status: 304),
        Row(section: "13.1.2 before 416", request: ["Range": "bytes=300000-", "If-None-Match": "\"v1\""], status: 304),
        Row(
            section: "13.1.2",
            request: ["Range": "bytes=0-9", "If-None-Match": "\"v2\""],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
        Row(section: "13.1.3", request: ["Range": "bytes=0-9", "If-Modified-Since": modified], status: 304),
        Row(
            section: "13.1.1",
            request: ["Range": "bytes=0-9", "If-Match": "\"v1\""],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
        Row(
            section: "13.1.4",
            request: ["Range": "bytes=0-9", "If-Unmodified-Since": later],
            status: 206,
            contentRange: "bytes 0-9/200000"
        ),
    ]

    @Test(arguments: rows)
    func `RFC 9110: ranges and conditions, of a hit, of a part, and of something unknown`(_ row: Row) async throws {
        for before: Fields? in [[:], ["Range": "bytes=100-199"], nil] {
            try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
                if let before { _ = try await fixture.get("/", before) }
                // What cannot be told without a stored response is the origin's, which here knows only what it must.
                let isOrigins = row.request.contains(.ifMatch) || row.request.contains(.ifUnmodifiedSince)
                let isConditional = row.status == 304
                if before == nil, isOrigins || isConditional { return }
                try await check(row, fixture)
                try await check(row, fixture)
            }
        }
    }

    private func check(_ row: Row, _ fixture: CacheFixture) async throws {
        let response = try await fixture.cache.respond(to: fixture.request("/", row.request, method: row.method))
        let body = try await response.body.collect(upTo: 1 << 20)
        #expect(response.status == row.status)
        #expect(response.fields.text(.contentRange) == row.contentRange)
        guard row.method == .get, row.status == 200 || row.status == 206 else { return }
        #expect(response.fields.text(.acceptRanges) == "bytes")
        #expect(response.fields.text(.etag) == "\"v1\"")
        let range = ContentRange.parse(response.fields)?.range ?? 0..<200_000
        #expect(body.isSame(as: Self.medium.octets[Int(range.lowerBound)..<Int(range.upperBound)]))
        #expect(response.body.length == Int64(body.count))
    }

    @Test func `RFC 9110 section 13.1.5: the express lane heeds If-Range`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            for (condition, status) in [("\"v1\"", 206), ("\"v2\"", 200), ("W/\"v1\"", 200), (Self.modified, 206)] {
                let answer = try #require(fixture.express("/", ["Range": "bytes=0-9", "If-Range": condition]))
                #expect(answer.head.hasPrefix("HTTP/1.1 \(status) "))
                #expect(answer.head.contains("Content-Range") == (status == 206))
                #expect(answer.body?.count == (status == 206 ? 10 : 200_000))
            }
        }
    }

    @Test func `RFC 9110 section 13.1.1: a range of another representation than If-Match names is 412`() async throws {
        let origin = StubOrigin { request in
            request.fields.contains(.ifMatch)
                ? Response(status: 412, text: "no") : Self.medium.respond(to: request)
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            _ = try await fixture.get()
            let answer = try await fixture.get("/", ["Range": "bytes=0-9", "If-Match": "\"v0\""])
            #expect(answer.response.status == 412)
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=0-9")
        }
    }

    @Test func `RFC 9110 section 14.2: ranges of what is no 200 are ignored, stored or not`() async throws {
        let origin = StubOrigin { _ in
            Response(status: 404, fields: ["Cache-Control": "max-age=60", "ETag": "\"v1\""], body: Body("not here"))
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for _ in 0..<3 {
                let answer = try await fixture.get("/", ["Range": "bytes=0-1"])
                #expect(answer.response.status == 404)
                #expect(answer.body.elementsEqual("not here".utf8))
            }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `RFC 9110 section 14.1.2: of nothing, a suffix is all and a position is none`() async throws {
        let medium = StubMedium(count: 0)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            for (range, status) in [("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-5", 200), ("bytes=0-0,-5", 200)] {
                let answer = try await fixture.get("/", ["Range": range])
                #expect(answer.response.status == status)
                #expect(answer.response.fields.text(.contentRange) == (status == 416 ? "bytes */0" : nil))
            }
        }
    }

    @Test func `RFC 9110 section 13.1.5: If-Range of something unknown is asked for by range, not whole`() async throws
    {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            let fields: Fields = ["Range": "bytes=150000-", "If-Range": "\"v1\""]
            let answer = try await fixture.get("/", fields)
            #expect(answer.response.status == 206)
            #expect(answer.body.isSame(as: Self.medium.octets[150_000...]))
            #expect(fixture.origin.requests.map { $0.fields.text(.range) } == ["bytes=150000-"])
            let other = try await fixture.get("/", ["Range": "bytes=150000-", "If-Range": "\"v0\""])
            #expect(other.response.status == 200)
            #expect(other.body.isSame(as: Self.medium.octets))
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=0-149999")
        }
    }

    @Test func `RFC 9111 section 5.2.1.7: a range that is not all held is 504 for who wants what is stored`()
        async throws
    {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=100-199"])
            for (range, status) in [("bytes=100-199", 206), ("bytes=150-160", 206), ("bytes=100-200", 504)] {
                let answer = try await fixture.get("/", ["Range": range, "Cache-Control": "only-if-cached"])
                #expect(answer.response.status == status)
            }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `RFC 9111 section 4.1: each variant has extents of its own`() async throws {
        let media = ["de": StubMedium(count: 100_000, seed: 1), "fr": StubMedium(count: 100_000, seed: 2)]
        let origin = StubOrigin { request in
            let language = request.fields.text("X-Language") ?? "de"
            var medium = media[language] ?? StubMedium(count: 0)
            medium.fields.append("Vary", "X-Language")
            medium.etag = "\"\(language)\""
            return medium.respond(to: request)
        }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            for (language, range) in [("de", 0..<1000), ("fr", 500..<1500), ("de", 500..<1500), ("fr", 0..<2000)] {
                let text = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
                let answer = try await fixture.get("/", ["Range": text, "X-Language": language])
                #expect(media[language].map { answer.body.elementsEqual($0.octets[range]) } == true)
            }
            let asked = fixture.origin.requests.map { $0.fields.text(.range) ?? "" }
            #expect(
                asked == ["bytes=0-999", "bytes=500-1499", "bytes=1000-1499", "bytes=0-499", "bytes=1500-1999"]
            )
        }
    }
}
