// A request checked and put into the words of libcurl: URL, target, header lines; pure, no curl in here.

import HTTP

/// What of a request libcurl is told; every string ends with NUL and has no other.
struct PreparedRequest: Sendable {
    /// How libcurl is to send it.
    enum Kind: Equatable {
        case get
        case head
        /// Another method without a body.
        case custom
        /// With a body of that length, or of unknown length.
        case upload(length: Int64?)
    }

    let kind: Kind
    /// `scheme://authority/`; the target goes beside it, since a URL would be tidied.
    let url: [UInt8]
    let target: [UInt8]
    let method: [UInt8]
    /// Lines in the form that CURLOPT_HTTPHEADER takes, in order, each ended by its NUL.
    let lines: [UInt8]
    /// Whether it goes over TLS.
    let isSecure: Bool
    /// Whether sending it twice does no harm: an idempotent method and no body, which could not be sent again.
    let isRepeatable: Bool
    let authority: String
    private let requestMethod: Method

    /// `METHOD scheme://authority`, for messages.
    var summary: String { "\(requestMethod) \(isSecure ? "https" : "http")://\(authority)" }

    /// Throws ``HTTPClientError/Code/invalidRequest`` for what would not arrive as it is.
    init(_ request: Request, _ configuration: HTTPClientConfiguration) throws(HTTPClientError) {
        try Self.check(request)
        requestMethod = request.method
        authority = request.authority
        let hasBody = Self.hasBody(request)
        kind =
            switch request.method {
            case .head: .head
            case _ where hasBody: .upload(length: request.body.length)
            case .get: .get
            default: .custom
            }
        method = Self.joined(request.method.rawValue.utf8, "\0".utf8)
        url = Self.joined(request.scheme.utf8, "://".utf8, request.authority.utf8, "/\0".utf8)
        // RFC 9112 section 3.2.2: absolute-form to a proxy; https goes through a tunnel.
        let isAbsolute = configuration.originProxy != nil && request.scheme == "http" && request.target != [0x2a]
        var target: [UInt8] = []
        target.reserveCapacity(request.target.count + request.authority.utf8.count + 8)
        if isAbsolute { target.append(contentsOf: "http://\(request.authority)".utf8) }
        target.append(contentsOf: request.target)
        target.append(0)
        self.target = target
        isSecure = request.scheme == "https"
        isRepeatable = request.method.isIdempotent && !hasBody
        lines = try Self.lines(request, configuration, hasBody: hasBody)
    }

    /// Whether there are octets to send, or an empty body whose length is not known yet; never for HEAD.
    static func hasBody(_ request: Request) -> Bool {
        if case .none = request.body.content { return false }
        return request.method != .head && request.body.length != 0
    }

    private static func joined(_ parts: String.UTF8View...) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { octets.append(contentsOf: part) }
        return octets
    }

    /// What might be read as the end of an authority, or as userinfo (RFC 3986 section 3.2).
    private static let notInAuthority = Set("/?#@\\\"<>^`{|} ".utf8)

    private static func check(_ request: Request) throws(HTTPClientError) {
        guard request.scheme == "http" || request.scheme == "https" else {
            throw invalid("the scheme is neither http nor https")
        }
        let authority = request.authority.utf8
        guard !authority.isEmpty, authority.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !notInAuthority.contains($0) })
        else {
            throw invalid("the authority is not host and port")
        }
        let method = request.method.rawValue.utf8
        guard !method.isEmpty, method.allSatisfy({ Octet.isToken($0) }), request.method != .connect else {
            throw invalid("the method cannot be sent to an origin")
        }
        let isAsterisk = request.target == [0x2a] && request.method == .options
        guard request.target.first == 0x2f || isAsterisk, request.target.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw invalid("the target is no path, or has spaces or control octets")
        }
    }

    /// The lines one after the other, each with its NUL.
    private static func lines(
        _ request: Request,
        _ configuration: HTTPClientConfiguration,
        hasBody: Bool
    ) throws(HTTPClientError) -> [UInt8] {
        let fields = request.fields
        var lines: [UInt8] = []
        lines.reserveCapacity(fields.bytes.count + 3 * fields.lines.count + request.authority.utf8.count + 64)
        append("Host", request.authority.utf8, to: &lines)
        for line in fields.lines {
            // The client's own: Host from the authority, framing from the body.
            if line.known == .host || line.known == .contentLength || line.known == .transferEncoding { continue }
            if line.known == .expect, !hasBody { continue }
            try append(fields.name(of: line), fields.value(of: line), to: &lines)
        }
        if !fields.contains(.authorization),
            let credentials = configuration.credentials.first(where: {
                $0.apply(toScheme: request.scheme, authority: request.authority)
            })
        {
            append("Authorization", credentials.authorization, to: &lines)
        }
        // A name and a colon alone: libcurl is not to add its own.
        if !fields.contains(.accept) { lines.append(contentsOf: "Accept:\0".utf8) }
        if !fields.contains(.expect) || !hasBody { lines.append(contentsOf: "Expect:\0".utf8) }
        // RFC 9110 section 8.6: a length of 0 is said where the method gives a body a meaning.
        if !hasBody, request.body.length == 0, ![.get, .head, .options, .trace, .delete].contains(request.method) {
            lines.append(contentsOf: "Content-Length: 0\0".utf8)
        }
        return lines
    }

    private static func append(
        _ name: ArraySlice<UInt8>,
        _ value: ArraySlice<UInt8>,
        to lines: inout [UInt8]
    ) throws(HTTPClientError) {
        guard !name.isEmpty, name.allSatisfy({ Octet.isToken($0) }) else { throw invalid("a field name is no token") }
        guard value.allSatisfy({ $0 != 0 && $0 != 0x0d && $0 != 0x0a }) else {
            throw invalid("a field value has CR, LF or NUL")
        }
        lines.append(contentsOf: name)
        if value.allSatisfy({ Octet.isWhitespace($0) }) {
            // libcurl's form of a line without a value.
            lines.append(0x3b)
        } else {
            lines.append(0x3a)
            lines.append(0x20)
            lines.append(contentsOf: value)
        }
        lines.append(0)
    }

    private static func append(_ name: String, _ value: some Collection<UInt8>, to lines: inout [UInt8]) {
        lines.append(contentsOf: name.utf8)
        lines.append(0x3a)
        lines.append(0x20)
        lines.append(contentsOf: value)
        lines.append(0)
    }

    private static func invalid(_ what: String) -> HTTPClientError {
        HTTPClientError(.invalidRequest, "the request was not sent: \(what)")
    }
}
