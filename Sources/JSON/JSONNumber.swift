// A number of a JSON text: its digits, its exact value, its nearest double.

/// A number in the digits in which it was written (RFC 8259 section 6).
///
/// Two are equal if their exact values are: 1, 1.0 and 10e-1 are.
package struct JSONNumber: Sendable {
    /// The literal, as valid JSON.
    package let literal: String

    package init(_ value: Int64) {
        literal = String(value)
    }

    package init(_ value: UInt64) {
        literal = String(value)
    }

    /// The shortest literal that reads back as `value`; nil for what JSON cannot write: infinities and NaN.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        literal = ECMAScriptNumber.text(value)
    }

    /// A literal that the parser has found to be valid.
    init(valid literal: String) {
        self.literal = literal
    }

    /// The value, if it is a whole number that fits, however it is written.
    package var int64: Int64? { Int64(literal) ?? exact.whole() }

    /// The value, if it is a whole number that fits, however it is written.
    package var uint64: UInt64? { UInt64(literal) ?? exact.whole() }

    /// The nearest double; always finite for a number that was parsed.
    package var double: Double { Double(literal) ?? .nan }

    /// As RFC 8785 section 3.2.2.3 writes it.
    var canonical: String {
        // Up to 15 digits a double holds exactly, and they are written as they stand.
        if literal.utf8.count <= 15, literal != "-0", Int64(literal) != nil { return literal }
        return ECMAScriptNumber.text(double)
    }

    /// The exact value.
    private var exact: ExactDecimal { ExactDecimal(literal.utf8) }
}

extension JSONNumber: Equatable {
    package static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.literal == right.literal || left.exact == right.exact
    }
}

extension JSONNumber: Hashable {
    package func hash(into hasher: inout Hasher) { hasher.combine(exact) }
}

/// digits · 10^exponent, the digits without zeros at either end; zero has none.
private struct ExactDecimal: Hashable {
    private var isNegative = false
    private var digits: [UInt8] = []
    private var exponent = 0

    /// Of a valid literal.
    init(_ literal: String.UTF8View) {
        var fractionDigits = 0
        var isFraction = false
        var written = 0
        var exponentIsNegative = false
        var isExponent = false
        for octet in literal {
            switch octet {
            case UInt8(ascii: "-"): if isExponent { exponentIsNegative = true } else { isNegative = true }
            case UInt8(ascii: "+"): break
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
            case _ where isExponent:
                // Beyond any text's length it makes no difference how far.
                written = min(written * 10 + Int(octet - 0x30), 1 << 48)
            default:
                if isFraction { fractionDigits += 1 }
                if !digits.isEmpty || octet != UInt8(ascii: "0") { digits.append(octet) }
            }
        }
        exponent = (exponentIsNegative ? -written : written) - fractionDigits
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        if digits.isEmpty { (isNegative, exponent) = (false, 0) }
    }

    /// The value as an integer, if it is one and fits.
    func whole<Integer: FixedWidthInteger>() -> Integer? {
        // No integer of 64 bits has more than 20 digits.
        guard exponent >= 0, exponent <= 20, digits.count <= 20 else { return nil }
        let text = String(decoding: digits.isEmpty ? [UInt8(ascii: "0")] : digits, as: UTF8.self)
        return Integer((isNegative ? "-" : "") + text + String(repeating: "0", count: exponent))
    }
}
