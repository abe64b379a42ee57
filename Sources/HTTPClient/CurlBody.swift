// The body of a response from the origin, pulled by its reader.

package import HTTP

/// A response body still on its way; dropping it unread aborts the transfer.
package final class CurlBody: BodySource {
    /// Whether only a clean close told the end: a proxy or origin that died at a lucky moment looks the same.
    ///
    /// Such a body ends with nil like any other, but whoever stores it may want to know.
    package let isCloseDelimited: Bool
    private let exchange: Exchange

    init(_ exchange: Exchange, isCloseDelimited: Bool) {
        self.exchange = exchange
        self.isCloseDelimited = isCloseDelimited
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
