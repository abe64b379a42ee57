// How much of a body is read, kept and fetched at a time.

/// The limits of one stored body, all in octets.
package struct BodyLimits: Sendable {
    /// The longest run handed to a reader at once.
    package var chunkBytesMax: Int64 = 4 << 20
    /// How far a fill may run ahead of the reader that is furthest along.
    package var readAheadBytesMax: Int64 = 16 << 20
    /// What a fill that nobody reads any more may still fetch if that finishes it.
    package var finishBytesMax: Int64 = 16 << 20
    /// The same where the origin ignores ranges: a second request would have it send all of it again. At most a quarter of
    /// the store.
    package var finishUnseekableBytesMax: Int64 = 1 << 30
    /// A reader this close behind a fill's end waits for it rather than opening another.
    package var joinBytesMax: Int64 = 1 << 20
    /// Octets of one body that share a file, and are evicted together.
    package var segmentBytes: Int64 = 16 << 20
    /// Bodies up to this size are kept in memory and with the facts.
    package var inlineBytesMax = 64 << 10

    package init() {}
}
