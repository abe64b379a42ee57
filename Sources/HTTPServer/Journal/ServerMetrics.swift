// What a server counts of its answers, for those who run it.

import HTTP
package import Synchronization

/// Counters of one server since its start; filled by its event loops a few times a second.
package final class ServerMetrics: Sendable {
    /// Times of one kind, in buckets.
    package struct Times: Sendable, Equatable {
        /// Times up to each of ``ServerMetrics/boundsNanoseconds``, and one more bucket for what is above the last.
        package var counts = [Int](repeating: 0, count: ServerMetrics.boundsNanoseconds.count + 1)
        /// The sum of all of them.
        package var sumNanoseconds: UInt64 = 0

        /// Counts one.
        mutating func add(_ nanoseconds: UInt64) {
            var bucket = 0
            // From below: a hit is in the first one or two.
            while bucket < ServerMetrics.boundsNanoseconds.count, ServerMetrics.boundsNanoseconds[bucket] < nanoseconds
            {
                bucket += 1
            }
            counts[bucket] += 1
            sumNanoseconds &+= nanoseconds
        }

        fileprivate mutating func add(_ other: Times) {
            for index in counts.indices { counts[index] += other.counts[index] }
            sumNanoseconds &+= other.sumNanoseconds
        }
    }

    /// The figures at one moment.
    package struct Totals: Sendable, Equatable {
        /// Answers by what the cache did, indexed by ``CacheOutcome``'s raw value.
        package var answers = [Int](repeating: 0, count: CacheOutcome.allCases.count)
        /// Answers whose end was not reached, of those in ``answers``.
        package var answersCut = 0
        /// Octets of heads and bodies handed to connections.
        package var bytesSent: Int64 = 0
        /// From a request's head to its answer's first octet, where the cache answered by itself.
        package var firstOctetOfHits = Times()
        /// The same where it had to ask.
        package var firstOctetOfOthers = Times()

        fileprivate mutating func add(_ other: Totals) {
            for index in answers.indices { answers[index] += other.answers[index] }
            answersCut += other.answersCut
            bytesSent &+= other.bytesSent
            firstOctetOfHits.add(other.firstOctetOfHits)
            firstOctetOfOthers.add(other.firstOctetOfOthers)
        }
    }

    /// From 25 microseconds to 10 seconds.
    package static let boundsNanoseconds: [UInt64] = [
        25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
        100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

    /// Handshakes of TLS that came to nothing.
    package let handshakeFailures = Atomic<Int>(0)
    private let state = Mutex(Totals())

    /// All zero.
    package init() {}

    /// What was counted until a moment ago.
    package var totals: Totals { state.withLock { $0 } }

    func add(_ totals: Totals) {
        state.withLock { $0.add(totals) }
    }
}
