// The chord tables among our own nodes: a ring on which everybody finds everything in a few steps; pure, no clock, no sockets.
//
// py2p hands a key on from neighbour to neighbour and hopes. Ours know who is behind them, and some who are far: what the
// owner of a place has, its successors have too.

/// One member's part of a ring, or a node that only asks there.
struct RingStateMachine: Sendable {
    /// What is on its way to the owner of a place.
    struct Route: Sendable {
        enum Kind: Int64, Sendable {
            /// Who owns it?
            case find
            /// What is in this slot?
            case get
            /// What is in this slot of yours, whoever owns it?
            case peek
            /// Keep this entry.
            case put
            /// Change some entries of the map in this slot.
            case change
        }

        let nonce: UInt64
        let kind: Kind
        let place: RingNumber
        var hops: Int64 = 0
        /// Whoever gets it is thought to be the owner.
        var isFinal = false
        let body: [MessageValue]
    }

    /// Why something is asked.
    enum Purpose: Sendable {
        case successor
        case finger(Int)
        /// Under a number of the user's.
        case locate(Int)
        case get(ChordSlot)
        case put(ChordSlot, RingEntry)
        /// Under a number of the user's.
        case change(ChordSlot, Int)
        /// A slot that is to be changed and of which this node has nothing.
        case peekToChange(Route)
        /// A slot of which this node has nothing, for who asked for it.
        case peek(Request)
    }

    /// A question of another, or of this node itself, for what is in a slot that is here.
    struct Request: Sendable {
        let nonce: UInt64
        let slot: ChordSlot
        let hops: Int64
    }

    /// What the network that rests on the ring is to know.
    enum Event: Sendable {
        /// A slot of this node's own has another value.
        case owned(ChordSlot, MessageValue)
        /// To be answered with ``reply(_:with:_:at:_:)``.
        case wanted(Request)
        case got(ChordSlot, RingEntry?)
        /// An entry of that version was brought to its place, where this is the latest.
        case stored(ChordSlot, RingVersion, latest: RingVersion)
        case notStored(ChordSlot, RingVersion)
        case changed(ChordSlot, Int)
        /// There is something else than a map, or no room for more.
        case notChanged(ChordSlot, Int)
        /// A link was given up.
        case left(NodeID)
        /// Who owns a place that was asked for under this number, and how many steps away; nil: nobody has said so in time.
        case located(Int, RingMember?, hops: Int64)
    }

    struct Query: Sendable {
        let route: Route
        let purpose: Purpose
        var attempts = 0
        var due: Int
        var firstHop: NodeID?
    }

    let limits: RingLimits
    var table: RingTable
    var store: RingStore
    private(set) var isMember = false
    /// Members that there is a link to.
    var members: [NodeID: RingMember] = [:]
    var events: [Event] = []
    var ticks = 0
    var queries: [UInt64: Query] = [:]
    /// Who is to have the answer to what was handed on, and until when.
    var pending: [UInt64: (asker: NodeID, until: Int)] = [:]
    /// How many of these each of them waits for.
    var pendingCounts: [NodeID: Int] = [:]
    /// Those who were asked for their neighbours, and when.
    var asked: [NodeID: Int] = [:]
    var dialling: [NodeID: (member: RingMember, since: Int)] = [:]
    var dead: [NodeID: Int] = [:]
    var idle: [NodeID: Int] = [:]
    var lastAskOfPredecessor = 0
    /// When it found somebody behind it.
    private(set) var joinedAt = 0
    /// Ranges of others of which this node keeps copies, and when they were last compared.
    var guarded: [NodeID: (range: RingRange, at: Int)] = [:]
    /// When the own range is to be compared with the successors.
    var digestDue = 0
    var fingerDue = 0
    var nextFinger = RingNumber.bitCount - 1
    var generator: SeededNumbers

    init(_ me: RingMember, limits: RingLimits, seed: UInt64) {
        self.limits = limits
        table = RingTable(me, successorsMax: limits.successorsMax)
        store = RingStore(countMax: limits.entriesMax, bytesMax: limits.bytesMax)
        generator = SeededNumbers(seed: seed)
    }

    var me: RingMember { table.me }

    /// Whether there is a ring to ask: this node is in it, or has a link to one that is.
    var isReachable: Bool { isMember || !members.isEmpty }

    // MARK: Membership

    /// Takes a part of the tables from now on.
    ///
    /// Not on the ring if nobody can reach it: then it holds what its neighbours give it.
    mutating func join(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        guard me.address != nil else { return }
        isMember = true
        for member in sortedMembers where table.isNearerSuccessor(member) { ask(member, &mesh, at: now, &actions) }
        findSuccessor(&mesh, at: now, &actions)
    }

    /// Who has this node's part when it leaves; nil: nobody.
    var heir: RingMember? { table.successors.first { members[$0.id] != nil } }

    /// Gives its part to those behind it; without any it keeps what it has.
    mutating func leave(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        if let heir {
            // Also what is nobody's business yet: the heir brings it to where it is to be.
            let others = guarded.sorted { $0.key < $1.key }.map(\.value.range)
            send(store.entries(outside: others), to: heir.id, mesh, at: now, &actions)
            store = RingStore(countMax: limits.entriesMax, bytesMax: limits.bytesMax)
        }
        for id in table.contacts.sorted() { whisper([], SubFlag.ringLeave, to: id, mesh, at: now, &actions) }
        isMember = false
        table.clear()
        guarded = [:]
        asked = [:]
        queries = queries.filter { $0.value.purpose.isUsers }
    }

    // MARK: Who comes and goes

    /// A member of the ring is linked.
    mutating func met(
        _ member: RingMember,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        members[member.id] = member
        dialling[member.id] = nil
        dead[member.id] = nil
        guard isMember, table.isNearerSuccessor(member) || table.successors.first == member else { return }
        ask(member, &mesh, at: now, &actions)
    }

    /// The link to a node is gone; it may live on.
    mutating func lost(_ id: NodeID, _ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        guard let member = members.removeValue(forKey: id) else { return }
        asked[id] = nil
        idle[id] = nil
        for (nonce, query) in queries where query.firstHop == id { queries[nonce]?.due = ticks }
        if isMember, table.contacts.contains(id) { dial(member, &mesh, at: now, &actions) }
    }

    /// A node has said that it holds no part any more.
    mutating func resigned(_ id: NodeID, _ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        members[id] = nil
        forget(id, &mesh, at: now, &actions)
    }

    /// Nobody is at `address` any more.
    mutating func unreachable(
        _ address: PeerAddress,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        for (id, call) in dialling.sorted(by: { $0.key < $1.key }) where call.member.address == address {
            bury(id, &mesh, at: now, &actions)
        }
    }

    mutating func bury(_ id: NodeID, _ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        dead[id] = ticks
        members[id] = nil
        forget(id, &mesh, at: now, &actions)
    }

    mutating func forget(
        _ id: NodeID,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        dialling[id] = nil
        asked[id] = nil
        guarded[id] = nil
        let wasFirst = table.successors.first?.id == id
        guard table.remove(id), isMember else { return }
        digestDue = min(digestDue, ticks + 2)
        fingerDue = min(fingerDue, ticks + 1)
        if wasFirst { stabilise(&mesh, at: now, &actions) }
    }

    mutating func dial(
        _ member: RingMember,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard member != me, let address = member.address, members[member.id] == nil, dialling[member.id] == nil else {
            return
        }
        if let time = dead[member.id], time + limits.deadTicks > ticks { return }
        dialling[member.id] = (member, ticks)
        if mesh.table[member.id] == nil { mesh.dial(address, at: now, &actions) }
    }

    // MARK: Neighbours

    mutating func ask(
        _ member: RingMember,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if asked[member.id] == nil { asked[member.id] = ticks }
        let isFirst: Int64 = table.successors.first == member ? 1 : 0
        whisper([me.value, .integer(isFirst)], SubFlag.ringAsk, to: member.id, mesh, at: now, &actions)
    }

    /// Asks the first successor that can be asked for its neighbours, and so tells it who is before it.
    mutating func stabilise(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        guard let first = table.successors.first else { return findSuccessor(&mesh, at: now, &actions) }
        if members[first.id] != nil { return ask(first, &mesh, at: now, &actions) }
        if let time = dead[first.id], time + limits.deadTicks > ticks {
            return forget(first.id, &mesh, at: now, &actions)
        }
        dial(first, &mesh, at: now, &actions)
    }

    /// Looks for the first successor through somebody who may be of another ring.
    mutating func findSuccessor(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        guard let through = sortedMembers.randomElement(using: &generator) else { return }
        let isUnderWay = queries.values.contains { if case .successor = $0.purpose { true } else { false } }
        guard !isUnderWay else { return }
        let place = me.place.advanced(byPowerOfTwo: 0)
        start(.find, place, [], .successor, through: through.id, &mesh, at: now, &actions)
    }

    var sortedMembers: [RingMember] { members.values.sorted { $0.id < $1.id } }

    private mutating func takeAsk(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard isMember, payload.count == 2, let member = RingMember(payload[0]), member.id == id else { return }
        if members[id] == nil { met(member, &mesh, at: now, &actions) }
        let before = table.range
        if payload[1].int == 1 {
            if table.rectify(member) {
                // What is behind it up to its place is its own now.
                let start = before?.start ?? me.place
                let given = store.entries(in: RingRange(start: start, end: member.place))
                send(given, to: id, mesh, at: now, &actions)
            }
            if table.predecessor == member { lastAskOfPredecessor = ticks }
        }
        let list = table.successors.map(\.value)
        whisper(
            [table.predecessor?.value ?? .null, .array(list)],
            SubFlag.ringState,
            to: id,
            mesh,
            at: now,
            &actions
        )
    }

    private mutating func takeState(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard isMember, payload.count == 2, asked.removeValue(forKey: id) != nil, let member = members[id],
            let values = payload[1].elements
        else { return }
        let before = table.successors
        if before.isEmpty { joinedAt = ticks }
        guard table.adopt(member, values.prefix(4 * limits.successorsMax).compactMap { RingMember($0) }) else { return }
        if before.map(\.id) != table.successors.map(\.id) { digestDue = min(digestDue, ticks + 2) }
        for successor in table.successors.prefix(limits.replicas) { dial(successor, &mesh, at: now, &actions) }
        if let nearer = RingMember(payload[0]), table.isNearerSuccessor(nearer) {
            if members[nearer.id] != nil { return ask(nearer, &mesh, at: now, &actions) }
            dial(nearer, &mesh, at: now, &actions)
        }
        // It is to know who is before it.
        if before.first != member { ask(member, &mesh, at: now, &actions) }
    }

    // MARK: Messages

    /// Takes a message of the ring's own from a neighbour of our own kind; false if it is none.
    mutating func take(
        _ message: PeerMessage,
        from id: NodeID,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Bool {
        let payload = message.payload
        switch message.subFlag {
        case SubFlag.ringAsk: takeAsk(payload, from: id, &mesh, at: now, &actions)
        case SubFlag.ringState: takeState(payload, from: id, &mesh, at: now, &actions)
        case SubFlag.ringRoute:
            if let route = Route(payload) { carry(route, from: id, &mesh, at: now, &actions) }
        case SubFlag.ringAnswer: takeAnswer(payload, from: id, &mesh, at: now, &actions)
        case SubFlag.ringEntries: takeEntries(payload, at: now)
        case SubFlag.ringDigest: takeDigest(payload, from: id, mesh, at: now, &actions)
        case SubFlag.ringVersions: takeVersions(payload, from: id, mesh, at: now, &actions)
        case SubFlag.ringWant: takeWant(payload, from: id, mesh, at: now, &actions)
        case SubFlag.ringLeave: resigned(id, &mesh, at: now, &actions)
        default: return false
        }
        return true
    }

    /// The owner of a place that was looked up.
    mutating func found(
        _ member: RingMember,
        _ hops: Int64,
        _ purpose: Purpose,
        _ mesh: inout MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        switch purpose {
        case .locate(let number):
            events.append(.located(number, member, hops: hops))
        case .finger(let exponent):
            table.setFinger(exponent, member)
            dial(member, &mesh, at: now, &actions)
        case .successor where isMember && table.isNearerSuccessor(member):
            if members[member.id] != nil { return ask(member, &mesh, at: now, &actions) }
            dial(member, &mesh, at: now, &actions)
        default: break
        }
    }

    func whisper(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        to id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let link = mesh.table[id] else { return }
        mesh.post(payload, subFlag, on: link, at: now, &actions)
    }
}

extension RingStateMachine.Purpose {
    /// Whether it is what a user wants, not the ring.
    var isUsers: Bool {
        switch self {
        case .get, .put, .change, .locate: true
        case .successor, .finger, .peek, .peekToChange: false
        }
    }
}
