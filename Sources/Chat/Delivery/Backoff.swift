// How long to wait after failures: longer each time, never in step with others.

/// Doubling waits with jitter; pure, the random number comes in.
struct Backoff: Sendable {
    let first: Duration

    /// The wait after so many failures in a row, at most `longest`.
    ///
    /// - Parameters:
    ///   - failures: At least 1.
    ///   - longest: Never exceeded, also by the jitter.
    ///   - random: 0..<1: spreads the wait from 75 to 125 in a hundred.
    /// - Returns: How long to wait.
    func delay(after failures: Int, longest: Duration, random: Double) -> Duration {
        var delay = first
        for _ in 0..<min(max(failures, 1) - 1, 32) where delay < longest { delay = delay * 2 }
        let spread = 0.75 + 0.5 * min(max(random, 0), 1)
        return min(min(delay, longest) * spread, longest)
    }
}
