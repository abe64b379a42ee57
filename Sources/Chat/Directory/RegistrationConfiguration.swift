// The times of keeping our own name registered, each with its unit and the formula it feeds.

/// How ``Registration`` behaves.
package struct RegistrationConfiguration: Sendable {
    /// Member `ttl` of our record, 2 to 3,600 s: we count as present for so long after each sign of life.
    package var ttlSeconds = 30
    /// `exp` - `iat` of our record, at most 24 h.
    package var recordLifetimeSeconds: Int64 = 3_600
    /// The longest wait between two attempts at a registry that is away.
    package var retrySecondsMax: Int64 = 10
    /// How long a graceful stop waits for the registry to take note.
    package var leaveTimeout: Duration = .seconds(2)

    /// What goes on without the registry, for the warning that it is away.
    package var awayRemark = "known peers are still written to"

    /// The flag that names the file of the key that our name belongs to, for who has taken the wrong one.
    package var keyFlag = "--identity"

    /// Between two signs of life: a third of the lease, so that two may be lost.
    package var renewalNanoseconds: Int64 { Int64(ttlSeconds) * 1_000_000_000 / 3 }

    /// How long before its `exp` a record is replaced: time for a few attempts.
    package var recordMarginSeconds: Int64 { min(60, recordLifetimeSeconds / 4) }

    package init() {}
}
