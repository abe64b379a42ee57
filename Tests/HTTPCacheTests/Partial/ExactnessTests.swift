// Players at work on one film: every answer exact, every octet fetched once, whoever asks at the same time.

import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct ExactnessTests {
    /// What an origin has sent, and in how many pieces.
    private final class Ledger: Sendable {
        private struct State {
            var octets: Int64 = 0
            var twice: Int64 = 0
            var sent = ExtentMap()
            var wanted = ExtentMap()
        }

        private let state = Mutex(State())

        var octets: Int64 { state.withLock { $0.octets } }
        var twice: Int64 { state.withLock { $0.twice } }

        var wanted: Int64 { state.withLock { $0.wanted.count } }

        func want(_ ranges: [Range<Int64>]) {
            state.withLock { state in for range in ranges { state.wanted.insert(range) } }
        }

        func note(_ response: Response) {
            guard response.status == 206 || response.status == 200, let length = response.body.length else { return }
            let range = ContentRange.parse(response.fields)?.range ?? 0..<length
            state.withLock { state in
                state.octets += Int64(range.count)
                state.twice += state.sent.intersection(range).reduce(0) { $0 + Int64($1.count) }
                state.sent.insert(range)
            }
        }
    }

    /// What a player does: the start, the index at the end, then runs of pieces from wherever its user seeks to.
    private static func pattern(of length: Int, _ generator: inout SeededGenerator) -> [String] {
        var ranges = ["bytes=0-\(Int.random(in: 0..<5000, using: &generator))"]
        if Bool.random(using: &generator) {
            ranges.append("bytes=-\(Int.random(in: 1..<20_000, using: &generator))")
        }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            var at = Int.random(in: 0..<length, using: &generator)
            let piece = Int.random(in: 1...60_000, using: &generator)
            for _ in 0..<Int.random(in: 1...4, using: &generator) where at < length {
                ranges.append("bytes=\(at)-\(at + piece - 1)")
                at += piece
            }
        }
        if Int.random(in: 0..<4, using: &generator) == 0 {
            let (a, b) = (Int.random(in: 0..<length, using: &generator), Int.random(in: 0..<length, using: &generator))
            ranges.append("bytes=\(a)-\(a + 999),\(b)-\(b + 999)")
        }
        if Int.random(in: 0..<8, using: &generator) == 0 {
            ranges.append("bytes=\(Int.random(in: length / 2..<length, using: &generator))-")
        }
        return ranges
    }

    /// The ranges that an answer holds, each checked octet for octet.
    private static func ranges(
        in answer: (response: Response, body: [UInt8]),
        of medium: StubMedium
    ) throws -> [Range<Int64>] {
        #expect(answer.response.status == 206)
        #expect(answer.response.body.length == Int64(answer.body.count))
        if let range = ContentRange.parse(answer.response.fields)?.range {
            #expect(answer.body.isSame(as: medium.octets[Int(range.lowerBound)..<Int(range.upperBound)]))
            return [range]
        }
        let type = answer.response.fields.text(.contentType) ?? ""
        let reading = try #require(MultipartReading(contentType: type, answer.body))
        return try reading.parts.map { part in
            let range = try #require(part.contentRange?.range)
            #expect(part.body.isSame(as: medium.octets[Int(range.lowerBound)..<Int(range.upperBound)]))
            return range
        }
    }

    private static func run(seed: UInt64, players: Int) async throws {
        var generator = SeededGenerator(seed: seed)
        let medium = StubMedium(count: Int.random(in: 70_000...400_000, using: &generator))
        let ledger = Ledger()
        let origin = StubOrigin { request in
            let response = medium.respond(to: request)
            ledger.note(response)
            return response
        }
        var configuration = HTTPCacheConfiguration()
        configuration.body.segmentBytes = [32_768, 100_000, 16 << 20][Int.random(in: 0..<3, using: &generator)]
        configuration.body.chunkBytesMax = Int64.random(in: 1000...100_000, using: &generator)
        let patterns = (0..<players).map { _ in pattern(of: medium.octets.count, &generator) }
        try await CacheFixture.run(origin: origin, configuration: configuration) { fixture async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for pattern in patterns {
                    group.addTask { () async throws in
                        for range in pattern {
                            let answer = try await fixture.get("/", ["Range": range])
                            ledger.want(try Self.ranges(in: answer, of: medium))
                        }
                    }
                }
                try await group.waitForAll()
            }
            await fixture.isIdle()
            let unique = ledger.wanted
            #expect(ledger.twice == 0, "seed \(seed)")
            #expect(ledger.octets == unique, "seed \(seed)")
            // And what is missing completes it, each gap once.
            #expect(try await fixture.get().body.isSame(as: medium.octets), "seed \(seed)")
            await fixture.isIdle()
            #expect(ledger.twice == 0 && ledger.octets == Int64(medium.octets.count), "seed \(seed)")
        }
    }

    @Test(arguments: [1, 3, 20])
    func `players get exact octets, and the origin sends each of them once`(_ players: Int) async throws {
        let isLong = ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"
        let first = isLong ? UInt64.random(in: .min ... .max) : 0x5eed_0400
        print("seed \(first)")
        for run in 0..<(isLong ? 500 : 6) {
            try await Self.run(seed: first &+ UInt64(run), players: players)
        }
    }
}
