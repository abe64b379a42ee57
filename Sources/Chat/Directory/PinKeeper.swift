// Writes pins to the store, one batch at a time, so that an older state never overtakes a newer one.

import Synchronization

/// Collects the names whose pins changed; whoever finds no write under way writes all that are due.
///
/// Without it two writes of one pin may pass each other in the store:
///
///     task 1: pin := A             store(A) ................ done
///     task 2:          pin := B    store(B) ... done              the store is left with A
final class PinKeeper: Sendable {
    private enum Turn {
        case write
        case written(ChatError?)
    }

    private struct State {
        var due: Set<String> = []
        /// Names of the batch under way.
        var writing: Set<String> = []
        var isWriting = false
        var waiters: [CheckedContinuation<Turn, Never>] = []
    }

    private let store: any ChatStore
    private let registry: String
    private let current: @Sendable (Set<String>) -> [Pin]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - store: Where the pins go.
    ///   - registry: Whose pins they are.
    ///   - current: The pins of these folded names as they are now.
    init(store: any ChatStore, registry: String, current: @escaping @Sendable (Set<String>) -> [Pin]) {
        (self.store, self.registry, self.current) = (store, registry, current)
    }

    /// Whether this name's pin is not stored yet: its write is under way, or failed.
    func isDue(_ name: String) -> Bool {
        state.withLock { $0.due.contains(name) || $0.writing.contains(name) }
    }

    /// Returns once the pin of `name`, as it is now or newer, is stored.
    ///
    /// - Throws: ``ChatError`` with `storeFailed`; the name stays due, and goes along with the next write.
    func save(_ name: String) async throws(ChatError) {
        let turn = await withCheckedContinuation { (continuation: CheckedContinuation<Turn, Never>) in
            let isFirst = state.withLock { state in
                state.due.insert(name)
                guard state.isWriting else {
                    state.isWriting = true
                    return true
                }
                state.waiters.append(continuation)
                return false
            }
            if isFirst { continuation.resume(returning: .write) }
        }
        switch turn {
        case .written(nil): return
        case .written(let error?): throw error
        case .write: try await write()
        }
    }

    private func write() async throws(ChatError) {
        // Those who wait now see their names in this batch; who comes later is of the next.
        let (names, waiters) = state.withLock { state in
            defer { (state.writing, state.due, state.waiters) = (state.due, [], []) }
            return (state.due, state.waiters)
        }
        var failure: ChatError?
        do {
            _ = try await store.pins(of: registry, changing: current(names))
        } catch {
            failure = ChatError(.storeFailed, "cannot keep what is known of peers: \(error)")
        }
        // A writer who gave up fails alone: the others of its batch write it again.
        let isAbandoned = failure != nil && Task.isCancelled
        let next = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            if failure != nil { state.due.formUnion(names) }
            if isAbandoned { state.waiters += waiters }
            state.writing = []
            state.isWriting = !state.waiters.isEmpty
            return state.waiters.popLast()
        }
        if !isAbandoned {
            for waiter in waiters { waiter.resume(returning: .written(failure)) }
        }
        next?.resume(returning: .write)
        if let failure { throw failure }
    }
}
