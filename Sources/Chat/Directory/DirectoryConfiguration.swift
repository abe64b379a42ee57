// The limits and times of the directory, each with its unit and what it bounds.

/// How ``Directory`` behaves.
package struct DirectoryConfiguration: Sendable {
    /// For how long a signed record is used without asking again, at most; before that it ends with its `exp`.
    package var recordLifetimeSeconds: Int64 = 3_600
    /// For how long a plain peer's URL is used, at most; less if the registry says so.
    package var plainLifetimeSeconds: Int64 = 30
    /// For how long an answer that brought nothing new is kept: unknown, refused, expired.
    package var negativeLifetimeSeconds: Int64 = 5
    /// For how long a registry that could not be reached is not asked again about the same name.
    package var awayLifetimeSeconds: Int64 = 2

    /// Names whose answers are kept; beyond it the one that ends first goes.
    package var answersMax = 4_096
    /// Names pinned at one registry; beyond it there are no new ones.
    package var pinsMax = 100_000
    /// Callers who wait for the same look-up; one more is refused as the registry being away.
    package var waitersMax = 4_096

    /// Look-ups made because strangers wrote: so many at once, then ``senderLookUpsPerSecond``.
    package var senderLookUpsBurst = 20
    package var senderLookUpsPerSecond = 2
    /// How long a stranger's message waits for its sender's name to be confirmed.
    package var senderWait: Duration = .seconds(2)
    /// Unconfirmed keys remembered, so that the registry is not asked about each message of theirs.
    package var strangersMax = 1_024
    /// For how long an unconfirmed key is not asked about again.
    package var strangerLifetimeSeconds: Int64 = 10

    /// `--no-seal`: plain peers may be written to without `/plain`; a name once seen with a key never.
    package var allowsPlain = false

    package init() {}
}
