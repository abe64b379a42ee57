// Octets as text in the URL-safe alphabet (RFC 4648 section 5), one spelling only.

/// Base64url without padding.
package enum Base64URL {
    /// The text of these octets.
    package static func encode(_ octets: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        append(octets, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The octets of this text; nil unless it is the one text that ``encode(_:)`` gives for them: padding, other
    /// characters, a length of 4n + 1 and bits that are not used but set are refused (RFC 4648 sections 3.2 to 3.5).
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        if let octets = text.withContiguousStorageIfAvailable({ decode($0) }) { return octets }
        return Array(text).withUnsafeBufferPointer { decode($0) }
    }

    /// Adds the text of `octets` to `text`.
    static func append(_ octets: some Sequence<UInt8>, to text: inout [UInt8]) {
        let piece = octets.withContiguousStorageIfAvailable { encoded($0) }
        text += piece ?? Array(octets).withUnsafeBufferPointer { encoded($0) }
    }

    private static func encoded(_ octets: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let length = (octets.count * 4 + 2) / 3
        return [UInt8](unsafeUninitializedCapacity: length) { text, count in
            letters.withUnsafeBufferPointer { letters in
                // Six bits a letter, from the top; what is missing at the end counts as zeros.
                var (bits, bitCount, index) = (UInt32(0), UInt32(0), 0)
                for octet in octets {
                    bits = bits << 8 | UInt32(octet)
                    bitCount += 8
                    while bitCount >= 6 {
                        bitCount -= 6
                        text[index] = letters[Int(bits >> bitCount & 0x3f)]
                        index += 1
                    }
                }
                if bitCount > 0 { text[index] = letters[Int(bits << (6 - bitCount) & 0x3f)] }
            }
            count = length
        }
    }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        let length = text.count * 3 / 4
        // Above 63 if one letter was none; the bits that are left over must be zeros.
        var (seen, rest) = (UInt8(0), UInt32(0))
        let octets = [UInt8](unsafeUninitializedCapacity: length) { octets, count in
            values.withUnsafeBufferPointer { values in
                var (bits, bitCount, index) = (UInt32(0), UInt32(0), 0)
                for letter in text {
                    let value = values[Int(letter)]
                    seen |= value
                    bits = bits << 6 | UInt32(value & 0x3f)
                    bitCount += 6
                    guard bitCount >= 8 else { continue }
                    bitCount -= 8
                    octets[index] = UInt8(truncatingIfNeeded: bits >> bitCount)
                    index += 1
                }
                rest = bits & (1 << bitCount - 1)
            }
            count = length
        }
        return seen < 64 && rest == 0 ? octets : nil
    }

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The value of each octet as a letter; 255 for what is not in the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()
}
