// What the directory knows, and what follows from an answer of the registry: a pure state machine.

import HTTP
import PeerIdentity

/// Pins, remembered answers and announced key changes of one registry.
struct DirectoryTable: Sendable {
    /// What the last look-up of a name came to.
    enum Answer: Sendable, Hashable {
        /// The pin's record is to be used.
        case pinned
        /// A plain peer, never seen with a key.
        case plain(PeerURL)
        /// The name's key changed.
        case changed
        /// Nothing usable; thrown unless the pinned key's last record serves.
        case failed(ChatError.Code, String)
    }

    struct Remembered: Sendable, Hashable {
        var answer: Answer
        var until: Timestamp
    }

    /// What a look-up brought.
    enum Found: Sendable {
        case entry(RegistryEntry, maxAgeSeconds: Int64)
        case failure(ChatError)
    }

    /// What is to be done after a change, in this order, before the answer is used.
    struct Effects: Sendable, Hashable {
        /// The pin of this folded name is to be stored.
        var changedPin: String?
        var event: ChatEvent?
    }

    private(set) var pins: [String: Pin] = [:]
    /// The record of the other key, for names whose key changed.
    private(set) var conflicts: [String: SignedPeerRecord] = [:]
    private var answers: [String: Remembered] = [:]
    private var namesByKey: [PeerKey: Set<String>] = [:]
    private var plainAllowed: Set<String> = []
    private let configuration: DirectoryConfiguration

    init(configuration: DirectoryConfiguration, pins: [Pin]) {
        self.configuration = configuration
        for pin in pins { set(pin) }
    }

    // MARK: Asking

    /// What is remembered of `peer`, if that is still current.
    func current(_ peer: PeerIdentifier, at now: Timestamp) -> Result<Destination, ChatError>? {
        guard let remembered = answers[peer.folded], now < remembered.until else { return nil }
        return result(of: remembered.answer, for: peer)
    }

    /// The folded names that are pinned to `key`.
    func names(of key: PeerKey) -> Set<String> { namesByKey[key] ?? [] }

    private func result(of answer: Answer, for peer: PeerIdentifier) -> Result<Destination, ChatError> {
        switch answer {
        case .changed:
            return .failure(DirectoryTable.keyChanged(peer))
        case .plain(let url) where pins[peer.folded] == nil:
            guard configuration.allowsPlain || plainAllowed.contains(peer.folded) else {
                return .failure(
                    ChatError(
                        .plainOnly,
                        "\(peer) takes plain text only, which anyone may read: /plain \(peer) allows it"
                    )
                )
            }
            return .success(Destination(identifier: peer, url: url, sealing: nil))
        case .pinned, .plain:
            return remembered(peer) ?? .failure(ChatError(.unknownPeer, "nothing is known of \(peer)"))
        case .failed(let code, let message):
            // The key authenticates, so an old record of it serves when the registry has nothing better.
            return remembered(peer) ?? .failure(ChatError(code, message))
        }
    }

    private func remembered(_ peer: PeerIdentifier) -> Result<Destination, ChatError>? {
        guard let pin = pins[peer.folded], let record = pin.record?.record else { return nil }
        let sealing = Destination.Sealing(key: pin.key, keys: record.sealingKeys, suiteMin: pin.suite)
        return .success(Destination(identifier: pin.identifier, url: record.url, sealing: sealing))
    }

    // MARK: Answers

    /// Takes the answer to a look-up of `peer`.
    mutating func land(_ found: Found, for peer: PeerIdentifier, at now: Timestamp) -> Effects {
        switch found {
        case .failure(let error):
            let isAway = error.code == .registryAway
            let seconds = isAway ? configuration.awayLifetimeSeconds : configuration.negativeLifetimeSeconds
            // A key change that was announced stays one while the registry cannot say otherwise.
            let answer: Answer = conflicts[peer.folded] == nil ? .failed(error.code, error.message) : .changed
            remember(answer, for: peer, seconds: seconds, at: now)
            return Effects()
        case .entry(.plain(let url), let maxAgeSeconds):
            guard pins[peer.folded] == nil else {
                // Never plain to a name once seen with a key, whatever the registry says.
                let answer: Answer = conflicts[peer.folded] == nil ? .pinned : .changed
                remember(answer, for: peer, seconds: configuration.negativeLifetimeSeconds, at: now)
                return Effects()
            }
            let seconds = min(max(1, maxAgeSeconds), configuration.plainLifetimeSeconds)
            remember(.plain(url), for: peer, seconds: seconds, at: now)
            return Effects()
        case .entry(.signed(let signed), _):
            return land(signed, for: peer, at: now)
        }
    }

    /// Takes a record of `peer` whose signature was verified.
    private mutating func land(_ signed: SignedPeerRecord, for peer: PeerIdentifier, at now: Timestamp) -> Effects {
        let name = peer.folded
        switch PinRules.judge(signed, against: pins[name], at: now) {
        case .first(let pin):
            guard pins.count < configuration.pinsMax else {
                let message = "no more than \(configuration.pinsMax) names can be remembered"
                remember(.failed(.storeFailed, message), for: peer, seconds: 1, at: now)
                return Effects()
            }
            plainAllowed.remove(name)
            return adopt(pin, at: now)
        case .same(let pin):
            conflicts[name] = nil
            let isNew = pins[name] != pin
            let effects = adopt(pin, at: now)
            return isNew ? effects : Effects()
        case .handedOver(let pin):
            var effects = adopt(pin, at: now)
            effects.event = .handedOver(pin.identifier)
            return effects
        case .changed:
            let isNews = conflicts[name]?.record.key != signed.record.key
            conflicts[name] = signed
            remember(.changed, for: peer, seconds: configuration.plainLifetimeSeconds, at: now)
            return Effects(event: isNews ? .keyChanged(peer) : nil)
        case .refused(let reason):
            let answer: Answer = conflicts[name] == nil ? .failed(.badAnswer, refusal(peer, reason)) : .changed
            remember(answer, for: peer, seconds: configuration.negativeLifetimeSeconds, at: now)
            return Effects()
        }
    }

    /// Takes a verified record that did not come from the registry: it may renew or hand over a pin, never make one.
    ///
    /// - Returns: What to do, or nil if the record is of no use.
    mutating func learn(_ signed: SignedPeerRecord, of peer: PeerIdentifier, at now: Timestamp) -> Effects? {
        guard pins[peer.folded] != nil, conflicts[peer.folded] == nil else { return nil }
        switch PinRules.judge(signed, against: pins[peer.folded], at: now) {
        case .same, .handedOver: return land(signed, for: peer, at: now)
        case .first, .changed, .refused: return nil
        }
    }

    private func refusal(_ peer: PeerIdentifier, _ reason: String) -> String {
        "the registry's record of \(peer) is not to be trusted: \(reason)"
    }

    // MARK: Choices of the person

    /// Changes the pin of `name`; returns whether there is one.
    mutating func changePin(_ name: String, _ change: (inout Pin) -> Void) -> Bool {
        guard var pin = pins[name] else { return false }
        change(&pin)
        set(pin)
        return true
    }

    /// Permits plain text to `peer`; returns false if it was seen with a key, which forbids it for good.
    mutating func allowPlain(_ peer: PeerIdentifier) -> Bool {
        guard pins[peer.folded] == nil else { return false }
        if plainAllowed.count < configuration.answersMax { plainAllowed.insert(peer.folded) }
        return plainAllowed.contains(peer.folded)
    }

    /// Moves the pin to the key that was announced as changed; nil if none was.
    mutating func trust(_ peer: PeerIdentifier, at now: Timestamp) -> Effects? {
        guard let signed = conflicts[peer.folded] else { return nil }
        var pin = PinRules.pinned(signed)
        pin.isBlocked = pins[peer.folded]?.isBlocked ?? false
        return adopt(pin, at: now)
    }

    /// Pins what we publish of ourselves.
    mutating func setOwn(_ signed: SignedPeerRecord, at now: Timestamp) -> Effects {
        adopt(PinRules.pinned(signed), at: now)
    }

    /// Drops what is remembered of `peer`, not its pin: the next look-up asks the registry.
    mutating func forget(_ peer: PeerIdentifier) {
        answers[peer.folded] = nil
    }

    // MARK: Keeping

    private mutating func adopt(_ pin: Pin, at now: Timestamp) -> Effects {
        set(pin)
        conflicts[pin.identifier.folded] = nil
        let rest = (pin.record?.record.expiresAt ?? 0) - now.seconds
        let isCurrent = rest > 0
        let seconds = isCurrent ? min(rest, configuration.recordLifetimeSeconds) : configuration.negativeLifetimeSeconds
        remember(.pinned, for: pin.identifier, seconds: seconds, at: now)
        return Effects(changedPin: pin.identifier.folded)
    }

    private mutating func set(_ pin: Pin) {
        let name = pin.identifier.folded
        if let before = pins[name], before.key != pin.key {
            namesByKey[before.key]?.remove(name)
            if namesByKey[before.key]?.isEmpty == true { namesByKey[before.key] = nil }
        }
        pins[name] = pin
        namesByKey[pin.key, default: []].insert(name)
    }

    private mutating func remember(_ answer: Answer, for peer: PeerIdentifier, seconds: Int64, at now: Timestamp) {
        if answers.count >= configuration.answersMax, answers[peer.folded] == nil,
            let oldest = answers.min(by: { $0.value.until < $1.value.until })?.key
        {
            answers[oldest] = nil
        }
        answers[peer.folded] = Remembered(answer: answer, until: now.advanced(bySeconds: seconds))
    }

    static func keyChanged(_ peer: PeerIdentifier) -> ChatError {
        ChatError(
            .keyChanged,
            "\(peer) has another key than before, so nothing is sent: ask \(peer) by other means, then /trust \(peer)"
        )
    }
}
