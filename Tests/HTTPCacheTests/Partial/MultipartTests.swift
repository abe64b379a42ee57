// Several ranges in one answer: what is held, what is fetched for it, and what is refused.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct MultipartTests {
    private static let medium = StubMedium(count: 300_000)

    /// Checks the answer to `range` against the octets of the medium, part for part.
    private static func check(
        _ answer: (response: Response, body: [UInt8]),
        _ ranges: [Range<Int>],
        of medium: StubMedium = medium,
        _ place: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.response.status == 206, sourceLocation: place)
        #expect(answer.response.body.length == Int64(answer.body.count), sourceLocation: place)
        #expect(!answer.response.fields.contains(.contentRange), sourceLocation: place)
        #expect(answer.response.fields.values(.contentType).count == 1, sourceLocation: place)
        let type = answer.response.fields.text(.contentType) ?? ""
        let reading = try #require(MultipartReading(contentType: type, answer.body), sourceLocation: place)
        let sent = reading.parts.compactMap { $0.contentRange?.range.map { Int($0.lowerBound)..<Int($0.upperBound) } }
        #expect(sent == ranges, sourceLocation: place)
        for part in reading.parts {
            let range = try #require(part.contentRange?.range, sourceLocation: place)
            #expect(part.contentRange?.completeLength == Int64(medium.octets.count), sourceLocation: place)
            #expect(part.fields.text(.contentType) == "video/mp4", sourceLocation: place)
            #expect(
                part.body.isSame(as: medium.octets[Int(range.lowerBound)..<Int(range.upperBound)]),
                sourceLocation: place
            )
        }
    }

    @Test(
        arguments: [
            ("RFC 9110 section 14.1.2", "bytes=0-0,-1", [0..<1, 299_999..<300_000]),
            ("RFC 9110 section 15.3.7.2, order as asked", "bytes=200000-200009,0-9", [200_000..<200_010, 0..<10]),
            ("RFC 9110 section 14.2, an unsatisfiable one", "bytes=0-9,400000-,1000-1009", [0..<10, 1000..<1010]),
            ("RFC 9110 section 17.15, some overlap", "bytes=5000-5999,0-9,5500-6999", [0..<10, 5000..<7000]),
            ("RFC 9110 section 14.1.2, a long suffix", "bytes=299990-,0-4", [299_990..<300_000, 0..<5]),
        ] as [(String, String, [Range<Int>])]
    )
    func `several ranges are parts, of what is held and of what is not`(
        _ section: String,
        _ range: String,
        _ parts: [Range<Int>]
    ) async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            // Of nothing, of these very parts, and of the whole.
            try Self.check(try await fixture.get("/", ["Range": range]), parts)
            let asked = fixture.origin.requests.count
            let again = try await fixture.get("/", ["Range": range])
            try Self.check(again, parts)
            #expect(again.response.cacheStatus.hasPrefix("waystation; hit"))
            #expect(fixture.origin.requests.count == asked)
            #expect(fixture.origin.requests.allSatisfy { $0.fields.text(.range)?.contains(",") != true })
            #expect(try await fixture.get().body.isSame(as: Self.medium.octets))
            try Self.check(try await fixture.get("/", ["Range": range]), parts)
        }
    }

    @Test func `what several ranges need is fetched once, and nothing else`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=1000-1999"])
            _ = try await fixture.get("/", ["Range": "bytes=500-1499,200000-200099"])
            let asked = fixture.origin.requests.map { $0.fields.text(.range) ?? "" }
            #expect(asked == ["bytes=1000-1999", "bytes=500-999", "bytes=200000-200099"])
        }
    }

    @Test(
        arguments: [
            ("one range is left", "bytes=0-9,400000-", 0..<10), ("they touch", "bytes=0-9,10-19", 0..<20),
            ("a gap shorter than a head", "bytes=0-9,50-59", 0..<60),
            ("the same, often", "bytes=0-,0-,0-", 0..<300_000),
        ] as [(String, String, Range<Int>)]
    )
    func `RFC 9110 section 15.3.7.2: what comes to one range is one part`(
        _ reason: String,
        _ text: String,
        _ range: Range<Int>
    ) async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            let answer = try await fixture.get("/", ["Range": text])
            #expect(answer.response.status == 206)
            let expected = "bytes \(range.lowerBound)-\(range.upperBound - 1)/300000"
            #expect(answer.response.fields.text(.contentRange) == expected)
            #expect(answer.response.fields.text(.contentType) == "video/mp4")
            #expect(answer.body.isSame(as: Self.medium.octets[range]))
        }
    }

    @Test(arguments: [(64, 206), (65, 200)])
    func `RFC 9110 section 17.15: the limit of ranges is exact, and beyond it the whole is sent`(
        _ count: Int,
        _ status: Int
    ) async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            let list = (0..<count).map { "\($0 * 1000)-\($0 * 1000)" }.joined(separator: ",")
            let answer = try await fixture.get("/", ["Range": "bytes=\(list)"])
            #expect(answer.response.status == status)
            #expect(answer.response.fields.contains(.contentRange) == false)
        }
    }

    @Test func `CVE-2011-3192: a thousand overlapping ranges are never more than the whole`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            for count in [199, 200, 1300] {
                let list = (0..<count).map { "5-\($0 + 5)" }.joined(separator: ",")
                let answer = try await fixture.get("/", ["Range": "bytes=0-,\(list)"])
                #expect(answer.body.count == Self.medium.octets.count)
            }
        }
    }

    @Test func `RFC 9110 section 15.3.7.2: encoded octets are not sent as parts`() async throws {
        var encoded = Self.medium
        encoded.fields.append("Content-Encoding", "gzip")
        let medium = encoded
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            let one = try await fixture.get("/", ["Range": "bytes=10-19"])
            #expect(one.response.status == 206)
            #expect(one.response.fields.text(.contentEncoding) == "gzip")
            #expect(one.body.isSame(as: medium.octets[10..<20]))
            let several = try await fixture.get("/", ["Range": "bytes=0-9,1000-1009"])
            #expect(several.response.status == 200)
            #expect(several.body.isSame(as: medium.octets))
        }
    }

    @Test func `a representation that changes between two parts is a broken transfer`() async throws {
        let old = StubMedium(count: 300_000, seed: 1)
        var changed = StubMedium(count: 300_000, seed: 9)
        changed.etag = "\"v2\""
        let new = changed
        try await CacheFixture.run(origin: StubOrigin { old.respond(to: $0) }) { fixture async throws in
            let response = try await fixture.cache.respond(
                to: fixture.request("/", ["Range": "bytes=0-9,200000-200009"])
            )
            fixture.origin.serve { new.respond(to: $0) }
            await #expect(throws: (any Error).self) { try await response.body.collect(upTo: 1 << 20) }
            try Self.check(
                try await fixture.get("/", ["Range": "bytes=0-9,200000-200009"]),
                [0..<10, 200_000..<200_010],
                of: new
            )
        }
    }

    @Test func `a client that leaves between two parts leaves nothing behind`() async throws {
        try await CacheFixture.run(origin: StubOrigin { Self.medium.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get()
            let response = try await fixture.cache.respond(
                to: fixture.request("/", ["Range": "bytes=0-9,200000-200009"])
            )
            guard case .stream(let source) = response.body.content else { return }
            _ = try await source.next()
            _ = try await source.next()
            source.cancel()
            await #expect(throws: (any Error).self) { while try await source.next() != nil {} }
            let stored = fixture.cache.table.variants(of: fixture.cache.upstream.key(of: [0x2f].span))?.first
            #expect(stored?.withBody { $0.isBusy } == false)
        }
    }
}
