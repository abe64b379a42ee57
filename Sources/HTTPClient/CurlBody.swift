// The body of a response from the origin, pulled by its reader.

package import HTTP

/// A response body still on its way; dropping it unread aborts the transfer.
package final class CurlBody: BodySource {
    /// What tells that a body is whole.
    package enum Delimiter: Sendable, Equatable {
        /// As many octets as Content-Length said.
        case length
        /// The last chunk of a chunked body.
        case lastChunk
        /// HTTP/2's END_STREAM without a length; libcurl 7.88 takes RST_STREAM with NO_ERROR for the same.
        case endOfStream
        /// FIN, with TLS after close_notify: an origin that died at a lucky moment looks the same.
        case close
    }

    /// What told or will tell the end; with ``Delimiter/close`` whoever stores the body may want to be careful.
    package let delimiter: Delimiter
    private let exchange: Exchange

    /// Whether only the connection's end tells the body's.
    package var isCloseDelimited: Bool { delimiter == .close }

    init(_ exchange: Exchange, _ delimiter: Delimiter) {
        self.exchange = exchange
        self.delimiter = delimiter
    }

    deinit {
        exchange.cancel()
    }

    /// The next octets; throws ``HTTPClientError``.
    package func next() async throws -> BodyChunk? {
        try await exchange.next().map { .bytes($0) }
    }

    package func cancel() {
        exchange.cancel()
    }
}
