// The life of a connection to Redis: what waits, what was sent, when to try again.

import NIOCore

/// Pure; the owner holds a lock and performs what is returned after it.
struct RedisLinkState {
    typealias Answer = Result<RESPValue, RedisStoreError>

    /// A command and whom to tell.
    struct Pending {
        let command: RESPCommand
        /// How long the answer may take.
        let bound: TimeAmount
        let completion: @Sendable (Answer) -> Void
    }

    /// Someone to be told something, after the lock.
    struct Notice {
        let completion: @Sendable (Answer) -> Void
        let answer: Answer

        func give() { completion(answer) }
    }

    private enum Phase {
        /// On the way; commands wait only if there was no failure yet.
        case connecting
        /// So many answers to the greeting are still to come.
        case greeting(Int)
        case ready
        /// Until the next attempt.
        case away
        case closed
    }

    /// What the caller of ``submit(_:)`` has to do.
    enum Submission {
        case refuse(RedisStoreError)
        /// See to it that ``takeWaiting(now:)`` is called.
        case wake
        /// That is on its way already.
        case nothing
    }

    /// What an answer is.
    enum Reception {
        case notice(Notice)
        /// The greeting is over: write what waits.
        case ready
        case nothing
        /// It answers nothing, or the greeting was refused: close the connection.
        case close(RedisStoreError)
    }

    private let address: String
    private let commandsMax: Int
    private var phase = Phase.connecting
    private var waiting: [Pending] = []
    private var sent = CircularBuffer<(pending: Pending, deadline: NIODeadline)>()
    private var isWoken = false
    /// Attempts that failed since it was last ready.
    private var failures = 0
    /// Why it is away.
    private var reason = "not connected yet"

    init(address: String, commandsMax: Int) {
        (self.address, self.commandsMax) = (address, commandsMax)
    }

    /// When the oldest answer is overdue; nil: none is awaited.
    var deadline: NIODeadline? { sent.first?.deadline }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    /// Whether an answer to the greeting is still to come.
    var isGreeting: Bool {
        if case .greeting = phase { true } else { false }
    }

    mutating func submit(_ pending: Pending) -> Submission {
        switch phase {
        case .closed: return .refuse(RedisStoreError(.closed, "the store \(address) is closed"))
        case .away: return .refuse(awayError)
        case .connecting, .greeting: if failures > 0 { return .refuse(awayError) }
        case .ready: break
        }
        guard waiting.count + sent.count < commandsMax else {
            let message = "\(address) has \(commandsMax) commands to answer already; try again later"
            return .refuse(RedisStoreError(.busy, message))
        }
        waiting.append(pending)
        guard case .ready = phase, !isWoken else { return .nothing }
        isWoken = true
        return .wake
    }

    /// What is to be written now; from now on the answers are awaited.
    mutating func takeWaiting(now: NIODeadline) -> [RESPCommand] {
        isWoken = false
        guard case .ready = phase else { return [] }
        for pending in waiting { sent.append((pending, now + pending.bound)) }
        defer { waiting.removeAll(keepingCapacity: true) }
        return waiting.map(\.command)
    }

    /// An attempt begins; false: the link is closed.
    mutating func connect() -> Bool {
        if isClosed { return false }
        phase = .connecting
        return true
    }

    /// The connection stands and the greeting was written; false: the link is closed.
    mutating func greeted(_ count: Int) -> Bool {
        if isClosed { return false }
        phase = .greeting(count)
        return true
    }

    mutating func received(_ value: RESPValue) -> Reception {
        if case .push = value { return .nothing }
        switch phase {
        case .greeting(let count):
            if case .error(let text) = value {
                return .close(RedisStoreError(.refused, "\(address) refused the connection: \(text)"))
            }
            guard count == 1 else {
                phase = .greeting(count - 1)
                return .nothing
            }
            (phase, failures) = (.ready, 0)
            return .ready
        case .ready:
            guard let (pending, _) = sent.popFirst() else {
                return .close(RedisStoreError(.malformed, "\(address) answered what was not asked"))
            }
            guard case .error(let text) = value else {
                return .notice(Notice(completion: pending.completion, answer: .success(value)))
            }
            let error = RedisStoreError(.refused, "\(address) refused: \(text)")
            return .notice(Notice(completion: pending.completion, answer: .failure(error)))
        case .connecting, .away, .closed: return .nothing
        }
    }

    /// The connection went, or could not be made; returns whom to tell, and how often in a row that was so (nil: closed).
    mutating func lost(_ error: RedisStoreError) -> (notices: [Notice], failures: Int?) {
        let notices =
            sent.map { Notice(completion: $0.pending.completion, answer: .failure(error)) }
            + waiting.map { Notice(completion: $0.completion, answer: .failure(awayBecause(error.message))) }
        sent.removeAll()
        waiting.removeAll()
        if isClosed { return (notices, nil) }
        failures += 1
        (phase, reason) = (.away, error.message)
        return (notices, failures)
    }

    /// For good; returns whom to tell.
    mutating func close() -> [Notice] {
        let error = RedisStoreError(.closed, "the store \(address) is closed")
        let (notices, _) = lost(error)
        phase = .closed
        return notices
    }

    private var awayError: RedisStoreError { awayBecause(reason) }

    private func awayBecause(_ reason: String) -> RedisStoreError {
        RedisStoreError(.away, "no connection to \(address) (\(reason))")
    }
}
