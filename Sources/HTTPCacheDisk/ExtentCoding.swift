// The extents of a segment as few octets: each range as its distance from the one before and its length.

import HTTPCache

/// The encoding of extents in the index: unsigned LEB128 numbers, in turn a gap and a length.
enum ExtentCoding {
    /// The octets that stand for `extents`.
    static func encode(_ extents: ExtentMap) -> [UInt8] {
        var octets: [UInt8] = []
        var end: Int64 = 0
        for range in extents.ranges {
            append(UInt64(truncatingIfNeeded: range.lowerBound &- end), to: &octets)
            append(UInt64(truncatingIfNeeded: range.upperBound &- range.lowerBound), to: &octets)
            end = range.upperBound
        }
        return octets
    }

    /// The ranges that `octets` stand for; nil if they stand for none: cut off, empty ranges, out of bounds.
    static func decode(_ octets: [UInt8]) -> [Range<Int64>]? {
        var ranges: [Range<Int64>] = []
        var end: Int64 = 0
        var rest = octets[...]
        while !rest.isEmpty {
            guard let gap = number(from: &rest), let count = number(from: &rest), count > 0 else { return nil }
            let (start, startOverflows) = end.addingReportingOverflow(gap)
            let (next, nextOverflows) = start.addingReportingOverflow(count)
            guard !startOverflows, !nextOverflows else { return nil }
            ranges.append(start..<next)
            end = next
        }
        return ranges
    }

    private static func append(_ number: UInt64, to octets: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            octets.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        octets.append(UInt8(rest))
    }

    private static func number(from octets: inout ArraySlice<UInt8>) -> Int64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while let octet = octets.popFirst() {
            guard shift < 63 else { return nil }
            number |= UInt64(octet & 0x7f) << shift
            if octet < 0x80 { return Int64(exactly: number) }
            shift += 7
        }
        return nil
    }
}
