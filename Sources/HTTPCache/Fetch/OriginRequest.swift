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
    /// Keep Cache-Control and Pragma of clients from the origin, where the cache itself does not heed them.
    var ignoresClientCacheControl = false

    private let loopMark: String

    init(scheme: String, authority: String, name: String, node: String, ignoresClientCacheControl: Bool = false) {
        self.scheme = scheme
        self.authority = authority
        self.name = name
        self.node = node
        self.ignoresClientCacheControl = ignoresClientCacheControl
        loopMark = "\(name); node=\(node)"
    }

    /// A request that the cache answers: nothing reaches the origin that is not in the key or named by Vary and is known to
    /// change responses; see ``UnkeyedFields``.
    ///
    /// `range` are the octets to ask for, as the client's own Range field is not forwarded; `stored` the fields of the stored
    /// response to validate, which makes the request conditional (RFC 9111 section 4.3.1).
    func cacheable(_ client: Request, target: [UInt8], range: RangeSpec?, validating stored: Fields?) -> Request {
        var request = forwarded(client, target: target)
        request.method = .get
        request.body = .empty
        request.fields.removeLines { UnkeyedFields.contains($0, of: $1) }
        if ignoresClientCacheControl {
            // What is not heeded here is not to be heeded by a cache further up either.
            request.fields.remove(.cacheControl)
            request.fields.remove(.pragma)
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

    /// A HEAD whose answer may freshen what is stored (RFC 9111 section 4.3.5), so that it is kept clean as ``cacheable``
    /// ones are, but with the client's own conditions.
    func head(_ client: Request, target: [UInt8]) -> Request {
        var request = forwarded(client, target: target)
        request.fields.removeLines { $0.known == .other && UnkeyedFields.contains($0, of: $1) }
        return request
    }

    /// A request passed on as it is, but for what belongs to one connection.
    func forwarded(_ client: Request, target: [UInt8]) -> Request {
        var request = client
        request.fields.reserve(lines: 4, bytes: 128)
        request.scheme = scheme
        request.authority = authority
        request.target = target
        request.fields.removeHopByHop()
        request.fields.remove(.host)
        request.fields.remove(.contentLength)
        request.fields.remove(.expect)
        request.fields.removeLines(where: UnderscoredNames.isMisleading)
        if case .remaining(let count) = MaxForwards.decide(request.method, request.fields) {
            request.fields.set("Max-Forwards", String(count))
        }
        if let onInterim = client.onInterim {
            request.onInterim = { interim in
                var interim = interim
                interim.fields.removeHopByHop()
                onInterim(interim)
            }
        }
        request.fields.append("Via", "\(client.version.rawValue) \(name)")
        request.fields.append("CDN-Loop", loopMark)
        return request
    }

    /// Whether the request has been here before (RFC 8586).
    ///
    /// The mark counts wherever it stands, in a quoted string too: it is a secret between this process and the origin, and
    /// a quote that somebody in the loop leaves open must not hide it.
    func isLoop(_ client: Request) -> Bool {
        guard client.fields.contains(.cdnLoop) else { return false }
        let mark = "node=\(node)"
        return client.fields.values(.cdnLoop).contains { String(decoding: $0, as: UTF8.self).contains(mark) }
    }
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
