// A node of a mesh network, as a program uses it.

/// A node that tells every other node of its network what it is told to, and says what it hears.
///
///     mesh.connect(to: address)
///     try await mesh.broadcast("hello")
///     for await message in mesh.messages { ... }
///
/// The library `Peers` makes one that listens: `try await MeshNode.listening()`.
/// A node of any other network is one of these too: see ``SyncNode/mesh`` and ``ChordNode/mesh``.
public struct MeshNode: Sendable {
    private let driver: any MeshDriving

    /// A node that takes part when ``start()`` is called.
    ///
    /// - Parameters:
    ///   - identity: Who it is.
    ///   - configuration: Its bounds and habits.
    ///   - transport: What carries its messages.
    ///   - compressor: How its frames are made smaller.
    ///   - seed: Decides what it draws by lot.
    ///   - now: The time, in whole seconds since 1970.
    package init(
        _ identity: NodeIdentity,
        _ configuration: NodeConfiguration = NodeConfiguration(),
        over transport: any PeerTransport,
        compressor: any FrameCompressor = PlainFrames(),
        seed: UInt64,
        now: @escaping @Sendable () -> Int64
    ) {
        let rules = MeshRules(MeshStateMachine(identity, configuration, seed: seed))
        self.init(NodeDriver(rules, over: transport, compressor: compressor, now: now))
    }

    init(_ driver: any MeshDriving) {
        self.driver = driver
    }

    /// Who it is.
    public var id: NodeID { driver.lookAtMesh { $0.identity.id } }

    /// Whether it signs what it says.
    public var isSigning: Bool { driver.lookAtMesh { $0.identity.key != nil } }

    /// What it has dropped because nothing proved who sent it; see ``NodeConfiguration/requiresSigned``.
    public var unprovedCount: Int { driver.lookAtMesh { $0.proofs.refusedCount } }

    /// What happens, in order.
    ///
    /// For one loop at a time, which loses nothing; without one the node goes on.
    public var events: NodeEvents { driver.events }

    /// The messages that come, to all and to this node; what else happens is passed over.
    ///
    /// For one loop at a time, and not beside one over ``events``: each takes from the other.
    public var messages: some AsyncSequence<PeerMessage, Never> & Sendable {
        events.compactMap { event in
            if case .message(let message, _) = event { message } else { nil }
        }
    }

    /// Where others reach it; nil: nowhere.
    public var address: PeerAddress? { driver.lookAtMesh { $0.identity.address } }

    /// The nodes that it has a link to.
    public var neighbours: [(id: NodeID, address: PeerAddress?)] {
        driver.lookAtMesh { $0.neighbours.map { ($0.id, $0.address) } }
    }

    /// The addresses that it was told to link to and has no link to, for now.
    public var unreached: [PeerAddress] { driver.lookAtMesh(\.unreached) }

    /// Takes part from now on; to be called once.
    package func start() { driver.start() }

    /// Leaves the network, for good: when ``events`` end what was said is sent, and the port is free.
    public func stop() { driver.stop() }

    /// Links to the node at `address`, now and whenever that link is lost.
    public func connect(to address: PeerAddress) {
        driver.performOnMesh { mesh, now, actions in mesh.connect(to: address, at: now, &actions) }
    }

    /// Links to the node at `address` if there is no link to it; one that is lost is not made again.
    public func visit(_ address: PeerAddress) {
        driver.performOnMesh { mesh, now, actions in mesh.visit(address, at: now, &actions) }
    }

    /// Tells all nodes; the message as it went out.
    @discardableResult
    public func broadcast(_ values: MessageValue...) async throws(PeerNetworkError) -> PeerMessage {
        try await broadcast(values)
    }

    /// Tells all nodes, and returns when there is room for more to be sent; the message as it went out.
    ///
    /// Throws ``PeerNetworkError`` with code `again` if the same was said 3,600 times within a second, `tooLarge` if it is no
    /// message that others would take: see ``NodeConfiguration/frameBytesMax``.
    @discardableResult
    public func broadcast(_ values: [MessageValue]) async throws(PeerNetworkError) -> PeerMessage {
        let message = driver.performOnMesh { mesh, now, actions in mesh.tell(values, at: now, &actions) }
        await driver.waitUntilUncongested()
        return try message.get()
    }

    /// Tells all nodes several messages, in this order, and returns when there is room for more to be sent.
    ///
    /// What is broadcast together goes out together: that takes much less time than one after another.
    ///
    /// - Returns: For each message why it was not sent; nil: it was. See ``broadcast(_:)-swift.method``.
    @discardableResult
    public func broadcast(each messages: [[MessageValue]]) async -> [PeerNetworkError?] {
        var refusals: [PeerNetworkError?] = []
        var rest = messages[...]
        while !rest.isEmpty {
            driver.performOnMesh { mesh, now, actions in
                // Others have a turn, and it is looked whether there is room, after so many and so much.
                var (count, bytes) = (0, 0)
                while count < 256, bytes < 64 << 10, let values = rest.popFirst() {
                    switch mesh.tell(values, at: now, &actions) {
                    case .success(let message):
                        refusals.append(nil)
                        bytes += message.body.count
                    case .failure(let refusal): refusals.append(refusal)
                    }
                    count += 1
                }
            }
            await driver.waitUntilUncongested()
        }
        return refusals
    }

    /// Tells the neighbours alone.
    ///
    /// Throws ``PeerNetworkError`` with code `tooLarge` if it is no message that they would take.
    public func whisper(_ values: [MessageValue]) async throws(PeerNetworkError) {
        let outcome = driver.performOnMesh { mesh, now, actions in mesh.whisper(toAll: values, at: now, &actions) }
        await driver.waitUntilUncongested()
        try outcome.get()
    }

    /// Tells one node, wherever it is: the others are asked for its address if it is no neighbour.
    ///
    /// If nobody leads to it within a minute an event says so. Throws ``PeerNetworkError`` with code `tooLarge` if it is no
    /// message that it would take, `full` if a thousand others are being looked for.
    public func send(_ values: [MessageValue], to node: NodeID) async throws(PeerNetworkError) {
        let outcome = driver.performOnMesh { mesh, now, actions in mesh.send(values, to: node, at: now, &actions) }
        await driver.waitUntilUncongested()
        try outcome.get()
    }
}

/// What every node can do, whatever its rules are beyond those of the mesh.
protocol MeshDriving: AnyObject, Sendable {
    var events: NodeEvents { get }
    func start()
    func stop()
    func lookAtMesh<Result>(_ body: (MeshStateMachine) -> Result) -> Result
    func performOnMesh<Result>(_ body: (inout MeshStateMachine, Int64, inout [NodeAction]) -> Result) -> Result
    func waitUntilUncongested() async
}

extension NodeDriver: MeshDriving {
    func lookAtMesh<Result>(_ body: (MeshStateMachine) -> Result) -> Result { look { body($0.mesh) } }

    func performOnMesh<Result>(_ body: (inout MeshStateMachine, Int64, inout [NodeAction]) -> Result) -> Result {
        perform { rules, now, actions in body(&rules.mesh, now, &actions) }
    }
}
