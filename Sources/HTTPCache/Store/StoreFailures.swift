// Counts what the store could not do, and tells a person, but not each time: a full disk fails a thousand times a second.

import HTTP
import Synchronization

/// The store's failures so far.
final class StoreFailures: Sendable {
    private let metrics: HTTPCacheMetrics
    private let tell: @Sendable (any Error) -> Void
    private let now: @Sendable () -> Timestamp
    private let lastTold = Mutex<Timestamp?>(nil)

    private static let pauseSeconds: Int64 = 60

    /// `tell` is called for the first failure, and for one a minute after that.
    init(
        metrics: HTTPCacheMetrics,
        tell: @escaping @Sendable (any Error) -> Void,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.metrics = metrics
        self.tell = tell
        self.now = now
    }

    /// Counts a failure, and tells of it if it is time.
    func note(_ error: any Error) {
        metrics.storeFailures.add(1, ordering: .relaxed)
        let now = now()
        let isDue = lastTold.withLock { last in
            if let told = last, now.secondsSince(told) < Self.pauseSeconds { return false }
            last = now
            return true
        }
        if isDue { tell(error) }
    }
}
