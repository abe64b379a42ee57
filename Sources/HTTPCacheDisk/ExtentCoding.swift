// The runs of a segment as few octets: each as its distance from the one before, its length, its era and its checksum.

import HTTPCache

/// The encoding of a segment's runs in the index: unsigned LEB128 numbers, checksums of 8 octets, a checksum of it all.
enum ExtentCoding {
    /// The octets that stand for `runs` of `segment`, nowhere else.
    static func encode(_ runs: SegmentRuns, of segment: SegmentID) -> [UInt8] {
        var octets: [UInt8] = []
        var end: Int64 = 0
        for entry in runs.entries {
            let range = entry.run.range
            append(UInt64(truncatingIfNeeded: range.lowerBound &- end), to: &octets)
            append(UInt64(truncatingIfNeeded: range.upperBound &- range.lowerBound), to: &octets)
            append(UInt64(truncatingIfNeeded: entry.era), to: &octets)
            append(checksum: entry.run.checksum, to: &octets)
            end = range.upperBound
        }
        return sealed(octets, segment)
    }

    /// `octets` with their checksum behind them, which a row of another segment does not have.
    static func sealed(_ octets: [UInt8], _ segment: SegmentID) -> [UInt8] {
        var sealed = octets
        append(checksum: seal(octets[...], segment), to: &sealed)
        return sealed
    }

    /// The runs that `octets` stand for; nil if they stand for none of `segment`.
    static func decode(_ octets: [UInt8], of segment: SegmentID) -> SegmentRuns? {
        var rest = octets.dropLast(8)
        var sealed = octets.suffix(8)
        guard checksum(from: &sealed) == seal(rest, segment) else { return nil }
        var entries: [SegmentRuns.Entry] = []
        var end: Int64 = 0
        while !rest.isEmpty {
            guard let gap = number(from: &rest), let count = number(from: &rest), count > 0,
                let era = number(from: &rest), let checksum = checksum(from: &rest)
            else { return nil }
            let (start, startOverflows) = end.addingReportingOverflow(gap)
            let (next, nextOverflows) = start.addingReportingOverflow(count)
            guard !startOverflows, !nextOverflows else { return nil }
            entries.append(SegmentRuns.Entry(run: StoredRun(range: start..<next, checksum: checksum), era: era))
            end = next
        }
        return SegmentRuns(entries: entries)
    }

    private static func seal(_ octets: ArraySlice<UInt8>, _ segment: SegmentID) -> UInt64 {
        var name: [UInt8] = []
        append(checksum: segment.response.rawValue, to: &name)
        append(checksum: UInt64(bitPattern: Int64(segment.index)), to: &name)
        return Checksum.of(name + octets)
    }

    private static func append(checksum: UInt64, to octets: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            octets.append(UInt8(truncatingIfNeeded: checksum >> UInt64(shift)))
        }
    }

    private static func checksum(from octets: inout ArraySlice<UInt8>) -> UInt64? {
        guard octets.count >= 8 else { return nil }
        defer { octets = octets.dropFirst(8) }
        return octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
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
