// A store that is smaller than what is asked of it: whole and right bodies, and never more kept than it may.

import HTTP
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct EvictionTests {
    private static func configuration(storeBytesMax: Int64) -> HTTPCacheConfiguration {
        var configuration = HTTPCacheConfiguration()
        configuration.storeBytesMax = storeBytesMax
        configuration.commitBytes = 15_000
        configuration.body.segmentBytes = 30_000
        configuration.body.inlineBytesMax = 3000
        configuration.body.readAheadBytesMax = 30_000
        return configuration
    }

    private static let medium = StubMedium(count: 300_000)

    @Test(
        arguments: [
            ["Cache-Control": "max-age=60"],
            ["Cache-Control": "max-age=60", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"],
            ["Cache-Control": "max-age=60", "ETag": "\"v1\""],
        ] as [Fields]
    )
    func `an object larger than the store streams whole, again and again`(_ fields: Fields) async throws {
        var medium = Self.medium
        medium.etag = nil
        medium.fields = fields
        medium.servesRanges = fields.contains(.etag)
        let served = medium
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { served.respond(to: $0) },
            store: store,
            configuration: Self.configuration(storeBytesMax: 75_000)
        ) { fixture async throws in
            for _ in 0..<3 {
                let answer = try await fixture.get()
                #expect(answer.response.status == 200)
                #expect(answer.body.elementsEqual(served.octets))
                await fixture.settle()
                #expect(store.usedBytes <= 75_000)
            }
        }
    }

    @Test func `what cannot be resumed and has lost its beginning is asked for anew while its end still comes`()
        async throws
    {
        for length in [300_000, nil] as [Int64?] {
            let body = FedBody()
            let fields: Fields = ["Cache-Control": "max-age=60", "ETag": "W/\"v1\""]
            let octets = Self.medium.octets
            let answer = { @Sendable (request: Request, body: Body) in
                request.fields.contains(.ifNoneMatch)
                    ? Response(status: 304, fields: fields, body: Body(length: nil, content: .none))
                    : Response(status: 200, fields: fields, body: body)
            }
            let origin = StubOrigin { answer($0, Body(length: length, content: .stream(body))) }
            try await CacheFixture.run(
                origin: origin,
                configuration: Self.configuration(storeBytesMax: 75_000)
            ) { fixture async throws in
                body.feed(Array(octets[..<30_000]))
                let response = try await fixture.cache.respond(to: fixture.request())
                guard case .stream(let reader) = response.body.content else { return }
                var count = 0
                while count < 210_000 {
                    count += try await reader.next()?.count ?? 0
                    if count % 30_000 == 0 { body.feed(Array(octets[count..<count + 30_000])) }
                }
                fixture.origin.serve { answer($0, Body(octets)) }
                #expect(try await fixture.get().body.elementsEqual(octets))
                body.feed(Array(octets[240_000...]))
                body.finish()
                while let chunk = try await reader.next() { count += chunk.count }
                #expect(count == 300_000)
            }
        }
    }

    @Test func `a range works after most of the object was evicted, and only what is missing is fetched`() async throws
    {
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { Self.medium.respond(to: $0) },
            store: store,
            configuration: Self.configuration(storeBytesMax: 75_000)
        ) { fixture async throws in
            _ = try await fixture.get()
            await fixture.settle()
            for range in [100_000..<175_000, 290_000..<300_000, 0..<10] {
                let answer = try await fixture.get("/", ["Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"])
                #expect(answer.response.status == 206)
                #expect(answer.body.elementsEqual(Self.medium.octets[range]))
                await fixture.settle()
                #expect(store.usedBytes <= 75_000)
            }
        }
    }

    @Test func `a store does not grow over its size by more than what is being written`() async throws {
        let body = FedBody()
        let store = MemoryStore()
        let fields: Fields = ["Cache-Control": "max-age=60", "ETag": "\"v1\""]
        let origin = StubOrigin { _ in
            Response(status: 200, fields: fields, body: Body(length: 300_000, content: .stream(body)))
        }
        let octets = Self.medium.octets
        try await CacheFixture.run(
            origin: origin,
            store: store,
            configuration: Self.configuration(storeBytesMax: 75_000)
        ) { fixture async throws in
            body.feed(Array(octets[..<15_000]))
            let response = try await fixture.cache.respond(to: fixture.request())
            guard case .stream(let reader) = response.body.content else { return }
            var received: [UInt8] = []
            while received.count < octets.count {
                if received.count % 15_000 == 0, received.count > 0 {
                    body.feed(Array(octets[received.count..<received.count + 15_000]))
                }
                guard let chunk = try await reader.next() else { break }
                received += try chunk.octets()
                #expect(store.usedBytes <= 120_000)
            }
            body.finish()
            #expect(received.elementsEqual(octets))
        }
    }

    /// Two readers of a body that does not fit and cannot be asked for again, the second of which waits at its beginning.
    private static func readTwice(
        _ store: MemoryStore,
        _ body: @escaping @Sendable (CacheFixture, _ ahead: TakenBody, _ behind: TakenBody) async throws -> Void
    ) async throws {
        // In pieces, as they come from a network.
        let origin = StubOrigin { _ in
            let source = FedBody()
            for start in stride(from: 0, to: 300_000, by: 5000) {
                source.feed(Array(medium.octets[start..<start + 5000]))
            }
            source.finish()
            return Response(
                status: 200,
                fields: ["Cache-Control": "max-age=60"],
                body: Body(length: 300_000, content: .stream(source))
            )
        }
        try await CacheFixture.run(
            origin: origin,
            store: store,
            configuration: configuration(storeBytesMax: 150_000)
        ) { fixture async throws in
            let ahead = try await fixture.cache.respond(to: fixture.request())
            let behind = try await fixture.cache.respond(to: fixture.request())
            try await body(fixture, TakenBody(ahead), TakenBody(behind))
        }
        #expect(origin.requests.count == 1)
    }

    @Test func `readers far apart in what cannot be asked for again get all of it, within the store`() async throws {
        let store = MemoryStore()
        try await Self.readTwice(store) { _, ahead, behind async throws in
            async let first = ahead.rest()
            // The store is full of what this one has not read: the other waits for it.
            while store.usedBytes < 150_000 { await Task.yield() }
            var second: [UInt8] = []
            while let octets = try await behind.next() {
                second += octets
                for _ in 0..<100 { await Task.yield() }
                #expect(store.usedBytes <= 150_000 + 30_000 + 15_000)
            }
            #expect(second.elementsEqual(Self.medium.octets))
            let octets = try await first
            #expect(octets.elementsEqual(Self.medium.octets))
        }
    }

    @Test func `a reader that has another wait for too long is cut off, and the other gets all`() async throws {
        let store = MemoryStore()
        try await Self.readTwice(store) { fixture, ahead, behind async throws in
            let isDone = Signal()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let octets = try await ahead.rest()
                    #expect(octets.elementsEqual(Self.medium.octets))
                    isDone.fire()
                }
                group.addTask {
                    while !isDone.isFired {
                        fixture.clock.advance(seconds: 1)
                        await fixture.cache.recordUse()
                    }
                }
                try await group.waitForAll()
            }
            await #expect(throws: HTTPCacheError.self) { try await behind.rest() }
        }
    }

    @Test func `a reader alone is waited for however slow it is`() async throws {
        let store = MemoryStore()
        try await Self.readTwice(store) { fixture, ahead, behind async throws in
            behind.cancel()
            var octets: [UInt8] = []
            while let part = try await ahead.next() {
                octets += part
                for _ in 0..<20 {
                    fixture.clock.advance(seconds: 10)
                    await fixture.cache.recordUse()
                }
                #expect(store.usedBytes <= 150_000 + 30_000 + 15_000)
            }
            #expect(octets.elementsEqual(Self.medium.octets))
        }
    }

    @Test func `small objects go in the order in which they were used`() async throws {
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { StubMedium(count: 1000, seed: UInt8($0.target.count)).respond(to: $0) },
            store: store,
            configuration: Self.configuration(storeBytesMax: 10_500)
        ) { fixture async throws in
            for index in 0..<10 { _ = try await fixture.get("/\(index)") }
            await fixture.settle()
            _ = try await fixture.get("/0")
            await fixture.cache.recordUse()
            _ = try await fixture.get("/new")
            await fixture.settle()
            #expect(store.usedBytes <= 10_500)
            #expect(fixture.express("/0") != nil)
            #expect(fixture.express("/new") != nil)
            let left = (1..<10).filter { fixture.express("/\($0)") != nil }
            #expect(left.count == 8)
        }
    }

    @Test func `many readers of many objects in a small store get what they asked for`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let media = (0..<4).map { StubMedium(count: 100_000, seed: UInt8($0) * 50) }
        var asked: [(Int, Range<Int>)] = []
        for _ in 0..<150 {
            let start = Int.random(in: 0..<99_000, using: &generator)
            let range = start..<min(100_000, start + Int.random(in: 1...40_000, using: &generator))
            asked.append((Int.random(in: 0..<4, using: &generator), range))
        }
        let requests = asked
        let store = MemoryStore()
        try await CacheFixture.run(
            origin: StubOrigin { media[Int($0.target.last ?? 0x30) - 0x30].respond(to: $0) },
            store: store,
            configuration: Self.configuration(storeBytesMax: 75_000)
        ) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, (medium, range)) in requests.enumerated() {
                    if index >= 10 { try await group.next() }
                    group.addTask {
                        let text = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
                        let answer = try await fixture.get("/\(medium)", ["Range": text])
                        #expect(answer.response.status == 206, "seed \(seed)")
                        #expect(answer.body.elementsEqual(media[medium].octets[range]), "seed \(seed), \(range)")
                    }
                }
                try await group.waitForAll()
            }
            await fixture.settle()
            #expect(store.usedBytes <= 75_000)
        }
    }
}

extension CacheFixture {
    /// Waits until nothing is under way, and lets the cache do what it does every few seconds.
    fileprivate func settle() async {
        await isIdle()
        await cache.recordUse()
    }
}

/// A response's body, read piece by piece.
private struct TakenBody: Sendable {
    private let source: (any BodySource)?

    init(_ response: Response) {
        if case .stream(let source) = response.body.content { self.source = source } else { source = nil }
    }

    func next() async throws -> [UInt8]? { try await source?.next()?.octets() }

    func rest() async throws -> [UInt8] {
        var octets: [UInt8] = []
        while let part = try await next() { octets += part }
        return octets
    }

    func cancel() { source?.cancel() }
}
