// What can be set about the cache.

/// The settings of one cache.
package struct HTTPCacheConfiguration: Sendable {
    /// Octets of memory for heads and small bodies.
    ///
    /// Default: 256 MiB.
    package var memoryBytesMax: Int64 = 256 << 20
    /// Octets of bodies in the store; beyond it those go that are least likely to be asked for again.
    ///
    /// Default: 10 GiB.
    package var storeBytesMax: Int64 = 10 << 30
    /// Segments and small responses in the store; each takes up to 96 octets of memory, and a row of the index.
    ///
    /// Default: 2,000,000.
    package var storeUnitsMax = 2_000_000
    /// A fill's octets become facts at the latest after so many.
    ///
    /// Default: 4 MiB.
    package var commitBytes: Int64 = 4 << 20
    /// Bodies that come from the origin at a time; others wait in the order in which they were asked for.
    ///
    /// Default: 64, at least 1. A fill whose readers have enough for now does not count, and is ended if its place is needed
    /// and the rest can be asked for later.
    package var fillsMax = 64
    /// Fills and questions that wait for their turn; one more is refused with 503.
    ///
    /// Default: 16,384.
    package var fillsWaitingMax = 16_384
    /// Octets that a fill brings before it makes room for those that wait, if as many are missing and can be asked for later.
    ///
    /// Default: 8 MiB.
    package var fillTurnBytes: Int64 = 8 << 20
    /// What an origin may have sent that has not come in yet: a fill that nobody reads any more and that lacks no more keeps
    /// its place while it moves, as the same octets would be asked for once more.
    ///
    /// Default: 4 MiB.
    package var inFlightBytesMax: Int64 = 4 << 20
    /// For how long after the last octets such a fill counts as moving, in seconds.
    ///
    /// Default: 5.
    package var inFlightSecondsMax: Int64 = 5
    /// Where what reads from a disk or writes to it runs; nil, the default: where its caller runs.
    ///
    /// For caches whose tasks run on a thread that must not wait for a disk.
    package var diskExecutor: (any TaskExecutor)?
    /// Commits of small responses that may wait while others take the places of their fills.
    ///
    /// Default: 4,096. What is beyond keeps its place until it is a fact, so that nothing comes faster than it is stored.
    package var commitsWaitingMax = 4096
    /// Limits of one body: see there.
    package var body = BodyLimits()
    /// Variants kept of one key.
    ///
    /// Default: 32.
    package var variantsMax = 32
    /// Ranges that one answer holds; a request that comes to more gets the whole (RFC 9110 section 14.2).
    ///
    /// Default: 64.
    package var rangesMax = 64
    /// Ranges that one Range field may list, before those that overlap are made one; beyond it the field is ignored.
    ///
    /// Default: 200, as in Apache httpd.
    package var rangeSpecsMax = 200
    /// Ignore Cache-Control in requests, as a public edge does.
    ///
    /// Default: false, so that a browser's reload works.
    package var ignoresClientCacheControl = false
    /// Store responses that carry Set-Cookie, as RFC 9111 section 7.3 allows.
    ///
    /// Default: true.
    package var storesSetCookie = true
    /// Store responses whose end is told by the end of the connection alone.
    ///
    /// Default: true.
    package var storesCloseDelimited = true
    /// The name in Via, Cache-Status and CDN-Loop.
    ///
    /// Default: `waystation`.
    package var name = "waystation"

    /// The defaults.
    package init() {}
}
