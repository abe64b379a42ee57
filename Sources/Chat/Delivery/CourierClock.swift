// Time and chance, as a courier is given them.

/// What a ``Courier`` asks the world for besides the network.
package struct CourierClock: Sendable {
    /// Milliseconds since 1970, written into messages.
    package var unixMilliseconds: @Sendable () -> UInt64
    /// The time since any fixed point; never goes back.
    package var elapsed: @Sendable () -> Duration
    /// Returns after that time; throws if the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A random number, 0..<1, so that clients do not retry in step.
    package var random: @Sendable () -> Double

    package init(
        unixMilliseconds: @escaping @Sendable () -> UInt64,
        elapsed: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        (self.unixMilliseconds, self.elapsed) = (unixMilliseconds, elapsed)
        (self.sleep, self.random) = (sleep, random)
    }
}
