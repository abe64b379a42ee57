// A table of which every node has a part: who has which part, and how it is found.

/// The rules of the chord network, which rest on those of the mesh.
///
/// A key is in five tables, at the node that is the last at or before its place in each. py2p knows of its neighbours alone:
/// what belongs to another is handed on, and each decides anew. Nodes of our own are a ring besides: what one of them is to
/// have goes to its owner there, and to those behind it.
package struct ChordRules: NodeRules {
    /// Who is to have a slot, as far as is known here.
    enum Holder: Equatable {
        /// A neighbour that is not of our own.
        case neighbour(NodeID)
        /// Its owner on the ring, which may be this node.
        case ring
        /// This node, until there is somebody else.
        case own
    }

    package var mesh: MeshStateMachine
    let limits: ChordLimits
    var ring: RingStateMachine
    private(set) var isStoring = false
    /// The neighbours that hold a part, where they are, and whether they are of our own.
    private(set) var storing: [NodeID: (place: RingNumber, isKin: Bool)] = [:]
    /// Whether a write may have come to its end.
    var isSettlingDue = false
    private(set) var keys: Set<[UInt8]> = []
    /// A sum over the names of all keys: equal where they are.
    private var keysSum: UInt64 = 0
    /// Neighbours that are to be told the names of keys at the next tick.
    private var unnamed: Set<NodeID> = []
    var searches: [Int: Search] = [:]
    var writes: [Int: Write] = [:]
    var locations: [Int: @Sendable (KeyLocation?) -> Void] = [:]
    var lastNumber = 0
    /// The version that this node gave last: none is given twice.
    private var lastVersion: RingVersion?
    /// After that nobody is waited for.
    private(set) var isClosed = false
    /// Slots that a neighbour has said to have nothing in, and until when it is not asked again.
    var emptyAtNeighbour: [ChordSlot: Int64] = [:]
    /// Slots that a neighbour is to empty once it has said that it has something there, and until when.
    var emptying: [ChordSlot: [NodeID: Int64]] = [:]
    /// Who waits for what was asked of another: neighbours, and members of the ring.
    var askers: [ChordSlot: [NodeID: Int64]] = [:]
    var ringAskers: [ChordSlot: [(request: RingStateMachine.Request, until: Int64)]] = [:]
    private let place: RingNumber
    /// Whether its id is a number of the ring, as others of our own want it.
    private let hasPlace: Bool

    package init(_ mesh: MeshStateMachine, limits: ChordLimits = ChordLimits()) {
        let identity = mesh.identity
        // What goes out is to fit into a frame.
        let room = max(0, mesh.configuration.frameBytesMax - 4 * MeshStateMachine.headBytesMax)
        var limits = limits
        limits.ring.entriesMax = limits.slotsMax
        limits.ring.valueBytesMax = min(limits.ring.valueBytesMax, room)
        limits.ring.messageBytesMax = min(limits.ring.messageBytesMax, room)
        limits.ring.listBytesMax = min(limits.ring.listBytesMax, room)
        limits.keyBytesMax = min(limits.keyBytesMax, room)
        self.limits = limits
        place = RingNumber(base58: identity.id.octets) ?? RingNumber(powerOfTwo: 0)
        hasPlace = RingMember(identity.id, identity.address) != nil
        let me = RingMember(identity.id, place: place.mirrored, identity.address)
        self.mesh = mesh
        ring = RingStateMachine(me, limits: limits.ring, seed: self.mesh.generator.next())
        self.mesh.role = role
    }

    /// The values that it holds; each key has five.
    var held: [ChordSlot: MessageValue] {
        Dictionary(uniqueKeysWithValues: ring.store.values.map { ($0.slot, $0.value) })
    }

    // MARK: What the user does

    /// Holds a part of the tables from now on, or none: then all is handed to those that do.
    package mutating func setStoring(_ isStoring: Bool, at now: Int64, _ actions: inout [NodeAction]) {
        guard self.isStoring != isStoring else { return }
        self.isStoring = isStoring
        mesh.role = role
        for neighbour in mesh.neighbours { tellRole(to: neighbour.id, at: now, &actions) }
        if isStoring {
            if hasPlace { ring.join(&mesh, at: now, &actions) }
        } else {
            // What an heir on the ring is to have, neighbours that are not of our own are told too.
            for (slot, value) in ring.heir == nil ? [] : ring.store.values {
                if case .neighbour(let node) = holder(of: slot) { give(value, slot, to: node, at: now, &actions) }
            }
            ring.leave(&mesh, at: now, &actions)
        }
        handOn(at: now, &actions)
        takeEvents(at: now, &actions)
    }

    /// A version that is later than `old`, and than every one that this node gave before.
    mutating func newVersion(after old: RingVersion?, at now: Int64) -> RingVersion {
        let id = mesh.identity.id
        let last = [old, lastVersion].compactMap(\.self).max()
        let version = last?.next(by: id, at: now) ?? RingVersion(time: now, number: 0, author: id)
        lastVersion = version
        return version
    }

    /// Gives a neighbour that is not of our own a value for a slot.
    ///
    /// py2p cuts the link when it is told to empty a slot that is empty: it is asked first.
    mutating func give(
        _ value: MessageValue,
        _ slot: ChordSlot,
        to node: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard value == .null else {
            emptying[slot]?[node] = nil
            emptyAtNeighbour[slot] = nil
            return whisper(slot.values + [value], SubFlag.store, to: node, at: now, &actions)
        }
        guard emptying.count < limits.searchesMax else { return }
        emptying[slot, default: [:]][node] = now + limits.askSeconds
        whisper(slot.values, SubFlag.retrieve, to: node, at: now, &actions)
    }

    /// Tells all that there is such a key, if that is news.
    mutating func announce(_ key: [UInt8], at now: Int64, _ actions: inout [NodeAction]) {
        guard insert(key) else { return }
        actions.append(.tell(.added(key: key)))
        _ = mesh.broadcast([.binary(key)], SubFlag.notify, at: now, &actions)
    }

    /// Forgets a key; false if it was not known.
    mutating func removeKey(_ key: [UInt8]) -> Bool {
        guard keys.remove(key) != nil else { return false }
        keysSum ^= Self.sum(key)
        return true
    }

    private mutating func insert(_ key: [UInt8]) -> Bool {
        guard keys.count < limits.keysMax, keys.insert(key).inserted else { return false }
        keysSum ^= Self.sum(key)
        return true
    }

    private static func sum(_ key: [UInt8]) -> UInt64 {
        ChordTable.sha256.position(of: key).ringOctets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: What others do

    package mutating func take(
        _ outcome: MeshStateMachine.Outcome,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch outcome {
        case .greeted(let id, _, isNew: true):
            unnamed.insert(id)
        case .recognised(let link):
            // Its role came before the word that it is of our own.
            guard let id = mesh.links[link]?.peer?.id, storing[id] != nil else { break }
            storing[id]?.isKin = true
            meet(id, at: now, &actions)
        case .passed(let message, let id, let link):
            if mesh.isKin(link), ring.take(message, from: id, &mesh, at: now, &actions) { break }
            take(message, from: id, at: now, &actions)
        case .lost(let id):
            storing[id] = nil
            unnamed.remove(id)
            ring.lost(id, &mesh, at: now, &actions)
        case .unreachable(let address):
            ring.unreachable(address, &mesh, at: now, &actions)
        case .greeted, .done: break
        }
        takeEvents(at: now, &actions)
    }

    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        mesh.tick(at: now, &actions)
        ring.tick(&mesh, at: now, &actions)
        for id in unnamed.sorted() { tellNames(to: id, at: now, &actions) }
        unnamed = []
        tickSearches(at: now, &actions)
        takeEvents(at: now, &actions)
    }

    package mutating func closeAll(_ actions: inout [NodeAction]) {
        mesh.closeAll(&actions)
        isClosed = true
        for search in searches.sorted(by: { $0.key < $1.key }) {
            if let finish = search.value.finish { actions.append(.call { finish(nil) }) }
        }
        for write in writes.sorted(by: { $0.key < $1.key }) {
            actions.append(.call { write.value.finish(false) })
        }
        for location in locations.sorted(by: { $0.key < $1.key }) { actions.append(.call { location.value(nil) }) }
        (searches, writes, locations) = ([:], [:], [:])
    }

    private mutating func take(
        _ message: PeerMessage,
        from id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let payload = message.payload
        switch message.subFlag {
        case SubFlag.handshake where payload.count == 1: takeRole(payload[0], of: id, at: now, &actions)
        case SubFlag.notify: takeNotice(payload, &actions)
        case SubFlag.keyNames: takeNames(payload, from: id, at: now, &actions)
        case SubFlag.store where payload.count == 3:
            if let slot = ChordSlot(payload) { store(payload[2], in: slot, from: id, at: now, &actions) }
        case SubFlag.delta where payload.count == 3:
            if let slot = ChordSlot(payload), case .map(let entries) = payload[2] {
                change(slot, by: entries, from: id, at: now, &actions)
            }
        case SubFlag.retrieve where payload.count == 2:
            if let slot = ChordSlot(payload) { retrieve(slot, for: id, at: now, &actions) }
        case SubFlag.retrieved where payload.count == 3:
            if let slot = ChordSlot(payload) { takeRetrieved(slot, payload[2], from: id, at: now, &actions) }
        default: break
        }
    }

    private mutating func takeRole(
        _ value: MessageValue,
        of id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let isStoring = value.octets == Array("0".utf8) || value.int == 0
        guard isStoring != (storing[id] != nil) else { return }
        guard isStoring else {
            storing[id] = nil
            ring.resigned(id, &mesh, at: now, &actions)
            return tellRole(to: id, at: now, &actions)
        }
        guard let place = RingNumber(base58: id.octets), let link = mesh.table[id] else { return }
        let isKin = mesh.isKin(link)
        // One of our own that cannot be a member of the ring holds nothing for others.
        guard !isKin || mesh.links[link]?.peer?.address != nil && RingMember(id, nil) != nil else { return }
        storing[id] = (place, isKin)
        tellRole(to: id, at: now, &actions)
        if isKin { return meet(id, at: now, &actions) }
        handOn(at: now, &actions)
    }

    /// A neighbour of our own holds a part: it is a member of the ring, if others can reach it.
    private mutating func meet(_ id: NodeID, at now: Int64, _ actions: inout [NodeAction]) {
        guard let peer = mesh.table[id].flatMap({ mesh.links[$0]?.peer }), peer.address != nil,
            let member = RingMember(id, peer.address)
        else { return }
        let wasReachable = ring.isReachable
        ring.met(member, &mesh, at: now, &actions)
        // What was kept because there was nobody.
        if !isStoring, !wasReachable { handOn(at: now, &actions) }
    }

    private mutating func takeNotice(_ payload: [MessageValue], _ actions: inout [NodeAction]) {
        guard let key = payload.first?.octets, !key.isEmpty, key.count <= limits.keyBytesMax else { return }
        if payload.count > 1 {
            if removeKey(key) { actions.append(.tell(.deleted(key: key))) }
        } else if insert(key) {
            actions.append(.tell(.added(key: key)))
        }
    }

    /// The ring has given up the link to a node.
    mutating func drop(_ id: NodeID) {
        storing[id] = nil
        unnamed.remove(id)
    }

    // MARK: Roles and names

    private func tellRole(to id: NodeID, at now: Int64, _ actions: inout [NodeAction]) {
        whisper([role], SubFlag.handshake, to: id, at: now, &actions)
    }

    private var role: MessageValue { .text(isStoring ? "0" : "1") }

    /// Tells a neighbour which keys there are, one of our own only if it knows others.
    private func tellNames(to id: NodeID, at now: Int64, _ actions: inout [NodeAction]) {
        guard let link = mesh.table[id] else { return }
        if mesh.isKin(link) { return whisper([sumValue], SubFlag.keyNames, to: id, at: now, &actions) }
        for key in sortedKeys { whisper([.binary(key)], SubFlag.notify, to: id, at: now, &actions) }
    }

    private var sortedKeys: [[UInt8]] { keys.sorted { $0.lexicographicallyPrecedes($1) } }

    private var sumValue: MessageValue {
        var octets: [UInt8] = []
        octets.append(bigEndian: keysSum, byteCount: 8)
        return .binary(octets)
    }

    private mutating func takeNames(
        _ payload: [MessageValue],
        from id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let link = mesh.table[id], mesh.isKin(link), let sum = payload.first else { return }
        for name in payload.dropFirst() { takeNotice([name], &actions) }
        guard payload.count == 1, sum != sumValue else { return }
        var names: [MessageValue] = []
        var octets = 0
        for key in sortedKeys {
            if names.count == 1000 || octets + key.count > limits.ring.listBytesMax {
                whisper([sumValue] + names, SubFlag.keyNames, to: id, at: now, &actions)
                (names, octets) = ([], 0)
            }
            names.append(.binary(key))
            octets += 8 + key.count
        }
        if !names.isEmpty { whisper([sumValue] + names, SubFlag.keyNames, to: id, at: now, &actions) }
    }

    // MARK: Who has what

    static func slots(of key: [UInt8]) -> [ChordSlot] {
        ChordTable.allCases.map { ChordSlot(table: $0, position: $0.position(of: key)) }
    }

    func check(_ key: [UInt8]) throws(PeerNetworkError) {
        guard !key.isEmpty, key.count <= limits.keyBytesMax else {
            throw PeerNetworkError(.key, "a key has 1 to \(limits.keyBytesMax) octets")
        }
    }

    /// Who is to have `slot`: of this node and its neighbours the last at or before its place, or whoever the ring knows.
    func holder(of slot: ChordSlot, besides asker: NodeID? = nil) -> Holder {
        var nearest: (node: NodeID?, distance: RingNumber)?
        if isStoring { nearest = (nil, place.distance(to: slot.position)) }
        for (id, other) in storing where id != asker && (!other.isKin || ring.members[id] != nil) {
            let distance = other.place.distance(to: slot.position)
            if nearest.map({ distance < $0.distance }) ?? true { nearest = (id, distance) }
        }
        if let node = nearest?.node, storing[node]?.isKin == false { return .neighbour(node) }
        return ring.isReachable ? .ring : .own
    }

    /// Gives what is held here, and is in another's part, to that one.
    private mutating func handOn(at now: Int64, _ actions: inout [NodeAction]) {
        for (slot, value) in ring.store.values {
            switch holder(of: slot) {
            case .neighbour(let node):
                give(value, slot, to: node, at: now, &actions)
                // Who holds a part keeps a copy, as py2p does: the other may go without a word.
                if !isStoring { ring.store.remove(slot) }
            case .ring where !isStoring:
                if let entry = ring.store[slot] { ring.put(slot, entry, &mesh, at: now, &actions) }
            case .ring, .own: break
            }
        }
    }

    func whisper(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        to id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let link = mesh.table[id] else { return }
        mesh.post(payload, subFlag, on: link, at: now, &actions)
    }
}
