// Where a request for a path of ours goes at the origin: the URL given on the command line as a pure mapping.

import HTTP

/// The origin's side of `cdn URL`.
///
/// The URL is one medium (its path does not end in `/`): `/` is that medium and every other path resolves against its
/// directory, so that the relative URIs of a playlist work. Or it is a directory or site (its path ends in `/` or is
/// empty): every path is appended to it. The URL's query goes with `/` only. Octets are never normalised: dot segments
/// and percent-encodings reach the origin, and the cache's key, as the client sent them; what would climb out of the
/// directory is not to be asked at all (``refusal(of:)``).
package struct OriginMap: Sendable {
    /// The longest URL that is taken, in octets.
    package static let octetsMax = 8192

    /// `http` or `https`.
    package let scheme: String
    /// Host in lower case, and port if it is not the scheme's default.
    package let authority: String
    /// From the URL, percent-decoded; part of no key, log or ``displayURL``.
    package let credentials: OriginCredentials?

    /// The URL's path without its query; at least `/`.
    private let path: [UInt8]
    /// The URL's query without its `?`; nil if there is none.
    private let query: [UInt8]?
    /// What stands before a client's path: ``path`` up to its last `/`, that included.
    private let directory: [UInt8]
    /// ``path`` with the URL's query: what `/` is.
    private let root: [UInt8]
    /// ``root`` and the `&` behind which a client's query follows; ``path`` and `?` where the URL has no query.
    private let rootBeforeQuery: [UInt8]

    /// Takes the URL apart, by strict rules of our own (RFC 3986 section 3).
    ///
    /// - Throws: ``OriginMapError``, whose text never repeats the URL.
    package init(_ text: String) throws(OriginMapError) {
        let url = Array(text.utf8)
        guard url.count <= Self.octetsMax else { throw .tooLong }
        guard let (scheme, afterScheme) = Self.scheme(of: url) else { throw .scheme }
        try Self.checkOctets(of: text)
        guard !url.contains(Ascii.hash) else { throw .fragment }

        let isPathOrQuery: (UInt8) -> Bool = { $0 == Ascii.slash || $0 == Ascii.question }
        let authorityEnd = url[afterScheme...].firstIndex(where: isPathOrQuery) ?? url.endIndex
        let authority = try OriginAuthority(url[afterScheme..<authorityEnd], scheme: scheme)
        self.init(
            scheme: scheme,
            authority: authority.hostAndPort,
            credentials: authority.credentials,
            target: url[authorityEnd...]
        )
    }

    /// The same place at another URL: where a redirect of the URL itself led; the credentials stay behind if the
    /// scheme or authority changed, as they were given for that one origin only.
    package func moved(to place: OriginReference) -> OriginMap {
        let isSameOrigin = place.scheme == scheme && place.authority == authority
        return OriginMap(
            scheme: place.scheme,
            authority: place.authority,
            credentials: isSameOrigin ? credentials : nil,
            target: place.target[...]
        )
    }

    private init(scheme: String, authority: String, credentials: OriginCredentials?, target: ArraySlice<UInt8>) {
        self.scheme = scheme
        self.authority = authority
        self.credentials = credentials
        let pathEnd = target.firstIndex(of: Ascii.question) ?? target.endIndex
        // RFC 9112 section 3.2.1: an empty path is sent as "/".
        let path = pathEnd == target.startIndex ? [Ascii.slash] : Array(target[..<pathEnd])
        let query = pathEnd < target.endIndex ? Array(target[(pathEnd + 1)...]) : nil
        let afterQuestion = query.map { $0.isEmpty ? [] : $0 + [Ascii.ampersand] } ?? []
        self.path = path
        self.query = query
        directory = Array(path[...(path.lastIndex(of: Ascii.slash) ?? 0)])
        root = path + (query.map { [Ascii.question] + $0 } ?? [])
        rootBeforeQuery = path + [Ascii.question] + afterQuestion
    }

    /// Whether the URL is one medium rather than a directory or site.
    package var isMedium: Bool { path.last != Ascii.slash }

    /// The URL for people and logs: without credentials, and with `?...` for its query, which often holds a token.
    package var displayURL: String {
        "\(scheme)://\(authority)\(String(decoding: path, as: UTF8.self))\(query == nil ? "" : "?...")"
    }

    /// What to ask the origin for when a client asked us for `target`: path and query, or `*`.
    package func originTarget(for target: Span<UInt8>) -> [UInt8] {
        let (prefix, rest) = pieces(for: target)
        var result = octets(of: prefix)
        for index in rest { result.append(target[index]) }
        return result
    }

    /// Which of the map's own prefixes an origin target begins with.
    package enum Prefix: Sendable, CaseIterable {
        /// The medium or directory itself, with the URL's query.
        case root
        /// The same, before a client's query.
        case rootBeforeQuery
        /// The directory that other paths resolve against.
        case directory
        /// Nothing: `*`, the server as a whole.
        case server
    }

    /// The octets of a prefix.
    package func octets(of prefix: Prefix) -> [UInt8] {
        switch prefix {
        case .root: root
        case .rootBeforeQuery: rootBeforeQuery
        case .directory: directory
        case .server: []
        }
    }

    /// ``originTarget(for:)`` in two pieces, for keys on the express lane: the prefix, then `target[rest]`.
    ///
    /// Cost: allocates nothing. Any octets are mapped, also such as no parser lets through: what does not begin with `/` is
    /// taken as if it did.
    package func pieces(for target: Span<UInt8>) -> (prefix: Prefix, rest: Range<Int>) {
        let count = target.count
        let start = count > 0 && target[0] == Ascii.slash ? 1 : 0
        guard count > start else { return (.root, count..<count) }
        if target[start] == Ascii.question {
            // A `?` with nothing behind it adds nothing to a query of the URL's own.
            if query != nil, count == start + 1 { return (.root, count..<count) }
            return (.rootBeforeQuery, start + 1..<count)
        }
        // RFC 9112 section 3.2.4: the asterisk-form speaks of the server as a whole.
        if start == 0, count == 1, target[0] == 0x2a { return (.server, 0..<1) }
        return (.directory, start..<count)
    }

    /// The scheme in lower case and where the authority begins.
    private static func scheme(of url: [UInt8]) -> (String, Int)? {
        for scheme in ["http", "https"] {
            let prefix = Array("\(scheme)://".utf8)
            if url.prefix(prefix.count).map(Octet.lowercased) == prefix { return (scheme, prefix.count) }
        }
        return nil
    }

    /// Refuses what may not stand in a request target (RFC 9112 section 3.2), naming the way to write it.
    private static func checkOctets(of text: String) throws(OriginMapError) {
        for scalar in text.unicodeScalars {
            let octets = Array(String(scalar).utf8)
            guard !octets.allSatisfy(Ascii.isVisible) else { continue }
            let encoded = String(decoding: octets.flatMap(Ascii.percentEncoded), as: UTF8.self)
            switch scalar.value {
            case 0x20: throw .octet(name: "a space", encoded: encoded)
            case 0..<0x20, 0x7f..<0xa0: throw .octet(name: "a control character", encoded: encoded)
            default: throw .octet(name: "'\(scalar)', which is not ASCII", encoded: encoded)
            }
        }
    }
}
