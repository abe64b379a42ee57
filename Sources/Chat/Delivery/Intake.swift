// Texts wait here while others are being written to the store, so that all that came meanwhile go into one transaction.

/// What one caller wrote, and whom to tell that it is kept.
struct IntakeTicket: Sendable {
    let drafts: [Draft]
    let continuation: CheckedContinuation<Result<Void, ChatError>, Never>
}

/// The order in which texts get their numbers: pure; the owner holds a lock and resumes what is returned after it.
struct Intake: Sendable {
    private let draftsMax: Int
    private var waiting: [IntakeTicket] = []
    private(set) var isClosed = false

    init(draftsMax: Int) {
        self.draftsMax = draftsMax
    }

    /// How many drafts wait.
    private(set) var draftCount = 0

    /// Adds what a caller wrote at the end; false: nothing is taken any more.
    mutating func add(_ ticket: IntakeTicket) -> Bool {
        guard !isClosed else { return false }
        waiting.append(ticket)
        draftCount += ticket.drafts.count
        return true
    }

    /// What goes into the next transaction, empty if there is nothing; one caller's drafts are never split.
    mutating func nextGroup() -> [IntakeTicket] {
        var count = 0
        var drafts = 0
        while count < waiting.count, count == 0 || drafts + waiting[count].drafts.count <= draftsMax {
            drafts += waiting[count].drafts.count
            count += 1
        }
        let group = Array(waiting[..<count])
        waiting.removeFirst(count)
        draftCount -= drafts
        return group
    }

    /// Takes nothing any more; returns who still waits.
    mutating func close() -> [IntakeTicket] {
        isClosed = true
        draftCount = 0
        defer { waiting = [] }
        return waiting
    }
}
