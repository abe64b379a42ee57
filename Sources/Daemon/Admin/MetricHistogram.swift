// Observations counted in buckets, so that quantiles can be told without keeping each.

import Synchronization

/// How often what was observed was how large; a few words of memory for each bucket, whatever is observed.
package final class MetricHistogram: Sendable {
    /// The state at one moment.
    package struct Snapshot: Sendable, Equatable {
        /// Upper bounds, each included, growing; one more bucket takes what is above the last.
        package var bounds: [Double]
        /// Observations in each bucket, one more than there are bounds.
        package var counts: [Int]
        /// The sum of all observations.
        package var sum: Double

        package init(bounds: [Double], counts: [Int], sum: Double) {
            (self.bounds, self.counts, self.sum) = (bounds, counts, sum)
        }
    }

    /// From 50 microseconds to 10 seconds: for durations in seconds.
    package static let durationBounds: [Double] = [
        0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private let state: Mutex<Snapshot>

    /// Nothing observed yet; bounds are sorted, and what is no finite number among them is left out.
    package init(bounds: [Double] = MetricHistogram.durationBounds) {
        let bounds = Set(bounds.filter(\.isFinite)).sorted()
        state = Mutex(Snapshot(bounds: bounds, counts: Array(repeating: 0, count: bounds.count + 1), sum: 0))
    }

    /// Counts one observation, from any thread; what is no number is left out.
    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        state.withLock { state in
            var (low, high) = (0, state.bounds.count)
            while low < high {
                let middle = (low + high) / 2
                if state.bounds[middle] < value { low = middle + 1 } else { high = middle }
            }
            state.counts[low] += 1
            state.sum += value
        }
    }

    /// Counts a duration, in seconds.
    package func observe(_ duration: Duration) {
        let parts = duration.components
        observe(Double(parts.seconds) + Double(parts.attoseconds) * 1e-18)
    }

    /// What has been observed until now.
    package var snapshot: Snapshot { state.withLock { $0 } }
}
