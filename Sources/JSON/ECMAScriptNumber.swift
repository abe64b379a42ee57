// Doubles as ECMAScript writes them (ECMA-262, Number::toString), which RFC 8785 asks for.

/// The form of a number in canonical JSON.
enum ECMAScriptNumber {
    /// The shortest digits that read back as `value`, which must be finite.
    static func text(_ value: Double) -> String {
        if value == 0 { return "0" }
        // Swift's own form has the same digits, for it too is the shortest; only point and exponent stand elsewhere.
        var digits: [UInt8] = []
        var exponent = 0
        var pointAt: Int?
        let description = value.magnitude.description
        let mantissa = description.utf8.prefix { $0 != UInt8(ascii: "e") }
        if mantissa.count < description.utf8.count {
            exponent = Int(String(description.utf8.dropFirst(mantissa.count + 1)) ?? "") ?? 0
        }
        for octet in mantissa {
            if octet == UInt8(ascii: ".") { pointAt = digits.count } else { digits.append(octet) }
        }
        // value = 0.digits · 10^point
        var point = (pointAt ?? digits.count) + exponent
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (value < 0 ? "-" : "") + String(decoding: placed(digits, point: point), as: UTF8.self)
    }

    /// ECMA-262 section 6.1.6.1.20, steps 6 to 12; `point` is its n, the count of digits its k.
    private static func placed(_ digits: [UInt8], point: Int) -> [UInt8] {
        let zero = UInt8(ascii: "0")
        if digits.count <= point, point <= 21 {
            return digits + [UInt8](repeating: zero, count: point - digits.count)
        }
        if 0 < point, point <= 21 { return digits[..<point] + [UInt8(ascii: ".")] + digits[point...] }
        if -6 < point, point <= 0 {
            return [zero, UInt8(ascii: ".")] + [UInt8](repeating: zero, count: -point) + digits
        }
        let exponent = point - 1
        let fraction = digits.count > 1 ? [UInt8(ascii: ".")] + digits[1...] : []
        return digits[..<1] + fraction + Array("e\(exponent < 0 ? "-" : "+")\(abs(exponent))".utf8)
    }
}
