// The life of one exchange between the loop that receives and the task that reads: pure, so that every order can be tested.

/// How an exchange ended.
enum ExchangeEnd: Sendable, Equatable {
    /// At the response's declared or provable end.
    case complete
    case failed(HTTPClientError)
}

/// The final head, and the whole body if it was complete already when the head was handed over.
struct ExchangeHead: Sendable, Equatable {
    var head: ResponseHead
    var whole: [UInt8]?
}

/// Head, queue of body chunks and end of one exchange.
///
/// The methods change the state and say what is to be done; the owner does it after its lock. `HeadWaiter` and
/// `BodyWaiter` are continuations, or numbers in tests.
struct ExchangeStateMachine<HeadWaiter, BodyWaiter> {
    typealias HeadOutcome = Result<ExchangeHead, HTTPClientError>
    /// The next chunk, or nil at the end.
    typealias BodyOutcome = Result<ArraySlice<UInt8>?, HTTPClientError>

    private enum Head {
        case pending
        case awaited(HeadWaiter)
        case ready(HeadOutcome)
        case taken
    }

    /// What a delivery asks for.
    struct DeliveryActions {
        var head: (waiter: HeadWaiter, outcome: HeadOutcome)?
        var body: (waiter: BodyWaiter, outcome: BodyOutcome)?
        /// The queue is full: receive no more until the reader asks.
        var pauses = false
    }

    /// What a reader's pull gives.
    enum Pull {
        /// An outcome, and whether the loop is to be told that the queue has room again.
        case now(BodyOutcome, resumes: Bool)
        /// Nothing yet.
        case later
    }

    /// What giving up asks for.
    struct CancelActions {
        var head: HeadWaiter?
        var body: BodyWaiter?
        /// The transfer is under way and is to be aborted.
        var aborts = false
    }

    private let queueBytesMax: Int
    /// As much of that as there is for it, among all that are under way.
    private var queueBytesShare: Int
    private let mayBeWhole: @Sendable (ResponseHead) -> Bool
    private var head = Head.pending
    private var chunks: [[UInt8]] = []
    private var queuedBytes = 0
    private var isPaused = false
    private var bodyWaiter: BodyWaiter?
    private var end: ExchangeEnd?

    /// `mayBeWhole` says which bodies may be handed over with their head; others are always streams, so that their
    /// reader can see how they ended.
    init(queueBytesMax: Int, mayBeWhole: @escaping @Sendable (ResponseHead) -> Bool) {
        self.queueBytesMax = queueBytesMax
        queueBytesShare = queueBytesMax
        self.mayBeWhole = mayBeWhole
    }

    // MARK: The loop

    /// Takes what one round of the loop brought: at most one head ever, octets, the end.
    ///
    /// From now on `share` octets may be queued, if that is less than at other times.
    mutating func deliver(
        head newHead: ResponseHead?,
        octets: [UInt8],
        end newEnd: ExchangeEnd?,
        share: Int = .max
    ) -> DeliveryActions {
        var actions = DeliveryActions()
        queueBytesShare = min(queueBytesMax, share)
        guard end == nil else { return actions }
        end = newEnd
        var octets = octets
        if let outcome = headOutcome(newHead, &octets) {
            if case .awaited(let waiter) = head {
                head = .taken
                actions.head = (waiter, outcome)
            } else {
                head = .ready(outcome)
            }
        }
        enqueue(octets)
        if let waiter = bodyWaiter, case .now(let outcome, _) = pull() {
            bodyWaiter = nil
            actions.body = (waiter, outcome)
        }
        if queuedBytes >= queueBytesShare, !isPaused, end == nil {
            isPaused = true
            actions.pauses = true
        }
        return actions
    }

    private func headOutcome(_ newHead: ResponseHead?, _ octets: inout [UInt8]) -> HeadOutcome? {
        if let newHead {
            guard end == .complete, mayBeWhole(newHead) else { return .success(ExchangeHead(head: newHead)) }
            defer { octets = [] }
            return .success(ExchangeHead(head: newHead, whole: octets))
        }
        switch (head, end) {
        case (.pending, .failed(let error)), (.awaited, .failed(let error)): return .failure(error)
        default: return nil
        }
    }

    private mutating func enqueue(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        queuedBytes += octets.count
        // A trickle must not become a queue of tiny arrays.
        if let last = chunks.last, last.count + octets.count <= 64 << 10 {
            chunks[chunks.count - 1].append(contentsOf: octets)
        } else {
            chunks.append(octets)
        }
    }

    // MARK: The reader

    /// The head's outcome if it is there; else `waiter` is kept and given back by a delivery or a cancellation.
    mutating func awaitHead(_ waiter: HeadWaiter) -> HeadOutcome? {
        switch head {
        case .ready(let outcome):
            head = .taken
            return outcome
        case .pending:
            head = .awaited(waiter)
            return nil
        case .awaited, .taken: return .failure(HTTPClientError(.other, "the response was asked for twice"))
        }
    }

    /// The next chunk, the end, or nothing yet.
    mutating func pull() -> Pull {
        if !chunks.isEmpty {
            let chunk = chunks.removeFirst()
            queuedBytes -= chunk.count
            let resumes = isPaused && end == nil && queuedBytes <= queueBytesShare / 2
            if resumes { isPaused = false }
            return .now(.success(chunk[...]), resumes: resumes)
        }
        switch end {
        case .complete: return .now(.success(nil), resumes: false)
        case .failed(let error): return .now(.failure(error), resumes: false)
        case nil: return .later
        }
    }

    /// As ``pull()``, but keeps `waiter` if there is nothing yet.
    mutating func pull(_ waiter: BodyWaiter) -> Pull {
        let pull = pull()
        if case .later = pull { bodyWaiter = waiter }
        return pull
    }

    /// Gives the exchange up: queued octets are dropped, waiters are returned to be told `error`.
    mutating func cancel(_ error: HTTPClientError) -> CancelActions {
        var actions = CancelActions()
        actions.aborts = end == nil
        // Octets that are dropped here must never be followed by a clean end.
        if end != .complete || bodyWaiter != nil || !chunks.isEmpty { end = .failed(error) }
        chunks = []
        queuedBytes = 0
        switch head {
        case .awaited(let waiter):
            actions.head = waiter
            head = .taken
        case .pending: head = .ready(.failure(error))
        case .ready, .taken: break
        }
        actions.body = bodyWaiter
        bodyWaiter = nil
        return actions
    }
}
