// A request as a value.

/// A request, from whichever version of HTTP it came.
package struct Request: Sendable {
    package var method: Method
    /// `http` or `https`.
    package var scheme: String
    /// Host and optional port, as sent; empty if there was none.
    package var authority: String
    /// Path and query, octets verbatim, beginning with `/`; or `*`.
    package var target: [UInt8]
    package var fields: Fields
    package var body: Body
    /// The version that the client sent it in.
    package var version = ProtocolVersion.http11
    /// Told each interim (1xx) response before the final one; nil if the client takes none (HTTP/1.0).
    package var onInterim: (@Sendable (InterimResponse) -> Void)?
    /// Who sent it, as `address:port`, for logs; nil if made by ourselves.
    package var remoteAddress: String?
    /// The same for all requests of one connection and no other's in this process; nil if made by ourselves.
    package var connectionID: UInt64?

    package init(
        method: Method = .get,
        scheme: String = "http",
        authority: String = "",
        target: [UInt8] = [0x2f],
        fields: Fields = [:],
        body: Body = .empty
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.target = target
        self.fields = fields
        self.body = body
    }

    /// The target as text, for messages and logs.
    package var targetText: String { String(decoding: target, as: UTF8.self) }
}

/// A version of HTTP, as Via names it (RFC 9110 section 7.6.3).
package enum ProtocolVersion: String, Sendable {
    case http10 = "1.0"
    case http11 = "1.1"
    case http2 = "2"
}

/// A request method: case-sensitive token (RFC 9110 section 9.1).
package struct Method: Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    /// The method spelt `rawValue`; the caller has checked that it is a token.
    package init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    package static let get = Method("GET")
    package static let head = Method("HEAD")
    package static let post = Method("POST")
    package static let put = Method("PUT")
    package static let delete = Method("DELETE")
    package static let options = Method("OPTIONS")
    package static let trace = Method("TRACE")
    package static let connect = Method("CONNECT")

    /// Defined as read-only (RFC 9110 section 9.2.1).
    package var isSafe: Bool { [.get, .head, .options, .trace].contains(self) }

    /// Repeating it has the effect of doing it once (RFC 9110 section 9.2.2).
    package var isIdempotent: Bool { isSafe || self == .put || self == .delete }

    package var description: String { rawValue }
}
