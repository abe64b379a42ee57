// Reads a number and its unit strictly, without floating point and without a trap on any input.

/// A reader over the octets of a text like `1.5GiB` or `1h30m`.
struct QuantityReader {
    private var rest: ArraySlice<UInt8>

    /// A decimal fraction as it was written: `digits` / 10 ^ `fractionDigits`.
    struct Decimal: Equatable {
        var digits: Int64 = 0
        var fractionDigits = 0

        /// The product rounded down, or nil if it does not fit.
        func multiplied(by factor: Int64) -> Int64? {
            var divisor: Int64 = 1
            for _ in 0..<fractionDigits { divisor *= 10 }
            let product = digits.multipliedFullWidth(by: factor)
            // `dividingFullWidth` traps where the quotient does not fit: that is where the high half reaches the divisor.
            let (high, low) = (UInt64(bitPattern: product.high), product.low)
            guard high < UInt64(divisor) else { return nil }
            return Int64(exactly: UInt64(divisor).dividingFullWidth((high, low)).quotient)
        }
    }

    init(_ text: String) {
        rest = Array(text.utf8)[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// Digits, perhaps a point and more digits (9 at most behind it), or nil if no digit stands here.
    mutating func decimal(orElse expected: String) throws(InvalidValue) -> Decimal? {
        var result = Decimal()
        guard try digits(into: &result.digits, expected) > 0 else { return nil }
        guard rest.first == 0x2e else { return result }
        rest = rest.dropFirst()
        let count = try digits(into: &result.digits, expected)
        guard (1...9).contains(count) else { throw InvalidValue(expected) }
        result.fractionDigits = count
        return result
    }

    /// The ASCII letters that stand here.
    mutating func unit() -> String {
        let letters = rest.prefix { ($0 | 0x20) &- 0x61 < 26 }
        rest = rest.dropFirst(letters.count)
        return String(decoding: letters, as: UTF8.self)
    }

    private mutating func digits(into value: inout Int64, _ expected: String) throws(InvalidValue) -> Int {
        var count = 0
        while let digit = rest.first, digit &- 0x30 < 10 {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int64(digit - 0x30))
            guard !overflow, !carry else { throw InvalidValue("too large; \(expected)") }
            value = sum
            count += 1
            rest = rest.dropFirst()
        }
        return count
    }
}
