// How the store writes its file.

/// Limits and times of ``SQLitePeerStore``.
package struct SQLiteConfiguration: Sendable {
    /// When a commit counts.
    package enum Synchronous: String, Sendable, CaseIterable {
        /// When the disk has it: proof against a power loss. The default, since callers share commits: what waits while
        /// one is flushed goes into the next.
        case full = "FULL"
        /// When the system has it: proof against the death of the process, not of the machine.
        case normal = "NORMAL"
    }

    package var synchronous = Synchronous.full
    /// Events kept for watchers that come back, here and in memory, at least 1.
    package var eventsMax = 262_144
    /// How long a sign of life may wait to be written, 10 ms to 10 s.
    package var lazyDelay = Duration.milliseconds(800)
    /// Signs of life written in one transaction, so that registrations do not wait long behind them.
    package var lazyMax = 4_096

    package init() {}
}
