// The limit of fills at a time: what counts, who waits, who makes room, and that nobody waits for ever.

import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite(.timeLimit(.minutes(5))) struct FillLimitTests {
    /// Bodies that the test feeds, one for each request, by target.
    private final class FedOrigin: Sendable {
        private let bodies = Mutex<[String: [FedBody]]>([:])
        private let isOver = Atomic<Bool>(false)
        let asked = Tally("requests to the origin")
        let length: Int64
        let etag: String?

        init(length: Int64, etag: String? = "\"v1\"") {
            (self.length, self.etag) = (length, etag)
        }

        var origin: StubOrigin {
            StubOrigin { request in
                let body = FedBody()
                let target = String(decoding: request.target, as: UTF8.self)
                self.bodies.withLock { $0[target, default: []].append(body) }
                if self.isOver.load(ordering: .relaxed) { body.finish() }
                self.asked.advance()
                var fields: Fields = ["Cache-Control": "max-age=60"]
                if let etag = self.etag { fields.append("ETag", etag) }
                guard let spec = ByteRange.parse(request.fields, specsMax: 1)?.first,
                    let range = spec.resolve(length: self.length)
                else {
                    return Response(
                        status: 200,
                        fields: fields,
                        body: Body(length: self.length, content: .stream(body))
                    )
                }
                fields.append("Content-Range", ContentRange(range: range, completeLength: self.length).text)
                let count = Int64(range.count)
                return Response(status: 206, fields: fields, body: Body(length: count, content: .stream(body)))
            }
        }

        /// Nobody is left to wait for what was begun.
        func finishAll() {
            isOver.store(true, ordering: .relaxed)
            for body in bodies.withLock({ $0.values.joined() }) { body.finish() }
        }

        func body(_ target: String, _ index: Int = 0) -> FedBody? {
            bodies.withLock { $0[target].flatMap { $0.indices.contains(index) ? $0[index] : nil } }
        }
    }

    private func configuration(_ fillsMax: Int, waiting: Int = 100) -> HTTPCacheConfiguration {
        var configuration = HTTPCacheConfiguration()
        configuration.fillsMax = fillsMax
        configuration.fillsWaitingMax = waiting
        configuration.fillTurnBytes = 1 << 20
        configuration.body.readAheadBytesMax = 1000
        configuration.body.finishBytesMax = 10_000
        configuration.body.inlineBytesMax = 0
        return configuration
    }

    private func untilWaiting(_ fixture: CacheFixture, _ count: Int) async {
        while fixture.cache.coordinator.turns.counts.waiting != count { await Task.yield() }
    }

    @Test func `64 fills run at a time by default, and the next one waits until one of them is over`() async throws {
        let fed = FedOrigin(length: 10)
        try await CacheFixture.run(origin: fed.origin, url: "http://origin.test/") { fixture async throws in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<65 { group.addTask { try await fixture.get("/\(number)").body.count } }
                try await fed.asked.reach(64)
                await untilWaiting(fixture, 1)
                #expect(fixture.origin.requests.count == 64)
                let first = String(decoding: fixture.origin.requests[0].target, as: UTF8.self)
                fed.body(first)?.feed([UInt8](repeating: 1, count: 10))
                fed.body(first)?.finish()
                try await fed.asked.reach(65)
                for number in 0..<65 where "/\(number)" != first {
                    fed.body("/\(number)")?.feed([UInt8](repeating: 1, count: 10))
                    fed.body("/\(number)")?.finish()
                }
                for try await count in group { #expect(count == 10) }
            }
            await fixture.isIdle()
            #expect(fixture.cache.coordinator.turns.counts == (0, 0))
        }
    }

    @Test func `a client that leaves while its question waits takes it out of the line`() async throws {
        let fed = FedOrigin(length: 10)
        try await CacheFixture.run(
            origin: fed.origin,
            configuration: configuration(1),
            url: "http://origin.test/"
        ) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await fixture.get("/first") }
                try await fed.asked.reach(1)
                await withThrowingTaskGroup(of: Void.self) { inner in
                    inner.addTask { _ = try await fixture.get("/second") }
                    await untilWaiting(fixture, 1)
                    inner.cancelAll()
                    await #expect(throws: CancellationError.self) { try await inner.waitForAll() }
                }
                await untilWaiting(fixture, 0)
                fed.body("/first")?.feed([UInt8](repeating: 1, count: 10))
                fed.body("/first")?.finish()
                try await group.waitForAll()
            }
            await fixture.isIdle()
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func `one more than may wait is answered with 503`() async throws {
        let fed = FedOrigin(length: 10)
        try await CacheFixture.run(
            origin: fed.origin,
            configuration: configuration(1, waiting: 1),
            url: "http://origin.test/"
        ) { fixture async throws in
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await fixture.get("/first") }
                try? await fed.asked.reach(1)
                group.addTask { _ = try await fixture.get("/second") }
                await untilWaiting(fixture, 1)
                let refused = try? await fixture.get("/third").response
                #expect(refused?.status == 503)
                #expect(refused?.fields.text("Proxy-Status")?.contains("connection_limit_reached") == true)
                group.cancelAll()
                fed.finishAll()
            }
        }
    }

    @Test func `a fill whose reader is slow makes room, and goes on behind what came between`() async throws {
        let fed = FedOrigin(length: 100_000)
        try await CacheFixture.run(
            origin: fed.origin,
            configuration: configuration(1),
            url: "http://origin.test/"
        ) { fixture async throws in
            let octets = [UInt8](repeating: 7, count: 2000)
            async let first = fixture.cache.respond(to: fixture.request("/slow"))
            try await fed.asked.reach(1)
            fed.body("/slow")?.feed(octets)
            // It has more ahead of its reader than it may: held back.
            guard case .stream(let slow) = try await first.body.content else { return }
            async let second = fixture.cache.respond(to: fixture.request("/quick"))
            try await fed.asked.reach(2)
            await fed.body("/slow")?.cancelled.wait()
            let quick = fed.body("/quick")
            quick?.feed([UInt8](repeating: 8, count: 500))
            let answer = try await second
            // The slow one reads on: what is held, and then what is to be asked for once more, in its turn.
            #expect(try await slow.next()?.count == 2000)
            async let more = slow.next()
            await untilWaiting(fixture, 1)
            answer.body.cancel()
            try await fed.asked.reach(3)
            #expect(fixture.origin.requests.last?.fields.text(.range) == "bytes=2000-")
            fed.body("/slow", 1)?.feed([1, 2, 3])
            #expect(try await more?.count == 3)
            slow.cancel()
            fed.finishAll()
        }
    }

    @Test func `a fill that nobody reads any more makes room although its origin is silent`() async throws {
        let fed = FedOrigin(length: 5000, etag: nil)
        try await CacheFixture.run(
            origin: fed.origin,
            configuration: configuration(1),
            url: "http://origin.test/"
        ) { fixture async throws in
            async let first = fixture.cache.respond(to: fixture.request("/left"))
            try await fed.asked.reach(1)
            fed.body("/left")?.feed([1])
            try await first.body.cancel()
            // Little is missing and may be on its way already.
            #expect(fed.body("/left")?.isCancelled == false)
            async let second = fixture.cache.respond(to: fixture.request("/next"))
            await untilWaiting(fixture, 1)
            await fixture.cache.recordUse()
            #expect(fed.body("/left")?.isCancelled == false)
            // But it does not come.
            fixture.clock.advance(seconds: 6)
            await fixture.cache.recordUse()
            try await fed.asked.reach(2)
            await fed.body("/left")?.cancelled.wait()
            fed.body("/next")?.feed([1])
            try await second.body.cancel()
            fed.finishAll()
        }
    }

    @Test func `a reader waits behind the fills of others, not behind their readers`() async throws {
        // One place; every reader needs several fills of its own, each in a turn.
        let medium = StubMedium(count: 60_000)
        var configuration = configuration(1)
        configuration.fillTurnBytes = 5000
        configuration.body.segmentBytes = 4096
        configuration.body.joinBytesMax = 0
        try await CacheFixture.run(
            origin: StubOrigin { medium.respond(to: $0) },
            configuration: configuration,
            url: "http://origin.test/"
        ) { fixture async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    let start = number * 997 % 50_000
                    let target = number % 3 == 0 ? "/a" : "/b"
                    group.addTask {
                        let answer = try await fixture.get(target, ["Range": "bytes=\(start)-"])
                        return answer.body.elementsEqual(medium.octets[start...])
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            await fixture.isIdle()
            #expect(fixture.cache.coordinator.turns.counts == (0, 0))
        }
    }
}
