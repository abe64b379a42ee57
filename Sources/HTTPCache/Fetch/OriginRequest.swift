// What the origin is asked on behalf of a client.

import HTTP

/// Makes the requests that go to the origin out of those that came from clients.
struct OriginRequest: Sendable {
    let scheme: String
    let authority: String
    /// The name in Via and CDN-Loop.
    let name: String
    /// Tells this process apart in CDN-Loop from others of the same name, so that caches can be chained.
    let node: String

    /// A request that the cache answers: nothing reaches the origin that is not in the key or named by Vary and is known to
    /// change responses.
    ///
    /// `range` are the octets to ask for, as the client's own Range field is not forwarded; `stored` the fields of the stored
    /// response to validate, which makes the request conditional (RFC 9111 section 4.3.1).
    func cacheable(_ client: Request, target: [UInt8], range: RangeSpec?, validating stored: Fields?) -> Request {
        var request = forwarded(client, target: target)
        request.method = .get
        request.body = .empty
        request.fields.removeLines { line, fields in
            Self.replaced.contains(line.known) && line.known != .other || Self.isPoisonous(fields.name(of: line))
        }
        if let range { request.fields.append("Range", range.fieldValue) }
        if let tag = stored?[.etag] { request.fields.append(name: "If-None-Match".utf8, value: tag) }
        if let date = stored?[.lastModified] { request.fields.append(name: "If-Modified-Since".utf8, value: date) }
        return request
    }

    /// A request for missing octets of a representation that is known: anything else makes the origin send it anew.
    ///
    /// `length` is the representation's, if known: what goes to its end is asked for as such.
    func fill(
        _ client: Request,
        target: [UInt8],
        range: Range<Int64>,
        of length: Int64?,
        entityTag: [UInt8]
    ) -> Request {
        let isToEnd = range.upperBound == length
        return continuation(
            client,
            target: target,
            range: isToEnd ? .from(range.lowerBound) : .closed(range.lowerBound, range.upperBound - 1),
            entityTag: entityTag
        )
    }

    /// A request for more of a representation that is known.
    func continuation(_ client: Request, target: [UInt8], range: RangeSpec?, entityTag: [UInt8]) -> Request {
        var request = cacheable(client, target: target, range: range, validating: nil)
        request.fields.append(name: "If-Range".utf8, value: entityTag)
        return request
    }

    /// A request passed on as it is, but for what belongs to one connection.
    func forwarded(_ client: Request, target: [UInt8]) -> Request {
        var request = client
        request.scheme = scheme
        request.authority = authority
        request.target = target
        request.fields.removeHopByHop()
        request.fields.remove(.host)
        request.fields.remove(.contentLength)
        request.fields.remove(.expect)
        request.fields.append("Via", "1.1 \(name)")
        request.fields.append("CDN-Loop", "\(name); node=\(node)")
        return request
    }

    /// Whether the request has been here before (RFC 8586).
    func isLoop(_ client: Request) -> Bool {
        let mark = "node=\(node)"
        return client.fields.values(.cdnLoop).contains { String(decoding: $0, as: UTF8.self).contains(mark) }
    }

    private static let replaced: KnownFieldSet = [
        .range, .ifRange, .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince,
    ]

    /// Fields that frameworks read as another URL, host or method, and that no Vary names.
    private static func isPoisonous(_ name: ArraySlice<UInt8>) -> Bool {
        poisonous.contains { name.span.equalsIgnoringCase($0) }
    }

    private static let poisonous: [StaticString] = [
        "x-forwarded-host", "x-forwarded-server", "x-forwarded-scheme", "x-forwarded-proto", "x-forwarded-port",
        "x-forwarded-prefix", "x-forwarded-path", "x-host", "x-original-url", "x-rewrite-url", "x-http-method",
        "x-http-method-override", "x-method-override", "forwarded", "x-forwarded-for", "x-real-ip", "x-client-ip",
        "true-client-ip", "x-forwarded-ssl", "front-end-https",
    ]
}

extension RangeSpec {
    /// The value of a Range field with this one range.
    var fieldValue: String {
        switch self {
        case .closed(let first, let last): "bytes=\(first)-\(last)"
        case .from(let first): "bytes=\(first)-"
        case .suffix(let count): "bytes=-\(count)"
        }
    }
}
