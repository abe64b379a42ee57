// The Accept-Language field: which language a client wants above all others (RFC 9110 section 12.5.4).

/// The language ranges of all lines of Accept-Language, with their weights.
package struct AcceptLanguage: Sendable, Equatable {
    package let ranges: [LanguageRange]

    /// Reads the field; nil if there is no line, no member, or any member is malformed.
    package init?(_ lines: [ArraySlice<UInt8>]) {
        var ranges: [LanguageRange] = []
        for line in lines {
            for member in FieldNameList.members(of: line.span) {
                guard let range = LanguageRange(member) else { return nil }
                ranges.append(range)
            }
        }
        guard !ranges.isEmpty else { return nil }
        self.ranges = ranges
    }

    /// Whether `tag` itself is named, with a weight above that of every other range: whatever an origin has besides,
    /// nothing suits this client better.
    ///
    /// A longer or shorter tag is another one here: who says `de` may be given `de-AT`, but then the origin may have a
    /// plain `de` too. Letter case does not count.
    package func prefers(_ tag: Span<UInt8>) -> Bool {
        var own = 0
        var others = 0
        for range in ranges {
            if tag.equalsIgnoringCase(range.tag.span) {
                own = own == 0 ? range.weight : min(own, range.weight)
            } else {
                others = max(others, range.weight)
            }
        }
        return own > others
    }
}

/// One member of Accept-Language.
package struct LanguageRange: Sendable, Equatable {
    /// The range in lower case: a tag, the beginning of one, or `*`.
    package let tag: [UInt8]
    /// Thousandths: 0 to 1000.
    package let weight: Int

    /// Reads a member; nil if it is malformed.
    package init?(_ member: [UInt8]) {
        let text = member.map(Octet.lowercased)
        let parts = text.split(separator: 0x3b, omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        tag = LanguageRange.trimmed(first)
        guard !tag.isEmpty, tag.allSatisfy(LanguageRange.isTagOctet) else { return nil }
        guard parts.count == 2 else {
            weight = 1000
            return
        }
        // RFC 9110 section 12.4.2: no whitespace round "=", but people write it.
        let pair = parts[1].split(separator: 0x3d, omittingEmptySubsequences: false).map(LanguageRange.trimmed)
        guard pair.count == 2, pair[0] == [0x71], let value = LanguageRange.weight(pair[1]) else { return nil }
        weight = value
    }

    /// The member in its shortest form, with no weight if it is 1.
    package var normal: [UInt8] {
        guard weight < 1000 else { return tag }
        var output = tag + Array(";q=0".utf8)
        guard weight > 0 else { return output }
        output.append(0x2e)
        var rest = weight
        while rest > 0 {
            output.append(0x30 + UInt8(rest / 100))
            rest = rest % 100 * 10
        }
        return output
    }

    private static func isTagOctet(_ octet: UInt8) -> Bool {
        Octet.isDigit(octet) || octet &- 0x61 < 26 || octet == 0x2d || octet == 0x2a
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
        let octets = Array(text)
        return Array(octets[octets.span.trimmingWhitespace(0..<octets.count)])
    }

    /// `qvalue` in thousandths: 0 or 1 with at most three decimals, at most 1.
    private static func weight(_ text: [UInt8]) -> Int? {
        guard let first = text.first, first == 0x30 || first == 0x31, text.count <= 5 else { return nil }
        guard text.count == 1 || text[1] == 0x2e, text.dropFirst(2).allSatisfy(Octet.isDigit) else { return nil }
        var thousandths = Int(first - 0x30) * 1000
        for (place, octet) in zip([100, 10, 1], text.dropFirst(2)) { thousandths += Int(octet - 0x30) * place }
        return thousandths <= 1000 ? thousandths : nil
    }
}
