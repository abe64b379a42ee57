// The octets that have a meaning in a URL, by name (RFC 3986).

import HTTP

/// The octets that have a meaning in a URL.
enum Ascii {
    static let hash: UInt8 = 0x23
    static let percent: UInt8 = 0x25
    static let ampersand: UInt8 = 0x26
    static let hyphen: UInt8 = 0x2d
    static let dot: UInt8 = 0x2e
    static let slash: UInt8 = 0x2f
    static let colon: UInt8 = 0x3a
    static let question: UInt8 = 0x3f
    static let at: UInt8 = 0x40
    static let openBracket: UInt8 = 0x5b
    static let closeBracket: UInt8 = 0x5d
    static let underscore: UInt8 = 0x5f

    static func isLetter(_ octet: UInt8) -> Bool { (octet | 0x20) &- 0x61 < 26 }

    /// 0 to 15, or nil if it is no hexadecimal digit.
    static func hexValue(_ octet: UInt8) -> UInt8? {
        if Octet.isDigit(octet) { return octet - 0x30 }
        let letter = (octet | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// `%` and two upper-case hexadecimal digits.
    static func percentEncoded(_ octet: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [percent, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
    }

    /// Whether an octet may stand in a request target as it is: visible ASCII.
    static func isVisible(_ octet: UInt8) -> Bool { octet > 0x20 && octet < 0x7f }
}
