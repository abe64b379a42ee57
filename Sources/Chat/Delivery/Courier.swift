// Sends what a person writes: keeps it first, then delivers it however long that takes.

package import HTTP
package import PeerIdentity
import Synchronization

/// Delivers messages from the outbox to their recipients, each exactly once and in order.
///
/// ``run()`` does the work; everything else may be called from anywhere at any time. A message is in the store before
/// ``send(_:)`` returns, and stays there until its recipient acknowledged it: another courier on the same store, after a
/// kill, sends it again, and the recipient knows it by its number.
package final class Courier: Sendable {
    /// What somebody waits for.
    enum Need: Sendable {
        /// That nothing is queued, or only a person could help.
        case settled
        /// That so many more messages may be queued.
        case room(Int)
    }

    struct State {
        var machine: DeliveryStateMachine
        var intake: Intake
        /// Times for which somebody sleeps.
        var alarms: Set<Duration> = []
        var waiters: [Int: (need: Need, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWaiter = 0
        var isLoaded = false
    }

    let identifier: PeerIdentifier
    let destinations: any Destinations
    let transport: any Responder
    let sealing: any BodySealing
    /// Our own record in compact form, for recipients who may not know us.
    let record: @Sendable () -> [UInt8]?
    let clock: CourierClock
    let configuration: CourierConfiguration
    private let store: any ChatStore
    private let onEvent: @Sendable (ChatEvent) -> Void
    let state: Mutex<State>
    private let texts: (stream: AsyncStream<Void>, ring: AsyncStream<Void>.Continuation)
    private let turns: (stream: AsyncStream<Void>, ring: AsyncStream<Void>.Continuation)

    /// A courier that does nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - identifier: Our own name.
    ///   - store: Keeps the outbox; no other courier uses it at the same time.
    ///   - destinations: Says where recipients are.
    ///   - transport: Posts.
    ///   - sealing: Seals.
    ///   - record: Our own record, in compact form, if there is one by now.
    ///   - clock: Time and chance.
    ///   - configuration: Limits.
    ///   - onEvent: Told what happens, in order for each recipient; must not block.
    package init(
        identifier: PeerIdentifier,
        store: any ChatStore,
        destinations: any Destinations,
        transport: any Responder,
        sealing: any BodySealing,
        record: @escaping @Sendable () -> [UInt8]? = { nil },
        clock: CourierClock,
        configuration: CourierConfiguration = CourierConfiguration(),
        onEvent: @escaping @Sendable (ChatEvent) -> Void
    ) {
        (self.identifier, self.store, self.destinations) = (identifier, store, destinations)
        (self.transport, self.sealing, self.record) = (transport, sealing, record)
        (self.clock, self.configuration, self.onEvent) = (clock, configuration, onEvent)
        state = Mutex(
            State(
                machine: DeliveryStateMachine(
                    configuration: configuration,
                    fromBytes: identifier.text.utf8.count
                ),
                intake: Intake(draftsMax: configuration.draftsPerCommitMax)
            )
        )
        let texts = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let turns = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.texts = (texts.stream, texts.continuation)
        self.turns = (turns.stream, turns.continuation)
    }

    // MARK: What a person does

    /// Keeps a text for each recipient and starts to deliver it; returns as soon as a kill would not lose it.
    package func send(_ text: String, to recipients: [PeerIdentifier]) async throws(ChatError) {
        try await send([
            Draft(text: text, recipients: recipients, writtenAtMilliseconds: clock.unixMilliseconds())
        ])
    }

    /// Keeps several texts at once, in their order: one transaction for all, which is what makes many quick.
    ///
    /// Texts of one caller after the other keep their order; so do those that wait at the same time. Needs ``run()``.
    ///
    /// - Parameter drafts: All are kept or none.
    /// - Throws: `badMessage` for a text that is empty or too long, `storeFailed` if it could not be kept, too many are queued
    ///   or the courier has stopped.
    package func send(_ drafts: [Draft]) async throws(ChatError) {
        for draft in drafts { try check(draft) }
        let drafts = drafts.map(Self.withoutRepetition)
        let count = drafts.reduce(0) { $0 + $1.recipients.count }
        guard count > 0 else { return }
        let result = await withCheckedContinuation { continuation in
            let refusal: ChatError? = state.withLock { state in
                guard state.machine.queuedCount + state.intake.draftCount + count <= configuration.queuedMax else {
                    let message = "\(configuration.queuedMax) messages wait to be delivered; send more when they are"
                    return ChatError(.storeFailed, message)
                }
                let ticket = IntakeTicket(drafts: drafts, continuation: continuation)
                return state.intake.add(ticket) ? nil : ChatError.stopped
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { texts.ring.yield() }
        }
        try result.get()
    }

    /// Whether a text can be sent at all.
    ///
    /// - Throws: `badMessage` if it is empty or too long, or if it is for nobody.
    package func check(_ draft: Draft) throws(ChatError) {
        let count = draft.text.utf8.count
        guard count > 0 else { throw ChatError(.badMessage, "there is nothing to send") }
        guard !draft.recipients.isEmpty else { throw ChatError(.badMessage, "there is nobody to send to") }
        guard count <= configuration.textBytesMax else {
            let limit = configuration.textBytesMax / 1024
            throw ChatError(
                .badMessage,
                "the message has \(count) octets, and \(limit) KiB is the most; send it in parts"
            )
        }
    }

    /// Waits until so many messages may be queued, as long as what is queued gets less: for who reads a long input.
    ///
    /// - Parameters:
    ///   - count: How many are to be sent.
    ///   - bound: The longest wait without any delivery.
    /// - Returns: Whether there is room; at once, and true, for more than may ever be queued: sending then says why not.
    package func waitForRoom(_ count: Int, within bound: Duration) async -> Bool {
        let need = Need.room(min(count, configuration.queuedMax))
        while true {
            let before = state.withLock { $0.machine.queuedCount }
            await wait(for: need, within: bound)
            let hasRoom = state.withLock { isMet(need, in: $0) }
            if hasRoom { return true }
            let after = state.withLock { $0.machine.queuedCount }
            if after >= before || Task.isCancelled { return false }
        }
    }

    /// Tries a peer at once, with a new look-up: it came back, or the person accepted its key or allowed plain text.
    package func retryNow(_ peer: PeerIdentifier) {
        state.withLock { $0.machine.retryNow(peer) }
        turns.ring.yield()
    }

    /// Fails everything that is queued for a peer.
    package func giveUp(on peer: PeerIdentifier) async {
        let effects = state.withLock { $0.machine.giveUp(on: peer) }
        await carryOut(effects)
        wakeWaiters()
    }

    /// What is queued, in order for each recipient, and what failed since the courier started.
    package var undelivered: [OutgoingMessage] { state.withLock { $0.machine.undelivered } }

    /// Waits until nothing is queued, until only a person could help, or for so long.
    ///
    /// - Parameter bound: The longest wait.
    /// - Returns: What is not delivered: nothing, if all went well.
    package func waitUntilSettled(within bound: Duration) async -> [OutgoingMessage] {
        await wait(for: .settled, within: bound)
        return undelivered
    }

    // MARK: Running

    /// Takes texts and delivers until the task is cancelled; once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            guard await load() else { return }
            // Who waited for the outbox to be read may have nothing to wait for.
            wakeWaiters()
            group.addTask { await self.takeTexts() }
            turns.ring.yield()
            for await _ in turns.stream {
                let (attempts, alarm) = state.withLock { state in
                    let now = clock.elapsed()
                    let attempts = state.machine.takeReady(at: now)
                    guard let next = state.machine.nextDeadline, state.alarms.allSatisfy({ $0 > next }) else {
                        return (attempts, nil as (at: Duration, after: Duration)?)
                    }
                    state.alarms.insert(next)
                    return (attempts, (next, next - now))
                }
                for attempt in attempts { group.addTask { await self.carryOut(attempt) } }
                if let alarm { group.addTask { await self.ring(at: alarm.at, after: alarm.after) } }
            }
            group.cancelAll()
        }
        for ticket in state.withLock({ $0.intake.close() }) {
            ticket.continuation.resume(returning: .failure(.stopped))
        }
        wakeWaiters()
    }

    /// Reads the outbox; false: the task was cancelled first.
    private func load() async -> Bool {
        while true {
            do {
                let outbox = try await store.outbox()
                state.withLock { state in
                    for entry in outbox { state.machine.add(entry.messages) }
                    state.isLoaded = true
                }
                return !Task.isCancelled
            } catch {
                onEvent(.notice("the outbox cannot be read, will retry: \(error)"))
            }
            do { try await clock.sleep(configuration.retryMax) } catch { return false }
        }
    }

    private func ring(at time: Duration, after delay: Duration) async {
        // A throw means that the courier stops.
        try? await clock.sleep(max(delay, .zero))
        state.withLock { _ = $0.alarms.remove(time) }
        turns.ring.yield()
    }

    /// Gives texts their numbers, one transaction after the other, so that the machine learns of them in order.
    private func takeTexts() async {
        for await _ in texts.stream {
            while true {
                let group = state.withLock { $0.intake.nextGroup() }
                if group.isEmpty { break }
                let result = await keep(group.flatMap(\.drafts))
                for ticket in group { ticket.continuation.resume(returning: result) }
            }
        }
    }

    private func keep(_ drafts: [Draft]) async -> Result<Void, ChatError> {
        do {
            let messages = try await store.enqueue(drafts)
            let reasons = state.withLock { state in messages.map { state.machine.reason(for: $0.to) } }
            for (message, reason) in zip(messages, reasons) {
                var message = message
                message.reason = reason
                onEvent(.outgoing(message))
            }
            state.withLock { $0.machine.add(messages) }
            turns.ring.yield()
            return .success(())
        } catch let error as ChatError {
            return .failure(error)
        } catch {
            return .failure(ChatError(.storeFailed, "could not keep the message, so it is not sent: \(error)"))
        }
    }

    private func carryOut(_ attempt: DeliveryAttempt) async {
        let outcome = await outcome(of: attempt)
        let random = clock.random()
        let effects = state.withLock {
            $0.machine.finish(attempt, with: outcome, at: clock.elapsed(), random: random)
        }
        await carryOut(effects)
        state.withLock { $0.machine.release(attempt.to) }
        turns.ring.yield()
        wakeWaiters()
    }

    private func carryOut(_ effects: DeliveryEffects) async {
        for settlement in effects.settlements {
            do {
                try await store.settle(
                    settlement.to,
                    stream: settlement.stream,
                    upTo: settlement.upTo,
                    as: settlement.state,
                    reason: settlement.reason
                )
            } catch {
                // What was delivered is then sent again by the next courier, and known by its number.
                onEvent(.notice("could not note what became of messages to \(settlement.to): \(error)"))
            }
        }
        for event in effects.events { onEvent(event) }
    }

    // MARK: Waiting

    private func wait(for need: Need, within bound: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: need) }
            group.addTask { [clock] in
                // A throw means that the other child was first.
                try? await clock.sleep(bound)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(for need: Need) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        while !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDone = state.withLock { state in
                        if Task.isCancelled || isMet(need, in: state) { return true }
                        state.waiters[id] = (need, continuation)
                        return false
                    }
                    if isDone { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
            }
            if state.withLock({ isMet(need, in: $0) }) { return }
        }
    }

    private func isMet(_ need: Need, in state: borrowing State) -> Bool {
        if state.intake.isClosed { return true }
        switch need {
        case .settled:
            return state.isLoaded && state.intake.draftCount == 0 && (state.machine.isSettled || state.machine.isStuck)
        case .room(let count):
            return state.machine.queuedCount + state.intake.draftCount + count <= configuration.queuedMax
        }
    }

    private func wakeWaiters() {
        let waiters = state.withLock { state in
            let ids = state.waiters.filter { isMet($0.value.need, in: state) }.map(\.key)
            return ids.compactMap { state.waiters.removeValue(forKey: $0)?.continuation }
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The draft with each recipient once.
    private static func withoutRepetition(_ draft: Draft) -> Draft {
        var draft = draft
        var seen: Set<PeerIdentifier> = []
        draft.recipients.removeAll { !seen.insert($0).inserted }
        return draft
    }
}

extension ChatError {
    static let stopped = ChatError(.storeFailed, "the client is stopping: the message is not sent")
}
