// What can be set about the registry.

/// The settings of one registry.
package struct RegistryConfiguration: Sendable {
    /// Whether a URL in plain text registers a name without a key: `--open`.
    ///
    /// Default: false.
    package var isOpen = false
    /// Whether anyone may ask: no listing, no nearest names, no loopback and private URLs: `--public`.
    ///
    /// Default: false.
    package var isPublic = false

    // MARK: Times

    /// The longest that a name stays its key's after its lease, in seconds: `--name-hold`.
    ///
    /// Default: 30 days; at least ``nameHoldMinSeconds``.
    package var nameHoldSeconds: Int64 = 30 * 86_400
    /// The shortest that a name stays its key's after its lease, in seconds.
    ///
    /// Default: 10 min.
    package var nameHoldMinSeconds: Int64 = 600
    /// How long a plain peer is present after its PUT, in seconds.
    ///
    /// Default: 1 h: it has no way to give a sign of life but to register again, and that is done by a person with curl.
    package var plainLeaseSeconds: Int64 = 3_600
    /// How long an answer may be used without asking again, in seconds, if the lease is as long.
    ///
    /// Default: 30.
    package var maxAgeSeconds: Int64 = 30
    /// How often leases that ran out are looked for.
    ///
    /// Default: 100 ms. An expiry is told at most so much later, and the work itself.
    package var sweepInterval = Duration.milliseconds(100)
    /// How often a silent `/changes` stream is sent a comment, so that nothing between takes it for dead.
    ///
    /// Default: 15 s.
    package var heartbeatInterval = Duration.seconds(15)
    /// How long the store is left alone after it failed.
    ///
    /// Default: 1 s.
    package var retryInterval = Duration.seconds(1)
    /// The pause after watchers were woken, for each of them: many events are then told in one go.
    ///
    /// Default: 20 microseconds, so 200 ms for 10,000 watchers; never above ``wakePauseMax``.
    package var wakePausePerWatcher = Duration.microseconds(20)
    /// The longest pause after watchers were woken.
    ///
    /// Default: 250 ms.
    package var wakePauseMax = Duration.milliseconds(250)

    // MARK: Sizes

    /// Octets of a record, in its compact form, and of a leave.
    ///
    /// Default: 8 KiB. Beyond: 413.
    package var recordBytesMax = 8 * 1024
    /// Octets of memory that entries may take, where the store keeps them in this process.
    ///
    /// Default: 4 GiB, about eight million names. Beyond: 503 for new names.
    package var heldBytesMax = 4 << 30
    /// Identifiers in one batch.
    ///
    /// Default: 16,384: more than a request line holds, so that line is the limit.
    package var batchMax = 16_384
    /// Peers in one page of a listing; the default page is a tenth.
    ///
    /// Default: 1,000.
    package var listingMax = 1_000
    /// Streams of changes at a time.
    ///
    /// Default: 20,000. Beyond: 503.
    package var watchersMax = 20_000
    /// Events that are kept serialised for all watchers; one that is further back has its own made.
    ///
    /// Default: 16,384, about 2 MiB.
    package var sharedEventsMax = 16_384
    /// Entries and events handled in one step.
    ///
    /// Default: 1,024.
    package var pageMax = 1_024
    /// Serialised records kept for look-ups.
    ///
    /// Default: 4,096, about 6 MiB.
    package var preparedMax = 4_096
    /// How often a change is decided again because somebody else was faster.
    ///
    /// Default: 8. Then 503.
    package var attemptsMax = 8

    // MARK: Budgets

    /// Signatures that one address may have checked; each costs about 100 microseconds.
    ///
    /// Default: 100 a second, 1,000 at once. An address is an IPv4 address or an IPv6 /64.
    package var signatures = Budget(perSecond: 100, burst: 1_000)
    /// New names that one address may register.
    ///
    /// Default: 1 a second, 500 at once.
    package var namesPerAddress = Budget(perSecond: 1, burst: 500)
    /// New names that one key may register.
    ///
    /// Default: 1 in 10 s, 100 at once.
    package var namesPerKey = Budget(perSecond: 0.1, burst: 100)
    /// Whether requests from loopback are not counted at all: who is on this machine can do worse.
    ///
    /// Default: true. A proxy on this machine makes every client local, and must then count for itself.
    package var exemptsLoopback = true
    /// Addresses, and keys, that are counted apart; those beyond it share one budget.
    ///
    /// Default: 65,536, about 2 MiB.
    package var budgetsMax = 65_536

    /// The defaults.
    package init() {}
}

/// How much of something one party may use.
package struct Budget: Sendable, Hashable {
    /// How fast it is refilled; above 0.
    package var perSecond: Double
    /// How much there is at once; at least 1.
    package var burst: Int

    package init(perSecond: Double, burst: Int) {
        (self.perSecond, self.burst) = (perSecond, burst)
    }
}
