// Strings of a JSON text: their escapes, and that they are UTF-8 (RFC 8259 sections 7 and 8).

extension JSONParser {
    /// The string that begins at ``position``, which is at its quotation mark.
    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < octets.count {
            switch octets[position] {
            case UInt8(ascii: "\""):
                position += 1
                return try text(octets[start..<position - 1], from: start)
            case UInt8(ascii: "\\"):
                return try escapedString(from: start)
            case 0x00..<0x20:
                throw unexpected("allowed in a string without an escape")
            default:
                position += 1
            }
        }
        throw unexpected("the string's end")
    }

    /// The rest of a string in which the first escape was met.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(octets[start..<position])
        while position < octets.count {
            let octet = octets[position]
            switch octet {
            case UInt8(ascii: "\""):
                position += 1
                return try text(unescaped[...], from: start)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &unescaped)
            case 0x00..<0x20:
                throw unexpected("allowed in a string without an escape")
            default:
                unescaped.append(octet)
                position += 1
            }
        }
        throw unexpected("the string's end")
    }

    /// What stands behind a reverse solidus.
    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
        guard position < octets.count else { throw unexpected("an escape") }
        switch octets[position] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(octets[position])
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0c)
        case UInt8(ascii: "n"): unescaped.append(0x0a)
        case UInt8(ascii: "r"): unescaped.append(0x0d)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            unescaped.append(contentsOf: UTF8.encode(try escapedScalar()) ?? UTF8.encodedReplacementCharacter)
            return
        default: throw unexpected("an escape")
        }
        position += 1
    }

    /// A code point written as `XXXX`, or as a surrogate pair `XXXX\uXXXX`.
    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let first = try hexadecimalUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // RFC 8259 section 7: beyond the basic plane, the high surrogate and then the low one. Section 8.2 leaves open
        // what half a pair means; here it is refused.
        if first < 0xdc00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try hexadecimalUnit()
            let value = 0x10000 + UInt32(first - 0xd800) << 10
            if 0xdc00...0xdfff ~= second, let scalar = Unicode.Scalar(value + UInt32(second - 0xdc00)) { return scalar }
        }
        throw JSONError(.loneSurrogate, at: start, "half of a surrogate pair")
    }

    private mutating func hexadecimalUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < octets.count else { throw unexpected("a hexadecimal digit") }
            let octet = octets[position]
            switch octet {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(octet - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                unit = unit << 4 | UInt16((octet | 0x20) - 0x57)
            default: throw unexpected("a hexadecimal digit")
            }
            position += 1
        }
        return unit
    }

    private func text(_ octets: ArraySlice<UInt8>, from start: Int) throws(JSONError) -> String {
        guard let text = String(validating: octets, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, at: start, "a string that is not UTF-8")
        }
        return text
    }
}
