// The selecting values of a request in normal form: the part of a cache key that Vary adds (RFC 9111 section 4.1).

/// What a request says in the fields that Vary names; requests with equal keys select the same stored response.
///
/// An absent field equals only an absent one. Repeated lines are one comma list, and whitespace around commas does not
/// count, but quoted strings are kept as they are. Accept-Language is also compared without regard to order, letter case,
/// whitespace round `;` and `=`, and how a weight is written. Fields that are no lists (Cookie, User-Agent and such) are compared octet for octet.
package struct VaryKey: Hashable, Sendable {
    /// For each name in turn: the count of octets (4 octets, most significant first; all ones: absent) and the value.
    package let bytes: [UInt8]

    /// The key whose octets were kept.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The key of `request` for the names that ``Vary/names(_:)`` has.
    package static func make(names: [[UInt8]], request: Fields) -> VaryKey {
        make(names: names, lines: request.lines, in: request.bytes.span)
    }

    /// The key of a request read in place.
    package static func make(names: [[UInt8]], head: borrowing RequestHead, in buffer: Span<UInt8>) -> VaryKey {
        make(names: names, lines: head.lines, in: buffer)
    }

    /// Whether the request has this key; allocates only for values that are not in normal form or are repeated.
    package func matches(names: [[UInt8]], head: borrowing RequestHead, in buffer: Span<UInt8>) -> Bool {
        let lines = head.lines
        var position = 0
        for name in names {
            guard let stored = value(at: &position) else { return false }
            let count = VaryKey.lineCount(name, lines, in: buffer)
            if count == 0 || stored.isAbsent {
                guard count == 0, stored.isAbsent else { return false }
                continue
            }
            if count == 1, VaryKey.firstLine(name, lines, in: buffer, equals: bytes.span.extracting(stored.range)) {
                continue
            }
            let normal = VaryKey.normalValue(name, lines, in: buffer)
            guard normal.span.equals(bytes.span.extracting(stored.range)) else { return false }
        }
        return position == bytes.count
    }

    // MARK: Writing and reading the octets

    private static func make(names: [[UInt8]], lines: [Fields.Line], in buffer: Span<UInt8>) -> VaryKey {
        var bytes: [UInt8] = []
        for name in names {
            guard lineCount(name, lines, in: buffer) > 0 else {
                bytes.append(contentsOf: [0xff, 0xff, 0xff, 0xff])
                continue
            }
            let value = normalValue(name, lines, in: buffer)
            let count = UInt32(truncatingIfNeeded: value.count)
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
            bytes.append(contentsOf: value)
        }
        return VaryKey(bytes: bytes)
    }

    /// The value that begins at `position`, which moves behind it; nil if there is none.
    private func value(at position: inout Int) -> (isAbsent: Bool, range: Range<Int>)? {
        guard position + 4 <= bytes.count else { return nil }
        let count = bytes[position..<position + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        position += 4
        if count == .max { return (true, position..<position) }
        guard Int(count) <= bytes.count - position else { return nil }
        defer { position += Int(count) }
        return (false, position..<position + Int(count))
    }

    // MARK: Normal form

    private static func isLine(_ line: Fields.Line, of name: [UInt8], in buffer: Span<UInt8>) -> Bool {
        Int(line.nameCount) == name.count && buffer.extracting(line.name).equalsIgnoringCase(name.span)
    }

    private static func lineCount(_ name: [UInt8], _ lines: [Fields.Line], in buffer: Span<UInt8>) -> Int {
        var count = 0
        for line in lines where isLine(line, of: name, in: buffer) { count += 1 }
        return count
    }

    private static func firstLine(
        _ name: [UInt8],
        _ lines: [Fields.Line],
        in buffer: Span<UInt8>,
        equals value: Span<UInt8>
    ) -> Bool {
        for line in lines where isLine(line, of: name, in: buffer) {
            return buffer.extracting(line.value).equals(value)
        }
        return false
    }

    /// The lines' values in normal form; what is in normal form already is not changed.
    private static func normalValue(_ name: [UInt8], _ lines: [Fields.Line], in buffer: Span<UInt8>) -> [UInt8] {
        let known = KnownField(name: name.span)
        let isList = !isSingleValued(name, known)
        var output: [UInt8] = []
        var isFirst = true
        for line in lines where isLine(line, of: name, in: buffer) {
            if !isFirst { output.append(0x2c) }
            isFirst = false
            if isList {
                appendList(buffer.extracting(line.value), to: &output)
            } else {
                output.append(contentsOf: buffer.extracting(line.value).array)
            }
        }
        return known == .acceptLanguage ? normalLanguages(output) : output
    }

    /// The value without whitespace around commas and at its ends.
    private static func appendList(_ value: Span<UInt8>, to output: inout [UInt8]) {
        var start = 0
        var isFirst = true
        while start <= value.count {
            var end = start
            var isQuoted = false
            while end < value.count, isQuoted || value[end] != 0x2c {
                if isQuoted, value[end] == 0x5c { end += 1 } else if value[end] == 0x22 { isQuoted.toggle() }
                end += 1
            }
            end = min(end, value.count)
            if !isFirst { output.append(0x2c) }
            isFirst = false
            for index in value.trimmingWhitespace(start..<end) { output.append(value[index]) }
            start = end + 1
        }
    }

    /// Language ranges in their shortest form, sorted (RFC 9110 section 12.5.4 gives order no meaning).
    ///
    /// Empty members are dropped, malformed ones stay as they are.
    private static func normalLanguages(_ value: [UInt8]) -> [UInt8] {
        let members = value.split(separator: 0x2c).map { LanguageRange(Array($0))?.normal ?? Array($0) }
        return Array(members.sorted { $0.lexicographicallyPrecedes($1) }.joined(separator: [0x2c]))
    }

    /// Fields whose commas separate nothing, or whose octets stand for a person.
    private static func isSingleValued(_ name: [UInt8], _ known: KnownField) -> Bool {
        switch known {
        case .cookie, .authorization, .host, .ifRange, .range, .proxyAuthorization: true
        case .other:
            name.span.equalsIgnoringCase("user-agent") || name.span.equalsIgnoringCase("referer")
                || name.span.equalsIgnoringCase("origin") || name.span.equalsIgnoringCase("from")
        default: false
        }
    }
}
