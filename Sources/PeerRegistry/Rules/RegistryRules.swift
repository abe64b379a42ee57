// Who may have a name, for how long, and what everybody else is told: a pure function.

import HTTP
import PeerIdentity

/// What somebody wants of a name.
enum RegistryDemand: Sendable {
    /// A signed record, checked but for its signature.
    case signed(SignedPeerRecord)
    /// A URL without a key.
    case plain(PeerIdentifier, PeerURL)
    /// A sign of life whose MAC is right.
    case renewal(PeerRenewal)
    /// A signed leave, not checked.
    case leave(PeerLeave)
    /// A leave that nobody signed.
    case plainLeave
    /// Time has passed.
    case passing
}

/// What comes of it.
struct RegistryVerdict: Sendable {
    /// 200, 201, 204, or that of the refusal; 0 where nothing is to be done.
    var status: Int
    /// For people: why it was refused.
    var message = ""
    /// What is to be held; nil: nothing changes.
    var change: PeerChange?
    /// Whether the record's own signature is still to be checked.
    var needsSignature = false
    /// Who must have signed the handover in the record, or the leave.
    var signer: PeerKey?
    /// Whether the name was free, which is counted.
    var isNewName = false

    static func refused(_ status: Int, _ message: String) -> RegistryVerdict {
        RegistryVerdict(status: status, message: message)
    }
}

/// The rules of the registry.
struct RegistryRules: Sendable {
    let configuration: RegistryConfiguration

    /// Stands in ``PeerEntry/renewals`` once a peer left, with the `seq` of its leave below it: no renewal counts as high.
    static let left: UInt64 = 1 << 62
    /// No renewal may count further, so that none reaches ``left``.
    static let renewalsMax: UInt64 = 1 << 53

    /// The highest `seq` that the key has used for the name: of the record, or of the leave that ended it.
    private static func floor(_ current: PeerEntry, _ held: SignedPeerRecord) -> UInt64 {
        guard current.renewals >= left else { return held.record.sequence }
        return max(held.record.sequence, current.renewals & (left - 1))
    }

    /// What comes of a demand; signatures and budgets are the caller's.
    ///
    /// - Parameters:
    ///   - demand: What is wanted.
    ///   - current: What is held.
    ///   - now: The time.
    /// - Returns: The verdict; its change expects the entry to be as `current`.
    func decide(_ demand: RegistryDemand, current: PeerEntry?, now: Timestamp) -> RegistryVerdict {
        switch demand {
        case .signed(let signed): register(signed, current, now)
        case .plain(let identifier, let url): registerPlain(identifier, url, current, now)
        case .renewal(let renewal): renew(renewal, current, now)
        case .leave(let leave): self.leave(leave, current, now)
        case .plainLeave: leavePlain(current, now)
        case .passing: pass(current, now)
        }
    }

    // MARK: Registering

    private func register(_ signed: SignedPeerRecord, _ current: PeerEntry?, _ now: Timestamp) -> RegistryVerdict {
        let record = signed.record
        guard let current, case .signed(let held) = current.content, current.isHeld(at: now) else {
            return accept(signed, over: current, since: now, isRenewal: false, now)
        }
        guard held.record.key == record.key else { return takeOver(signed, from: held, current, now) }
        let floor = RegistryRules.floor(current, held)
        guard record.sequence >= floor else {
            return .refused(409, "seq \(record.sequence) is too low: the registry holds seq \(floor) of this name")
        }
        guard current.renewals < RegistryRules.left || record.sequence > floor else {
            return .refused(409, "seq \(floor) is too low: the peer left with it, so it needs a higher one to return")
        }
        let since = current.heldSince.advanced(byNanoseconds: current.absence(at: now))
        guard record.sequence == floor else {
            return accept(signed, over: current, since: since, isRenewal: current.isAvailable(at: now), now)
        }
        guard held == signed else {
            return .refused(409, "seq \(floor) is too low: another record of this name already has it")
        }
        var verdict = accept(signed, over: current, since: since, isRenewal: current.isAvailable(at: now), now)
        // These very octets were checked when they came first.
        verdict.needsSignature = false
        verdict.change?.entry?.renewals = current.renewals
        verdict.change?.isDurable = !current.isAvailable(at: now)
        return verdict
    }

    private func takeOver(
        _ signed: SignedPeerRecord,
        from held: SignedPeerRecord,
        _ current: PeerEntry,
        _ now: Timestamp
    ) -> RegistryVerdict {
        let record = signed.record
        guard let text = record.handover else {
            return .refused(409, "the name belongs to another key")
        }
        // One that cannot be read names nobody.
        guard let handover = try? PeerHandover.parse(text.utf8).payload, handover.identifier == record.identifier,
            handover.newKey == record.key
        else { return .refused(409, "the name belongs to another key, and prev does not hand it over to this one") }
        let floor = RegistryRules.floor(current, held)
        // Not below the handover: else that one would still be above the floor when the name has gone on to others.
        guard handover.sequence >= floor, record.sequence > floor, record.sequence >= handover.sequence else {
            return .refused(409, "seq is too low for a takeover: the registry holds seq \(floor) of this name")
        }
        let since = current.heldSince.advanced(byNanoseconds: current.absence(at: now))
        var verdict = accept(signed, over: current, since: since, isRenewal: false, now)
        verdict.signer = held.record.key
        verdict.isNewName = false
        if current.isAvailable(at: now) { verdict.status = 200 }
        return verdict
    }

    private func accept(
        _ signed: SignedPeerRecord,
        over current: PeerEntry?,
        since: Timestamp,
        isRenewal: Bool,
        _ now: Timestamp
    ) -> RegistryVerdict {
        let record = signed.record
        let until = lease(ttlSeconds: record.ttlSeconds, expiresAt: record.expiresAt, now)
        guard until > now else { return .refused(400, "exp: the record has expired") }
        let entry = PeerEntry(
            content: .signed(signed),
            presentUntil: until,
            isPresent: true,
            heldSince: since,
            heldUntil: hold(since: since, until: until)
        )
        var verdict = RegistryVerdict(status: isRenewal ? 200 : 201)
        verdict.change = change(to: entry, from: current, isRenewal ? .renew : .join)
        verdict.needsSignature = true
        verdict.isNewName = current?.isHeld(at: now) != true
        return verdict
    }

    private func registerPlain(
        _ identifier: PeerIdentifier,
        _ url: PeerURL,
        _ current: PeerEntry?,
        _ now: Timestamp
    ) -> RegistryVerdict {
        if let current, case .signed = current.content, current.isHeld(at: now) {
            return .refused(409, "the name belongs to a key: only a record signed by it changes what it stands for")
        }
        let until = now.advanced(bySeconds: configuration.plainLeaseSeconds)
        let isRenewal = current.map { $0.isPlain && $0.isAvailable(at: now) } ?? false
        let entry = PeerEntry(
            content: .plain(identifier, url),
            presentUntil: until,
            isPresent: true,
            heldSince: isRenewal ? current?.heldSince ?? now : now,
            heldUntil: until
        )
        var verdict = RegistryVerdict(status: isRenewal ? 200 : 201)
        verdict.change = change(to: entry, from: current, isRenewal ? .renew : .join)
        verdict.isNewName = !isRenewal
        return verdict
    }

    // MARK: Staying and leaving

    private func renew(_ renewal: PeerRenewal, _ current: PeerEntry?, _ now: Timestamp) -> RegistryVerdict {
        guard let current, case .signed(let held) = current.content, current.isAvailable(at: now),
            renewal.sequence == held.record.sequence
        else { return .refused(401, "nothing to renew: send the record") }
        let refusal = RegistryRules.refusal(of: renewal.counter, after: current.renewals)
        if let refusal { return refusal }
        let record = held.record
        let until = lease(ttlSeconds: record.ttlSeconds, expiresAt: record.expiresAt, now)
        guard until > now else { return .refused(401, "the record has expired: send a new one") }
        var entry = current
        entry.renewals = renewal.counter
        entry.presentUntil = until
        entry.heldUntil = hold(since: entry.heldSince, until: until)
        return RegistryVerdict(status: 200, change: change(to: entry, from: current, .renew, isDurable: false))
    }

    /// As a renewal of an entry that is packed: nil if the long way has to say what is wrong.
    func renewed(_ packed: PackedEntry, by renewal: PeerRenewal, now: Timestamp) -> PackedEntry? {
        guard packed.content.isSigned, packed.isPresent, packed.presentUntil > now,
            packed.content.sequence == renewal.sequence,
            RegistryRules.refusal(of: renewal.counter, after: packed.renewals) == nil
        else { return nil }
        let until = lease(ttlSeconds: packed.content.ttlSeconds, expiresAt: packed.content.expiresAt, now)
        guard until > now else { return nil }
        var entry = packed
        entry.renewals = renewal.counter
        entry.presentUntil = until
        entry.heldUntil = hold(since: entry.heldSince, until: until)
        return entry
    }

    private static func refusal(of counter: UInt64, after last: UInt64) -> RegistryVerdict? {
        guard counter > last, counter <= renewalsMax else {
            return .refused(401, "Peer-Renew: n must be above \(last): count on, or send the record")
        }
        return nil
    }

    private func leave(_ leave: PeerLeave, _ current: PeerEntry?, _ now: Timestamp) -> RegistryVerdict {
        guard let current, current.isAvailable(at: now) else { return .refused(404, "no such peer is present") }
        guard case .signed(let held) = current.content else {
            return .refused(401, "the name has no key that could have signed this")
        }
        guard leave.identifier == current.identifier else {
            return .refused(401, "sub: the leave is of another peer")
        }
        guard leave.expiresAt > now.seconds else { return .refused(401, "exp: the leave has expired") }
        guard leave.sequence >= held.record.sequence else {
            return .refused(401, "seq: the leave is older than the record, which has seq \(held.record.sequence)")
        }
        var verdict = gone(current, now, heldUntil: hold(since: current.heldSince, until: now), leave.sequence)
        verdict.signer = held.record.key
        return verdict
    }

    private func leavePlain(_ current: PeerEntry?, _ now: Timestamp) -> RegistryVerdict {
        guard let current, current.isAvailable(at: now) else { return .refused(404, "no such peer is present") }
        guard configuration.isOpen, current.isPlain else {
            return .refused(401, "Authorization: Peer and a leave signed by the name's key are needed")
        }
        return gone(current, now, heldUntil: now)
    }

    private func gone(
        _ current: PeerEntry,
        _ now: Timestamp,
        heldUntil: Timestamp,
        _ sequence: UInt64 = 0
    ) -> RegistryVerdict {
        var entry = current
        entry.isPresent = false
        entry.presentUntil = now
        entry.heldUntil = heldUntil
        entry.renewals = RegistryRules.left | min(sequence, PeerRecord.sequenceMax)
        return RegistryVerdict(status: 204, change: change(to: entry, from: current, .leave))
    }

    private func pass(_ current: PeerEntry?, _ now: Timestamp) -> RegistryVerdict {
        guard let current else { return RegistryVerdict(status: 0) }
        if current.isPresent {
            guard current.presentUntil <= now else { return RegistryVerdict(status: 0) }
            var entry = current
            entry.isPresent = false
            return RegistryVerdict(status: 200, change: change(to: entry, from: current, .expire, isDurable: false))
        }
        guard current.heldUntil <= now else { return RegistryVerdict(status: 0) }
        let free = PeerChange(
            entry: nil,
            name: current.identifier.folded,
            expected: current.revision,
            kind: nil,
            isDurable: false
        )
        return RegistryVerdict(status: 200, change: free)
    }

    // MARK: Times

    /// Until when a peer is present that gave a sign of life now: for its `ttl`, never past `exp`.
    private func lease(ttlSeconds: Int, expiresAt: Int64, _ now: Timestamp) -> Timestamp {
        min(now.advanced(bySeconds: Int64(ttlSeconds)), Timestamp(seconds: expiresAt))
    }

    /// Until when a name stays its key's whose lease ends at `until`: for as long again as it was leased, within limits.
    private func hold(since: Timestamp, until: Timestamp) -> Timestamp {
        let second: Int64 = 1_000_000_000
        let most = configuration.nameHoldSeconds.multipliedReportingOverflow(by: second)
        let least = configuration.nameHoldMinSeconds.multipliedReportingOverflow(by: second)
        let wanted = max(until.nanosecondsSince(since), least.overflow ? .max : least.partialValue)
        return until.advanced(byNanoseconds: min(wanted, most.overflow ? .max : most.partialValue))
    }

    private func change(
        to entry: PeerEntry,
        from current: PeerEntry?,
        _ kind: PeerEvent.Kind,
        isDurable: Bool = true
    ) -> PeerChange {
        PeerChange(
            entry: entry,
            name: entry.identifier.folded,
            expected: current?.revision ?? 0,
            kind: kind,
            isDurable: isDurable
        )
    }
}

extension PeerEntry {
    /// Whether nobody signed it.
    var isPlain: Bool {
        if case .plain = content { true } else { false }
    }

    /// Whether a look-up finds it: the lease still runs, whether or not somebody has noticed its end.
    func isAvailable(at now: Timestamp) -> Bool { isPresent && presentUntil > now }

    /// Whether the name is still its key's.
    func isHeld(at now: Timestamp) -> Bool { max(presentUntil, heldUntil) > now }

    /// Nanoseconds since the lease ended; 0 while it runs.
    func absence(at now: Timestamp) -> Int64 { max(0, now.nanosecondsSince(presentUntil)) }
}
