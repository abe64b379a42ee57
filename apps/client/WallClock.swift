// The clocks of the machine.

import Foundation
import HTTP

/// The time of day, and the time since the start.
enum WallClock {
    private static let start = ContinuousClock.now

    @Sendable
    static func now() -> Timestamp { Timestamp(nanoseconds: nanoseconds) }

    @Sendable
    static func milliseconds() -> UInt64 { UInt64(clamping: nanoseconds / 1_000_000) }

    @Sendable
    static func sinceEpoch() -> Duration { .nanoseconds(nanoseconds) }

    @Sendable
    static func elapsed() -> Duration { ContinuousClock.now - start }

    /// To about a quarter of a microsecond.
    private static var nanoseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }
}
