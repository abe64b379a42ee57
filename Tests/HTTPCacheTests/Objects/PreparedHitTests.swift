// Hits that are prepared: the same answer as the first, and never one that is not true any more.

import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct PreparedHitTests {
    /// An origin whose answers a test can tell apart by number.
    private static func origin(_ fields: Fields = [:], length: Int = 3) -> StubOrigin {
        let count = Atomic(0)
        return StubOrigin { request in
            let number = count.add(1, ordering: .relaxed).newValue
            var answer: Fields = ["Cache-Control": "max-age=60", "ETag": "\"\(number)\""]
            for line in fields.lines { answer.append(name: fields.name(of: line), value: fields.value(of: line)) }
            if request.fields.contains(.ifNoneMatch) {
                return Response(
                    status: 304,
                    fields: ["ETag": "\"1\"", "X-Renewed": "yes", "Cache-Control": "max-age=60"]
                )
            }
            return Response(
                status: 200,
                fields: answer,
                body: Body([UInt8](repeating: UInt8(0x30 + number), count: length))
            )
        }
    }

    private static func text(_ response: ImmediateResponse?) -> String? {
        guard let response else { return nil }
        guard case .bytes(let body)? = response.body else { return response.head }
        return response.head + String(decoding: body, as: UTF8.self)
    }

    @Test(arguments: [1, 8 * 1024 + 1, 64 * 1024])
    func `the second hit and all after it say what the first says, with their own age`(_ length: Int) async throws {
        try await CacheFixture.run(origin: Self.origin(length: length)) { fixture async throws in
            _ = try await fixture.get()
            let first = try #require(Self.text(fixture.express()))
            #expect(first.contains("Age: 0\r\nVia: ") && first.contains("; hit; ttl=60\r\n"))
            #expect(Self.text(fixture.express()) == first)
            fixture.clock.advance(seconds: 17)
            let later = first.replacing("Age: 0", with: "Age: 17").replacing("ttl=60", with: "ttl=43")
            #expect(Self.text(fixture.express()) == later)
            // Others are told what they ask for.
            let head = try #require(fixture.express("/", [:], method: "HEAD"))
            #expect(head.body == nil && head.head == later.prefix(head.head.count))
            let part = try #require(fixture.express("/", ["Range": "bytes=0-0"]))
            #expect(part.head.hasPrefix("HTTP/1.1 206 "))
            #expect(fixture.express("/", ["If-None-Match": "\"1\""])?.head.hasPrefix("HTTP/1.1 304 ") == true)
            #expect(fixture.express("/", ["Cache-Control": "no-cache"]) == nil)
            #expect(Self.text(fixture.express()) == later)
        }
    }

    @Test func `nothing prepared is used when it is stale, and after validation it has the new head`() async throws {
        try await CacheFixture.run(origin: Self.origin()) { fixture async throws in
            _ = try await fixture.get()
            for _ in 0..<2 { #expect(fixture.express() != nil) }
            fixture.clock.advance(seconds: 60)
            #expect(fixture.express() == nil)
            #expect(try await fixture.get().body == Array("111".utf8))
            for _ in 0..<2 { #expect(fixture.express()?.head.contains("X-Renewed: yes\r\n") == true) }
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test func `nothing prepared outlives what it was made of`() async throws {
        try await CacheFixture.run(origin: Self.origin()) { fixture async throws in
            _ = try await fixture.get()
            for _ in 0..<2 { #expect(Self.text(fixture.express())?.hasSuffix("111") == true) }
            // RFC 9111 section 4.4: an unsafe request invalidates.
            _ = try await fixture.cache.respond(to: fixture.request(method: Method("DELETE")))
            #expect(fixture.express() == nil)
            let again = try await fixture.get().body
            #expect(again != Array("111".utf8))
            let text = String(decoding: again, as: UTF8.self)
            for _ in 0..<2 { #expect(Self.text(fixture.express())?.hasSuffix(text) == true) }
            // Octets that the store has evicted.
            let key = CacheKey("http://origin.test/media/film.mp4")
            let stored = try #require(fixture.cache.table.variants(of: key)?.first)
            stored.withBody { $0.evict(0..<3) }
            #expect(fixture.express() == nil)
        }
    }

    @Test func `a second variant ends what was prepared for all`() async throws {
        let origin = Self.origin(["Vary": "X-Kind"])
        try await CacheFixture.run(origin: origin) { fixture async throws in
            _ = try await fixture.get("/", ["X-Kind": "a"])
            for _ in 0..<2 { #expect(Self.text(fixture.express("/", ["X-Kind": "a"]))?.hasSuffix("111") == true) }
            #expect(fixture.express("/", ["X-Kind": "b"]) == nil)
            _ = try await fixture.get("/", ["X-Kind": "b"])
            #expect(Self.text(fixture.express("/", ["X-Kind": "a"]))?.hasSuffix("111") == true)
            #expect(Self.text(fixture.express("/", ["X-Kind": "b"]))?.hasSuffix("222") == true)
        }
    }

    @Test func `a key that shares its hash with a prepared one is not answered by it`() throws {
        let prefix = CacheKeyPrefix(Array("http://o".utf8))
        let (path, other) = (Array("/wanted".utf8), Array("/anothe".utf8))
        let hash = prefix.hash(followedBy: path.span)
        let stored = StoredResponse.made(CacheKey(Array("http://o/anothe".utf8), hash: hash), id: 1)
        let hit = PreparedHit(stored, stored.currentHead, version: stored.version, head: path, body: [1])
        let table = ObjectTable(bytesMax: 1 << 20)
        _ = table.add(stored, replacing: { _ in false }, variantsMax: 8)
        table.prepare(hit)
        let found = try #require(table.prepared(hash))
        #expect(found === hit)
        var response = ImmediateResponse()
        let now = stored.currentHead.metadata.responseTime
        let answersOther = found.answers(prefix, followedBy: other.span, into: &response, marks: [], at: now)
        #expect(answersOther == stored.currentHead.freshness.isFresh(at: now))
        response = ImmediateResponse()
        let answersWanted = found.answers(prefix, followedBy: path.span, into: &response, marks: [], at: now)
        #expect(!answersWanted && response.output.isEmpty)
    }

    @Test(arguments: [1, 4, 5, 1000])
    func `prepared hits are found by their hash, and crowded out only by others of their set`(_ keys: Int) {
        var hits = PreparedHits()
        let stored = StoredResponse.made(CacheKey("http://o/a"), id: 1)
        let hit = PreparedHit(stored, stored.currentHead, version: 0, head: stored.key.bytes, body: [])
        var random = SeededGenerator(seed: 1)
        let hashes = (0..<keys).map { _ in random.next() }
        for hash in hashes { hits.insert(hit, hash, keys: keys) }
        let found = hashes.count { hits.find($0) != nil }
        #expect(Double(found) >= 0.95 * Double(keys))
        #expect(hits.find(random.next()) == nil)
        for hash in hashes { hits.remove(hash) }
        #expect(hashes.allSatisfy { hits.find($0) == nil })
    }
}
