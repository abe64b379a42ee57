// How much each of many may ask for: a bucket of tokens each, filled at a steady rate.

import HTTP

/// A bucket for each key; time is passed in.
struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
    /// The size of each bucket.
    struct Rate: Sendable, Hashable {
        /// Tokens that flow in, per second.
        var perSecond: Double
        /// What a bucket holds at most, and at first.
        var burst: Double
    }

    private struct Bucket {
        var tokens: Double
        var filledAt: Timestamp
    }

    private let rate: Rate
    private var buckets: RecentTable<Key, Bucket>

    /// - Parameters:
    ///   - rate: Of every bucket.
    ///   - entriesMax: How many are remembered; a forgotten one is full again.
    init(_ rate: Rate, entriesMax: Int) {
        self.rate = rate
        buckets = RecentTable(entriesMax: entriesMax)
    }

    /// Takes `cost` out of the bucket if that much is in it.
    ///
    /// - Parameters:
    ///   - cost: At most the burst; more is treated as the burst.
    ///   - key: Whose bucket.
    ///   - now: The present.
    /// - Returns: Nil if it was taken, else the seconds until it could be, at least 1.
    mutating func take(_ cost: Double, of key: Key, at now: Timestamp) -> Int? {
        var bucket = filled(key, at: now)
        let cost = min(cost, rate.burst)
        let wait = wait(for: cost, in: bucket)
        if wait == nil { bucket.tokens -= cost }
        buckets[key] = bucket
        return wait
    }

    /// What ``take(_:of:at:)`` would return, without taking.
    mutating func shortage(of cost: Double, for key: Key, at now: Timestamp) -> Int? {
        wait(for: min(cost, rate.burst), in: filled(key, at: now))
    }

    private func wait(for cost: Double, in bucket: Bucket) -> Int? {
        guard bucket.tokens < cost else { return nil }
        let seconds = ((cost - bucket.tokens) / rate.perSecond).rounded(.up)
        return seconds < 3_600 ? max(1, Int(seconds)) : 3_600
    }

    private mutating func filled(_ key: Key, at now: Timestamp) -> Bucket {
        guard var bucket = buckets[key] else { return Bucket(tokens: rate.burst, filledAt: now) }
        // A clock that was set back fills nothing until it is where it was.
        let elapsed = max(0, now.nanosecondsSince(bucket.filledAt))
        bucket.tokens = min(rate.burst, bucket.tokens + Double(elapsed) / 1e9 * rate.perSecond)
        bucket.filledAt = now
        return bucket
    }
}
