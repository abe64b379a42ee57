// What the registry counts.

package import Synchronization

/// Counters of one registry since its start.
package final class RegistryMetrics: Sendable {
    /// Look-ups answered, of one name or by the batch one for each name.
    package let lookups = Atomic<Int>(0)
    /// Names asked for that nobody has.
    package let misses = Atomic<Int>(0)
    /// Registrations accepted, new names and new records.
    package let registrations = Atomic<Int>(0)
    /// Signs of life accepted.
    package let renewals = Atomic<Int>(0)
    /// Peers that left.
    package let leaves = Atomic<Int>(0)
    /// Leases that ran out.
    package let expiries = Atomic<Int>(0)
    /// Changes refused, for whatever reason.
    package let refusals = Atomic<Int>(0)
    /// Changes refused because a budget was used up.
    package let throttled = Atomic<Int>(0)
    /// Signatures checked.
    package let signatures = Atomic<Int>(0)
    /// Times that an entry was changed by somebody else between reading and changing it.
    package let conflicts = Atomic<Int>(0)
    /// Streams of changes open now.
    package let watchers = Atomic<Int>(0)
    /// Streams of changes ended because their reader was too slow.
    package let watchersLost = Atomic<Int>(0)
    /// Times that the store failed.
    package let storeFailures = Atomic<Int>(0)

    /// All zero.
    package init() {}
}
