// What memory has and the file has not yet, and who waits for it.

/// The state of writing behind: pure; the owner holds a lock and performs what is returned after it.
///
/// A name is settled when the file has its last durable change. Whoever is told that something was made, after a change of
/// a name that is not settled, waits for the file too: else a sign of life would acknowledge a registration that a kill
/// can still undo.
struct PendingWrites {
    typealias Waiter = CheckedContinuation<Void, any Error>

    /// What goes into one transaction.
    struct Batch {
        /// Folded names, and whether more than the lease changed.
        var names: [String: Bool]
        var waiters: [Waiter]
    }

    /// What the caller has to do.
    enum Action {
        case nothing
        /// Start a writer, which takes batches until there are none.
        case startWriter
        /// Call ``timeIsUp()`` after the delay.
        case startTimer
    }

    private let lazyMax: Int
    /// Names of changes that are about to be made in memory.
    private var announced: [String: Int] = [:]
    private var urgent: [String: Bool] = [:]
    private var lazy: [String: Bool] = [:]
    private var inFlight: [String: Bool] = [:]
    private var waiting: [Waiter] = []
    private var isWriting = false
    private var isTimed = false
    private var lazyIsDue = false
    private var isClosed = false

    init(lazyMax: Int) {
        self.lazyMax = max(1, lazyMax)
    }

    /// Whether the file has everything.
    var isEmpty: Bool { urgent.isEmpty && lazy.isEmpty && inFlight.isEmpty && waiting.isEmpty }

    /// Whether the file has the last durable change of `name`; false as well once closed.
    func isSettled(_ name: String) -> Bool {
        !isClosed && announced[name] == nil && urgent[name] == nil && inFlight[name] != true
    }

    /// Durable changes of `names` are about to be made in memory; false: the store is closed.
    mutating func announce(_ names: some Sequence<String>) -> Bool {
        if isClosed { return false }
        for name in names { announced[name, default: 0] += 1 }
        return true
    }

    /// They were made, or not.
    mutating func withdraw(_ names: some Sequence<String>) {
        for name in names {
            guard let count = announced[name] else { continue }
            announced[name] = count > 1 ? count - 1 : nil
        }
    }

    /// Changes were made in memory: they are to be written at once, and `waiter` told.
    mutating func add(_ names: some Sequence<String>, _ waiter: Waiter) -> Action {
        for name in names { urge(name) }
        waiting.append(waiter)
        return start()
    }

    /// All that waits is to be written at once, signs of life too, and `waiter` told.
    mutating func flush(_ waiter: Waiter) -> Action {
        lazyIsDue = true
        return add([], waiter)
    }

    /// `name` is to be written with the next transaction.
    mutating func urge(_ name: String) {
        urgent[name] = true
    }

    /// A sign of life was made in memory: it is to be written soon.
    mutating func addLazily(_ name: String, hasContent: Bool) -> Action {
        lazy[name] = hasContent || lazy[name] == true
        guard !isTimed, !lazyIsDue else { return .nothing }
        isTimed = true
        return .startTimer
    }

    /// Signs of life have waited long enough.
    mutating func timeIsUp() -> Action {
        isTimed = false
        guard !lazy.isEmpty || !urgent.isEmpty else { return .nothing }
        lazyIsDue = true
        return start()
    }

    /// What the next transaction writes; nil: there is nothing, the writer ends.
    mutating func nextBatch() -> Batch? {
        if lazy.isEmpty { lazyIsDue = false }
        guard !urgent.isEmpty || !waiting.isEmpty || lazyIsDue else {
            isWriting = false
            return nil
        }
        var batch = Batch(names: urgent, waiters: waiting)
        (urgent, waiting) = ([:], [])
        inFlight = batch.names
        if lazyIsDue {
            for (name, hasContent) in lazy.prefix(lazyMax) {
                batch.names[name] = hasContent || batch.names[name] == true
                lazy[name] = nil
            }
        }
        return batch
    }

    /// The file has the batch.
    mutating func written() {
        inFlight = [:]
    }

    /// The file has it not: it is to be written with the next one, after a pause; the writer ends.
    mutating func failed(_ batch: Batch) -> Action {
        for (name, _) in inFlight { urgent[name] = true }
        for (name, hasContent) in batch.names where inFlight[name] == nil {
            lazy[name] = hasContent || lazy[name] == true
        }
        (inFlight, isWriting) = ([:], false)
        return retry()
    }

    /// Refuses all that comes from now on, and has everything written; false if it does so already.
    mutating func close() -> Bool {
        defer { (isClosed, lazyIsDue) = (true, true) }
        return !isClosed
    }

    private mutating func start() -> Action {
        guard !isWriting else { return .nothing }
        isWriting = true
        return .startWriter
    }

    private mutating func retry() -> Action {
        lazyIsDue = false
        guard !isTimed, !isClosed else { return .nothing }
        isTimed = true
        return .startTimer
    }
}
