// A node with a table that all nodes of its network have, as a program uses it.

/// A node whose table is the same at every node of its network.
///
///     table.mesh.connect(to: address)
///     try await table.set("key", to: "value")
///     table["key"]
///     for await event in table.mesh.events { ... }
///
/// The library `Peers` makes one that listens: `try await SyncNode.listening()`.
public struct SyncNode: Sendable {
    /// The node as one of a mesh: its links, its events, messages to others.
    public let mesh: MeshNode
    private let driver: NodeDriver<SyncRules>

    /// A node that takes part when ``MeshNode/start()`` is called; the parameters are those of ``MeshNode``, whether a
    /// key belongs to who changed it last for an hour, and how much the table holds.
    package init(
        _ identity: NodeIdentity,
        _ configuration: NodeConfiguration = NodeConfiguration(),
        isLeasing: Bool = true,
        limits: SyncLimits = SyncLimits(),
        over transport: any PeerTransport,
        compressor: any FrameCompressor = PlainFrames(),
        seed: UInt64,
        now: @escaping @Sendable () -> Int64
    ) {
        let rules = SyncRules(
            MeshStateMachine(identity, configuration, seed: seed),
            isLeasing: isLeasing,
            limits: limits
        )
        driver = NodeDriver(rules, over: transport, compressor: compressor, now: now)
        mesh = MeshNode(driver)
    }

    /// What the id of its network is made of: it says whether keys are leased.
    package static func subnet(_ name: String, isLeasing: Bool) -> String { name + (isLeasing ? "1" : "0") }

    /// The keys that there are, in no particular order.
    public var keys: [[UInt8]] { driver.look { Array($0.entries.keys) } }

    /// The value of a key; nil if there is none.
    public subscript(key: String) -> MessageValue? { driver.look { $0.entries[Array(key.utf8)]?.value } }

    /// Gives a key a value everywhere.
    ///
    /// - Throws: ``PeerNetworkError`` with code `key` if it cannot be one, `leased` if it is another node's, `full` if there is no
    ///   room, `tooLarge` if the value is; without leases `again` if it was set by a clock that is far ahead.
    public func set(_ key: String, to value: MessageValue) async throws {
        try await driver.attempt { rules, now, actions throws(PeerNetworkError) in
            try rules.set(Array(key.utf8), to: value, at: now, &actions)
        }
    }

    /// Takes a key out everywhere.
    ///
    /// - Throws: ``PeerNetworkError`` with code `missing` if there is none, `leased` or `again` as ``set(_:to:)``.
    public func remove(_ key: String) async throws {
        try await driver.attempt { rules, now, actions throws(PeerNetworkError) in
            try rules.remove(Array(key.utf8), at: now, &actions)
        }
    }

    /// Changes some entries of the map that a key has for its value; the map as it is then.
    ///
    /// - Throws: ``PeerNetworkError`` with code `notMap` if it is something else, and as ``set(_:to:)``.
    @discardableResult
    public func change(_ key: String, by entries: [MessageValue.Entry]) async throws -> MessageValue {
        try await driver.attempt { rules, now, actions throws(PeerNetworkError) in
            try rules.change(Array(key.utf8), by: entries, at: now, &actions)
        }
    }
}
