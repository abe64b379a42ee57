// Why the client has no response, or not all of it.

/// What went wrong with a request to an origin.
package struct HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of error; may grow.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case couldNotResolve, couldNotConnect, addressRefused, tls, timeoutConnect, timeoutFirstByte, timeoutIdle
            case closedBeforeResponse, truncated, invalidResponse, invalidRequest, requestBodyFailed
            case overloaded, cancelled, shutDown, other
        }

        private let kind: Kind

        /// The host name has no address.
        package static let couldNotResolve = Code(kind: .couldNotResolve)
        /// No address of the host takes a connection.
        package static let couldNotConnect = Code(kind: .couldNotConnect)
        /// ``HTTPClientConfiguration/allowsAddress`` allows none of the host's addresses.
        package static let addressRefused = Code(kind: .addressRefused)
        /// The handshake failed or the certificate is not trusted.
        package static let tls = Code(kind: .tls)
        /// No connection within ``HTTPClientConfiguration/connectTimeout``.
        package static let timeoutConnect = Code(kind: .timeoutConnect)
        /// No response head within ``HTTPClientConfiguration/firstByteTimeout``.
        package static let timeoutFirstByte = Code(kind: .timeoutFirstByte)
        /// No body octet within ``HTTPClientConfiguration/idleTimeout``.
        package static let timeoutIdle = Code(kind: .timeoutIdle)
        /// The connection ended before a whole response head.
        package static let closedBeforeResponse = Code(kind: .closedBeforeResponse)
        /// The body ended before its declared end.
        package static let truncated = Code(kind: .truncated)
        /// What came is not HTTP, ambiguous, or beyond a limit.
        package static let invalidResponse = Code(kind: .invalidResponse)
        /// The request cannot be sent as it is.
        package static let invalidRequest = Code(kind: .invalidRequest)
        /// The source of the request's body threw or did not keep to its length.
        package static let requestBodyFailed = Code(kind: .requestBodyFailed)
        /// Too many transfers wait already.
        package static let overloaded = Code(kind: .overloaded)
        /// The task or the reader gave up.
        package static let cancelled = Code(kind: .cancelled)
        /// The client was shut down.
        package static let shutDown = Code(kind: .shutDown)
        /// Anything else; ``HTTPClientError/curlCode`` says more.
        package static let other = Code(kind: .other)

        /// The name of the code; bounded, fit for a metric's label.
        package var description: String { kind.rawValue }
    }

    package var code: Code
    /// What was attempted and what went wrong, for people; without credentials.
    package var message: String
    /// libcurl's CURLcode; 0 if the error is our own finding.
    package var curlCode: Int

    package init(_ code: Code, _ message: String, curlCode: Int = 0) {
        self.code = code
        self.message = message
        self.curlCode = curlCode
    }

    package var description: String { "\(code): \(message)" }

    /// Whether a gateway answers 504 rather than 502.
    package var isTimeout: Bool { [.timeoutConnect, .timeoutFirstByte, .timeoutIdle].contains(code) }

    /// The error type for a Proxy-Status field (RFC 9209 section 2.3).
    package var proxyStatusError: String {
        switch code {
        case .couldNotResolve: "dns_error"
        case .couldNotConnect: "connection_refused"
        case .addressRefused: "destination_ip_prohibited"
        case .tls: curlCode == Self.peerFailedVerification ? "tls_certificate_error" : "tls_protocol_error"
        case .timeoutConnect: "connection_timeout"
        case .timeoutFirstByte: "http_response_timeout"
        case .timeoutIdle: "connection_read_timeout"
        case .closedBeforeResponse: "connection_terminated"
        case .truncated: "http_response_incomplete"
        case .invalidResponse: "http_protocol_error"
        case .invalidRequest, .requestBodyFailed: "http_request_error"
        case .overloaded: "connection_limit_reached"
        default: "proxy_internal_error"
        }
    }

    /// CURLE_PEER_FAILED_VERIFICATION.
    private static let peerFailedVerification = 60
}
