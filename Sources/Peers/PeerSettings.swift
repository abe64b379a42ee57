// How a node takes part, for programs that have one inside.

public import PeerNetwork

/// Where a node listens, and how it takes part; the defaults are those of `peer`.
public struct PeerSettings: Sendable {
    /// An address of this machine to listen on; `0.0.0.0` or `::`: on all, and then ``address`` is to be given.
    public var host = "127.0.0.1"
    /// 0: one that is free.
    public var port = 0
    /// Where others are told that they reach it; nil: at ``host``.
    public var address: PeerAddress?
    /// Only nodes of the same subnet link to each other; nil: `mesh`, `sync` or `chord`.
    public var subnet: String?
    /// Whether links are encrypted: with all nodes or none.
    public var usesTLS = false
    /// Whether it signs what it says, by a key made anew.
    public var isSigning = false
    /// Bounds and habits.
    public var configuration = NodeConfiguration()

    /// The defaults.
    public init() {}
}
