// The power fails at any moment: after that no wrong octet is served, and what is still there is not asked for again.

import Foundation
import GRDB
import HTTP
import HTTPCacheDisk
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct PowerLossTests {
    private static let isLong = ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"
    /// Images of a torn disk made of each history.
    private static let imagesPerHistory = 20

    private static let configuration: HTTPCacheConfiguration = {
        var configuration = HTTPCacheConfiguration()
        configuration.commitBytes = 10_000
        configuration.body.segmentBytes = 30_000
        configuration.body.inlineBytesMax = 3000
        return configuration
    }()

    @Test(arguments: 0..<(isLong ? 200 : 10))
    func `a torn disk gives no wrong octet, and what it still has is not asked for again`(_ history: Int) async throws {
        let seed = UInt64(history) &* 0x9e37_79b9 &+ (Self.isLong ? UInt64.random(in: 0..<1 << 40) : 77)
        var generator = Seeded(seed)
        let media = (0..<7).map { number in
            let count = [1500, 8000, 70_000, 95_000][Int.random(in: 0..<4, using: &generator)]
            return Medium(count: Int64(count + Int.random(in: 0..<1000, using: &generator)), seed: UInt64(number + 1))
        }
        try await withMemoryDirectory { directory in
            let moments = try await moments(of: directory + "/store", media, &generator)
            for image in 0..<Self.imagesPerHistory {
                guard let moment = moments.randomElement(using: &generator) else { return }
                let path = directory + "/image"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                try TornDisk.write(moment, torn: &generator, to: path)
                try await restart(path, media, &generator, "seed \(seed), image \(image)")
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }

    /// Uses a store for a while; returns moments of that time.
    private func moments(
        of directory: String,
        _ media: [Medium],
        _ generator: inout Seeded
    ) async throws -> [TornDisk.Moment] {
        let problems = Problems()
        let store = try DiskStore(directory: directory, boot: "one") { problems.add($0) }
        let disk = TornDisk(directory, seed: generator.next(), momentsMax: 12)
        var configuration = Self.configuration
        if Bool.random(using: &generator) { configuration.storeBytesMax = 150_000 }
        let plan = (0..<14).map { _ in
            (requests: (0..<3).map { _ in request(media, &generator) }, UInt8.random(in: 0..<4, using: &generator))
        }
        try await withCache(TruthfulOrigin(media), store, configuration) { cache in
            for (requests, coin) in plan {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (number, range) in requests {
                        group.addTask { try await expect(cache, number, range, media, "before") }
                    }
                    try await group.waitForAll()
                }
                while cache.coordinator.jobCount > 0 { await Task.yield() }
                if coin == 0 { try checkpoint(directory) }
                if coin < 2 { disk.capture() }
            }
        }
        let moments = disk.moments
        await store.close()
        try problems.requireNone()
        return moments
    }

    /// Copies the log into the index as SQLite does by itself when the log is long.
    private func checkpoint(_ directory: String) throws {
        let queue = try DatabaseQueue(path: directory + "/index.sqlite")
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    }

    private func restart(
        _ directory: String,
        _ media: [Medium],
        _ generator: inout Seeded,
        _ place: Comment
    ) async throws {
        let problems = Problems()
        let store = try DiskStore(directory: directory, boot: "two") { problems.add($0) }
        #expect(problems.all.count == 1 && problems.all[0].contains("the system went down"), "\(place) \(problems.all)")
        var left: [Int: [Range<Int64>]] = [:]
        for number in media.indices { left[number] = try await sound(number, media[number], store) }
        let origin = TruthfulOrigin(media)
        let requests = (0..<3).map { _ in request(media, &generator) } + media.indices.map { ($0, nil) }
        try await withCache(origin, store, Self.configuration) { cache in
            for (number, range) in requests { try await expect(cache, number, range, media, place) }
            while cache.coordinator.jobCount > 0 { await Task.yield() }
        }
        for (number, ranges) in left {
            for asked in origin.requests[number] ?? [] {
                #expect(!ranges.contains { $0.overlaps(asked) }, "\(place): /\(number) \(asked) of \(ranges)")
            }
        }
        await store.close()
        // What was found then is known now, and so is what was fetched again.
        let silent = TruthfulOrigin(media)
        let next = try DiskStore(directory: directory, boot: "two") { problems.add($0) }
        for number in media.indices {
            let records = try await next.records(for: key("\(number)"))
            #expect(records.allSatisfy { $0.length == nil || $0.suspects.isEmpty || records.count > 1 }, place)
        }
        try await withCache(silent, next, Self.configuration) { cache in
            for number in media.indices { try await expect(cache, number, nil, media, place) }
        }
        #expect(silent.requests.isEmpty, "\(place) \(silent.requests)")
        await next.close()
        #expect(problems.all.count == 1, "\(place) \(problems.all)")
    }

    /// The facts about a medium whose octets are there, read past the store; none if they would not be used.
    private func sound(_ number: Int, _ medium: Medium, _ store: DiskStore) async throws -> [Range<Int64>] {
        let records = try await store.records(for: key("\(number)"))
        // Of two of a key one is used; which does not matter here.
        guard records.count == 1, let record = records.first, record.length != nil else { return [] }
        if let inline = record.inlineBody {
            #expect(medium.matches(inline[...], at: 0) && inline.count == medium.count)
            return [0..<medium.count]
        }
        let runs = record.suspects.map(\.range)
        #expect(ExtentMap(runs).ranges == ExtentMap(record.segments.values.joined()).ranges)
        let sound = runs.filter { run in
            let segmentBytes = Self.configuration.body.segmentBytes
            let index = run.lowerBound / segmentBytes
            guard let file = try? store.openSegment(SegmentID(response: record.id, index: Int(index)), creating: false),
                let octets = try? FileRegion(
                    file: file,
                    offset: run.lowerBound - index * segmentBytes,
                    count: run.count
                ).read()
            else { return false }
            return medium.matches(octets[...], at: run.lowerBound)
        }
        // What cannot be completed is used whole or not at all.
        guard TruthfulOrigin([]).isStrong(number) || ExtentMap(sound).contains(0..<medium.count) else { return [] }
        return sound
    }

    private func request(_ media: [Medium], _ generator: inout Seeded) -> (number: Int, range: Range<Int64>?) {
        let number = media.indices.randomElement(using: &generator) ?? 0
        guard Int.random(in: 0..<4, using: &generator) > 0 else { return (number, nil) }
        let start = Int64.random(in: 0..<media[number].count, using: &generator)
        return (number, start..<min(media[number].count, start + Int64.random(in: 1...40_000, using: &generator)))
    }
}

/// GETs a medium or a range of it and compares.
private func expect(
    _ cache: CachingResponder,
    _ number: Int,
    _ range: Range<Int64>?,
    _ media: [Medium],
    _ place: Comment
) async throws {
    var fields = Fields()
    if let range { fields.append("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
    let target = Array("/\(number)".utf8)
    let response = try await cache.respond(to: Request(authority: "localhost", target: target, fields: fields))
    let octets = try await response.body.collect(upTo: 1 << 20)
    let wanted = response.status == 206 ? range ?? 0..<0 : 0..<media[number].count
    #expect(octets.count == wanted.count, "\(place): /\(number)")
    #expect(media[number].matches(octets[...], at: wanted.lowerBound), "\(place): /\(number)")
}

/// Runs `body` with a cache in front of `origin`.
func withCache(
    _ origin: TruthfulOrigin,
    _ store: DiskStore,
    _ configuration: HTTPCacheConfiguration,
    _ body: @escaping @Sendable (CachingResponder) async throws -> Void
) async throws {
    let cache = CachingResponder(
        origin: origin,
        upstream: try OriginMap("http://origin.test/"),
        store: store,
        overflow: MemoryStore(),
        configuration: configuration,
        now: { Timestamp(seconds: 1_800_000_000) }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await cache.run() }
        try await body(cache)
        group.cancelAll()
    }
}

/// Runs `body` with the path of a new directory in memory if there is such a place, which is deleted afterwards.
func withMemoryDirectory(_ body: (String) async throws -> Void) async throws {
    let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let directory = "\(base)/waystation-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
}
