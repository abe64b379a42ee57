// One answered request, for an access log.

package import HTTP

/// What was answered to whom; made only where somebody asks for it.
package struct ResponseSummary: Sendable {
    /// `address:port` of the client; empty if unknown.
    package var remoteAddress: String
    /// The method, or nil if the request could not be read.
    package var method: Method?
    /// The request target, octets verbatim; empty if the request could not be read.
    package var target: [UInt8]
    /// The status of the final response; 0 if none was begun.
    package var status: Int
    /// Octets of head and body handed to the transport.
    package var bytesSent: Int64
    /// From the end of the request's head to the last octet handed on.
    package var duration: Duration
    /// Whether the response was handed on whole.
    package var isComplete: Bool
}
