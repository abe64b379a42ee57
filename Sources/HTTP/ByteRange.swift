// The Range field: parsing, and what its ranges are of a representation of known length (RFC 9110 section 14).

/// One range of a Range field, before the length is known.
package enum RangeSpec: Sendable, Equatable {
    /// `first-last`, both included; last is not before first.
    case closed(Int64, Int64)
    /// `first-`.
    case from(Int64)
    /// `-count`: the last octets.
    case suffix(Int64)

    /// The octets meant of a representation of `length` octets; nil if there are none of them (RFC 9110 section 14.1.2).
    package func resolve(length: Int64) -> Range<Int64>? {
        switch self {
        case .closed(let first, let last):
            guard first < length else { return nil }
            return first..<(last < length ? last + 1 : length)
        case .from(let first):
            guard first < length else { return nil }
            return first..<length
        case .suffix(let count):
            guard count > 0, length > 0 else { return nil }
            return max(0, length - count)..<length
        }
    }

    /// Whether a part is just what was asked for: all that there is of it, and nothing else.
    ///
    /// Of a representation whose length the part does not tell, nobody can say where a suffix begins.
    package func isAnswered(by part: ContentRange) -> Bool {
        guard let range = part.range else { return false }
        if let length = part.completeLength { return resolve(length: length) == range }
        switch self {
        case .closed(let first, let last): return range.lowerBound == first && range.upperBound - 1 == last
        case .from(let first): return range.lowerBound == first
        case .suffix: return false
        }
    }

    /// Whether a part has nothing in it that was not asked for; it may be less than that (RFC 9110 section 15.3.7).
    package func includes(_ part: ContentRange) -> Bool {
        guard let range = part.range else { return false }
        if let length = part.completeLength {
            guard let asked = resolve(length: length) else { return false }
            return asked.lowerBound <= range.lowerBound && range.upperBound <= asked.upperBound
        }
        switch self {
        case .closed(let first, let last): return first <= range.lowerBound && range.upperBound - 1 <= last
        case .from(let first): return first <= range.lowerBound
        case .suffix(let count): return range.upperBound - range.lowerBound <= count
        }
    }
}

/// Range fields in the `bytes` unit.
package enum ByteRange {
    /// Two ranges with fewer octets between them are sent as one: a part's own head is as long (RFC 9110 section 15.3.7.2).
    package static let gapBytesMin: Int64 = 80

    /// What a Range field comes to.
    package enum Resolution: Sendable, Equatable {
        /// The field is ignored: the whole representation is the answer.
        case whole
        /// The ranges to send, at least one, none of them empty.
        case ranges([Range<Int64>])
        /// 416.
        case unsatisfiable
    }

    /// The ranges of a request's Range field; nil: there is none, or it is to be ignored.
    ///
    /// Ignored are more than one line, other units, any malformed range, and more than `specsMax` ranges (RFC 9110
    /// section 14.2 allows to ignore the field at will). Positions above `Int64.max` count as `Int64.max`.
    package static func parse(_ fields: Fields, specsMax: Int) -> [RangeSpec]? {
        let lines = fields.values(.range)
        guard lines.count == 1, let line = lines.first else { return nil }
        return parseRange(line.span, specsMax: specsMax)
    }

    /// The ranges of a Range field's one line; nil if it is to be ignored.
    package static func parseRange(_ text: Span<UInt8>, specsMax: Int) -> [RangeSpec]? {
        // RFC 9110 section 14.1: units ignore case.
        guard text.count > 6, text.extracting(0..<6).equalsIgnoringCase("bytes=") else { return nil }
        var specs: [RangeSpec] = []
        var start = 6
        guard !Octet.isWhitespace(text[start]) else { return nil }
        while start <= text.count {
            var end = start
            while end < text.count, text[end] != 0x2c { end += 1 }
            let member = text.trimmingWhitespace(start..<end)
            if !member.isEmpty {
                guard specs.count < specsMax, let spec = spec(text.extracting(member)) else { return nil }
                specs.append(spec)
            }
            start = end + 1
        }
        return specs.isEmpty ? nil : specs
    }

    /// What `specs` are of a representation of `length` octets.
    ///
    /// Ranges that overlap or almost touch are sent as one, in ascending order then, so that no octet is sent twice
    /// (RFC 9110 section 17.15, CVE-2011-3192); if more than `rangesMax` are left, the whole is sent instead.
    package static func resolve(_ specs: [RangeSpec], length: Int64, rangesMax: Int) -> Resolution {
        // A suffix of nothing is satisfiable, but Content-Range cannot say so.
        if length == 0, specs.contains(where: isNonemptySuffix) { return .whole }
        let ranges = specs.compactMap { $0.resolve(length: length) }
        guard !ranges.isEmpty else { return .unsatisfiable }
        return choose(ranges, rangesMax: rangesMax)
    }

    /// What `specs` are of a representation of at least `lengthMin` octets; nil if that depends on how many they are.
    package static func resolve(_ specs: [RangeSpec], lengthMin: Int64, rangesMax: Int) -> Resolution? {
        var ranges: [Range<Int64>] = []
        for spec in specs {
            guard case .closed(let first, let last) = spec, last < lengthMin else { return nil }
            ranges.append(first..<last + 1)
        }
        return ranges.isEmpty ? nil : choose(ranges, rangesMax: rangesMax)
    }

    /// The one of several ranges to ask for while nothing is known of the representation: one that it has if it has any.
    package static func leading(_ specs: [RangeSpec]) -> RangeSpec? {
        specs.first(where: isNonemptySuffix) ?? specs.min { start(of: $0) < start(of: $1) }
    }

    private static func start(of spec: RangeSpec) -> Int64 {
        switch spec {
        case .closed(let first, _), .from(let first): first
        case .suffix: .max
        }
    }

    private static func choose(_ ranges: [Range<Int64>], rangesMax: Int) -> Resolution {
        let merged = merge(ranges)
        let chosen = merged.count == ranges.count ? ranges : merged
        return chosen.count <= rangesMax ? .ranges(chosen) : .whole
    }

    /// The ranges in ascending order, those with a gap under ``gapBytesMin`` made one.
    package static func merge(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
        var merged: [Range<Int64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard let last = merged.last, range.lowerBound - last.upperBound < gapBytesMin else {
                merged.append(range)
                continue
            }
            merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
        }
        return merged
    }

    private static func isNonemptySuffix(_ spec: RangeSpec) -> Bool {
        if case .suffix(let count) = spec { count > 0 } else { false }
    }

    /// `first-last`, `first-` or `-count`.
    private static func spec(_ text: Span<UInt8>) -> RangeSpec? {
        guard let dash = (0..<text.count).first(where: { text[$0] == 0x2d }) else { return nil }
        let last = text.extracting(dash + 1..<text.count)
        if dash == 0 { return last.saturatingDecimal.map { .suffix($0) } }
        guard let first = text.extracting(0..<dash).saturatingDecimal else { return nil }
        if last.isEmpty { return .from(first) }
        // RFC 9110 section 14.1.1: invalid if last is before first.
        guard let last = last.saturatingDecimal, last >= first else { return nil }
        return .closed(first, last)
    }
}
