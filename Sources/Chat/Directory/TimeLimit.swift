// A bound on how long something may take, by a clock that is passed in.

/// Runs `operation` for at most `limit`, then cancels it.
///
/// - Parameters:
///   - limit: How long.
///   - clock: Sleeps.
///   - operation: What may take too long; must end soon after its task is cancelled.
/// - Returns: What `operation` returned; nil if it was cancelled for taking too long.
/// - Throws: What `operation` threw, or CancellationError.
func within<Value: Sendable>(
    _ limit: Duration,
    _ clock: any Clock<Duration>,
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await operation() }
        group.addTask {
            try await clock.sleep(for: limit)
            return nil
        }
        return try await group.next() ?? nil
    }
}
