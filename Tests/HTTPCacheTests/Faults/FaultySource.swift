// A body from the origin that follows a script: pieces, pauses, and an end that is clean or not.

import HTTP
import Synchronization

/// A scripted body; what it has waited for is virtual time.
final class FaultySource: BodySource {
    /// How it goes.
    struct Script: Sendable {
        /// What comes, piece by piece.
        var pieces: [ArraySlice<UInt8>] = []
        /// After so many pieces it stands still for so many milliseconds.
        var pauses: [Int: Int] = [:]
        /// What it throws behind the last piece; nil: it ends there, as if all were well.
        var failure: BodyError?
        var isCloseDelimited = false
    }

    private struct State {
        var next = 0
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    let isCloseDelimited: Bool
    private let script: Script
    private let executor: SeededExecutor
    private let onPiece: @Sendable () -> Void
    private let onEnd: @Sendable () -> Void
    private let state = Mutex(State())

    /// `onPiece` is called before each piece, `onEnd` when nobody wants more of it.
    init(
        _ script: Script,
        on executor: SeededExecutor,
        onPiece: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.script = script
        self.executor = executor
        self.onPiece = onPiece
        self.onEnd = onEnd
        isCloseDelimited = script.isCloseDelimited
    }

    deinit {
        onEnd()
    }

    func next() async throws -> BodyChunk? {
        let index = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        if let milliseconds = script.pauses[index] { await pause(milliseconds) }
        if state.withLock({ $0.isCancelled }) { throw BodyError.cancelled }
        guard index < script.pieces.count else {
            if let failure = script.failure { throw failure }
            return nil
        }
        onPiece()
        return .bytes(script.pieces[index])
    }

    func cancel() {
        let waiter = state.withLock { state in
            state.isCancelled = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    private func pause(_ milliseconds: Int) async {
        executor.schedule(after: milliseconds) { [weak self] in
            self?.state.withLock { $0.waiter.take() }?.resume()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if !state.isCancelled { state.waiter = continuation }
                    return state.isCancelled
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
    }
}
