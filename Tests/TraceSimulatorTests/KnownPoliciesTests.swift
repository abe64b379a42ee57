// The policies of the literature against models that are too simple to be wrong, and the oracle above them all.

import Foundation
import TestSupport
import Testing

@testable import trace_simulator

@Suite struct KnownPoliciesTests {
    /// A short trace in which sizes differ and some objects are more popular.
    private static func trace(_ seed: UInt64, count: Int = 3000) -> Trace {
        var generator = Seeded(seed)
        let zipf = Zipf(count: 200, alpha: 0.8)
        let keys = (0..<count).map { _ in UInt64(zipf.rank(&generator)) }
        return Trace("test", isMedia: false, keys: keys, size: { Int64($0 % 7 * 3 + 1) })
    }

    private static func hits(_ cache: any SimulatedCache, _ trace: Trace) -> [Bool] {
        var cache = cache
        let nextUses = trace.nextUses
        return trace.requests.enumerated().map { position, object in
            cache.request(object, size: trace.sizes[Int(object)], nextUse: nextUses[position])
        }
    }

    /// A cache in one list, the next to go first.
    private static func modelHits(_ trace: Trace, bytesMax: Int64, promotes: Bool) -> [Bool] {
        var list: [Int32] = []
        func bytes() -> Int64 { list.reduce(0) { $0 + trace.sizes[Int($1)] } }
        return trace.requests.map { object in
            if let index = list.firstIndex(of: object) {
                if promotes { list.append(list.remove(at: index)) }
                return true
            }
            while bytes() + trace.sizes[Int(object)] > bytesMax { list.removeFirst() }
            list.append(object)
            return false
        }
    }

    @Test(arguments: [false, true], [40, 300] as [Int64])
    func `FIFO and LRU do as a list does`(_ promotes: Bool, _ bytesMax: Int64) {
        let trace = Self.trace(1)
        let cache = QueueCache(bytesMax: bytesMax, sizes: trace.sizes, promotes: promotes)
        let model = Self.modelHits(trace, bytesMax: bytesMax, promotes: promotes)
        #expect(Self.hits(cache, trace).elementsEqual(model))
    }

    @Test(arguments: [40, 300] as [Int64]) func `SIEVE does as its paper says`(_ bytesMax: Int64) {
        let trace = Self.trace(2)
        // The newest first, as the paper draws it; the hand goes from the tail to the head.
        var list: [(object: Int32, visited: Bool)] = []
        var hand: Int32?
        let model = trace.requests.map { object in
            if let index = list.firstIndex(where: { $0.object == object }) {
                list[index].visited = true
                return true
            }
            while list.reduce(0, { $0 + trace.sizes[Int($1.object)] }) + trace.sizes[Int(object)] > bytesMax {
                var index = list.firstIndex { $0.object == hand } ?? list.count - 1
                while list[index].visited {
                    list[index].visited = false
                    index = index > 0 ? index - 1 : list.count - 1
                }
                hand = index > 0 ? list[index - 1].object : nil
                list.remove(at: index)
            }
            list.insert((object, false), at: 0)
            return false
        }
        let cache = SieveCache(bytesMax: bytesMax, sizes: trace.sizes)
        #expect(Self.hits(cache, trace).elementsEqual(model))
    }

    @Test func `S3-FIFO keeps what is used twice and remembers what has gone`() {
        // Ten objects fit; the small queue has room for one.
        let keys: [UInt64] = [0, 0, 0] + Array(1...15) + [0, 5, 6, 5]
        let trace = Trace("test", isMedia: false, keys: keys, size: { _ in 1 })
        let hits = Self.hits(S3FIFOCache(bytesMax: 10, sizes: trace.sizes), trace)
        #expect(hits.prefix(3).elementsEqual([false, true, true]))
        // 0 has moved to the main queue; 5 had gone, came back as a ghost, and stayed.
        #expect(hits.suffix(4).elementsEqual([true, false, false, true]))
    }

    @Test func `W-TinyLFU does not let a scan in`() {
        let popular = (0..<20).flatMap { _ in Array(0..<50) as [UInt64] }
        let trace = Trace("test", isMedia: false, keys: popular + Array(1000..<3000) + Array(0..<50)) { _ in 1 }
        let hits = Self.hits(WTinyLFUCache(bytesMax: 100, sizes: trace.sizes), trace)
        #expect(hits.suffix(50).filter { $0 }.count >= 45)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func `nobody misses less than the oracle`(_ seed: UInt64) {
        // Of one size each, where Belady's choice is the best there is.
        let long = Self.trace(seed)
        let trace = Trace("test", isMedia: false, keys: long.requests.map { UInt64($0) }, size: { _ in 1 })
        for bytesMax in [5, 20, 80] as [Int64] {
            let sizes = trace.sizes
            let best = Misses(of: BeladyCache(bytesMax: bytesMax, sizes: sizes), over: trace, trace.nextUses)
            let others: [any SimulatedCache] = [
                QueueCache(bytesMax: bytesMax, sizes: sizes, promotes: true),
                S3FIFOCache(bytesMax: bytesMax, sizes: sizes), SieveCache(bytesMax: bytesMax, sizes: sizes),
                WTinyLFUCache(bytesMax: bytesMax, sizes: sizes),
                ProductCache(bytesMax: bytesMax, segments: trace.segments),
            ]
            for other in others {
                let misses = Misses(of: other, over: trace, trace.nextUses)
                #expect(misses.requests >= best.requests, "seed \(seed), \(type(of: other))")
                #expect(misses.totalRequests == 3000)
            }
        }
    }

    /// All of them in the long mode.
    private static let names =
        ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1"
        ? SyntheticTraces(seed: 7, count: 40_000).all.map(\.name)
        : ["zipf-0.8", "films", "live", "mixture-scans", "recency"]

    @Test(arguments: names)
    func `the product is not worse than LRU on a small trace`(_ name: String) throws {
        let known = SyntheticTraces(seed: 7, count: 40_000).all
        let trace = try #require(known.first { $0.name == name }).make()
        let bytesMax = trace.workingSetBytes / 10
        let lru = QueueCache(bytesMax: bytesMax, sizes: trace.sizes, promotes: true)
        let own = ProductCache(bytesMax: bytesMax, segments: trace.segments)
        let ratio =
            Misses(of: own, over: trace, trace.nextUses).byteRatio
            / Misses(of: lru, over: trace, trace.nextUses).byteRatio
        #expect(ratio <= 1.01, "\(name)")
    }
}
