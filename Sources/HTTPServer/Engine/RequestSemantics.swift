// What a parsed head means for the connection: how its body is framed and whether another request may follow.

/// The parts of a request head that the engine acts on itself.
package struct RequestSemantics: Sendable, Equatable {
    /// Where the request's body ends (RFC 9112 section 6.3).
    package enum Framing: Sendable, Equatable {
        /// No body: neither field, or `Content-Length: 0`.
        case none
        /// That many octets; more than 0.
        case length(Int64)
        case chunked
    }

    package var framing = Framing.none
    /// Whether the connection persists after the response (RFC 9112 section 9.3).
    package var keepsAlive = true
    /// Whether the client waits for 100 (Continue) before it sends the body (RFC 9110 section 10.1.1).
    package var expectsContinue = false
    /// Whether the method is CONNECT, which is refused.
    package var isConnect = false

    /// A request without a body on a connection that persists.
    package init() {}
}
