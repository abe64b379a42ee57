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
        let isDone: Void? = octets.withContiguousStorageIfAvailable { append($0, to: &text) }
        if isDone == nil { Array(octets).withUnsafeBufferPointer { append($0, to: &text) } }
    }

    private static func append(_ octets: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + (octets.count * 4 + 2) / 3)
        var index = 0
        while index + 3 <= octets.count {
            let bits = UInt32(octets[index]) << 16 | UInt32(octets[index + 1]) << 8 | UInt32(octets[index + 2])
            text.append(letter(bits >> 18))
            text.append(letter(bits >> 12))
            text.append(letter(bits >> 6))
            text.append(letter(bits))
            index += 3
        }
        switch octets.count - index {
        case 1:
            let bits = UInt32(octets[index]) << 4
            text.append(letter(bits >> 6))
            text.append(letter(bits))
        case 2:
            let bits = UInt32(octets[index]) << 10 | UInt32(octets[index + 1]) << 2
            text.append(letter(bits >> 12))
            text.append(letter(bits >> 6))
            text.append(letter(bits))
        default: break
        }
    }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        // A value above 63 says that one letter was none.
        var seen: UInt8 = 0
        let whole = text.count & ~3
        var index = 0
        while index < whole {
            bits = 0
            for offset in 0..<4 {
                let value = value(text[index + offset])
                seen |= value
                bits = bits << 6 | UInt32(value & 0x3f)
            }
            octets.append(UInt8(truncatingIfNeeded: bits >> 16))
            octets.append(UInt8(truncatingIfNeeded: bits >> 8))
            octets.append(UInt8(truncatingIfNeeded: bits))
            index += 4
        }
        bits = 0
        for letter in text[whole...] {
            let value = value(letter)
            seen |= value
            bits = bits << 6 | UInt32(value & 0x3f)
        }
        switch text.count - whole {
        case 2:
            octets.append(UInt8(truncatingIfNeeded: bits >> 4))
            guard bits & 0x0f == 0 else { return nil }
        case 3:
            octets.append(UInt8(truncatingIfNeeded: bits >> 10))
            octets.append(UInt8(truncatingIfNeeded: bits >> 2))
            guard bits & 0x03 == 0 else { return nil }
        default: break
        }
        return seen < 64 ? octets : nil
    }

    private static func letter(_ bits: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 0x3f)
        return switch value {
        case 0..<26: 0x41 + value
        case 26..<52: 0x47 + value
        case 52..<62: value - 4
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    /// 0 to 63, or 64 and more for what is not in the alphabet.
    private static func value(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - 0x41
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - 0x47
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter + 4
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: 0xff
        }
    }
}
