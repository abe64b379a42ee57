// The list of held ranges: by table, and against a set of octets.

import HTTPCache
import TestSupport
import Testing

@Suite struct ExtentMapTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let given: [Range<Int64>]
        let change: Range<Int64>
        let inserted: [Range<Int64>]
        let removed: [Range<Int64>]
        var testDescription: String { "\(given) with \(change)" }
    }

    @Test(arguments: [
        Case(given: [], change: 3..<5, inserted: [3..<5], removed: []),
        Case(given: [], change: 3..<3, inserted: [], removed: []),
        Case(given: [0..<4], change: 2..<2, inserted: [0..<4], removed: [0..<4]),
        Case(given: [0..<4], change: 4..<6, inserted: [0..<6], removed: [0..<4]),
        Case(given: [4..<6], change: 0..<4, inserted: [0..<6], removed: [4..<6]),
        Case(given: [0..<4], change: 5..<6, inserted: [0..<4, 5..<6], removed: [0..<4]),
        Case(given: [5..<6], change: 0..<4, inserted: [0..<4, 5..<6], removed: [5..<6]),
        Case(given: [0..<9], change: 3..<5, inserted: [0..<9], removed: [0..<3, 5..<9]),
        Case(given: [0..<9], change: 0..<9, inserted: [0..<9], removed: []),
        Case(given: [3..<5], change: 0..<9, inserted: [0..<9], removed: []),
        Case(given: [0..<2, 4..<6, 8..<10], change: 1..<9, inserted: [0..<10], removed: [0..<1, 9..<10]),
        Case(
            given: [0..<2, 4..<6, 8..<10],
            change: 2..<4,
            inserted: [0..<6, 8..<10],
            removed: [0..<2, 4..<6, 8..<10]
        ),
        Case(
            given: [0..<2, 4..<6, 8..<10],
            change: 6..<8,
            inserted: [0..<2, 4..<10],
            removed: [0..<2, 4..<6, 8..<10]
        ),
        Case(given: [0..<2, 8..<10], change: 4..<6, inserted: [0..<2, 4..<6, 8..<10], removed: [0..<2, 8..<10]),
        Case(given: [0..<2, 8..<10], change: 10..<11, inserted: [0..<2, 8..<11], removed: [0..<2, 8..<10]),
    ])
    func `ranges that overlap or touch become one, and removal cuts them`(_ given: Case) {
        var inserted = ExtentMap(given.given)
        inserted.insert(given.change)
        #expect(inserted.ranges == given.inserted)
        var removed = ExtentMap(given.given)
        removed.remove(given.change)
        #expect(removed.ranges == given.removed)
    }

    @Test func `look-ups at the edges of ranges`() {
        let map = ExtentMap([10..<20, 30..<40])
        let ends: [Int64?] = [9, 10, 19, 20, 29, 30, 39, 40].map { map.end(of: $0) }
        #expect(ends == [nil, 20, 20, nil, nil, 40, 40, nil])
        let starts: [Int64?] = [0, 9, 10, 19, 20, 29, 30, 40].map { map.nextStart(after: $0) }
        #expect(starts == [10, 10, 30, 30, 30, 30, nil, nil])
        #expect(map.contains(10..<20))
        #expect(!map.contains(10..<21))
        #expect(!map.contains(9..<20))
        #expect(!map.contains(19..<31))
        #expect(map.contains(25..<25))
        #expect(map.intersection(0..<100) == [10..<20, 30..<40])
        #expect(map.intersection(15..<35) == [15..<20, 30..<35])
        #expect(map.intersection(20..<30) == [])
        #expect(map.intersection(39..<41) == [39..<40])
        #expect(map.count == 20)
        #expect(ExtentMap().end(of: 0) == nil)
        #expect(ExtentMap().nextStart(after: 0) == nil)
        #expect(ExtentMap().contains(0..<0))
    }

    @Test func `ranges up to the last octet there can be do not overflow`() {
        var map = ExtentMap([5..<Int64.max])
        #expect(map.end(of: Int64.max - 1) == .max)
        #expect(map.contains(5..<Int64.max))
        map.insert(0..<5)
        #expect(map.ranges == [0..<Int64.max])
    }

    @Test func `any order of insertions and removals is what a set of octets is`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for size in [8, 40, 120] as [Int64] {
            var map = ExtentMap()
            var model: Set<Int64> = []
            for _ in 0..<400 {
                let range = Self.range(upTo: size, using: &generator)
                if Bool.random(using: &generator) {
                    map.insert(range)
                    model.formUnion(range)
                } else {
                    map.remove(range)
                    model.subtract(range)
                }
                if let difference = Self.difference(map, model, size: size, using: &generator) {
                    Issue.record("seed \(seed): \(difference) after \(range)")
                    return
                }
            }
        }
    }

    private static func range(upTo size: Int64, using generator: inout SeededGenerator) -> Range<Int64> {
        let a = Int64.random(in: 0...size, using: &generator)
        let b = Int64.random(in: 0...size, using: &generator)
        return min(a, b)..<max(a, b)
    }

    /// What the two disagree about, if anything.
    private static func difference(
        _ map: ExtentMap,
        _ model: Set<Int64>,
        size: Int64,
        using generator: inout SeededGenerator
    ) -> String? {
        for (left, right) in zip(map.ranges, map.ranges.dropFirst()) where left.upperBound >= right.lowerBound {
            return "\(left) and \(right) touch"
        }
        if map.ranges.contains(where: \.isEmpty) { return "an empty range" }
        if map.count != Int64(model.count) { return "count \(map.count) for \(model.count)" }
        if ExtentMap(map.ranges.shuffled(using: &generator)) != map { return "the order of insertion matters" }
        for position in 0...size {
            var end: Int64?
            if model.contains(position) {
                end = position + 1
                while let next = end, model.contains(next) { end = next + 1 }
            }
            if map.end(of: position) != end { return "end(of: \(position))" }
            // The first range that begins behind: an octet that is held while the one before it is not.
            let next = (position + 1..<size + 1).first { model.contains($0) && !model.contains($0 - 1) }
            if map.nextStart(after: position) != next { return "nextStart(after: \(position))" }
        }
        let probe = range(upTo: size, using: &generator)
        if map.contains(probe) != probe.allSatisfy(model.contains) { return "contains(\(probe))" }
        let inside = map.intersection(probe).flatMap { Array($0) }
        if inside != probe.filter(model.contains) { return "intersection(\(probe))" }
        return nil
    }
}
