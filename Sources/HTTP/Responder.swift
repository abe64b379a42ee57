// The one seam of the package: a server is a function from a request to a response.

/// Anything that answers requests: a service, the cache in front of one, the client that asks an origin.
package protocol Responder: Sendable {
    /// Answers `request`; the response's body may still be streaming when this returns.
    ///
    /// A throw means that no response could be had; the server answers 502, 504 or 500 by the error and logs it.
    /// Cancelling the task gives the request up.
    func respond(to request: Request) async throws -> Response

    /// Answers at once if that is possible without waiting: the express lane of the server, called on the event loop
    /// before a ``Request`` is made. Must not block, allocate much or log.
    ///
    /// - Parameters:
    ///   - head: The parsed head; its ranges point into `buffer`.
    ///   - buffer: The connection's octets, valid during the call only.
    ///   - response: Filled in if the answer is true; left as it was if not.
    /// - Returns: Whether `response` is the answer. The default is false.
    func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool
}

extension Responder {
    package func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        false
    }
}

/// An answer written straight into the connection's output: the head's octets, then perhaps a body.
package struct ImmediateResponse: Sendable {
    /// The status line and field lines, each with its CRLF, without the empty line; Content-Length included.
    ///
    /// Octets of earlier pipelined answers may stand before: append only.
    package var output: [UInt8] = []
    /// The body to send after the head, small ones copied behind it; never set for HEAD, 204 or 304.
    package var body: BodyChunk?
    /// Whether a Date line is among the field lines; else the server adds one.
    package var isDated = false
    /// How a cache came by it, as its Cache-Status says; whoever writes an answer sets it.
    package var outcome = CacheOutcome.none

    package init() {}
}
