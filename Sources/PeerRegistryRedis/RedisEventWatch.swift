// Those who wait for events in Redis: all of them share one reading.

/// Pure; the owner holds a lock and performs what is returned after it.
struct RedisEventWatch {
    typealias Waiter = CheckedContinuation<UInt64, any Error>

    /// What the caller of ``add(_:after:number:)`` has to do.
    enum Addition {
        /// Resume the waiter with this revision.
        case resume(UInt64)
        /// Begin to read after ``RedisEventWatch/newest``.
        case read
        /// Nothing: a reading is under way.
        case nothing
        /// There are too many.
        case refuse
        /// Resume the waiter with an error: the store is closed.
        case closed
    }

    private let waitersMax: Int
    /// The newest revision that Redis has told of.
    private(set) var newest: UInt64 = 0
    private var waiters: [Int: (revision: UInt64, waiter: Waiter)] = [:]
    private var isReading = false
    private var isClosed = false
    private var waitersMade = 0

    init(waitersMax: Int) {
        self.waitersMax = waitersMax
    }

    /// A number for a waiter to come.
    mutating func makeNumber() -> Int {
        waitersMade += 1
        return waitersMade
    }

    mutating func add(_ waiter: Waiter, after revision: UInt64, number: Int) -> Addition {
        if isClosed { return .closed }
        if newest > revision { return .resume(newest) }
        guard waiters.count < waitersMax else { return .refuse }
        waiters[number] = (revision, waiter)
        if isReading { return .nothing }
        isReading = true
        return .read
    }

    mutating func remove(_ number: Int) -> Waiter? {
        waiters.removeValue(forKey: number)?.waiter
    }

    /// Redis told its newest revision; returns whom to resume, and whether to read on.
    mutating func learned(_ revision: UInt64) -> (resumed: [Waiter], readsOn: Bool) {
        // Redis forgot: whoever waits is to look for himself.
        let hasForgotten = revision < newest
        newest = revision
        let over = waiters.filter { hasForgotten || $0.value.revision < revision }
        for number in over.keys { waiters[number] = nil }
        isReading = !waiters.isEmpty && !isClosed
        return (over.values.map(\.waiter), isReading)
    }

    /// Whether it is worth trying again after a failure.
    mutating func failed() -> Bool {
        isReading = !waiters.isEmpty && !isClosed
        return isReading
    }

    mutating func close() -> [Waiter] {
        isClosed = true
        defer { waiters.removeAll() }
        return waiters.values.map(\.waiter)
    }
}
