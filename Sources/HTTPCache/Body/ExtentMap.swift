// Which octets of a body are held: a sorted list of disjoint ranges.

/// The byte ranges of a body that are held, ascending, disjoint, never touching.
///
/// Cost: a look-up is logarithmic in the number of ranges, an insertion linear.
package struct ExtentMap: Sendable, Equatable {
    /// The ranges held.
    package private(set) var ranges: [Range<Int64>] = []

    package init() {}

    /// The union of `ranges`, in any order.
    package init(_ ranges: some Sequence<Range<Int64>>) {
        for range in ranges { insert(range) }
    }

    /// How many octets are held.
    package var count: Int64 { ranges.reduce(0) { $0 + Int64($1.count) } }

    /// Adds `range`; what it overlaps or touches becomes one range.
    package mutating func insert(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        if let last = ranges.last, last.upperBound == range.lowerBound {
            // The usual case: a fill goes on where it was.
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            return
        }
        let first = firstIndex(endingAtOrAfter: range.lowerBound)
        var merged = range
        var end = first
        while end < ranges.count, ranges[end].lowerBound <= range.upperBound {
            merged = min(merged.lowerBound, ranges[end].lowerBound)..<max(merged.upperBound, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(first..<end, with: CollectionOfOne(merged))
    }

    /// Takes `range` out.
    package mutating func remove(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        var left: [Range<Int64>] = []
        left.reserveCapacity(ranges.count + 1)
        for held in ranges {
            guard held.overlaps(range) else {
                left.append(held)
                continue
            }
            if held.lowerBound < range.lowerBound { left.append(held.lowerBound..<range.lowerBound) }
            if held.upperBound > range.upperBound { left.append(range.upperBound..<held.upperBound) }
        }
        ranges = left
    }

    /// Where the held range that contains `position` ends; nil if `position` is not held.
    package func end(of position: Int64) -> Int64? {
        let index = firstIndex(endingAtOrAfter: position + 1)
        guard index < ranges.count, ranges[index].lowerBound <= position else { return nil }
        return ranges[index].upperBound
    }

    /// Where the first held range after `position` starts; nil if there is none.
    package func nextStart(after position: Int64) -> Int64? {
        let index = firstIndex(endingAtOrAfter: position + 1)
        for range in ranges[index...] where range.lowerBound > position { return range.lowerBound }
        return nil
    }

    /// Whether all of `range` is held; an empty range always is.
    package func contains(_ range: Range<Int64>) -> Bool {
        guard !range.isEmpty else { return true }
        guard let end = end(of: range.lowerBound) else { return false }
        return end >= range.upperBound
    }

    /// The held parts of `range`.
    package func intersection(_ range: Range<Int64>) -> [Range<Int64>] {
        ranges[firstIndex(endingAtOrAfter: range.lowerBound + 1)...].prefix { $0.lowerBound < range.upperBound }
            .map { $0.clamped(to: range) }
    }

    private func firstIndex(endingAtOrAfter position: Int64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
