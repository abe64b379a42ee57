// A node of a network that shares one table out among its nodes, as a program uses it.

/// A node that finds, and holds a part of, a table that is shared out among all.
///
///     chord.mesh.connect(to: address)
///     chord.join()
///     try await chord.set("key", to: "value")
///     await chord.value(for: "key")
///
/// The library `Peers` makes one that listens: `try await ChordNode.listening()`.
public struct ChordNode: Sendable {
    /// The node as one of a mesh: its links, its events, messages to others.
    public let mesh: MeshNode
    private let driver: NodeDriver<ChordRules>

    /// A node that takes part when ``MeshNode/start()`` is called; the parameters are those of ``MeshNode``, and how
    /// much it holds.
    package init(
        _ identity: NodeIdentity,
        _ configuration: NodeConfiguration = NodeConfiguration(),
        limits: ChordLimits = ChordLimits(),
        over transport: any PeerTransport,
        compressor: any FrameCompressor = PlainFrames(),
        seed: UInt64,
        now: @escaping @Sendable () -> Int64
    ) {
        let rules = ChordRules(MeshStateMachine(identity, configuration, seed: seed), limits: limits)
        driver = NodeDriver(rules, over: transport, compressor: compressor, now: now)
        mesh = MeshNode(driver)
    }

    /// The keys that are known to exist, in no particular order.
    public var keys: [[UInt8]] { driver.look { Array($0.keys) } }

    /// Whether it holds a part of the table.
    public var isStoring: Bool { driver.look(\.isStoring) }

    /// How many values it holds; each key has five.
    public var heldCount: Int { driver.look { $0.ring.store.valuesCount } }

    /// The neighbours that hold a part of the table.
    public var storingNeighbours: Set<NodeID> { driver.look { Set($0.storing.keys) } }

    /// Holds a part of the table from now on.
    public func join() { driver.perform { rules, now, actions in rules.setStoring(true, at: now, &actions) } }

    /// Hands its part to those that hold one, and holds none.
    public func unjoin() { driver.perform { rules, now, actions in rules.setStoring(false, at: now, &actions) } }

    /// What three of the five tables say that a key has for its value.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - seconds: How long to wait for them.
    /// - Returns: Nil if there is no such key, or too few answered in time: an answer that comes late cannot be told from none.
    public func value(for key: String, within seconds: Int64 = 10) async -> MessageValue? {
        await withCheckedContinuation { continuation in
            driver.perform { rules, now, actions in
                rules.find(Array(key.utf8), within: seconds, at: now, &actions) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Which node of the ring has a key, or would have it, in the table of SHA-256, and how many steps away it is.
    ///
    /// Nil if nobody says so in time, or there is no node of our own that holds a part.
    public func location(of key: String) async -> KeyLocation? {
        await withCheckedContinuation { continuation in
            driver.perform { rules, now, actions in
                rules.locate(Array(key.utf8), at: now, &actions) { continuation.resume(returning: $0) }
            }
        }
    }

    /// The next node behind this one on the ring of our own nodes; nil if it is alone there, or holds no part.
    public var successor: NodeID? { driver.look(\.successor) }

    /// Gives a key a value, and returns when three of the five tables have it, or were sent it if no node of our own has them.
    ///
    /// - Throws: ``PeerNetworkError`` with code `key` if it cannot be one, `tooLarge` if the value is, `timeout` if it is not known
    ///   to be there in time: some tables may have it all the same.
    public func set(_ key: String, to value: MessageValue) async throws {
        try await write { rules, now, actions, finish throws(PeerNetworkError) in
            try rules.set(Array(key.utf8), to: value, at: now, &actions, finish: finish)
        }
    }

    /// Takes a key out, and returns as ``set(_:to:)`` does.
    ///
    /// - Throws: ``PeerNetworkError`` with code `missing` if it is not known, `timeout` as with ``set(_:to:)``.
    public func remove(_ key: String) async throws {
        try await write { rules, now, actions, finish throws(PeerNetworkError) in
            try rules.remove(Array(key.utf8), at: now, &actions, finish: finish)
        }
    }

    /// Changes some entries of the map that a key has for its value, and returns as ``set(_:to:)`` does.
    ///
    /// - Throws: ``PeerNetworkError`` with code `key` if it cannot be one, `tooLarge` and `timeout` as with ``set(_:to:)``, the
    ///   latter also if the value is no map.
    public func change(_ key: String, by entries: [MessageValue.Entry]) async throws {
        try await write { rules, now, actions, finish throws(PeerNetworkError) in
            try rules.change(Array(key.utf8), by: entries, at: now, &actions, finish: finish)
        }
    }

    private func write(
        _ body: (inout ChordRules, Int64, inout [NodeAction], @escaping @Sendable (Bool) -> Void)
            throws(PeerNetworkError) -> Void
    ) async throws {
        let isStored: Result<Bool, PeerNetworkError> = await withCheckedContinuation { continuation in
            driver.perform { rules, now, actions in
                do throws(PeerNetworkError) {
                    try body(&rules, now, &actions) { continuation.resume(returning: .success($0)) }
                } catch {
                    actions.append(.call { continuation.resume(returning: .failure(error)) })
                }
            }
        }
        await driver.waitUntilUncongested()
        guard try isStored.get() else {
            throw PeerNetworkError(.timeout, "fewer than three of the five tables have it, or said so in time")
        }
    }
}
