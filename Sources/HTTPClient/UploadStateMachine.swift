// A request body between the task that reads its source and the loop that sends it: pure.

/// A bounded queue of octets from one task to the loop.
///
/// The methods say what is to be done after the owner's lock. `Waiter` is a continuation, or a number in tests.
struct UploadStateMachine<Waiter> {
    /// How the source ended.
    enum End: Equatable {
        case complete
        case failed
    }

    /// What the loop's attempt to take octets gave.
    enum Taken: Equatable {
        case octets(ArraySlice<UInt8>)
        /// Nothing yet; the loop is told when there is.
        case later
        case end
        /// The source failed: the request must not end cleanly.
        case failed
    }

    private let queueBytesMax: Int
    private var queue: [ArraySlice<UInt8>] = []
    private var queuedBytes = 0
    private var end: End?
    private var isLoopWaiting = false
    private var isClosed = false
    private var waiter: Waiter?

    init(queueBytesMax: Int) {
        self.queueBytesMax = queueBytesMax
    }

    // MARK: The task

    /// Adds octets; returns whether the loop is to be woken.
    mutating func put(_ octets: ArraySlice<UInt8>) -> Bool {
        guard !isClosed, !octets.isEmpty else { return false }
        queue.append(octets)
        queuedBytes += octets.count
        defer { isLoopWaiting = false }
        return isLoopWaiting
    }

    /// Whether more may be put now (true), never again (false), or after `waiter`, which is kept, is told (nil).
    mutating func awaitRoom(_ waiter: Waiter) -> Bool? {
        if isClosed { return false }
        if queuedBytes < queueBytesMax { return true }
        self.waiter = waiter
        return nil
    }

    /// The source ended; returns whether the loop is to be woken.
    mutating func finish(_ end: End) -> Bool {
        guard !isClosed, self.end == nil else { return false }
        self.end = end
        defer { isLoopWaiting = false }
        return isLoopWaiting
    }

    // MARK: The loop

    /// Takes at most `count` octets, which is above 0; returns also a waiter to be told that there is room.
    mutating func take(atMost count: Int) -> (taken: Taken, waiter: Waiter?) {
        if let first = queue.first {
            let piece = first.prefix(count)
            if piece.count == first.count {
                queue.removeFirst()
            } else {
                queue[0] = first.dropFirst(piece.count)
            }
            queuedBytes -= piece.count
            guard queuedBytes < queueBytesMax else { return (.octets(piece), nil) }
            defer { waiter = nil }
            return (.octets(piece), waiter)
        }
        switch end {
        case .complete: return (.end, nil)
        case .failed: return (.failed, nil)
        case nil:
            isLoopWaiting = true
            return (.later, nil)
        }
    }

    /// The transfer is over: returns a waiter to be told so, and whether the source is still to be cancelled.
    mutating func close() -> (waiter: Waiter?, cancelsSource: Bool) {
        guard !isClosed else { return (nil, false) }
        isClosed = true
        queue = []
        queuedBytes = 0
        defer { waiter = nil }
        return (waiter, end == nil)
    }
}
