// Who is delivered to when: every decision of delivery, and nothing that waits.

import PeerIdentity

/// All lanes: pure; the owner performs what is returned, and comes back with what came of it.
///
/// For each recipient: one body in flight, in order of number. What is not acknowledged stays queued until it is, until the
/// receiver refuses it, or until the person gives up. Time is the duration since any fixed point.
struct DeliveryStateMachine: Sendable {
    /// So many refusals for lack of room in a row have the recipient looked up.
    private static let refreshingFailures = 4

    private let configuration: CourierConfiguration
    private let backoff: Backoff
    /// Octets of our own name.
    private let fromBytes: Int
    private var lanes: [PeerIdentifier: DeliveryLane] = [:]
    /// Lanes that are ready, the longest waiting first.
    private var ready: ArraySlice<PeerIdentifier> = []
    /// Lanes that wait for a time.
    private var delayed: Set<PeerIdentifier> = []
    private var busyCount = 0
    /// How many messages are queued.
    private(set) var queuedCount = 0
    /// The last messages that failed in this run.
    private var failed: ArraySlice<OutgoingMessage> = []

    init(configuration: CourierConfiguration, fromBytes: Int) {
        self.configuration = configuration
        self.fromBytes = fromBytes
        backoff = Backoff(first: configuration.firstRetry)
    }

    // MARK: What is asked

    /// The earliest time at which something is to be tried again.
    var nextDeadline: Duration? { delayed.compactMap { lanes[$0]?.deadline }.min() }

    /// Whether no message is queued and nothing remains to be written down.
    var isSettled: Bool { queuedCount == 0 && busyCount == 0 }

    /// Whether only a person can bring what is queued any further.
    var isStuck: Bool {
        busyCount == 0 && ready.isEmpty
            && delayed.allSatisfy { peer in
                guard case .stopped = lanes[peer]?.phase else { return false }
                return true
            }
    }

    /// What is queued, and what failed in this run.
    var undelivered: [OutgoingMessage] {
        let queued = lanes.values.sorted { $0.to.folded < $1.to.folded }.flatMap { lane in
            lane.waiting.map { message in
                var message = message
                message.reason = lane.reason
                return message
            }
        }
        return failed + queued
    }

    /// Why `peer` is late, if it is.
    func reason(for peer: PeerIdentifier) -> String? { lanes[peer]?.reason }

    // MARK: What happens

    /// Takes queued messages, in order of number for each recipient.
    mutating func add(_ messages: [OutgoingMessage]) {
        for message in messages {
            change(message.to) { lane in
                lane.waiting.append(message)
                if lane.phase == .idle { lane.phase = .ready }
            }
        }
        queuedCount += messages.count
    }

    /// What is to be tried now; each has to be followed by ``finish(_:with:at:random:)`` and ``release(_:)``.
    mutating func takeReady(at now: Duration) -> [DeliveryAttempt] {
        for peer in delayed where lanes[peer]?.deadline.map({ $0 <= now }) == true {
            change(peer) { $0.phase = .ready }
        }
        var attempts: [DeliveryAttempt] = []
        while busyCount < max(1, configuration.recipientsAtOnce), let peer = ready.popFirst() {
            guard let attempt = attempt(to: peer) else { continue }
            attempts.append(attempt)
            busyCount += 1
        }
        return attempts
    }

    /// Decides what an outcome means.
    mutating func finish(
        _ attempt: DeliveryAttempt,
        with outcome: DeliveryOutcome,
        at now: Duration,
        random: Double
    ) -> DeliveryEffects {
        guard var lane = lanes[attempt.to], lane.phase == .busy else { return DeliveryEffects() }
        var effects = DeliveryEffects()
        switch outcome {
        case .delivered(let number, let note):
            let isOfUse = deliver(attempt, upTo: number, note: note, &lane, &effects)
            if !isOfUse { delay(&lane, now, random, "\(attempt.to) did not store it; will retry", &effects) }
        case .keyUnknown(let record):
            lane.reseals += 1
            if lane.reseals <= configuration.resealsMax {
                (lane.preparation, lane.next) = (.learned(record), .ready)
            } else {
                let reason = "\(attempt.to) does not know the key in its own record; will retry"
                delay(&lane, now, random, reason, &effects)
                lane.reseals = 0
            }
        case .refused(let reason, let isOfSender):
            refuse(attempt, reason, isOfSender, &lane, &effects)
        case .later(let reason, let after):
            delay(&lane, now, random, reason, &effects)
            postpone(&lane, now, after)
        case .busy(let reason, let after):
            delay(&lane, now, random, reason, &effects)
            postpone(&lane, now, after)
            // Who is busy time and again may not be the peer.
            if lane.failures < Self.refreshingFailures { lane.preparation = .remembered }
        case .slow(let reason):
            delay(&lane, now, random, longest: configuration.slowRetryMax, reason, &effects)
        case .needsPerson(let reason, let keyChanged):
            if keyChanged, lane.reason != reason { effects.events.append(.keyChanged(attempt.to)) }
            delay(&lane, now, random, longest: configuration.slowRetryMax, reason, &effects)
            if case .delayed(let until) = lane.next { lane.next = .stopped(until: until) }
        case .abandoned:
            lane.next = .ready
        }
        lanes[attempt.to] = lane
        return effects
    }

    /// What came of the last attempt was written down and told: the lane may go on.
    mutating func release(_ peer: PeerIdentifier) {
        guard lanes[peer]?.phase == .busy else { return }
        busyCount -= 1
        change(peer) { lane in
            lane.phase = lane.waiting.isEmpty ? .idle : lane.next == .idle ? .ready : lane.next
            if lane.waiting.isEmpty { lane.reason = nil }
        }
    }

    /// Tries `peer` now, with a new look-up: it came back, or the person decided something about it.
    mutating func retryNow(_ peer: PeerIdentifier) {
        guard lanes[peer] != nil else { return }
        change(peer) { lane in
            lane.failures = 0
            switch lane.phase {
            case .delayed, .stopped: (lane.phase, lane.preparation) = (.ready, .refreshed)
            case .busy:
                guard lane.next != .idle else { break }
                (lane.next, lane.preparation) = (.ready, .refreshed)
            case .idle, .ready: break
            }
        }
    }

    /// The reason of what a person gave up.
    static let givenUp = "given up"

    /// Fails what is queued for `peer`; a body on its way may still arrive.
    mutating func giveUp(on peer: PeerIdentifier) -> DeliveryEffects {
        var effects = DeliveryEffects()
        guard var lane = lanes[peer] else { return effects }
        while let stream = lane.waiting.first?.stream {
            fail(upTo: lane.lastNumber(of: stream), of: stream, Self.givenUp, &lane, &effects)
        }
        change(peer) { changed in
            changed = lane
            if changed.phase != .busy { changed.phase = .idle }
            changed.reason = nil
        }
        return effects
    }

    // MARK: Inside

    /// Changes a lane and keeps ``ready`` and ``delayed`` in step.
    private mutating func change(_ peer: PeerIdentifier, _ body: (inout DeliveryLane) -> Void) {
        // Removed for the time, so that appending to the lane's messages does not copy them.
        var lane =
            lanes.removeValue(forKey: peer) ?? DeliveryLane(to: peer, countMax: configuration.messagesPerBodyMax)
        let before = lane.phase
        body(&lane)
        if lane.phase == .ready, before != .ready { ready.append(peer) }
        if lane.deadline != nil { delayed.insert(peer) } else { delayed.remove(peer) }
        lanes[peer] = lane
    }

    private mutating func attempt(to peer: PeerIdentifier) -> DeliveryAttempt? {
        guard var lane = lanes[peer], lane.phase == .ready, let first = lane.waiting.first else { return nil }
        let overhead = EnvelopeBudget.overhead(
            fromBytes: fromBytes,
            toBytes: peer.text.utf8.count,
            recordBytes: lane.isIntroduced ? 0 : configuration.answerBytesMax
        )
        let body = EnvelopeBudget.prefix(of: lane.waiting, countMax: lane.countMax, overhead: overhead)
        let attempt = DeliveryAttempt(
            to: peer,
            stream: first.stream,
            messages: body.map(\.message),
            preparation: lane.preparation,
            introduces: !lane.isIntroduced
        )
        (lane.phase, lane.next, lane.preparation) = (.busy, .idle, .remembered)
        lanes[peer] = lane
        return attempt
    }

    /// Returns false if it led to nothing, so that the same must not be tried again at once.
    private mutating func deliver(
        _ attempt: DeliveryAttempt,
        upTo number: UInt64,
        note: String?,
        _ lane: inout DeliveryLane,
        _ effects: inout DeliveryEffects
    ) -> Bool {
        guard let last = attempt.messages.last?.sequence else { return true }
        guard number <= max(lane.lastNumber(of: attempt.stream), last) else {
            // Numbers that we have not given out yet: this outbox is older than what was once sent from it. What the
            // receiver took for a duplicate it did not show.
            let reason =
                "the outbox was restored from an older copy, and \(attempt.to) took it for known; send it again"
            fail(upTo: last, of: attempt.stream, reason, &lane, &effects)
            return true
        }
        let taken = lane.take(upTo: number, of: attempt.stream)
        guard let highest = taken.last?.message.sequence else {
            // Given up meanwhile, or the receiver stored nothing.
            return lane.waiting.first.map { ($0.stream, $0.message) == (attempt.stream, attempt.messages[0]) } != true
        }
        queuedCount -= taken.count
        (lane.failures, lane.reseals, lane.wasRefused, lane.reason) = (0, 0, false, nil)
        (lane.isIntroduced, lane.countMax) = (true, configuration.messagesPerBodyMax)
        effects.settlements.append(
            .init(to: attempt.to, stream: attempt.stream, upTo: highest, state: .delivered, reason: note)
        )
        effects.events += taken.map { message in
            var message = message
            (message.state, message.reason) = (.delivered, note)
            return .outgoing(message)
        }
        return true
    }

    /// A refusal is believed the second time, after a new look-up, and then of one message rather than of many.
    private mutating func refuse(
        _ attempt: DeliveryAttempt,
        _ reason: String,
        _ isOfSender: Bool,
        _ lane: inout DeliveryLane,
        _ effects: inout DeliveryEffects
    ) {
        lane.next = .ready
        guard lane.wasRefused else {
            (lane.wasRefused, lane.preparation) = (true, .refreshed)
            return
        }
        guard isOfSender || attempt.messages.count == 1 else {
            lane.countMax = max(1, attempt.messages.count / 2)
            return
        }
        guard let last = attempt.messages.last?.sequence else { return }
        fail(upTo: last, of: attempt.stream, reason, &lane, &effects)
        lane.wasRefused = false
        lane.countMax = configuration.messagesPerBodyMax
    }

    private mutating func fail(
        upTo number: UInt64,
        of stream: StreamID,
        _ reason: String,
        _ lane: inout DeliveryLane,
        _ effects: inout DeliveryEffects
    ) {
        let taken = lane.take(upTo: number, of: stream)
        guard let highest = taken.last?.message.sequence else { return }
        queuedCount -= taken.count
        effects.settlements.append(
            .init(to: lane.to, stream: stream, upTo: highest, state: .failed, reason: reason)
        )
        for message in taken {
            var message = message
            (message.state, message.reason) = (.failed, reason)
            effects.events.append(.outgoing(message))
            failed.append(message)
        }
        failed = failed.suffix(configuration.failedMax)
    }

    /// Waits at least as long as the peer asked for, within the bound.
    private func postpone(_ lane: inout DeliveryLane, _ now: Duration, _ after: Duration?) {
        guard let after else { return }
        let least = now + min(max(after, .zero), configuration.retryAfterMax)
        lane.next = .delayed(until: max(least, lane.next.deadline ?? now))
    }

    /// Waits longer each time, and tells why once.
    private func delay(
        _ lane: inout DeliveryLane,
        _ now: Duration,
        _ random: Double,
        longest: Duration? = nil,
        _ reason: String,
        _ effects: inout DeliveryEffects
    ) {
        lane.failures += 1
        lane.preparation = .refreshed
        let delay = backoff.delay(
            after: lane.failures,
            longest: longest ?? configuration.retryMax,
            random: random
        )
        lane.next = .delayed(until: now + delay)
        guard lane.reason != reason, var front = lane.waiting.first else { return }
        lane.reason = reason
        front.reason = reason
        effects.events.append(.outgoing(front))
    }
}

extension DeliveryLane.Phase {
    /// The time that it waits for.
    var deadline: Duration? {
        switch self {
        case .delayed(let until), .stopped(let until): until
        case .idle, .ready, .busy: nil
        }
    }
}
