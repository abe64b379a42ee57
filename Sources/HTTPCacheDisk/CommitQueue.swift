// Commits wait here while another is written, so that all that came meanwhile go into one transaction.

import HTTPCache

/// One caller's changes, and what to tell it.
struct PendingCommit: Sendable {
    let changes: [StoreChange]
    let continuation: CheckedContinuation<Void, any Error>

    /// Whether it is about segments: there are few of these commits, and much would be fetched again without one.
    var isUrgent: Bool {
        changes.contains { if case .extents = $0 { true } else { false } }
    }
}

/// The state of group commit: pure; the owner holds a lock and performs what is returned after it.
///
/// Each caller waits for its own commit, so the queue is never longer than there are callers.
struct CommitQueue: Sendable {
    /// What the caller of ``add(_:)`` has to do.
    enum Action {
        /// Start a writer, which takes groups until there are none.
        case startWriter
        /// Nothing: a writer is at it.
        case wait
        /// Tell the caller that the store is closed.
        case refuse
    }

    /// How many changes go into one transaction, so that none takes long; one caller's changes are never split.
    private let changesMax: Int
    private var waiting: [PendingCommit] = []
    private var isWriting = false
    private var isClosed = false

    init(changesMax: Int) {
        self.changesMax = changesMax
    }

    /// Adds a commit at the end.
    mutating func add(_ commit: PendingCommit) -> Action {
        guard !isClosed else { return .refuse }
        waiting.append(commit)
        guard !isWriting else { return .wait }
        isWriting = true
        return .startWriter
    }

    /// The commits for the next transaction; empty: there are none, the writer ends.
    mutating func nextGroup() -> [PendingCommit] {
        var count = 0
        var changes = 0
        while count < waiting.count, count == 0 || changes + waiting[count].changes.count <= changesMax {
            changes += waiting[count].changes.count
            count += 1
        }
        let group = Array(waiting[..<count])
        waiting.removeFirst(count)
        if group.isEmpty { isWriting = false }
        return group
    }

    /// Refuses all that comes from now on; returns false if it does so already.
    mutating func close() -> Bool {
        defer { isClosed = true }
        return !isClosed
    }
}
