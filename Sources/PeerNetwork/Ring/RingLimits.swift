// How a ring is kept, and how often.

/// Bounds and habits of a member of a ring; what is counted in ticks is so many quarters of a second.
package struct RingLimits: Sendable {
    /// Copies of each entry, the owner's among them.
    package var replicas = 8
    /// How many of those behind it a member knows: at least ``replicas``.
    package var successorsMax = 16
    /// Entries in all, what was taken out among them.
    package var entriesMax = 500_000
    /// What they weigh, in octets.
    package var bytesMax = 256 << 20
    /// The largest value, in octets of memory (a little more than on the wire).
    package var valueBytesMax = 4 << 20
    /// The same in the items that it is made of.
    package var valueItemsMax = 1 << 16
    /// Entries that are sent together, in octets; a larger one goes alone.
    package var messageBytesMax = 256 << 10
    /// The largest message about which entries there are, in octets.
    package var listBytesMax = 12 << 20
    /// Messages of one neighbour that pass through at a time.
    package var pendingPerNeighbourMax = 8192
    /// How often the first successor is asked for its neighbours.
    package var stabiliseTicks = 4
    /// How long it may take to answer before it counts as dead.
    package var answerTicks = 12
    /// How long a connection to one may take.
    package var dialTicks = 20
    /// How long a member of a large ring may not be known yet to those around it.
    package var youthTicks = 20
    /// How often somebody outside the list is asked who the first successor is: rings that met become one.
    package var mergeTicks = 16
    /// How long to wait before the fingers are looked up again.
    package var fingerTicks = 40
    /// How often the owner of a range compares it with its successors.
    package var digestTicks = 20
    /// How long after the last comparison an entry of another's is still that one's business.
    package var guardedTicks = 120
    /// How long after its first time a question is asked again.
    package var retryTicks = 6
    /// How often a question is asked.
    package var attemptsMax = 8
    /// How long somebody who was found dead is not called.
    package var deadTicks = 20
    /// How long a link that nobody needs is kept.
    package var idleTicks = 120
    /// Messages that pass through on their way, and answers that are waited for.
    package var pendingMax = 65_536
    /// A message that went so far is lost.
    package var hopsMax: Int64 = 64
    /// How long it is known that an entry was taken out; in seconds.
    package var removedSeconds: Int64 = 86_400
    /// Versions that are so far ahead of the clock are not taken; in seconds.
    package var aheadSecondsMax: Int64 = 3600

    /// The defaults.
    package init() {}
}
