// A place at an origin, and where a Location field seen there leads (RFC 3986 section 5.2).

import HTTP

/// Scheme, authority and target of a request that could be sent.
package struct OriginReference: Sendable, Equatable {
    /// `http` or `https`.
    package var scheme: String
    /// Host in lower case, and port if it is not the scheme's default.
    package var authority: String
    /// Path and query, beginning with `/`.
    package var target: [UInt8]

    package init(scheme: String, authority: String, target: [UInt8]) {
        self.scheme = scheme
        self.authority = authority
        self.target = target
    }

    /// Where the reference `location` leads from here, or nil if to no place that can be asked by HTTP.
    ///
    /// Absolute or relative (RFC 3986 section 5.2.2), dot segments removed, fragment dropped. Octets that no URL may
    /// hold are percent-encoded, as browsers do, since origins send them. Nil for another scheme, a malformed
    /// authority, or credentials, which are not to be taken from a stranger (RFC 9110 section 4.2.4).
    package func resolving(_ location: Span<UInt8>) -> OriginReference? {
        var reference: [UInt8] = []
        for index in location.trimmingWhitespace(0..<location.count) {
            let octet = location[index]
            if octet == Ascii.hash { break }
            if Ascii.isVisible(octet) { reference.append(octet) } else { reference += Ascii.percentEncoded(octet) }
        }
        guard reference.count <= OriginMap.octetsMax else { return nil }

        var result = self
        var rest = reference[...]
        if let colon = Self.schemeEnd(of: rest) {
            result.scheme = String(decoding: rest[..<colon].map(Octet.lowercased), as: UTF8.self)
            guard result.scheme == "http" || result.scheme == "https" else { return nil }
            rest = rest[(colon + 1)...]
            guard rest.starts(with: [Ascii.slash, Ascii.slash]) else { return nil }
        }
        if rest.starts(with: [Ascii.slash, Ascii.slash]) {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex { $0 == Ascii.slash || $0 == Ascii.question } ?? rest.endIndex
            guard !rest[..<end].contains(Ascii.at) else { return nil }
            // `try?`: whatever is wrong with the authority, it leads nowhere.
            guard let authority = try? OriginAuthority(rest[..<end], scheme: result.scheme) else { return nil }
            result.authority = authority.hostAndPort
            result.target = Self.target(path: rest[end...])
        } else {
            result.target = target(relative: rest)
        }
        return result
    }

    /// A reference without scheme and authority, merged with this target.
    private func target(relative reference: ArraySlice<UInt8>) -> [UInt8] {
        guard let first = reference.first else { return target }
        if first == Ascii.slash { return Self.target(path: reference) }
        let path = target.prefix { $0 != Ascii.question }
        if first == Ascii.question { return Array(path + reference) }
        let directory = path[..<((path.lastIndex(of: Ascii.slash) ?? -1) + 1)]
        return Self.target(path: (directory + reference)[...])
    }

    /// Path and query with the path's dot segments removed; an empty path becomes `/`.
    private static func target(path text: ArraySlice<UInt8>) -> [UInt8] {
        let end = text.firstIndex(of: Ascii.question) ?? text.endIndex
        return removingDotSegments(text[..<end]) + text[end...]
    }

    /// Removes `.` and `..` (RFC 3986 section 5.2.4, said by segments); the result begins with `/`.
    private static func removingDotSegments(_ path: ArraySlice<UInt8>) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        var endsInDirectory = false
        let inner = path.first == Ascii.slash ? path.dropFirst() : path
        for segment in inner.split(separator: Ascii.slash, omittingEmptySubsequences: false) {
            endsInDirectory = false
            switch Array(segment) {
            case [Ascii.dot]: endsInDirectory = true
            case [Ascii.dot, Ascii.dot]:
                _ = kept.popLast()
                endsInDirectory = true
            default: kept.append(segment)
            }
        }
        if endsInDirectory { kept.append([]) }
        return [Ascii.slash] + kept.joined(separator: [Ascii.slash])
    }

    /// Where the colon of a leading scheme stands (RFC 3986 section 3.1).
    private static func schemeEnd(of text: ArraySlice<UInt8>) -> Int? {
        guard let first = text.first, Ascii.isLetter(first) else { return nil }
        let end = text.firstIndex { octet in
            !(Ascii.isLetter(octet) || Octet.isDigit(octet) || [0x2b, 0x2d, 0x2e].contains(octet))
        }
        guard let end, text[end] == Ascii.colon else { return nil }
        return end
    }
}
