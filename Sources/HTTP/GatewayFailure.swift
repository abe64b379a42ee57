// How a failure to get a response from the next server is told to a client.

/// An error of a responder that asks another server: a gateway's answer for it is 502 or 504 with Proxy-Status.
package protocol GatewayFailure: Error {
    /// 502, or 504 if the server did not answer in time (RFC 9110 section 15.6).
    var gatewayStatus: Int { get }
    /// The error type (RFC 9209 section 2.3), such as `connection_refused`.
    var proxyStatusError: String { get }
}
