// Random numbers that are the same from the same seed on every machine, and the distributions that media follow.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return mixed(state)
    }

    /// A number in 0 ..< 1.
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// An exponentially distributed number.
    mutating func exponential(mean: Double) -> Double {
        -mean * log(1 - unit())
    }

    /// A log-normally distributed number.
    mutating func logNormal(median: Double, sigma: Double) -> Double {
        let normal = (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit())
        return median * exp(sigma * normal)
    }
}

/// A number that looks random and is always the same for `value`.
func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}

/// Ranks from 0 on, the rank r with a probability in proportion to 1 / (r + 1)^alpha.
struct Zipf {
    private let cumulative: [Double]

    init(count: Int, alpha: Double) {
        var sum = 0.0
        cumulative = (0..<count).map { rank in
            sum += pow(Double(rank + 1), -alpha)
            return sum
        }
    }

    func rank(_ generator: inout Seeded) -> Int {
        let point = generator.unit() * (cumulative.last ?? 0)
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] <= point { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
