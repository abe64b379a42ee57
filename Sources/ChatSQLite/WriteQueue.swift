// Writes wait here while another is made, so that all that came meanwhile go into one transaction.

import GRDB
import Synchronization

/// One caller's change of the file, and what tells it how that went.
protocol PendingWrite: Sendable {
    /// Makes the change, within a transaction; may be called again after a rollback.
    func perform(_ db: Database) throws

    /// The transaction was committed, or there was an error.
    func finish(_ error: (any Error)?)
}

/// A write with an answer.
final class WriteOf<Value: Sendable>: PendingWrite {
    private let work: @Sendable (Database) throws -> Value
    private let continuation: CheckedContinuation<Value, any Error>
    private let value = Mutex<Value?>(nil)

    init(_ continuation: CheckedContinuation<Value, any Error>, _ work: @escaping @Sendable (Database) throws -> Value)
    {
        (self.continuation, self.work) = (continuation, work)
    }

    func perform(_ db: Database) throws {
        let made = try work(db)
        value.withLock { $0 = made }
    }

    func finish(_ error: (any Error)?) {
        if let error { return continuation.resume(throwing: error) }
        guard let made = value.withLock({ $0 }) else {
            return continuation.resume(throwing: DatabaseError(message: "the write was not made"))
        }
        continuation.resume(returning: made)
    }
}

/// The state of group commit: pure; each caller waits for its own write, so it is never longer than there are callers.
struct WriteQueue: Sendable {
    enum Action {
        /// Start a writer, which takes groups until there are none.
        case startWriter
        /// Nothing: a writer is at it.
        case wait
        /// Tell the caller that the store is closed.
        case refuse
    }

    private let writesMax: Int
    private var waiting: [any PendingWrite] = []
    private var isWriting = false
    private var isClosed = false

    /// `writesMax`: how many writes go into one transaction.
    init(writesMax: Int) {
        self.writesMax = writesMax
    }

    mutating func add(_ write: any PendingWrite) -> Action {
        guard !isClosed else { return .refuse }
        waiting.append(write)
        guard !isWriting else { return .wait }
        isWriting = true
        return .startWriter
    }

    /// The writes for the next transaction; empty: there are none, the writer ends.
    mutating func nextGroup() -> [any PendingWrite] {
        let group = Array(waiting.prefix(writesMax))
        waiting.removeFirst(group.count)
        if group.isEmpty { isWriting = false }
        return group
    }

    /// Refuses all that comes from now on; false: it does so already.
    mutating func close() -> Bool {
        defer { isClosed = true }
        return !isClosed
    }
}
