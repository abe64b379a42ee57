// Keeps our own name registered while the client runs.

package import HTTP
package import PeerIdentity
import Synchronization

/// The sealing keys that our record publishes, as their owner gives them.
package struct PublishedKeys: Sendable {
    /// The newest.
    package var current: @Sendable () -> SealingKeySet
    /// When ``turn`` has something to do.
    package var nextTurn: @Sendable () -> Timestamp
    /// Makes new keys if it is time and drops old ones; returns whether there are new ones.
    package var turn: @Sendable (Timestamp) throws -> Bool

    package init(
        current: @escaping @Sendable () -> SealingKeySet,
        nextTurn: @escaping @Sendable () -> Timestamp,
        turn: @escaping @Sendable (Timestamp) throws -> Bool
    ) {
        (self.current, self.nextTurn, self.turn) = (current, nextTurn, turn)
    }
}

/// Who we are and where we listen.
package struct RegisteredSelf: Sendable {
    package var identifier: PeerIdentifier
    package var identity: IdentityKey
    package var keys: PublishedKeys
    /// Our URL; nil while it is not known, as before the first connection to the registry.
    package var url: @Sendable () -> PeerURL?
    /// What our URL most likely is while the registry cannot be asked: known peers learn our new sealing keys by a record
    /// with it, so without one they could not write to us.
    package var likelyURL: @Sendable () -> PeerURL?
    /// A compact `peer-handover+jwt` by which an old key gave the name to this one.
    package var handover: String?

    package init(
        identifier: PeerIdentifier,
        identity: IdentityKey,
        keys: PublishedKeys,
        url: @escaping @Sendable () -> PeerURL?,
        likelyURL: @escaping @Sendable () -> PeerURL? = { nil },
        handover: String? = nil
    ) {
        (self.identifier, self.identity, self.keys, self.url) = (identifier, identity, keys, url)
        (self.likelyURL, self.handover) = (likelyURL, handover)
    }
}

/// Runs ``RegistrationStateMachine``: asks the registry, makes records, sleeps.
package final class Registration: Sendable {
    private let client: RegistryClient
    private let directory: Directory
    private let oneself: RegisteredSelf
    private let configuration: RegistrationConfiguration
    private let now: @Sendable () -> Timestamp
    private let random: @Sendable () -> Double
    private let onEvent: @Sendable (ChatEvent) -> Void
    private let stopping = Doorbell()
    private let attempted = Doorbell()
    private let state = Mutex(State())

    private struct State {
        /// The record that the registry has or is to have next.
        var signed: SignedPeerRecord?
        var leaseKey: [UInt8]?
        /// The highest `seq` that is known to be used.
        var sequence: UInt64 = 0
        var isRegistered = false
        /// Whether the registry wants a higher `seq` than the last record's.
        var isUsedUp = false
    }

    /// Why no record can be made yet.
    private struct NotReady: Error {
        let reason: String
    }

    /// Keeps `oneself` registered.
    ///
    /// - Parameters:
    ///   - oneself: Who we are.
    ///   - directory: Of the same registry: keeps our own record, and with it the highest `seq`.
    ///   - configuration: Times.
    ///   - random: 0 to 1, for the jitter.
    ///   - onEvent: Told what a person should know; must not block.
    package init(
        of oneself: RegisteredSelf,
        in directory: Directory,
        configuration: RegistrationConfiguration = RegistrationConfiguration(),
        random: @escaping @Sendable () -> Double,
        onEvent: @escaping @Sendable (ChatEvent) -> Void
    ) {
        (client, now) = (directory.client, directory.now)
        (self.oneself, self.directory, self.configuration) = (oneself, directory, configuration)
        (self.random, self.onEvent) = (random, onEvent)
    }

    /// Our newest record, to be shown to those who seal to old keys; nil before the first was made.
    package var record: SignedPeerRecord? { state.withLock { $0.signed } }

    /// Whether the registry took our record and has not refused or lost it since.
    package var isRegistered: Bool { state.withLock { $0.isRegistered } }

    /// Returns once the registry was asked for the first time, whatever it said, or when the task is cancelled.
    package func firstAttempt() async {
        await attempted.wait()
    }

    /// Ends ``run()`` in good order: deregisters, within the configured bound.
    package func stop() {
        stopping.ring()
    }

    /// Registers, renews, and after ``stop()`` deregisters and returns; when the task is cancelled it returns at once.
    ///
    /// - Throws: ``ChatError`` with `nameTaken` if the name was another key's from the start.
    package func run() async throws(ChatError) {
        var machine = RegistrationStateMachine(configuration: configuration)
        let known = directory.pin(of: oneself.identifier)?.sequence ?? 0
        state.withLock { $0.sequence = known }
        var events = [RegistrationStateMachine.Event.started(keysTurnAt: oneself.keys.nextTurn())]
        var hasHeardStop = false
        while !Task.isCancelled {
            if stopping.isRung, !hasHeardStop {
                // In front of what the request under way came to: that may have been cancelled.
                hasHeardStop = true
                events.insert(.stopping, at: 0)
            }
            guard !events.isEmpty else {
                await sleep(until: machine.wakeAt)
                events = [.tick]
                continue
            }
            for action in machine.handle(events.removeFirst(), at: now(), jitter: random()) {
                if action == .end { return }
                if let outcome = try await perform(action) { events.append(outcome) }
            }
        }
    }

    // MARK: Actions

    private func perform(
        _ action: RegistrationStateMachine.Action
    ) async throws(ChatError)
        -> RegistrationStateMachine.Event?
    {
        switch action {
        case .put:
            defer { attempted.ring() }
            return await stopping.unlessRung { await self.put() } ?? .failed("given up")
        case .renew(let number): return await stopping.unlessRung { await self.renew(number) } ?? .failed("given up")
        case .turnKeys: return turnKeys()
        case .leave: await leave()
        case .warn(let reason): onEvent(.notice(reason))
        case .tell(let news): onEvent(.notice(news))
        case .fail(let reason): throw ChatError(.nameTaken, reason)
        case .end: break
        }
        return nil
    }

    private func put() async -> RegistrationStateMachine.Event {
        let signed: SignedPeerRecord
        do {
            signed = try await currentRecord()
        } catch let error as ChatError {
            return .failed(away(error))
        } catch {
            return .failed((error as? NotReady)?.reason ?? "no record of our own can be made: \(error)")
        }
        do throws(ChatError) {
            switch try await client.register(signed) {
            case .accepted(let leaseKey):
                state.withLock { ($0.leaseKey, $0.isRegistered) = (leaseKey, true) }
                return .registered(
                    hasLease: leaseKey != nil,
                    expiresAt: Timestamp(seconds: signed.record.expiresAt)
                )
            case .recordWanted: return .refused("\(client.base) refuses our record")
            case .sequenceTooLow(let number): return await learn(number)
            case .nameTaken(let reason): return .nameTaken(nameTaken(reason))
            case .refused(let reason): return .refused(reason)
            }
        } catch {
            return .failed(away(error))
        }
    }

    private func renew(_ number: UInt64) async -> RegistrationStateMachine.Event {
        let (leaseKey, signed) = state.withLock { ($0.leaseKey, $0.signed) }
        guard let leaseKey, let record = signed?.record else { return .leaseRefused }
        // At another address, as after a change of network, the record is no longer true.
        guard record.url == oneself.url() ?? record.url else { return .leaseRefused }
        let renewal = PeerRenewal.make(
            leaseKey: leaseKey,
            identifier: record.identifier,
            sequence: record.sequence,
            counter: number
        )
        do throws(ChatError) {
            if case .accepted = try await client.renew(record.identifier, renewal) { return .renewed }
            state.withLock { $0.isRegistered = false }
            return .leaseRefused
        } catch {
            return .failed(away(error))
        }
    }

    private func turnKeys() -> RegistrationStateMachine.Event {
        do {
            let isNew = try oneself.keys.turn(now())
            return .keysTurned(isNew: isNew, next: oneself.keys.nextTurn())
        } catch {
            onEvent(.notice("no new sealing keys can be made, so the old ones stay: \(error)"))
            return .keysTurned(isNew: false, next: now().advanced(bySeconds: 60))
        }
    }

    private func leave() async {
        let sequence = state.withLock { $0.sequence }
        let leave = PeerLeave(
            identifier: oneself.identifier,
            sequence: sequence,
            expiresAt: now().seconds + 60
        )
        do {
            let compact = try leave.signed(by: oneself.identity)
            try await client.leave(oneself.identifier, compact, timeout: configuration.leaveTimeout)
        } catch {
            // The lease runs out by itself; at the end there is nobody left to be told.
        }
        state.withLock { $0.isRegistered = false }
    }

    // MARK: Records

    /// The last record made while it has half its life before it and says what is true, else a new one.
    private func currentRecord() async throws -> SignedPeerRecord {
        if oneself.url() == nil {
            do throws(ChatError) {
                // Any connection to the registry tells which of our addresses leads there.
                _ = try await client.lookUp(oneself.identifier)
            } catch {
                guard oneself.likelyURL() != nil else { throw error }
            }
        }
        guard let url = oneself.url() ?? oneself.likelyURL() else {
            throw NotReady(reason: "no address of ours is known yet: give --url")
        }
        let (time, keys) = (now(), oneself.keys.current())
        let (last, sequence, isUsedUp) = state.withLock { ($0.signed, $0.sequence, $0.isUsedUp) }
        if let last, !isUsedUp, last.record.sequence == sequence, last.record.url == url,
            last.record.sealingKeys == keys,
            last.record.issuedAt <= time.seconds,
            last.record.expiresAt - time.seconds > configuration.recordLifetimeSeconds / 2
        {
            return last
        }
        let milliseconds = UInt64(max(0, time.nanoseconds / 1_000_000))
        let record = PeerRecord(
            identifier: oneself.identifier,
            url: url,
            key: oneself.identity.publicKey,
            sealingKeys: keys,
            sequence: max(milliseconds, sequence + 1),
            issuedAt: time.seconds,
            expiresAt: time.seconds + configuration.recordLifetimeSeconds,
            ttlSeconds: configuration.ttlSeconds,
            handover: oneself.handover
        )
        let signed = try record.signed(by: oneself.identity)
        // Kept before it is used, so that no restart uses its number again.
        try await directory.keepOwn(signed)
        state.withLock { ($0.signed, $0.sequence, $0.isUsedUp) = (signed, record.sequence, false) }
        return signed
    }

    /// A `seq` above ours was used, by a clock that went back or another machine with our identity: goes above it.
    ///
    /// The registry's bare word counts within a year of our clock only, so that it cannot use up the numbers.
    private func learn(_ number: UInt64?) async -> RegistrationStateMachine.Event {
        let soon = UInt64(max(0, now().seconds + 366 * 86_400)) * 1_000
        var highest: UInt64 = 0
        if let number, number <= soon { highest = number }
        do throws(ChatError) {
            if case .signed(let held)? = try await client.lookUp(oneself.identifier).entry {
                guard held.record.key == oneself.identity.publicKey else {
                    return .nameTaken(nameTaken("it holds another key's record"))
                }
                highest = max(highest, held.record.sequence)
            }
        } catch {
            guard highest > 0 else { return .failed(away(error)) }
        }
        // The record that was refused is no good any more, even if nothing higher is known.
        state.withLock { ($0.sequence, $0.isUsedUp) = (max($0.sequence, highest), true) }
        return .sequenceRefused
    }

    // MARK: Words

    private func nameTaken(_ reason: String) -> String {
        "\(client.base) refuses the name \(oneself.identifier): \(reason); take another name, or give \(configuration.keyFlag) the "
            + "file of the right key"
    }

    private func away(_ error: ChatError) -> String {
        "\(error.message) (it is asked again; \(configuration.awayRemark))"
    }

    private func sleep(until time: Timestamp?) async {
        guard let time, !stopping.isRung else { return }
        let wait = Duration.nanoseconds(max(0, time.nanosecondsSince(now())))
        _ = await stopping.unlessRung { [clock = client.clock] in
            // Woken early by cancellation: the caller looks.
            try? await clock.sleep(for: wait)
        }
    }
}
