// The registry without HTTP: reads, decides by the rules, and changes the store only if nobody was faster.

package import HTTP
import PeerIdentity
import Synchronization

/// Names, whose they are, and where their peers listen.
package final class Registry: Sendable {
    package let configuration: RegistryConfiguration
    package let metrics = RegistryMetrics()
    let store: any PeerStore
    /// What the store holds, if it can be read without waiting.
    let image: MemoryPeerStore?
    private let immediate: PeerImage?
    let rules: RegistryRules
    let now: @Sendable () -> Timestamp
    let clock: any Clock<Duration>
    let log: ChangeLog
    private let secret = Mutex<[UInt8]?>(nil)
    private let budgets: Mutex<Budgets>
    private let onProblem: @Sendable (String) -> Void
    /// When the operator was last told that the store fails.
    private let toldAt = Mutex(Timestamp.earliest)

    private struct Budgets {
        var signatures: BudgetTable<ClientGroup>
        var namesPerAddress: BudgetTable<ClientGroup>
        var namesPerKey: BudgetTable<PeerKey>
    }

    /// A registry over a store; ``run()`` must run for leases to end and watchers to be told.
    ///
    /// - Parameters:
    ///   - store: Where the state is.
    ///   - configuration: Limits and times.
    ///   - clock: What pauses are measured with.
    ///   - now: The wall clock.
    ///   - onProblem: Told, for the log, that the store fails; at most once in ten seconds.
    package init(
        store: any PeerStore,
        configuration: RegistryConfiguration = RegistryConfiguration(),
        clock: any Clock<Duration>,
        now: @escaping @Sendable () -> Timestamp,
        onProblem: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.store, self.configuration, self.clock, self.now) = (store, configuration, clock, now)
        self.onProblem = onProblem
        immediate = store.image
        image = immediate?.memory
        rules = RegistryRules(configuration: configuration)
        log = ChangeLog(eventsMax: configuration.sharedEventsMax)
        let parties = configuration.budgetsMax
        budgets = Mutex(
            Budgets(
                signatures: BudgetTable(partiesMax: parties),
                namesPerAddress: BudgetTable(partiesMax: parties),
                namesPerKey: BudgetTable(partiesMax: parties)
            )
        )
    }

    // MARK: Changing

    /// What a change came to.
    struct Outcome: Sendable {
        var status: Int
        var message: String
        /// For `Peer-Lease`.
        var leaseKey: [UInt8]?
        var retryAfterSeconds: Int64?
        /// Until when the peer is present.
        var presentUntil: Timestamp?
    }

    /// Registers what a record says, or refuses.
    func register(_ signed: SignedPeerRecord, from client: ClientGroup) async throws(RegistryError) -> Outcome {
        let record = signed.record
        var outcome = try await change(
            record.identifier.folded,
            by: .signed(signed),
            Authority(client: client, key: record.key) { verdict in
                guard !verdict.needsSignature || signed.isSignatureValid else { return "the record's signature" }
                guard let old = verdict.signer, let text = record.handover else { return nil }
                // What cannot be read was refused by the rules.
                let isValid = (try? PeerHandover.parse(text.utf8).isSignatureValid(by: old)) ?? false
                return isValid ? nil : "the signature of prev"
            }
        )
        guard outcome.status / 100 == 2 else { return outcome }
        let secret = try await loadSecret()
        outcome.leaseKey = Lease.key(
            secret: secret,
            identifier: record.identifier,
            key: record.key,
            sequence: record.sequence
        )
        metrics.registrations.add(1, ordering: .relaxed)
        return outcome
    }

    /// Registers a URL without a key, or refuses.
    func register(
        _ identifier: PeerIdentifier,
        at url: PeerURL,
        from client: ClientGroup
    ) async throws(RegistryError) -> Outcome {
        let outcome = try await change(
            identifier.folded,
            by: .plain(identifier, url),
            Authority(client: client, key: nil) { _ in nil }
        )
        if outcome.status / 100 == 2 { metrics.registrations.add(1, ordering: .relaxed) }
        return outcome
    }

    /// Prolongs a lease, or refuses.
    func renew(_ identifier: PeerIdentifier, _ renewal: PeerRenewal) async throws(RegistryError) -> Outcome {
        let secret = try await loadSecret()
        let held = try await entry(identifier.folded)
        guard let held, case .signed(let signed) = held.content,
            isRight(renewal, of: signed.record.identifier, signed.record.key, secret)
        else {
            metrics.refusals.add(1, ordering: .relaxed)
            return Outcome(status: 401, message: "Peer-Renew is not right: send the record")
        }
        let outcome = try await change(identifier.folded, by: .renewal(renewal), nil)
        if outcome.status == 200 { metrics.renewals.add(1, ordering: .relaxed) }
        return outcome
    }

    /// Prolongs a lease without waiting; false: take the long way, which says what is wrong.
    func renewImmediately(_ name: Span<UInt8>, _ renewal: PeerRenewal) -> Bool {
        guard let image, let secret = secret.withLock({ $0 }), let held = image.packedEntry(name),
            let renewed = rules.renewed(held, by: renewal, now: now()),
            let key = PeerKey(held.content.octets[held.content.key]),
            // What is held was valid.
            let identifier = try? PeerIdentifier(
                String(decoding: held.content.octets[held.content.text], as: UTF8.self)
            ),
            isRight(renewal, of: identifier, key, secret),
            immediate?.renew(renewed, of: identifier, expected: held.revision) == true
        else { return false }
        metrics.renewals.add(1, ordering: .relaxed)
        return true
    }

    /// Ends a lease, or refuses; nil: nobody signed it.
    func leave(
        _ identifier: PeerIdentifier,
        _ leave: Signed<PeerLeave>?,
        from client: ClientGroup
    ) async throws(RegistryError) -> Outcome {
        let outcome = try await change(
            identifier.folded,
            by: leave.map { .leave($0.payload) } ?? .plainLeave,
            Authority(client: client, key: nil) { verdict in
                guard let key = verdict.signer, let leave else { return nil }
                return leave.isSignatureValid(by: key) ? nil : "the leave's signature"
            }
        )
        if outcome.status == 204 { metrics.leaves.add(1, ordering: .relaxed) }
        return outcome
    }

    /// Who asks for a change, and what is wrong with their signatures; nil: nothing.
    private struct Authority {
        let client: ClientGroup
        let key: PeerKey?
        let fault: (RegistryVerdict) -> String?

        init(client: ClientGroup, key: PeerKey?, fault: @escaping (RegistryVerdict) -> String?) {
            (self.client, self.key, self.fault) = (client, key, fault)
        }
    }

    /// Reads, decides, checks what costs, and changes; again if somebody was faster.
    private func change(
        _ name: String,
        by demand: RegistryDemand,
        _ authority: Authority?
    ) async throws(RegistryError) -> Outcome {
        var checked: PeerKey??
        var isCounted = false
        for _ in 0..<max(1, configuration.attemptsMax) {
            let verdict = rules.decide(demand, current: try await entry(name), now: now())
            guard let change = verdict.change else { return refused(verdict.status, verdict.message) }
            if let authority {
                if verdict.needsSignature || verdict.signer != nil, checked != .some(verdict.signer) {
                    let count = (verdict.needsSignature ? 1 : 0) + (verdict.signer == nil ? 0 : 1)
                    if let wait = chargeSignatures(count, to: authority.client) { return throttled(wait, "signatures") }
                    metrics.signatures.add(count, ordering: .relaxed)
                    if let fault = authority.fault(verdict) { return refused(401, "\(fault) is not valid") }
                    checked = .some(verdict.signer)
                }
                if verdict.isNewName, !isCounted {
                    if let image, image.heldBytes >= configuration.heldBytesMax {
                        return refused(503, "this registry holds as many names as it can")
                    }
                    if let wait = chargeName(to: authority) { return throttled(wait, "new names") }
                    isCounted = true
                }
            }
            if try await apply([change]).first ?? nil != nil {
                return Outcome(status: verdict.status, message: "", presentUntil: change.entry?.presentUntil)
            }
            metrics.conflicts.add(1, ordering: .relaxed)
        }
        throw RegistryError(.contended, "an entry was changed by others each time that it was to be changed")
    }

    private func refused(_ status: Int, _ message: String) -> Outcome {
        metrics.refusals.add(1, ordering: .relaxed)
        return Outcome(status: status, message: message)
    }

    // MARK: Budgets

    private func throttled(_ seconds: Int64, _ what: String) -> Outcome {
        metrics.throttled.add(1, ordering: .relaxed)
        let message = "too many \(what) for now: try again in \(seconds) s"
        return Outcome(status: 429, message: message, retryAfterSeconds: seconds)
    }

    private func chargeSignatures(_ count: Int, to client: ClientGroup) -> Int64? {
        guard !(client.isLoopback && configuration.exemptsLoopback) else { return nil }
        let now = now()
        return budgets.withLock { budgets in
            var wait: Int64?
            for _ in 0..<count {
                wait = wait ?? budgets.signatures.take(for: client, of: configuration.signatures, now: now)
            }
            return wait
        }
    }

    private func chargeName(to authority: Authority) -> Int64? {
        guard !(authority.client.isLoopback && configuration.exemptsLoopback) else { return nil }
        let now = now()
        return budgets.withLock { budgets in
            budgets.namesPerAddress.take(for: authority.client, of: configuration.namesPerAddress, now: now)
                ?? authority.key.flatMap { budgets.namesPerKey.take(for: $0, of: configuration.namesPerKey, now: now) }
        }
    }

    // MARK: Secrets

    /// The secret, asked of the store once.
    func loadSecret() async throws(RegistryError) -> [UInt8] {
        if let known = secret.withLock({ $0 }) { return known }
        let asked = try await reading("its secret") { try await self.store.secret() }
        guard asked.count == 32 else {
            throw RegistryError(.badSecret, "the store's secret has \(asked.count) octets instead of 32")
        }
        secret.withLock { $0 = asked }
        return asked
    }

    private func isRight(
        _ renewal: PeerRenewal,
        of identifier: PeerIdentifier,
        _ key: PeerKey,
        _ secret: [UInt8]
    ) -> Bool {
        let leaseKey = Lease.key(secret: secret, identifier: identifier, key: key, sequence: renewal.sequence)
        return renewal.isValid(leaseKey: leaseKey, identifier: identifier)
    }

    // MARK: Store

    /// The entry of a folded name.
    func entry(_ name: String) async throws(RegistryError) -> PeerEntry? {
        if let image { return image.packedEntry(Array(name.utf8).span)?.entry }
        return try await entries(.names([name])).first
    }

    func entries(_ selection: PeerSelection) async throws(RegistryError) -> [PeerEntry] {
        if let image { return image.entriesNow(selection) }
        return try await reading("entries") { try await self.store.entries(selection) }
    }

    func apply(_ changes: [PeerChange]) async throws(RegistryError) -> [UInt64?] {
        try await reading("a change") { try await self.store.apply(changes) }
    }

    func events(since: UInt64, limit: Int) async throws(RegistryError) -> PeerEventPage {
        try await reading("events") { try await self.store.events(since: since, limit: limit) }
    }

    /// Does something with the store; what it throws says what was attempted.
    func reading<Result>(
        _ what: String,
        _ body: () async throws -> Result
    ) async throws(RegistryError) -> Result {
        do {
            return try await body()
        } catch {
            metrics.storeFailures.add(1, ordering: .relaxed)
            let failure = RegistryError(.storeFailed, "the store failed at \(what)", underlying: error)
            tell(of: failure)
            throw failure
        }
    }

    private func tell(of failure: RegistryError) {
        let now = now()
        let isNews = toldAt.withLock { toldAt in
            guard now < toldAt || now.secondsSince(toldAt) >= 10 else { return false }
            toldAt = now
            return true
        }
        if isNews { onProblem("\(failure)") }
    }
}
