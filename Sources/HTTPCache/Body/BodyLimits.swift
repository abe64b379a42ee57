// How much of a body is read, kept and fetched at a time, and who waits for whom.

/// The limits of one stored body, in octets where nothing else is said.
package struct BodyLimits: Sendable {
    /// The longest run handed to a reader at once.
    package var chunkBytesMax: Int64 = 4 << 20
    /// How far a fill may run ahead of the reader that is furthest along.
    package var readAheadBytesMax: Int64 = 16 << 20
    /// For how long, in all, a reader may have others wait where the store is full of what it has not read and what cannot be
    /// asked for again; then its transfer breaks off.
    ///
    /// In seconds.
    package var holdBackSecondsMax: Int64 = 30
    /// What a fill that nobody reads any more may still fetch if that finishes it.
    package var finishBytesMax: Int64 = 16 << 20
    /// What such a fill may fetch where the origin ignores ranges, and a second request would have it send all once more.
    ///
    /// At most a quarter of the store.
    package var finishUnseekableBytesMax: Int64 = 1 << 30
    /// A reader this close behind a fill's end waits for it rather than opening another.
    package var joinBytesMax: Int64 = 1 << 20
    /// Octets of one body that share a file, and are evicted together.
    package var segmentBytes: Int64 = 16 << 20
    /// Bodies up to this size stay in the system's page cache until that needs the room, whoever reads them.
    package var cachedBytesMax: Int64 = 8 << 20
    /// Bodies up to this size are kept in memory and with the facts.
    package var inlineBytesMax = 64 << 10

    package init() {}
}
