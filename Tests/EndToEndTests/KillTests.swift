// kill -9 at any moment, again and again: no wrong octet afterwards, and nothing is asked for again that was a fact.

import Foundation
import HTTP
import HTTPClient
import Synchronization
import TestSupport
import Testing

@Suite struct KillTests {
    private static let isLong = ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"
    private static let kills = isLong ? 1000 : 20
    /// Media that are new after so many kills.
    private static let killsPerGeneration = 10

    /// What was found to be stored after a start, by target.
    private typealias Facts = [String: [Range<Int64>]]

    @Test func `after a kill every body is exact or broken off, and what was a fact is not asked for again`()
        async throws
    {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let origin = try ScriptedOrigin { Self.file($0.target).reply(to: $0) }
        defer { origin.stop() }
        let directory = try TemporaryDirectory()
        var facts: Facts = [:]
        for round in 0..<Self.kills {
            let generation = round / Self.killsPerGeneration
            if round % Self.killsPerGeneration == 0 { facts = facts.filter { _ in generator.next() % 4 == 0 } }
            let cdn = try await RunningCDN.start("\(origin.url)/", store: directory.path)
            let before = facts
            let probes = Self.targets(generation).map { ($0, Self.range(Self.file($0).medium, &generator)) }
            let found = Findings()
            try await CDNClient.run(cdn) { client async throws in
                try await Self.expect(before, client, origin, "seed \(seed), kill \(round)")
                for (target, range) in probes {
                    guard let held = try await Self.probe(target, range, client, origin) else { continue }
                    found.add(target, held)
                }
            }
            for (target, ranges) in found.facts { facts[target, default: []] += ranges }
            let plans = Self.plans(generation, &generator)
            for (target, range) in plans.joined() {
                facts[target]?.removeAll { Self.mayGiveWay($0, to: range, of: target) }
            }
            try await Self.disturb(cdn, plans, &generator)
            try await cdn.stop(by: SIGKILL)
        }
        #expect(facts.values.contains { !$0.isEmpty })
    }

    private static func targets(_ generation: Int) -> [String] { (0..<8).map { "/\(generation)/\($0)" } }

    /// Small and large files; every fourth cannot be resumed.
    private static func file(_ target: String) -> OriginFile {
        let number = target.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }
        let count: Int64 = [2_000, 60_000, 200_000, 1_500_000, 9_000_000][Int(number % 5)]
        let tag = number.isMultiple(of: 4) ? "W/\"\(number)\"" : "\"\(number)\""
        var file = OriginFile(Medium(count: count, seed: number), etag: tag)
        file.fields = [("Cache-Control", "max-age=100000")]
        return file
    }

    private static func range(_ medium: Medium, _ generator: inout SeededGenerator) -> Range<Int64>? {
        guard generator.next() % 3 > 0 else { return nil }
        let start = Int64.random(in: 0..<medium.count, using: &generator)
        return start..<min(medium.count, start + Int64.random(in: 1...300_000, using: &generator))
    }

    /// Of two pieces that must not be combined the longer one is kept (RFC 9111 section 3.4).
    private static func mayGiveWay(_ fact: Range<Int64>, to range: Range<Int64>?, of target: String) -> Bool {
        guard let range, file(target).etag?.hasPrefix("W/") == true else { return false }
        return range.count > fact.count && range.clamped(to: fact) != fact
    }

    /// All that was a fact is served, exactly, without the origin.
    private static func expect(
        _ facts: Facts,
        _ client: CDNClient,
        _ origin: ScriptedOrigin,
        _ place: Comment
    ) async throws {
        let asked = origin.requests.count
        for (target, ranges) in facts {
            for range in ranges {
                let response = try await client.get(target, range: range, ["Cache-Control": "only-if-cached"])
                #expect(response.status == 206, place)
                #expect(response.fields.text("Cache-Status")?.contains("; hit") == true, place)
                let count = try await client.check(response, against: file(target).medium, from: range.lowerBound)
                #expect(count == range.count, place)
            }
        }
        #expect(origin.requests.count == asked, "\(place): \(origin.requests.suffix(3).map(\.target))")
    }

    /// Asks for a range, or all; which octets of it were there without the origin.
    private static func probe(
        _ target: String,
        _ range: Range<Int64>?,
        _ client: CDNClient,
        _ origin: ScriptedOrigin
    ) async throws -> Range<Int64>? {
        let asked = origin.requests.count
        let response = try await client.get(target, range: range, ["Cache-Control": "only-if-cached"])
        guard response.status != 504 else { return nil }
        let medium = file(target).medium
        let wanted = response.status == 206 ? range ?? 0..<0 : 0..<medium.count
        #expect(try await client.check(response, against: medium, from: wanted.lowerBound) == wanted.count)
        return origin.requests.count == asked ? wanted : nil
    }

    /// What each client asks for, one after the other.
    private static func plans(_ generation: Int, _ generator: inout SeededGenerator) -> [[(String, Range<Int64>?)]] {
        (0..<4).map { _ in
            (0..<6).map { _ in
                let target = targets(generation).randomElement(using: &generator) ?? "/"
                return (target, range(file(target).medium, &generator))
            }
        }
    }

    /// Clients ask for this and that; when some octets have come, somewhere in the middle of it, cdn is killed.
    private static func disturb(
        _ cdn: RunningCDN,
        _ plans: [[(String, Range<Int64>?)]],
        _ generator: inout SeededGenerator
    ) async throws {
        let received = Received()
        let bound = ([1, 100_000, 3_000_000, 20_000_000] as [Int64]).randomElement(using: &generator) ?? 1
        let limit = Int64.random(in: 0..<bound, using: &generator)
        try await CDNClient.run(cdn) { client async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for plan in plans {
                    group.addTask {
                        for (target, range) in plan {
                            try await read(target, range, client) { more in
                                if received.add(more) >= limit { cdn.kill() }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// Reads a body until it ends or breaks off; what has come is compared.
    private static func read(
        _ target: String,
        _ range: Range<Int64>?,
        _ client: CDNClient,
        _ progress: @Sendable (Int64) -> Void
    ) async throws {
        let medium = file(target).medium
        do {
            let response = try await client.get(target, range: range)
            guard response.status < 300 else { return }
            let wanted = response.status == 206 ? range ?? 0..<0 : 0..<medium.count
            progress(0)
            let count = try await client.check(response, against: medium, from: wanted.lowerBound, progress)
            #expect(count == wanted.count)
        } catch let error as CDNClient.OtherOctets {
            throw error
        } catch {
            // It was killed.
            return
        }
    }
}

/// What a client has found to be stored.
private final class Findings: Sendable {
    private let found = Mutex<[String: [Range<Int64>]]>([:])

    var facts: [String: [Range<Int64>]] { found.withLock { $0 } }

    func add(_ target: String, _ range: Range<Int64>) {
        found.withLock { $0[target, default: []].append(range) }
    }
}

/// How many octets clients have received.
private final class Received: Sendable {
    private let count = Atomic<Int64>(0)

    func add(_ more: Int64) -> Int64 {
        count.add(more, ordering: .relaxed).newValue
    }
}
