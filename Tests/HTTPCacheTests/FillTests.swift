// Fills: one for each missing extent, joined while they run, never a short body that looks whole.

import HTTP
import HTTPCache
import Synchronization
import TestSupport
import Testing

@Suite struct FillTests {
    private static let fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\""]

    /// A 200 of `length` octets whose body the test feeds.
    private static func fed(_ body: FedBody, length: Int64?, fields: Fields = fields) -> Response {
        Response(status: 200, fields: fields, body: Body(length: length, content: .stream(body)))
    }

    @Test func `a client that joins a fill gets octets as they arrive`() async throws {
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 200_000) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let first = try await firstChunk(fixture, body, feeding: 70_000)
            #expect(first.count == 70_000)
            let joined = try await fixture.cache.respond(to: fixture.request())
            guard case .stream(let reader) = joined.body.content else {
                Issue.record("not a stream")
                return
            }
            #expect(try await reader.next()?.count == 70_000)
            body.feed([UInt8](repeating: 2, count: 10_000))
            #expect(try await reader.next()?.count == 10_000)
            body.feed([UInt8](repeating: 3, count: 120_000))
            body.finish()
            var rest = 0
            while let chunk = try await reader.next() { rest += chunk.count }
            #expect(rest == 120_000)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `a client that leaves does not end a fill that others read`() async throws {
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 100 << 20) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            async let leaving = fixture.cache.respond(to: fixture.request())
            async let staying = fixture.cache.respond(to: fixture.request())
            body.feed([1, 2, 3])
            try await leaving.body.cancel()
            guard case .stream(let reader) = try await staying.body.content else { return }
            #expect(try await reader.next()?.count == 3)
            body.feed([4])
            #expect(try await reader.next()?.count == 1)
            #expect(!body.isCancelled)
            reader.cancel()
            await body.cancelled.wait()
        }
    }

    @Test func `a fill that nobody reads finishes if little is missing, else it stops`() async throws {
        for (length, isFinished) in [(Int64(16 << 20), true), (Int64(17 << 20), false)] {
            let body = FedBody()
            let origin = StubOrigin { _ in Self.fed(body, length: length) }
            try await CacheFixture.run(origin: origin) { fixture async throws in
                let response = try await respond(fixture, body, feeding: 1)
                response.body.cancel()
                if isFinished {
                    body.feed([UInt8](repeating: 1, count: Int(length) - 1))
                    body.finish()
                    let whole = try await fixture.get()
                    #expect(whole.body.count == Int(length))
                    #expect(fixture.origin.requests.count == 1)
                } else {
                    body.feed([1])
                    await body.cancelled.wait()
                }
            }
        }
    }

    @Test func `a fill does not run away from its only reader`() async throws {
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 1 << 30) }
        var configuration = HTTPCacheConfiguration()
        configuration.body.readAheadBytesMax = 1 << 20
        try await CacheFixture.run(origin: origin, configuration: configuration) { fixture async throws in
            for _ in 0..<8 { body.feed([UInt8](repeating: 1, count: 1 << 20)) }
            let response = try await fixture.cache.respond(to: fixture.request())
            guard case .stream(let reader) = response.body.content else { return }
            var read = 0
            while read < 4 << 20 { read += try await reader.next()?.count ?? 0 }
            // What has been pulled is at most what was read, the window, and the chunk that reached it.
            #expect(body.pulls <= 4 + 1 + 2)
            reader.cancel()
        }
    }

    @Test func `a body that is cut is a broken body, and what came is kept under a strong tag`() async throws {
        let medium = StubMedium(count: 300_000)
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 300_000) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let response = try await respond(fixture, body, feeding: Array(medium.octets[..<100_000]))
            body.fail(BodyError.truncated)
            await #expect(throws: HTTPCacheError.self) { try await response.body.collect(upTo: 1 << 20) }
            fixture.origin.serve { medium.respond(to: $0) }
            #expect(fixture.express() == nil)
            let whole = try await fixture.get()
            #expect(whole.body.elementsEqual(medium.octets))
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=100000-")
        }
    }

    @Test func `a body that ends early without an error is broken all the same`() async throws {
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 1000) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            body.feed([1, 2, 3])
            body.finish()
            await #expect(throws: (any Error).self) { try await fixture.get().body }
            #expect(fixture.express() == nil)
        }
    }

    @Test func `without a strong tag nothing is kept of a body that is cut`() async throws {
        for fields: Fields in [
            ["Cache-Control": "max-age=60"], ["Cache-Control": "max-age=60", "ETag": "W/\"v1\""],
            ["Cache-Control": "max-age=60", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"],
        ] {
            let body = FedBody()
            let origin = StubOrigin { _ in Self.fed(body, length: 300_000, fields: fields) }
            try await CacheFixture.run(origin: origin) { fixture async throws in
                let response = try await respond(fixture, body, feeding: [UInt8](repeating: 7, count: 100_000))
                body.fail(BodyError.truncated)
                await #expect(throws: (any Error).self) { try await response.body.collect(upTo: 1 << 20) }
                var medium = StubMedium(count: 300_000)
                medium.fields = fields
                medium.etag = nil
                let next = medium
                fixture.origin.serve { next.respond(to: $0) }
                #expect(try await fixture.get().body.elementsEqual(medium.octets))
                #expect(fixture.origin.requests.last?.fields.text(.range) == nil)
            }
        }
    }

    @Test func `a representation that changes while it is filled is never mixed`() async throws {
        let old = StubMedium(count: 300_000, seed: 1)
        var changed = StubMedium(count: 300_000, seed: 99)
        changed.etag = "\"v2\""
        let new = changed
        try await CacheFixture.run(origin: StubOrigin { old.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-99999"])
            fixture.origin.serve { new.respond(to: $0) }
            let response = try await fixture.cache.respond(to: fixture.request())
            await #expect(throws: HTTPCacheError.self) { try await response.body.collect(upTo: 1 << 20) }
            #expect(try await fixture.get().body.elementsEqual(new.octets))
        }
    }

    @Test func `a change that shows before the first octet is answered with the new one`() async throws {
        let old = StubMedium(count: 300_000, seed: 1)
        var changed = StubMedium(count: 400_000, seed: 99)
        changed.etag = "\"v2\""
        let new = changed
        try await CacheFixture.run(origin: StubOrigin { old.respond(to: $0) }) { fixture async throws in
            _ = try await fixture.get("/", ["Range": "bytes=0-99999"])
            fixture.origin.serve { new.respond(to: $0) }
            let answer = try await fixture.get("/", ["Range": "bytes=200000-"])
            #expect(answer.response.status == 206)
            #expect(answer.body.elementsEqual(new.octets[200_000...]))
        }
    }

    @Test func `a body without a declared length is complete at its end, and only then`() async throws {
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: nil) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let response = try await respond(fixture, body, feeding: [UInt8](repeating: 1, count: 100_000))
            #expect(response.body.length == nil)
            #expect(fixture.express() == nil)
            body.finish()
            #expect(try await response.body.collect(upTo: 1 << 20).count == 100_000)
            let second = try await fixture.get()
            #expect(second.response.body.length == 100_000)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `a body without a declared length that is cut is asked for anew, not validated for ever`() async throws {
        let medium = StubMedium(count: 100_000)
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: nil) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let response = try await respond(fixture, body, feeding: Array(medium.octets[..<80_000]))
            body.fail(BodyError.truncated)
            await #expect(throws: HTTPCacheError.self) { try await response.body.collect(upTo: 1 << 20) }
            await fixture.isIdle()
            fixture.origin.serve { medium.respond(to: $0) }
            let whole = try await fixture.get()
            #expect(whole.response.status == 200)
            #expect(whole.body.elementsEqual(medium.octets))
            #expect(fixture.express() != nil)
        }
    }

    @Test func `a range behind the end of a small body that was cut is fetched, and the rest of it later on`()
        async throws
    {
        let medium = StubMedium(count: 60_000)
        let body = FedBody()
        let origin = StubOrigin { _ in Self.fed(body, length: 60_000) }
        try await CacheFixture.run(origin: origin) { fixture async throws in
            let response = try await respond(fixture, body, feeding: Array(medium.octets[..<10_000]))
            body.fail(BodyError.truncated)
            await #expect(throws: HTTPCacheError.self) { try await response.body.collect(upTo: 1 << 20) }
            await fixture.isIdle()
            fixture.origin.serve { medium.respond(to: $0) }
            let range = try await fixture.get("/", ["Range": "bytes=40000-49999"])
            #expect(range.body.elementsEqual(medium.octets[40_000..<50_000]))
            #expect(try await fixture.get().body.elementsEqual(medium.octets))
            let asked = fixture.origin.requests.dropFirst().map { $0.fields.text(.range) ?? "" }
            #expect(asked == ["bytes=40000-49999", "bytes=10000-39999", "bytes=50000-"])
        }
    }

    @Test func `overlapping random ranges fetch every octet once`() async throws {
        let medium = StubMedium(count: 3_000_000)
        let fetched = Mutex<[(Int64, Int64)]>([])
        let origin = StubOrigin { request in
            let response = medium.respond(to: request)
            if let content = ContentRange.parse(response.fields), let range = content.range {
                fetched.withLock { $0.append((range.lowerBound, range.upperBound)) }
            }
            return response
        }
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var ranges: [Range<Int>] = []
        for _ in 0..<200 {
            let start = Int.random(in: 0..<2_900_000, using: &generator)
            ranges.append(start..<min(3_000_000, start + Int.random(in: 1...100_000, using: &generator)))
        }
        let asked = ranges
        try await CacheFixture.run(origin: origin) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for range in asked {
                    group.addTask {
                        let text = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
                        let answer = try await fixture.get("/", ["Range": text])
                        #expect(answer.response.status == 206)
                        #expect(answer.body.elementsEqual(medium.octets[range]))
                    }
                }
                try await group.waitForAll()
            }
        }
        let unique = ExtentMap(asked.map { Int64($0.lowerBound)..<Int64($0.upperBound) })
        let total = fetched.withLock { $0.reduce(0) { $0 + $1.1 - $1.0 } }
        #expect(total == unique.count)
    }

    @Test func `many clients of one cold medium make one request`() async throws {
        let medium = StubMedium(count: 100_000)
        try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { () async throws in
                        #expect(try await fixture.get().body.elementsEqual(medium.octets))
                    }
                }
                try await group.waitForAll()
            }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    // MARK: Private

    private func respond(_ fixture: CacheFixture, _ body: FedBody, feeding bytes: [UInt8]) async throws -> Response {
        body.feed(bytes)
        return try await fixture.cache.respond(to: fixture.request())
    }

    private func respond(_ fixture: CacheFixture, _ body: FedBody, feeding count: Int) async throws -> Response {
        try await respond(fixture, body, feeding: [UInt8](repeating: 1, count: count))
    }

    private func firstChunk(_ fixture: CacheFixture, _ body: FedBody, feeding count: Int) async throws -> BodyChunk {
        let response = try await respond(fixture, body, feeding: count)
        guard case .stream(let reader) = response.body.content, let chunk = try await reader.next() else {
            throw BodyError.truncated
        }
        return chunk
    }
}
