// When our own name is registered, renewed and given up: a pure state machine.

package import HTTP

/// Decides what is to be asked of the registry next; its owner asks, and tells what came of it.
///
/// At most one request is under way. Times are passed in.
package struct RegistrationStateMachine: Sendable {
    /// What happened.
    package enum Event: Sendable, Hashable {
        /// The machine begins; when the sealing keys are to be looked after.
        case started(keysTurnAt: Timestamp)
        /// A record was accepted; whether a lease key came with it, and when the record ends.
        case registered(hasLease: Bool, expiresAt: Timestamp)
        /// A sign of life was accepted.
        case renewed
        /// A sign of life was refused (401, 404): the record is wanted.
        case leaseRefused
        /// Our `seq` is too low; the owner has learnt a number to go above.
        case sequenceRefused
        /// The name belongs to another key.
        case nameTaken(String)
        /// The registry does not want the record, and why.
        case refused(String)
        /// The registry is away, or asks to come later.
        case failed(String)
        /// The sealing keys were looked after: whether there are new ones to publish, and when it is time again.
        case keysTurned(isNew: Bool, next: Timestamp)
        /// The time of ``RegistrationStateMachine/wakeAt`` came.
        case tick
        /// A graceful stop is wanted.
        case stopping
    }

    /// What is to be done, in order.
    package enum Action: Sendable, Hashable {
        /// Look after the sealing keys: new ones hourly, old ones dropped.
        case turnKeys
        /// Register a record that has long to live, with the newest keys and a `seq` above all before.
        case put
        /// Send a sign of life with this `n`.
        case renew(UInt64)
        /// Deregister.
        case leave
        case warn(String)
        /// Something is well again.
        case tell(String)
        /// The name is another's, and never was ours in this run: give up.
        case fail(String)
        /// Nothing is left to do.
        case end
    }

    private enum Phase: Sendable, Hashable {
        case idle
        /// A request is under way.
        case asking
        case waiting
        case ended
    }

    private let configuration: RegistrationConfiguration
    private var phase = Phase.idle
    /// Whether the registry is to be given a record, new keys or what it lost.
    private var mustPut = true
    private var isStopping = false
    private var isRegistered = false
    private var wasEverRegistered = false
    private var wasEverAsked = false
    private var hasLease = false
    private var renewals: UInt64 = 0
    private var failures = 0
    /// The trouble that was warned about, so that it is told once.
    private var trouble: String?
    private var turnAt = Timestamp.latest
    private var retryAt: Timestamp?
    private var putAt = Timestamp.latest
    private var renewAt = Timestamp.latest
    /// When something happened last.
    private var lastAt = Timestamp.earliest
    /// When a tick is wanted; nil while a request is under way, or at the end.
    package private(set) var wakeAt: Timestamp?

    package init(configuration: RegistrationConfiguration) {
        self.configuration = configuration
    }

    /// Takes an event.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: When.
    ///   - jitter: 0 to 1, at random: spreads what many clients do after the same failure.
    /// - Returns: What to do.
    package mutating func handle(_ event: Event, at now: Timestamp, jitter: Double) -> [Action] {
        guard phase != .ended else { return [] }
        notice(now)
        // Whatever the request under way came to, it was the last but one.
        if isStopping, phase == .asking { return end() }
        switch event {
        case .started(let keysTurnAt):
            guard phase == .idle else { return [] }
            turnAt = keysTurnAt
            return put()
        case .registered(let hasLease, let expiresAt):
            (self.hasLease, isRegistered, wasEverRegistered, mustPut) = (hasLease, true, true, false)
            // Before its end, with time for a few attempts.
            putAt = expiresAt.advanced(bySeconds: -configuration.recordMarginSeconds)
            return recover() + settle(at: now)
        case .renewed:
            return recover() + settle(at: now)
        case .leaseRefused:
            (mustPut, isRegistered) = (true, false)
            return settle(at: now)
        case .sequenceRefused:
            // At once the first time; a registry that never takes a number is asked ever more slowly.
            (mustPut, isRegistered) = (true, false)
            guard failures > 0 else {
                failures += 1
                return put()
            }
            return retry(at: now, jitter)
        case .nameTaken(let reason):
            guard wasEverRegistered else {
                phase = .ended
                return [.fail(reason)]
            }
            isRegistered = false
            return trouble(reason) + retry(at: now, jitter)
        case .refused(let reason):
            isRegistered = false
            return trouble(reason) + retry(at: now, jitter)
        case .failed(let reason):
            return trouble(reason) + retry(at: now, jitter)
        case .keysTurned(let isNew, let next):
            turnAt = max(next, now.advanced(bySeconds: 1))
            if isNew { mustPut = true }
            return attempt(at: now)
        case .tick:
            guard phase == .waiting, let wakeAt, now >= wakeAt else { return [] }
            return next(at: now)
        case .stopping:
            isStopping = true
            return phase == .asking ? [] : end()
        }
    }

    /// A clock that was set back must not put off a sign of life until it is where it was: what waits is due.
    private mutating func notice(_ now: Timestamp) {
        defer { lastAt = now }
        guard now < lastAt else { return }
        (renewAt, turnAt, retryAt) = (min(renewAt, now), min(turnAt, now), retryAt.map { min($0, now) })
        if phase == .waiting { wakeAt = now }
    }

    // MARK: What is next

    /// After a request that was understood.
    private mutating func settle(at now: Timestamp) -> [Action] {
        (failures, retryAt) = (0, nil)
        if mustPut { return put() }
        renewAt = now.advanced(byNanoseconds: configuration.renewalNanoseconds)
        return rest()
    }

    /// When the wait is over.
    private mutating func next(at now: Timestamp) -> [Action] {
        guard now >= turnAt else { return attempt(at: now) }
        (phase, wakeAt) = (.asking, nil)
        return [.turnKeys]
    }

    /// The request that is due, or the wait for it.
    private mutating func attempt(at now: Timestamp) -> [Action] {
        if let retryAt, now < retryAt { return rest() }
        if mustPut || !isRegistered || now >= putAt { return put() }
        guard now >= renewAt || retryAt != nil else { return rest() }
        guard hasLease else { return put() }
        (phase, wakeAt) = (.asking, nil)
        renewals += 1
        return [.renew(renewals)]
    }

    private mutating func put() -> [Action] {
        (phase, wakeAt, wasEverAsked) = (.asking, nil, true)
        return [.put]
    }

    private mutating func rest() -> [Action] {
        (phase, wakeAt) = (.waiting, min(retryAt ?? min(renewAt, putAt), turnAt))
        return []
    }

    /// After a failure: waits twice as long as before, up to the limit, less up to a half by chance.
    private mutating func retry(at now: Timestamp, _ jitter: Double) -> [Action] {
        failures += 1
        let limit = Double(configuration.retrySecondsMax)
        let bound = min(limit, 0.5 * Double(1 << min(failures - 1, 16)))
        let seconds = bound * (1 - min(max(jitter, 0), 1) / 2)
        retryAt = now.advanced(byNanoseconds: Int64(seconds * 1_000_000_000))
        return rest()
    }

    private mutating func end() -> [Action] {
        guard wasEverAsked, phase != .ended else {
            phase = .ended
            return [.end]
        }
        (phase, wakeAt) = (.ended, nil)
        return [.leave, .end]
    }

    // MARK: What is told

    private mutating func trouble(_ reason: String) -> [Action] {
        guard trouble == nil else { return [] }
        trouble = reason
        return [.warn(reason)]
    }

    private mutating func recover() -> [Action] {
        defer { trouble = nil }
        return trouble == nil ? [] : [.tell("registered again at the registry")]
    }
}
