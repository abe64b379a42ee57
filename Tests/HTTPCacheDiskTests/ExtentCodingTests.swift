// Runs as octets: there and back, and what cannot be believed.

import HTTPCache
import Testing

@testable import HTTPCacheDisk

@Suite struct ExtentCodingTests {
    @Test(
        arguments: [
            [], [0..<1], [0..<127, 128..<300], [5..<10, 11..<12, 1 << 40..<1 << 41], [0..<Int64.max],
            [Int64.max - 1..<Int64.max],
        ] as [[Range<Int64>]]
    )
    func `runs come back as they were, for their segment alone`(_ ranges: [Range<Int64>]) {
        let runs = runs(ranges)
        let octets = ExtentCoding.encode(runs, of: segment(1, 2))
        #expect(ExtentCoding.decode(octets, of: segment(1, 2)) == runs)
        #expect(ExtentCoding.decode(octets, of: segment(1, 3)) == nil)
        #expect(ExtentCoding.decode(octets, of: segment(2, 2)) == nil)
    }

    @Test func `a whole segment takes few octets`() {
        let quarters = (0..<4).map { Int64($0) << 22..<(Int64($0) + 1) << 22 }
        #expect(ExtentCoding.encode(runs(quarters), of: segment(1, 0)).count <= 4 * 14 + 8)
    }

    @Test func `an octet that has changed is noticed`() {
        let octets = ExtentCoding.encode(runs([0..<127, 128..<300]), of: segment(1, 0))
        for index in octets.indices {
            var other = octets
            other[index] ^= 1
            #expect(ExtentCoding.decode(other, of: segment(1, 0)) == nil)
            #expect(ExtentCoding.decode(Array(octets[..<index]), of: segment(1, 0)) == nil)
        }
    }

    private func runs(_ ranges: [Range<Int64>]) -> SegmentRuns {
        SegmentRuns(
            entries: ranges.map { range in
                let run = StoredRun(range: range, checksum: UInt64(range.count) &* 0x9e37_79b9_7f4a_7c15)
                return SegmentRuns.Entry(run: run, era: range.lowerBound % 300)
            }
        )
    }

    @Test(
        arguments: [
            [0x80], [0], [0, 0], [1, 2, 3], [0, 1, 0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        ] as [[UInt8]]
    )
    func `octets that stand for nothing are refused`(_ octets: [UInt8]) {
        #expect(ExtentCoding.decode(ExtentCoding.sealed(octets, segment(1, 0)), of: segment(1, 0)) == nil)
        #expect(ExtentCoding.decode(octets, of: segment(1, 0)) == nil)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `any octets are refused or stand for ascending ranges`(_ seed: UInt64)
    {
        var generator = Seeded(seed)
        for _ in 0..<2000 {
            let octets = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            var end: Int64 = 0
            let sealed = ExtentCoding.sealed(octets, segment(1, 0))
            for range in ExtentCoding.decode(sealed, of: segment(1, 0))?.entries.map(\.run.range) ?? [] {
                #expect(range.lowerBound >= end && !range.isEmpty, "seed \(seed)")
                end = range.upperBound
            }
        }
    }
}
