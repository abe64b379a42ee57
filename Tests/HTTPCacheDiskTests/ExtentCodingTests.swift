// Extents as octets: there and back, and what cannot be believed.

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
    func `extents come back as they were`(_ ranges: [Range<Int64>]) {
        #expect(ExtentCoding.decode(ExtentCoding.encode(ExtentMap(ranges))) == ranges)
    }

    @Test func `a whole segment takes few octets`() {
        #expect(ExtentCoding.encode(ExtentMap([0..<16 << 20])).count <= 6)
    }

    @Test(
        arguments: [
            [0x80], [0], [0, 0], [1, 2, 3], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1],
        ] as [[UInt8]]
    )
    func `octets that stand for nothing are refused`(_ octets: [UInt8]) {
        #expect(ExtentCoding.decode(octets) == nil)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `any octets are refused or stand for ascending ranges`(_ seed: UInt64)
    {
        var generator = Seeded(seed)
        for _ in 0..<2000 {
            let octets = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            var end: Int64 = 0
            for range in ExtentCoding.decode(octets) ?? [] {
                #expect(range.lowerBound >= end && !range.isEmpty, "seed \(seed)")
                end = range.upperBound
            }
        }
    }
}
