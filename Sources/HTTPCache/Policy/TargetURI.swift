// The URI of a target resource, and the references to others that its response makes (RFC 3986 section 5).

package import HTTP

/// A target URI in the parts in which requests carry it.
package struct TargetURI: Sendable, Hashable {
    /// `http` or `https`.
    package let scheme: String
    /// Host and optional port.
    package let authority: String
    /// Path and query, octets verbatim.
    package let target: [UInt8]

    package init(scheme: String, authority: String, target: [UInt8]) {
        self.scheme = scheme
        self.authority = authority
        self.target = target
    }

    /// The URI that `request` is for.
    package init(_ request: Request) {
        self.init(scheme: request.scheme, authority: request.authority, target: request.target)
    }

    /// The URI of the same origin that `reference` means, without fragment; nil if it is of another origin, malformed or
    /// has no path.
    ///
    /// Scheme and authority are returned as this URI spells them, so that equal targets give equal keys. The path is
    /// without dot segments (RFC 3986 section 5.2.4).
    package func resolve(_ reference: Span<UInt8>) -> TargetURI? {
        var text = reference.array[...]
        guard text.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x5c }) else { return nil }
        text = text.prefix { $0 != 0x23 }
        if let colon = TargetURI.schemeEnd(text) {
            let other = text[..<colon]
            guard other.span.equalsIgnoringCase(scheme.utf8.span) else { return nil }
            text = text[(colon + 1)...]
            guard text.starts(with: [0x2f, 0x2f]) else { return nil }
        }
        if text.starts(with: [0x2f, 0x2f]) {
            text = text.dropFirst(2)
            let end = text.firstIndex { $0 == 0x2f || $0 == 0x3f } ?? text.endIndex
            guard isSameAuthority(text[..<end]) else { return nil }
            text = text[end...]
            if text.first != 0x2f { text = [0x2f] + text }
        }
        return TargetURI(scheme: scheme, authority: authority, target: merge(text))
    }

    /// RFC 3986 section 5.2.2 for a reference without scheme and authority.
    private func merge(_ reference: ArraySlice<UInt8>) -> [UInt8] {
        let base = target[...]
        let basePath = base.prefix { $0 != 0x3f }
        let path = reference.prefix { $0 != 0x3f }
        let query = reference[path.endIndex...]
        guard let first = path.first else {
            return query.isEmpty ? target : Array(basePath) + query
        }
        if first == 0x2f { return TargetURI.removingDotSegments(path) + query }
        let directory = basePath[...(basePath.lastIndex(of: 0x2f) ?? basePath.startIndex)]
        return TargetURI.removingDotSegments(directory + path) + query
    }

    /// RFC 3986 section 5.2.4 for an absolute path.
    private static func removingDotSegments(_ path: ArraySlice<UInt8>) -> [UInt8] {
        var segments: [ArraySlice<UInt8>] = []
        let all = path.dropFirst().split(separator: 0x2f, omittingEmptySubsequences: false)
        for (index, segment) in all.enumerated() {
            let isLast = index == all.count - 1
            switch segment {
            case [0x2e]: if isLast { segments.append([]) }
            case [0x2e, 0x2e]:
                _ = segments.popLast()
                if isLast { segments.append([]) }
            default: segments.append(segment)
            }
        }
        return [0x2f] + Array(segments.joined(separator: [0x2f]))
    }

    /// Where the colon of a scheme stands (RFC 3986 section 3.1); nil if the reference is relative.
    private static func schemeEnd(_ text: ArraySlice<UInt8>) -> Int? {
        guard let colon = text.firstIndex(where: { $0 == 0x3a || $0 == 0x2f || $0 == 0x3f }), text[colon] == 0x3a else {
            return nil
        }
        return colon
    }

    /// Whether `other` is this authority: letter case and the scheme's own port do not count; user names never match.
    private func isSameAuthority(_ other: ArraySlice<UInt8>) -> Bool {
        let ours = withoutDefaultPort(Array(authority.utf8)[...])
        let theirs = withoutDefaultPort(other)
        return ours.span.equalsIgnoringCase(theirs.span)
    }

    private func withoutDefaultPort(_ authority: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let port = Array((scheme == "https" ? ":443" : ":80").utf8)
        if authority.suffix(port.count).elementsEqual(port) { return authority.dropLast(port.count) }
        return authority.last == 0x3a ? authority.dropLast() : authority
    }
}
