// Range: parsing, resolving, merging.

import HTTP
import Testing

@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            ("bytes=0-499", [.closed(0, 499)]), ("bytes=500-", [.from(500)]), ("bytes=-500", [.suffix(500)]),
            ("BYTES=0-0", [.closed(0, 0)]), ("bytes=0-0,-1", [.closed(0, 0), .suffix(1)]),
            ("bytes=0-1, 5-6 ,\t9-", [.closed(0, 1), .closed(5, 6), .from(9)]), ("bytes=,0-1,,", [.closed(0, 1)]),
            ("bytes=-0", [.suffix(0)]), ("bytes=007-8", [.closed(7, 8)]),
            ("bytes=9223372036854775807-", [.from(.max)]), ("bytes=0-99999999999999999999", [.closed(0, .max)]),
            ("bytes=-99999999999999999999", [.suffix(.max)]),
        ] as [(String, [RangeSpec])]
    )
    func `RFC 9110 section 14.1.2: ranges are read`(text: String, specs: [RangeSpec]) {
        #expect(ByteRange.parseRange(text.utf8.span, specsMax: 4) == specs)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=--1", "bytes=5-4", "bytes=a-b", "bytes=1", "bytes=1-2-3",
        "bytes=1 -2",
        "bytes=1- 2", "bytes= 1-2", "bytes =1-2", " bytes=1-2", "byte=1-2", "items=1-2", "bytes:1-2", "bytes=1-2;3-4",
        "bytes=0x1-2",
        "bytes=+1-2", "bytes=0-1,5-4", "bytes=1.5-2", "bytes=0-1,2-3,4-5,6-7,8-9",
    ])
    func `RFC 9110 section 14.2: a malformed or excessive field is ignored`(text: String) {
        #expect(ByteRange.parseRange(text.utf8.span, specsMax: 4) == nil)
    }

    @Test func `the limit of ranges is exact, and a repeated field is ignored`() {
        #expect(ByteRange.parseRange("bytes=0-1,3-4".utf8.span, specsMax: 2)?.count == 2)
        #expect(ByteRange.parseRange("bytes=0-1,3-4".utf8.span, specsMax: 1) == nil)
        #expect(ByteRange.parse(["Range": "bytes=0-1"], specsMax: 1) == [.closed(0, 1)])
        #expect(ByteRange.parse(["Range": "bytes=0-1", "range": "bytes=0-1"], specsMax: 8) == nil)
        #expect(ByteRange.parse(["A": "b"], specsMax: 1) == nil)
    }

    @Test(
        arguments: [
            (.closed(0, 499), 1000, 0..<500), (.closed(500, 5000), 1000, 500..<1000),
            (.closed(999, 999), 1000, 999..<1000),
            (.closed(1000, 1001), 1000, nil), (.from(0), 1000, 0..<1000), (.from(999), 1000, 999..<1000),
            (.from(1000), 1000, nil),
            (.suffix(1), 1000, 999..<1000), (.suffix(5000), 1000, 0..<1000), (.suffix(0), 1000, nil),
            (.suffix(5), 0, nil),
            (.from(0), 0, nil), (.closed(0, .max), .max, 0..<Int64.max), (.suffix(.max), 10, 0..<10),
            (.from(.max), 10, nil),
        ] as [(RangeSpec, Int64, Range<Int64>?)]
    )
    func `RFC 9110 section 14.1.2: a range is cut to the length`(spec: RangeSpec, length: Int64, range: Range<Int64>?) {
        #expect(spec.resolve(length: length) == range)
    }

    @Test(
        arguments: [
            ("bytes=0-9", .ranges([0..<10])), ("bytes=1000-", .unsatisfiable), ("bytes=1000-,-0", .unsatisfiable),
            ("bytes=1000-,0-0", .ranges([0..<1])), ("bytes=0-9,500-509", .ranges([0..<10, 500..<510])),
            ("bytes=500-509,0-9", .ranges([500..<510, 0..<10])),  // The order asked for.
            ("bytes=0-9,10-19", .ranges([0..<20])), ("bytes=0-9,89-90", .ranges([0..<91])),
            ("bytes=0-9,90-91", .ranges([0..<10, 90..<92])), ("bytes=5-20,0-9", .ranges([0..<21])),
            ("bytes=0-,0-,0-,0-,0-", .ranges([0..<1000])), ("bytes=0-1,200-201,400-401,600-601,800-801", .whole),
            ("bytes=500-501,0-9,5-600", .ranges([0..<601])),
        ] as [(String, ByteRange.Resolution)]
    )
    func `RFC 9110 section 14.2: ranges that overlap are merged, too many are refused`(
        text: String,
        expected: ByteRange.Resolution
    )
        throws
    {
        let parsed = ByteRange.parseRange(text.utf8.span, specsMax: 16)
        let specs = try #require(parsed)
        #expect(ByteRange.resolve(specs, length: 1000, rangesMax: 4) == expected)
    }

    @Test func `nothing to take a suffix of is sent whole`() {
        #expect(ByteRange.resolve([.suffix(5)], length: 0, rangesMax: 1) == .whole)
        #expect(ByteRange.resolve([.suffix(0)], length: 0, rangesMax: 1) == .unsatisfiable)
        #expect(ByteRange.resolve([.from(0)], length: 0, rangesMax: 1) == .unsatisfiable)
    }

    @Test(
        arguments: [
            (.closed(10, 19), "bytes 10-19/100", true, true), (.closed(10, 19), "bytes 10-19/*", true, true),
            (.closed(10, 199), "bytes 10-99/100", true, true), (.closed(10, 19), "bytes 10-18/100", false, true),
            (.closed(10, 19), "bytes 10-18/*", true, true), (.closed(10, 19), "bytes 11-19/*", false, true),
            (.closed(10, 19), "bytes 10-20/100", false, false), (.closed(10, 19), "bytes 9-19/*", false, false),
            (.closed(10, 19), "bytes */100", false, false), (.from(10), "bytes 10-99/100", true, true),
            (.from(10), "bytes 10-98/100", false, true), (.from(10), "bytes 10-19/*", true, true),
            (.from(10), "bytes 9-99/*", false, false), (.suffix(10), "bytes 90-99/100", true, true),
            (.suffix(10), "bytes 91-99/100", false, true), (.suffix(10), "bytes 89-99/100", false, false),
            (.suffix(10), "bytes 90-99/*", false, true), (.suffix(10), "bytes 89-99/*", false, false),
            (.suffix(500), "bytes 0-99/100", true, true), (.from(.max), "bytes 0-9/10", false, false),
        ] as [(RangeSpec, String, Bool, Bool)]
    )
    func `RFC 9110 section 15.3.7: a part is what was asked for, less, or something else`(
        spec: RangeSpec,
        text: String,
        isAnswer: Bool,
        isIncluded: Bool
    ) throws {
        let parsed = ContentRange.parse(text.utf8.span)
        let part = try #require(parsed)
        #expect(spec.isAnswered(by: part) == isAnswer)
        #expect(spec.includes(part) == isIncluded)
    }

    @Test func `of an unknown whole, only what surely is there is resolved`() {
        func resolve(_ specs: [RangeSpec], _ lengthMin: Int64) -> ByteRange.Resolution? {
            ByteRange.resolve(specs, lengthMin: lengthMin, rangesMax: 2)
        }
        #expect(resolve([.closed(5, 9)], 10) == .ranges([5..<10]))
        #expect(resolve([.closed(5, 9)], 9) == nil)
        #expect(resolve([.closed(500, 509), .closed(5, 9)], 510) == .ranges([500..<510, 5..<10]))
        #expect(resolve([.closed(5, 9), .from(7)], 510) == nil)
        #expect(resolve([.suffix(1)], 510) == nil)
        #expect(resolve([.closed(0, .max)], .max) == nil)
        #expect(resolve([.closed(0, 0), .closed(200, 200), .closed(400, 400)], 510) == .whole)
        #expect(resolve([], 510) == nil)
    }

    @Test(
        arguments: [
            ([.closed(500, 509), .from(20)], .from(20)), ([.closed(5, 9), .suffix(3)], .suffix(3)),
            ([.suffix(0), .closed(5, 9)], .closed(5, 9)), ([.suffix(0)], .suffix(0)),
        ] as [([RangeSpec], RangeSpec)]
    )
    func `the range asked for first is there if any of them is`(specs: [RangeSpec], leading: RangeSpec) {
        #expect(ByteRange.leading(specs) == leading)
        #expect(ByteRange.leading([]) == nil)
    }

    @Test func `merged ranges hold each octet asked for, once`() {
        var random = SeededRandom(seed: 0x5eed_0002)
        for _ in 0..<2000 {
            let ranges = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                let start = Int64.random(in: 0..<2000, using: &random)
                return start..<start + Int64.random(in: 1...200, using: &random)
            }
            let merged = ByteRange.merge(ranges)
            for range in ranges {
                #expect(merged.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound })
            }
            for (left, right) in zip(merged, merged.dropFirst()) {
                #expect(right.lowerBound - left.upperBound >= ByteRange.gapBytesMin)
            }
        }
    }

    @Test(
        arguments: [
            ("bytes 0-9/100", 0..<10, 100), ("bytes 99-99/100", 99..<100, 100), ("BYTES 0-9/*", 0..<10, nil),
            ("bytes */100", nil, 100),
            ("bytes */0", nil, 0), ("bytes 00-09/0100", 0..<10, 100),
        ] as [(String, Range<Int64>?, Int64?)]
    )
    func `RFC 9110 section 14.4: Content-Range is read`(text: String, range: Range<Int64>?, length: Int64?) {
        let parsed = ContentRange.parse(text.utf8.span)
        #expect(parsed != nil)
        #expect(parsed?.range == range)
        #expect(parsed?.completeLength == length)
    }

    @Test(arguments: [
        "", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes 9-0/100", "bytes 0-100/100", "bytes */*",
        "bytes  0-9/100",
        "bytes=0-9/100", "items 0-9/100", "bytes 0-9/1e2", "bytes -9/100", "bytes 0-/100", "bytes 0-9 /100",
        "bytes 0-9/ 100",
        "bytes 0-99999999999999999999/*", "bytes 0-9223372036854775807/*", "bytes 0-9/100/100", "bytes 0-9,20-29/100",
        "bytes *-9/100",
        "bytes /100", "bytes 0-9/-1",
    ])
    func `RFC 9110 section 14.4: a malformed or contradictory Content-Range is none`(text: String) {
        #expect(ContentRange.parse(text.utf8.span) == nil)
    }

    @Test(arguments: [
        "bytes 0-9/100", "bytes 0-9/*", "bytes */100",
        "bytes 9223372036854775805-9223372036854775806/9223372036854775807",
    ])
    func `Content-Range is written as it is read`(text: String) {
        #expect(ContentRange.parse(text.utf8.span)?.text == text)
        #expect(ContentRange.parse(["Content-Range": text])?.text == text)
        #expect(ContentRange.parse(["Content-Range": text, "content-range": text]) == nil)
    }
}
