// Cancels a task from outside for as long as it is in one call, without a child task for that call.

import Synchronization

/// A way to cancel the task that ``provide(_:)`` was called in, while that runs.
final class TaskCanceller: Sendable {
    /// A task that is known to run: Swift lets it be cancelled from any thread.
    private struct RunningTask: Sendable {
        nonisolated(unsafe) let task: UnsafeCurrentTask
    }

    private let running: Mutex<RunningTask?>

    private init(_ task: UnsafeCurrentTask?) {
        running = Mutex(task.map { RunningTask(task: $0) })
    }

    /// Runs `body`, whose task ``cancel()`` cancels until it returns; the task stays cancelled after that.
    static func provide<Result>(_ body: (TaskCanceller) async -> Result) async -> Result {
        await withUnsafeCurrentTask { task in
            let canceller = TaskCanceller(task)
            defer { canceller.running.withLock { $0 = nil } }
            return await body(canceller)
        }
    }

    /// Cancels the task; of no effect once ``provide(_:)`` has returned.
    ///
    /// Within the lock, since that is what keeps the task from ending meanwhile: handlers of the cancellation must not come
    /// back here.
    func cancel() {
        running.withLock { $0?.task.cancel() }
    }
}
