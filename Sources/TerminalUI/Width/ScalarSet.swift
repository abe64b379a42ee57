// A set of Unicode scalars as sorted ranges, read from a compact text.

/// Membership by binary search.
struct ScalarSet: Sendable {
    private var firsts: [UInt32] = []
    private var lasts: [UInt32] = []

    /// Ascending ranges in hexadecimal, as in `231a-231b 23f0`.
    init(_ text: String) {
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let ends = word.split(separator: "-").compactMap { UInt32($0, radix: 16) }
            guard let first = ends.first, let last = ends.last else { continue }
            firsts.append(first)
            lasts.append(last)
        }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var (low, high) = (0, firsts.count)
        while low < high {
            let middle = (low + high) / 2
            if firsts[middle] <= scalar.value { low = middle + 1 } else { high = middle }
        }
        return low > 0 && scalar.value <= lasts[low - 1]
    }
}
