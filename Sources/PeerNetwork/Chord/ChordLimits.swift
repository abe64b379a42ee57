// What a node of a chord network takes on.

/// How much a node of a chord network holds and waits for.
package struct ChordLimits: Sendable {
    /// Values in all tables.
    package var slotsMax = 500_000
    /// Keys that are known to exist.
    package var keysMax = 100_000
    /// The longest key, in octets.
    package var keyBytesMax = 4096
    /// Look-ups at a time, this node's own and those of others.
    package var searchesMax = 10_000
    /// How long another node is asked on somebody's behalf, in seconds.
    package var askSeconds: Int64 = 10
    /// How long to wait for a value after all tables were said to have none, in seconds.
    package var emptySeconds: Int64 = 1
    /// How long a value may take to its place, in seconds.
    package var writeSeconds: Int64 = 30
    /// Values of neighbours that are made later ones at a time, if the ring has one from a clock that is ahead.
    package var renewedMax = 1000
    /// So many of the five tables have to say the same.
    package var agreeing = 3
    /// How the ring among our own nodes is kept.
    package var ring = RingLimits()

    /// The defaults.
    package init() {}
}
