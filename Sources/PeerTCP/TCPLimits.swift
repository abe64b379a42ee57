// How much may wait to be sent.

/// The bounds of a ``TCPTransport``.
package struct TCPLimits: Sendable {
    /// What may wait on one link, in octets: a peer that reads too slowly for that is let go.
    package var queueBytesMax = 64 << 20
    /// What may wait on all links, in octets: beyond that the link on which most waits is let go.
    package var queuesBytesMax = 512 << 20
    /// From so much on a link counts as congested, in octets.
    package var congestedBytes = 1 << 20
    /// The pause behind each frame to a peer that is not in a hurry, in microseconds.
    package var pauseMicroseconds: Int64 = 1000
    /// From so much on there are no pauses any more, in octets: they are for a peer's comfort, and are not to hold up others.
    package var pausedBytesMax = 256 << 10
    /// How long a connection may take to be made, in seconds.
    package var connectSeconds: Int64 = 10
    /// How long a peer's machine may be silent before the link counts as lost, in seconds: less than what a message may be late
    /// (`NodeConfiguration.ageSecondsMax`), as what waits on a link that stays would come too late for anybody.
    package var silenceSeconds = 20
    /// How long a congested link may make no headway before the peer is let go, in seconds.
    package var stallSeconds: Int64 = 10
    /// How long a frame may take to come whole, in seconds.
    package var frameSeconds: Int64 = 60

    /// The defaults.
    package init() {}
}
