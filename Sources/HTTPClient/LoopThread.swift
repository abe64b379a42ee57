// A thread with a beginning and an end that a task can wait for.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Runs a closure on a thread of its own.
final class LoopThread: Sendable {
    private struct State {
        var result: Bool?
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private final class Start {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private let state = Mutex(State())

    /// Starts the thread.
    ///
    /// It takes no signals: they are for those that wait for them, and a broken pipe is an error of its own call.
    init(_ body: @escaping @Sendable () -> Bool) {
        let box = Unmanaged.passRetained(Start { self.finish(body()) })
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            box.toOpaque()
        )
        if failure == 0 {
            pthread_detach(thread)
        } else {
            box.release()
            finish(false)
        }
    }

    /// What the closure returned, once it has; false if there was no thread to be had.
    ///
    /// A cancelled task waits too; called once.
    func end() async -> Bool {
        await withCheckedContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let result { continuation.resume(returning: result) }
        }
    }

    private func finish(_ result: Bool) {
        let waiter = state.withLock { state in
            state.result = result
            return state.waiter
        }
        waiter?.resume(returning: result)
    }
}
