// Comparisons and trims on octets that every parser here needs; HTTP's text is octets, never String, until a person reads it.

extension Span<UInt8> {
    /// Whether these octets spell `text`, ASCII letters compared without case; `text` must be lower case.
    @inlinable
    package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for index in 0..<count where Octet.lowercased(self[index]) != expected[index] {
                return false
            }
            return true
        }
    }

    /// Whether these octets and `other` are the same, ASCII letters compared without case.
    package func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where Octet.lowercased(self[index]) != Octet.lowercased(other[index]) {
            return false
        }
        return true
    }

    /// Whether these octets and `other` are the same.
    package func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                var at = 0
                while at + 8 <= left.count {
                    let word = left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    guard word == right.loadUnaligned(fromByteOffset: at, as: UInt64.self) else { return false }
                    at += 8
                }
                while at < left.count {
                    guard left[at] == right[at] else { return false }
                    at += 1
                }
                return true
            }
        }
    }

    /// The range within `range` that is left without SP and HTAB at both ends (OWS, RFC 9110 section 5.6.3).
    @inlinable
    package func trimmingWhitespace(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, Octet.isWhitespace(self[start]) { start += 1 }
        while end > start, Octet.isWhitespace(self[end - 1]) { end -= 1 }
        return start..<end
    }

    /// These octets as an array.
    package var array: [UInt8] {
        withUnsafeBufferPointer { Array($0) }
    }
}

/// Classes of one octet (RFC 9110 section 5.6.2, RFC 5234 appendix B.1).
@usableFromInline
package enum Octet {
    /// An ASCII letter in lower case, any other octet as it is.
    @inlinable
    package static func lowercased(_ octet: UInt8) -> UInt8 {
        octet &- 0x41 < 26 ? octet | 0x20 : octet
    }

    /// SP or HTAB.
    @inlinable
    package static func isWhitespace(_ octet: UInt8) -> Bool {
        octet == 0x20 || octet == 0x09
    }

    /// `0` to `9`.
    @inlinable
    package static func isDigit(_ octet: UInt8) -> Bool {
        octet &- 0x30 < 10
    }

    /// `tchar` of RFC 9110 section 5.6.2: what a method or field name is made of.
    package static func isToken(_ octet: UInt8) -> Bool {
        octet < 128 && (octet < 64 ? tokenLow & (1 << UInt64(octet)) : tokenHigh & (1 << UInt64(octet - 64))) != 0
    }

    /// What a field value may hold: HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
    package static func isFieldValue(_ octet: UInt8) -> Bool {
        octet >= 0x20 && octet != 0x7f || octet == 0x09
    }

    // One bit for each octet: "!#$%&'*+-.^_`|~", digits, letters.
    private static let tokenLow = mask("!#$%&'*+-.0123456789", from: 0)
    private static let tokenHigh = mask("ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~", from: 64)

    private static func mask(_ characters: String, from base: UInt8) -> UInt64 {
        characters.utf8.reduce(0) { $0 | 1 << UInt64($1 - base) }
    }
}
