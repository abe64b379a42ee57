// The clocks of the machine.

import Glibc
import HTTP

/// The time of day, and the time since some fixed point.
enum WallClock {
    @Sendable
    static func now() -> Timestamp { Timestamp(nanoseconds: nanoseconds(CLOCK_REALTIME)) }

    @Sendable
    static func milliseconds() -> UInt64 { UInt64(clamping: nanoseconds(CLOCK_REALTIME) / 1_000_000) }

    @Sendable
    static func sinceEpoch() -> Duration { .nanoseconds(nanoseconds(CLOCK_REALTIME)) }

    @Sendable
    static func elapsed() -> Duration { .nanoseconds(nanoseconds(CLOCK_MONOTONIC)) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
