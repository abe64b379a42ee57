// How often strangers may make us ask the registry, and whom we asked about in vain: a pure state machine.

import HTTP
import PeerIdentity

/// A bucket of look-ups, and a bounded memory of keys that no registry confirmed.
struct SenderLimits: Sendable {
    private struct Claim: Sendable, Hashable {
        var key: PeerKey
        var name: String
    }

    private let configuration: DirectoryConfiguration
    private var tokens: Int
    private var filledAt: Timestamp
    /// Unconfirmed claims, and when each may be asked about again.
    private var strangers: [Claim: Timestamp] = [:]
    private var blockedKeys: Set<PeerKey> = []

    init(configuration: DirectoryConfiguration, at now: Timestamp) {
        self.configuration = configuration
        tokens = configuration.senderLookUpsBurst
        filledAt = now
    }

    /// Whether the registry may be asked now whether `name` belongs to `key`; spends a look-up if so.
    mutating func mayAsk(about name: String, of key: PeerKey, at now: Timestamp) -> Bool {
        if let askAgainAt = strangers[Claim(key: key, name: name)], now < askAgainAt { return false }
        let rate = Int64(max(1, configuration.senderLookUpsPerSecond))
        let interval = 1_000_000_000 / rate
        let due = max(0, now.nanosecondsSince(filledAt)) / interval
        if due > 0 {
            tokens = min(configuration.senderLookUpsBurst, tokens + Int(min(due, Int64(Int32.max))))
            filledAt = filledAt.advanced(byNanoseconds: due * interval)
        }
        // A clock that was set back must not stop the refill until it has caught up.
        if now < filledAt { filledAt = now }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    /// Nobody confirmed that `name` belongs to `key`; `wasAsked` whether the registry had its say.
    mutating func note(unconfirmed name: String, of key: PeerKey, wasAsked: Bool, at now: Timestamp) {
        let claim = Claim(key: key, name: name)
        // Who writes all the time must not put off the next question for ever.
        guard wasAsked || strangers[claim] == nil else { return }
        if strangers[claim] == nil, strangers.count >= configuration.strangersMax,
            let oldest = strangers.min(by: { $0.value < $1.value })?.key
        {
            strangers[oldest] = nil
        }
        strangers[claim] = wasAsked ? now.advanced(bySeconds: configuration.strangerLifetimeSeconds) : now
    }

    /// The registry confirmed it.
    mutating func note(confirmed name: String, of key: PeerKey) {
        strangers[Claim(key: key, name: name)] = nil
    }

    /// Blocks the unconfirmed keys that claimed `name`, or takes that back; returns whether there are any.
    mutating func setBlocked(_ isBlocked: Bool, strangersNamed name: String) -> Bool {
        let keys = strangers.keys.filter { $0.name == name }.map(\.key)
        for key in keys {
            if !isBlocked {
                blockedKeys.remove(key)
            } else if blockedKeys.count < configuration.strangersMax {
                blockedKeys.insert(key)
            }
        }
        return !keys.isEmpty
    }

    func isBlocked(_ key: PeerKey) -> Bool { blockedKeys.contains(key) }
}
