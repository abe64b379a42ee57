// The limits that only HTTP/2 has, with their defaults.

/// What one HTTP/2 connection may ask for; what it shares with HTTP/1.1 is in ``HTTPServerConfiguration``.
///
/// Memory that one connection can take: ``receiveWindowBytes`` of request bodies + ``headerTableBytes`` twice + a header
/// block of ``headerBlockBytesMax`` + for each of ``streamsMax`` one chunk of the response that its source gave.
package struct HTTP2Configuration: Sendable {
    /// Requests being answered at a time on one connection: SETTINGS_MAX_CONCURRENT_STREAMS.
    ///
    /// Default 128, at least 1. One beyond it is refused with REFUSED_STREAM, so that the client may repeat it.
    package var streamsMax = 128
    /// Octets of the table that the client's header blocks may refer to: SETTINGS_HEADER_TABLE_SIZE.
    ///
    /// Default 4096, 0 to 65536.
    package var headerTableBytes = 4096
    /// Octets of one header block as it comes, over all its frames.
    ///
    /// Default 32 KiB. Beyond it the connection ends with ENHANCE_YOUR_CALM. What the block stands for once decoded is
    /// bounded by ``HTTPServerConfiguration/headBytesMax`` (SETTINGS_MAX_HEADER_LIST_SIZE; beyond: 431).
    package var headerBlockBytesMax = 32 * 1024
    /// CONTINUATION frames of one header block.
    ///
    /// Default 8, at least 0; a block of the largest size needs 2. Beyond it the connection ends with ENHANCE_YOUR_CALM
    /// (CVE-2024-27316).
    package var continuationsMax = 8
    /// Octets of request bodies that all streams of a connection together may have sent without being read.
    ///
    /// Default 1 MiB, 65535 to 2^31 - 1. For one stream it is ``HTTPServerConfiguration/requestBodyBufferBytes``.
    package var receiveWindowBytes = 1 << 20

    /// Resets of running requests that are taken at once, by the client or by us for a fault of the client's.
    ///
    /// Default 200, at least 1; ``resetsPerSecond`` more as time goes by. Beyond it the connection ends with
    /// ENHANCE_YOUR_CALM (CVE-2023-44487, CVE-2025-8671).
    package var resetsMax = 200
    /// Resets by which the allowance grows again in a second.
    ///
    /// Default 20, at least 0.
    package var resetsPerSecond = 20
    /// Frames that are taken at once though they bring nothing: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, unknown ones,
    /// DATA with next to no octets.
    ///
    /// Default 2000, at least 1; ``controlFramesPerSecond`` more as time goes by, some more for each request, and one
    /// for each KiB of a response, which needs window updates. Beyond it the connection ends with ENHANCE_YOUR_CALM.
    package var controlFramesMax = 2000
    /// Such frames by which the allowance grows again in a second.
    ///
    /// Default 200, at least 0.
    package var controlFramesPerSecond = 200

    /// Octets of a response that a client must take of each stream in each ``HTTPServerConfiguration/writeStallTimeout``.
    ///
    /// Default 1024, at least 1. A stream whose window stays smaller is reset: a tiny window held open would keep a
    /// response in memory for ever.
    package var responseProgressBytesMin = 1024

    /// The defaults.
    package init() {}
}
