// The time of day: the one place in Sources that reads it, for programs to hand on to whoever needs a time.

package import HTTP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The wall clock of the machine; domains and adapters are given it by the program that they are part of.
package enum WallClock {
    /// Now.
    package static var timestamp: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The time since 1970-01-01T00:00:00Z.
    @Sendable
    package static func sinceEpoch() -> Duration { .nanoseconds(timestamp.nanoseconds) }
}
