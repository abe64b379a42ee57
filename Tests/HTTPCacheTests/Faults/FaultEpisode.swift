// One cache between faulty origin, faulty store and careless clients, played from a seed and checked octet by octet.

import HTTP
import Synchronization
import TestSupport

@testable import HTTPCache

/// What an episode has shown.
struct FaultReport: Sendable {
    var fills = 0
    var fillsAtOnce = 0
    /// Whether anybody had to wait for a place.
    var waitedForPlaces = false
    var wholeBodies = 0
    var brokenBodies = 0
    var faults: Set<FaultyOrigin.Fault> = []
    /// What is wrong, each with the seed.
    var violations: [String] = []

    static func += (sum: inout FaultReport, one: FaultReport) {
        sum.fills += one.fills
        sum.fillsAtOnce = max(sum.fillsAtOnce, one.fillsAtOnce)
        sum.waitedForPlaces = sum.waitedForPlaces || one.waitedForPlaces
        sum.wholeBodies += one.wholeBodies
        sum.brokenBodies += one.brokenBodies
        sum.faults.formUnion(one.faults)
        sum.violations += one.violations
    }
}

/// One run of a cache from an empty store to the end of all that was asked of it.
final class FaultEpisode: Sendable {
    let seed: UInt64
    let executor: SeededExecutor
    let origin: FaultyOrigin
    let store: FaultyStore
    private let configuration: HTTPCacheConfiguration
    private let report = Mutex(FaultReport())
    private let waited = Atomic<Bool>(false)
    private static let targets = ["/", "/a", "/b"]

    init(seed: UInt64) {
        self.seed = seed
        var generator = SeededGenerator(seed: seed)
        let executor = SeededExecutor(seed: generator.next())
        let store = FaultyStore(seed: generator.next(), on: executor)
        self.executor = executor
        self.store = store
        origin = FaultyOrigin(seed: generator.next(), on: executor) { store.countPiece() }
        var configuration = HTTPCacheConfiguration()
        configuration.memoryBytesMax = Int64([2000, 40_000, 1 << 20].randomElement(using: &generator) ?? 2000)
        configuration.storeBytesMax = Int64([3000, 20_000, 1 << 20].randomElement(using: &generator) ?? 3000)
        configuration.commitBytes = Int64.random(in: 1...8000, using: &generator)
        configuration.fillsMax = Int.random(in: 1...6, using: &generator)
        configuration.fillTurnBytes = Int64.random(in: 500...8000, using: &generator)
        configuration.variantsMax = 2
        configuration.body.chunkBytesMax = Int64.random(in: 20...8000, using: &generator)
        configuration.body.readAheadBytesMax = Int64.random(in: 100...8000, using: &generator)
        configuration.body.finishBytesMax = Int64.random(in: 0...8000, using: &generator)
        configuration.body.joinBytesMax = Int64.random(in: 0...3000, using: &generator)
        configuration.body.segmentBytes = Int64.random(in: 300...6000, using: &generator)
        configuration.body.inlineBytesMax = Int.random(in: 0...3000, using: &generator)
        self.configuration = configuration
        store.segmentBytes.store(configuration.body.segmentBytes, ordering: .relaxed)
    }

    /// Plays it; the calling thread runs everything.
    static func play(seed: UInt64) -> FaultReport {
        let episode = FaultEpisode(seed: seed)
        let generator = SeededGenerator(seed: ~seed)
        switch episode.executor.run({ await episode.perform(generator) }) {
        case .done: break
        case .stuck: episode.violation("somebody waits for ever")
        case .restless: episode.violation("somebody begins anew for ever")
        }
        return episode.outcome
    }

    /// What was seen so far.
    var outcome: FaultReport {
        var report = report.withLock { $0 }
        report.fills = origin.fills
        report.fillsAtOnce = origin.openMost
        report.waitedForPlaces = waited.load(ordering: .relaxed)
        report.faults = origin.faults
        return report
    }

    // MARK: The play

    func perform(_ generator: SeededGenerator) async {
        var generator = generator
        let clients = Int.random(in: 3...14, using: &generator)
        let seeds = (0..<clients).map { _ in generator.next() }
        let disturber = generator.next()
        await withCache { cache in
            await withDiscardingTaskGroup { group in
                for seed in seeds {
                    group.addTask { await self.live(SeededGenerator(seed: seed), cache) }
                }
                group.addTask { await self.disturb(SeededGenerator(seed: disturber), cache) }
            }
            self.origin.becomeGood()
            self.store.becomeGood()
            await self.checkRecovery(cache)
            for _ in 0..<1000 where cache.coordinator.jobCount > 0 { await self.executor.sleep(milliseconds: 100) }
            if cache.coordinator.jobCount > 0 { self.violation("\(cache.coordinator.jobCount) jobs never end") }
            if cache.coordinator.turns.counts != (0, 0) { self.violation("places are taken and nothing runs") }
            self.checkFacts("at the end")
        }
        // A new process over the same store takes its facts for true.
        await withCache { cache in await self.checkRecovery(cache) }
    }

    private func withCache(_ body: @escaping @Sendable (CachingResponder) async -> Void) async {
        guard let map = try? OriginMap("http://origin.test/media") else { return violation("no map") }
        let cache = CachingResponder(
            origin: origin,
            upstream: map,
            store: store,
            overflow: MemoryStore(),
            configuration: configuration,
            now: { [executor] in Timestamp(nanoseconds: 1_800_000_000_000_000_000 + executor.nanoseconds) }
        )
        await withDiscardingTaskGroup { group in
            group.addTask { await cache.run() }
            await body(cache)
            group.cancelAll()
        }
    }

    /// Invalidations, evictions and lost files at random times.
    private func disturb(_ generator: SeededGenerator, _ cache: CachingResponder) async {
        var generator = generator
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            await executor.sleep(milliseconds: Int.random(in: 0...1500, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                let target = Self.targets.randomElement(using: &generator) ?? "/"
                let post = Request(method: .post, authority: "cdn.test", target: Array(target.utf8))
                _ = try? await cache.respond(to: post)
            case 1: store.loseSomeFile()
            case 2: checkFacts("at some moment")
            default: await cache.recordUse()
            }
        }
        checkFacts("after the disturbances")
    }

    private func checkFacts(_ moment: String) {
        if let fault = store.wrongFact({ origin.version($0) }) { violation("\(moment): \(fault)") }
    }

    /// With everything in order again every medium can be had, whole and unmixed.
    private func checkRecovery(_ cache: CachingResponder) async {
        for target in Self.targets {
            var isWhole = false
            for _ in 0..<4 where !isWhole {
                let request = Request(authority: "cdn.test", target: Array(target.utf8))
                guard let response = try? await cache.respond(to: request) else { continue }
                isWhole = await read(response, target, .whole)
            }
            if !isWhole { violation("\(target) cannot be had any more") }
        }
    }

    // MARK: Clients

    /// How a client reads.
    private enum Manner {
        case whole
        case slow(milliseconds: Int)
        case leaving(afterOctets: Int)
    }

    private func live(_ generator: SeededGenerator, _ cache: CachingResponder) async {
        var generator = generator
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            if Bool.random(using: &generator) {
                await executor.sleep(milliseconds: Int.random(in: 0...3000, using: &generator))
            }
            let target = Self.targets.randomElement(using: &generator) ?? "/"
            let request = request(target, &generator)
            let manner: Manner =
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: .slow(milliseconds: Int.random(in: 1...800, using: &generator))
                case 1: .leaving(afterOctets: Int.random(in: 0...6000, using: &generator))
                default: .whole
                }
            let patience =
                Int.random(in: 0..<6, using: &generator) == 0 ? Int.random(in: 0...3000, using: &generator) : nil
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.ask(cache, request, target, manner, mayBeCancelled: patience != nil) }
                if let patience {
                    await self.executor.sleep(milliseconds: patience)
                    group.cancelAll()
                }
            }
        }
    }

    private func request(_ target: String, _ generator: inout SeededGenerator) -> Request {
        var fields = Fields()
        let first = Int.random(in: 0...6000, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: fields.append("Range", "bytes=\(first)-\(first + Int.random(in: 0...4000, using: &generator))")
        case 1: fields.append("Range", "bytes=\(first)-")
        case 2: fields.append("Range", "bytes=-\(first)")
        case 3: fields.append("Cache-Control", "no-cache")
        default: break
        }
        let method: Method = Int.random(in: 0..<12, using: &generator) == 0 ? .head : .get
        return Request(method: method, authority: "cdn.test", target: Array(target.utf8), fields: fields)
    }

    private func ask(
        _ cache: CachingResponder,
        _ request: Request,
        _ target: String,
        _ manner: Manner,
        mayBeCancelled: Bool
    ) async {
        do {
            let response = try await cache.respond(to: request)
            let counts = cache.coordinator.turns.counts
            if counts.waiting > 0 { waited.store(true, ordering: .relaxed) }
            if counts.places > configuration.fillsMax { violation("\(counts.places) fills at a time") }
            guard request.method == .get else { return response.body.cancel() }
            _ = await read(response, target, manner)
        } catch {
            if !mayBeCancelled { violation("\(request.method) \(target) threw \(error)") }
        }
    }

    /// Reads a body as a client behind the server would see it, and checks every octet; true if it was whole.
    private func read(_ response: Response, _ target: String, _ manner: Manner) async -> Bool {
        guard response.status == 200 || response.status == 206, let number = response.fields.version,
            let medium = origin.version(number)
        else {
            response.body.cancel()
            return response.status < 500 && response.status != 404 && response.status != 416
        }
        var expected = 0..<medium.count
        if response.status == 206 {
            guard let range = ContentRange.parse(response.fields)?.range else {
                violation("a 206 without a range: \(response.fields)")
                return false
            }
            expected = Int(range.lowerBound)..<Int(range.upperBound)
        }
        var position = expected.lowerBound
        let isEnded = await drain(response.body, manner) { octets in
            guard medium.matches(octets, at: position) else {
                self.violation("\(target): other octets than those of version \(number) at \(position)")
                return false
            }
            position += octets.count
            return true
        }
        guard isEnded else {
            report.withLock { $0.brokenBodies += 1 }
            return false
        }
        report.withLock { $0.wholeBodies += 1 }
        // What contradicts itself at the origin may be handed on, and is never stored.
        let isPassed = response.cacheStatus.contains("fwd=") && !response.cacheStatus.contains("stored")
        if position != expected.upperBound, !(isPassed && response.status == 206) {
            violation(
                "\(target): a clean end at \(position) of \(expected), version \(number), \(medium.validator), \(response)"
            )
        }
        return position == expected.upperBound
    }

    /// Whether the body ended cleanly for who counts its octets, as the server and every client do.
    private func drain(
        _ body: Body,
        _ manner: Manner,
        _ check: (ArraySlice<UInt8>) -> Bool
    ) async -> Bool {
        var puller = BodyPuller(body)
        var count = 0
        do {
            while let chunk = try await puller.next() {
                var octets: ArraySlice<UInt8> =
                    switch chunk {
                    case .bytes(let bytes): bytes
                    case .file(let region): try region.read()[...]
                    }
                // The server sends what was declared and no more.
                if let length = body.length { octets = octets.prefix(max(0, Int(length) - count)) }
                count += octets.count
                guard check(octets) else {
                    body.cancel()
                    return false
                }
                switch manner {
                case .whole: break
                case .slow(let milliseconds): await executor.sleep(milliseconds: milliseconds)
                case .leaving(let most):
                    if count >= most {
                        body.cancel()
                        return false
                    }
                }
            }
            return body.length == nil || body.length == Int64(count)
        } catch {
            body.cancel()
            return false
        }
    }

    private func violation(_ what: String) {
        report.withLock { $0.violations.append("seed \(seed): \(what)") }
    }
}
