// Numbers as text in the alphabet of Bitcoin: ids, protocol ids and places on the ring.

/// Base 58 of octets read as one big-endian number: leading zeros vanish, and zero is `1`.
package enum Base58 {
    private static let letters = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()
    /// No number of these networks has more than 512 bits.
    private static let lettersMax = 88

    /// The text of the number that `octets` are.
    package static func encode(_ octets: some Sequence<UInt8>) -> [UInt8] {
        // Digits of base 58^5, the lowest first.
        let base: UInt64 = 656_356_768
        var digits: [UInt64] = []
        for octet in octets {
            var carry = UInt64(octet)
            for index in digits.indices {
                let sum = digits[index] << 8 | carry
                (carry, digits[index]) = sum.quotientAndRemainder(dividingBy: base)
            }
            if carry > 0 { digits.append(carry) }
        }
        var text: [UInt8] = []
        for digit in digits {
            var rest = digit
            for _ in 0..<5 {
                text.append(letters[Int(rest % 58)])
                rest /= 58
            }
        }
        while text.last == letters[0] { text.removeLast() }
        return text.isEmpty ? [letters[0]] : text.reversed()
    }

    /// The number of at most `byteCount` octets whose text this is, big-endian, filled up with zeros; nil if it is none.
    package static func decode(_ text: some Sequence<UInt8>, byteCount: Int) -> [UInt8]? {
        // Words of 64 bits, the lowest first, and one of up to ten letters that is to be added.
        var words: [UInt64] = []
        var (length, group, scale) = (0, UInt64(0), UInt64(1))
        func take() {
            var carry = group
            for index in words.indices {
                let (high, low) = words[index].multipliedFullWidth(by: scale)
                let (sum, isOver) = low.addingReportingOverflow(carry)
                words[index] = sum
                carry = high + (isOver ? 1 : 0)
            }
            if carry > 0 { words.append(carry) }
            (group, scale) = (0, 1)
        }
        for letter in text {
            length += 1
            let value = values[Int(letter)]
            guard value != 0xff, length <= lettersMax else { return nil }
            (group, scale) = (group * 58 + UInt64(value), scale * 58)
            if length % 10 == 0 { take() }
        }
        take()
        guard length > 0 else { return nil }
        var octets = [UInt8](repeating: 0, count: byteCount)
        for (index, word) in words.enumerated() {
            for octet in 0..<8 {
                let value = UInt8(truncatingIfNeeded: word >> UInt64(8 * octet))
                let place = byteCount - 1 - 8 * index - octet
                if place >= 0 { octets[place] = value } else if value != 0 { return nil }
            }
        }
        return octets
    }

    /// Whether the number with the text `a` is less than that with the text `b`; both are taken for base 58.
    package static func isLess(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        // The letters stand in the order of their values, in ASCII too.
        let (a, b) = (a.drop { $0 == letters[0] }, b.drop { $0 == letters[0] })
        return a.count == b.count ? a.lexicographicallyPrecedes(b) : a.count < b.count
    }
}
