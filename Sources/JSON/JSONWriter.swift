// Writes JSON texts: the shortest one of a value, and the canonical one (RFC 8785).

/// Octets of a JSON text in the making.
package struct JSONWriter {
    package private(set) var octets: [UInt8] = []
    private let isCanonical: Bool

    package init(isCanonical: Bool) {
        self.isCanonical = isCanonical
    }

    package mutating func append(_ value: JSONValue) {
        switch value {
        case .null: octets.append(contentsOf: "null".utf8)
        case .bool(let value): octets.append(contentsOf: value ? "true".utf8 : "false".utf8)
        case .number(let number): octets.append(contentsOf: isCanonical ? number.canonical.utf8 : number.literal.utf8)
        case .string(let text): append(text)
        case .array(let elements): append(elements)
        case .object(let object): append(object)
        }
    }

    /// Begins an object, whose members are then added one by one: an object with all of them need not be made first.
    package mutating func beginObject() { octets.append(UInt8(ascii: "{")) }

    /// Adds a member to the object that was begun last.
    ///
    /// That has none of this name yet, and the name nothing that must be escaped. The order is the caller's, canonical or not.
    package mutating func append(_ name: StaticString, _ value: JSONValue) {
        append(name)
        append(value)
    }

    /// Adds a member whose value is the string with this UTF-8; what is none is replaced by U+FFFD.
    package mutating func append(_ name: StaticString, utf8 text: [UInt8]) {
        append(name)
        // Without a way out of the loop, so that many are looked at together.
        var oddities: UInt8 = 0
        for octet in text {
            oddities |= octet < 0x20 ? 1 : 0
            oddities |= octet > 0x7e ? 1 : 0
            oddities |= octet == UInt8(ascii: "\"") ? 1 : 0
            oddities |= octet == UInt8(ascii: "\\") ? 1 : 0
        }
        guard oddities == 0 else { return append(String(decoding: text, as: UTF8.self)) }
        octets.append(UInt8(ascii: "\""))
        octets.append(contentsOf: text)
        octets.append(UInt8(ascii: "\""))
    }

    /// Ends the object that was begun last.
    package mutating func endObject() { octets.append(UInt8(ascii: "}")) }

    /// Adds what stands between values as it is.
    package mutating func append(unquoted text: String) { octets.append(contentsOf: text.utf8) }

    private mutating func append(_ name: StaticString) {
        // No value ends like that.
        if octets.last != UInt8(ascii: "{") { octets.append(UInt8(ascii: ",")) }
        octets.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { octets.append(contentsOf: $0) }
        octets.append(UInt8(ascii: "\""))
        octets.append(UInt8(ascii: ":"))
    }

    private mutating func append(_ elements: [JSONValue]) {
        octets.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { octets.append(UInt8(ascii: ",")) }
            isFirst = false
            append(element)
        }
        octets.append(UInt8(ascii: "]"))
    }

    private mutating func append(_ object: JSONObject) {
        octets.append(UInt8(ascii: "{"))
        // RFC 8785 section 3.2.3.
        let members = isCanonical ? object.members.sorted { $0.name.precedesInUTF16($1.name) } : object.members
        var isFirst = true
        for member in members {
            if !isFirst { octets.append(UInt8(ascii: ",")) }
            isFirst = false
            append(member.name)
            octets.append(UInt8(ascii: ":"))
            append(member.value)
        }
        octets.append(UInt8(ascii: "}"))
    }

    /// RFC 8785 section 3.2.2.2: only what must be escaped is, by the short form where there is one.
    private mutating func append(_ text: String) {
        octets.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { source in
            var start = 0
            for index in 0..<source.count {
                let octet = source[index]
                guard octet < 0x20 || octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") else { continue }
                octets.append(contentsOf: source[start..<index])
                appendEscape(octet)
                start = index + 1
            }
            octets.append(contentsOf: source[start...])
        }
        octets.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ octet: UInt8) {
        octets.append(UInt8(ascii: "\\"))
        switch octet {
        case 0x08: octets.append(UInt8(ascii: "b"))
        case 0x09: octets.append(UInt8(ascii: "t"))
        case 0x0a: octets.append(UInt8(ascii: "n"))
        case 0x0c: octets.append(UInt8(ascii: "f"))
        case 0x0d: octets.append(UInt8(ascii: "r"))
        case 0x00..<0x20:
            octets.append(contentsOf: "u00".utf8)
            octets.append(octet < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let low = octet & 0x0f
            octets.append(low < 10 ? 0x30 + low : 0x57 + low)
        default: octets.append(octet)
        }
    }
}

extension String {
    /// Whether it comes before `other` by UTF-16 code units, read off the UTF-8.
    ///
    /// Both forms sort alike but for U+E000 to U+FFFF, which in UTF-16 come after the surrogates of what lies beyond.
    func precedesInUTF16(_ other: String) -> Bool {
        var (mine, others) = (utf8.makeIterator(), other.utf8.makeIterator())
        while let octet = mine.next() {
            guard let otherOctet = others.next() else { return false }
            if octet != otherOctet { return Self.utf16Rank(octet) < Self.utf16Rank(otherOctet) }
        }
        return others.next() != nil
    }

    /// The leading octets EE and EF go behind F0 to F4.
    private static func utf16Rank(_ octet: UInt8) -> UInt8 {
        octet == 0xee || octet == 0xef ? octet + 0x10 : octet
    }
}
