// Waits for nothing but the end of the task: a peer that never answers, a clock that stands still.

/// Returns only by throwing, when the task is cancelled.
package func untilCancelled() async throws {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    for await _ in stream {}
    withExtendedLifetime(continuation) {}
    try Task.checkCancellation()
}
