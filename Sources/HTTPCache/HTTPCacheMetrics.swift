// What the cache counts.

package import Synchronization

/// Counters of one cache since its start.
package final class HTTPCacheMetrics: Sendable {
    /// Requests answered from what is held, without asking the origin.
    package let hits = Atomic<Int>(0)
    /// Requests for which the origin was asked.
    package let misses = Atomic<Int>(0)
    /// Requests sent to the origin.
    package let originRequests = Atomic<Int>(0)
    /// Body octets read from the origin into the store.
    package let originBodyBytes = Atomic<Int>(0)
    /// Times that the store failed; what was to be stored was served all the same.
    package let storeFailures = Atomic<Int>(0)

    /// Segments and small responses that were evicted from the store, to keep it within its size.
    package let evictions = Atomic<Int>(0)
    /// Octets that they held.
    package let evictedBytes = Atomic<Int>(0)

    /// All zero.
    package init() {}
}
