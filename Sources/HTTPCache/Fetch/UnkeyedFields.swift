// Which request fields never reach the origin when its answer may be stored: they could change it, and no key has them.

import HTTP

/// Request fields by which one client could poison what others get.
///
/// Forwarded are the fields that origins are known to name in Vary, or to ignore: all but those below. That includes
/// Cookie, User-Agent, Accept and its kin, Referer and Origin, of which RFC 9111 section 7.3 and the origin's own Vary or
/// `private` speak; and unknown fields, since Vary can name any. Not forwarded are
/// - conditions and ranges, in whose place the cache puts its own;
/// - fields that servers and frameworks read as another host, scheme, port, path, method or client address. No origin names
///   these in Vary, as it takes them for its own proxy's word; and this cache is that proxy and has nothing to add;
/// - fields by which frameworks talk to themselves.
enum UnkeyedFields {
    /// Whether `line`, of `fields`, is one of them.
    static func contains(_ line: Fields.Line, of fields: Fields) -> Bool {
        switch line.known {
        case .range, .ifRange, .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince: true
        case .other: isPoisonous(fields.name(of: line).span)
        default: false
        }
    }

    /// Whether any line of `fields` is one of them.
    static func areIn(_ fields: Fields) -> Bool {
        fields.lines.contains { contains($0, of: fields) }
    }

    /// Whether a field of that name is read as another host, method or address.
    static func isPoisonous(_ name: Span<UInt8>) -> Bool {
        if names.contains(where: { name.equalsIgnoringCase($0) }) { return true }
        guard name.count > 2, Octet.lowercased(name[0]) == 0x78, name[1] == 0x2d else { return false }
        if name.count > 9, name.extracting(name.count - 9..<name.count).equalsIgnoringCase("-override") { return true }
        return prefixes.contains { prefix in
            let count = prefix.utf8CodeUnitCount
            return name.count >= count && name.extracting(0..<count).equalsIgnoringCase(prefix)
        }
    }

    /// Beginnings of names that begin with `x-`; whatever follows.
    private static let prefixes: [StaticString] = [
        "x-forwarded", "x-original-", "x-rewrite-", "x-http-", "x-host", "x-backend-", "x-proxy-", "x-middleware-",
        "x-invoke-", "x-now-", "x-remote-", "x-cluster-", "x-envoy-", "x-arr-",
    ]

    private static let names: [StaticString] = [
        "forwarded", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
        "x-scheme", "x-url-scheme", "x-url", "x-uri", "x-method", "x-matched-path", "x-wap-profile", "x-ssl",
        "front-end-https", "base-url", "request-uri", "http-url", "proxy-host", "destination", "max-forwards",
    ]
}
