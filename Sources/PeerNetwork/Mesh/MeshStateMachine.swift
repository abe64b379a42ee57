// A node of a mesh: who its neighbours are, which it dials, what it relays; pure, no clock, no sockets.

/// The rules of the mesh network, on which those of the others rest.
///
/// Its methods say what is to be done by adding to `actions`. Times are whole seconds since 1970.
package struct MeshStateMachine: Sendable {
    struct Neighbour: Sendable {
        let id: NodeID
        var address: PeerAddress?
        /// How it can read and write frames, the best first, as it said last.
        var methods: [CompressionMethod]
        /// It has said that it speaks our extensions.
        var isKin = false
    }

    struct Link: Sendable {
        /// Where it was dialled to; nil if it came in.
        let dialled: PeerAddress?
        var since: Int64
        var isOpen: Bool
        /// Who is at its other end, once that is known.
        var peer: Neighbour?
    }

    /// What became of a message or a link, for the network that rests on this one.
    package enum Outcome: Sendable {
        case done
        /// A node is a neighbour by this link now, or has said again who it is.
        case greeted(NodeID, LinkID, isNew: Bool)
        /// A neighbour speaks our extensions.
        case recognised(LinkID)
        /// A message that the mesh does not know, from a neighbour.
        case passed(PeerMessage, NodeID, LinkID)
        case lost(NodeID)
        /// Nobody answers there.
        case unreachable(PeerAddress)
    }

    package let identity: NodeIdentity
    package let configuration: NodeConfiguration
    private(set) var links: [LinkID: Link] = [:]
    private(set) var table: [NodeID: LinkID] = [:]
    /// The links to neighbours in the order in which they came: nothing may depend on how a dictionary is hashed.
    private(set) var order: [LinkID] = []
    private(set) var seen: SeenMessages
    var tree = Tree()
    var proofs = Proofs()
    var troubles = Troubles()
    /// What was broadcast last, and how it was dated.
    var lastSaid: (payload: [MessageValue], subFlag: Int64, time: Int64)?
    var wishes: [PeerAddress: Wish] = [:]
    var addresses: [NodeID: PeerAddress] = [:]
    var searches: [[UInt8]: Search] = [:]
    var generator: SeededNumbers
    /// What a new neighbour is told of this node's part in the network that rests on the mesh; nil: nothing.
    var role: MessageValue?
    /// Whether the user has had enough: nobody is linked to any more.
    private(set) var isClosed = false
    private var lastLink = 0
    private var lastTick: Int64 = .min
    /// When it began to take part; nil: it has not.
    private(set) var since: Int64?
    var askedForPeersAt: Int64 = .min

    /// A node without neighbours; `seed` decides what is drawn by lot.
    package init(_ identity: NodeIdentity, _ configuration: NodeConfiguration, seed: UInt64) {
        self.identity = identity
        self.configuration = configuration
        seen = SeenMessages(countMax: configuration.seenMax)
        generator = SeededNumbers(seed: seed)
    }

    /// Those at the other end of a link.
    var neighbours: [Neighbour] { order.compactMap { links[$0]?.peer } }

    /// By which methods what comes on `link` may be compressed.
    package func inboundMethods(of link: LinkID) -> [CompressionMethod] {
        guard let peer = links[link]?.peer else { return [] }
        return peer.methods.filter(identity.methods.contains)
    }

    /// Whether frames behind `message` may be of other lengths, or compressed otherwise, than those before.
    package static func mayChangeFrames(_ message: PeerMessage) -> Bool {
        message.mainFlag == MainFlag.renegotiate || message.subFlag == SubFlag.handshake
    }

    /// How long a frame on `link` may be.
    package func frameBytesMax(of link: LinkID) -> Int {
        links[link]?.peer == nil ? configuration.strangerFrameBytesMax : configuration.frameBytesMax
    }

    // MARK: Links

    /// Dials `address`, now and whenever the link to it is lost.
    package mutating func connect(to address: PeerAddress, at now: Int64, _ actions: inout [NodeAction]) {
        guard wishes[address] == nil, !isClosed else { return }
        wishes[address] = Wish(due: now)
        dialWishes(at: now, &actions)
    }

    /// A connection has come in.
    package mutating func accepted(at now: Int64, _ actions: inout [NodeAction]) -> LinkID {
        let link = newLink(dialled: nil, isOpen: true, at: now)
        guard links.values.count(where: { $0.dialled == nil }) <= configuration.incomingMax else {
            _ = refuse(link, .tooMany, at: now, &actions)
            return link
        }
        greet(link, at: now, &actions)
        return link
    }

    /// A connection that was dialled stands.
    package mutating func opened(_ link: LinkID, at now: Int64, _ actions: inout [NodeAction]) {
        guard links[link] != nil else { return actions.append(.close(link, .superfluous)) }
        links[link]?.isOpen = true
        greet(link, at: now, &actions)
    }

    /// A connection is over, or could not be made; why, for people, if the transport knows.
    package mutating func closed(
        _ link: LinkID,
        _ why: String? = nil,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        guard let gone = links[link] else { return .done }
        tellEnd(of: gone, why, at: now, &actions)
        return forget(link, at: now, &actions)
    }

    private mutating func forget(_ link: LinkID, at now: Int64, _ actions: inout [NodeAction]) -> Outcome {
        guard let gone = links.removeValue(forKey: link) else { return .done }
        if let address = gone.dialled, var wish = wishes[address] {
            wish.failures = gone.peer == nil ? wish.failures + 1 : 0
            let (first, last) = (configuration.redialSeconds.lowerBound, configuration.redialSeconds.upperBound)
            wish.due = now + min(last, first << Int64(min(wish.failures, 16)))
            wishes[address] = wish
        }
        if gone.peer == nil, let address = gone.dialled { return .unreachable(address) }
        guard let peer = gone.peer, table[peer.id] == link else { return .done }
        table[peer.id] = nil
        order.removeAll { $0 == link }
        tree.forget(link)
        actions.append(.tell(.disconnected(peer.id)))
        heal(&actions, at: now)
        return .lost(peer.id)
    }

    /// To be called every second or so.
    package mutating func tick(at now: Int64, _ actions: inout [NodeAction]) {
        if since == nil { since = now }
        tickTree(at: now, &actions)
        guard now != lastTick else { return }
        lastTick = now
        seen.forget(before: now)
        tree.kept.forget(before: now - configuration.ageSecondsMax)
        forgetProofs(before: now)
        endSearches(before: now, &actions)
        let silent = links.filter { $0.value.peer == nil && $0.value.since + configuration.handshakeSecondsMax < now }
        for link in silent.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            _ = refuse(link, .silent, at: now, &actions)
        }
        dialWishes(at: now, &actions)
    }

    /// Gives those who have not said who they are a second more, of one in which this node does not listen.
    mutating func excuseStrangers(at now: Int64) {
        guard now != lastTick else { return }
        for (link, state) in links where state.peer == nil { links[link]?.since = min(now, state.since + 1) }
    }

    /// Closes every link.
    package mutating func closeAll(_ actions: inout [NodeAction]) {
        isClosed = true
        wishes = [:]
        addresses = [:]
        for link in links.keys.sorted(by: { $0.rawValue < $1.rawValue }) { actions.append(.close(link, .closing)) }
        (links, table, order) = ([:], [:], [])
    }

    /// What came on `link` was no message.
    package mutating func refuse(
        _ link: LinkID,
        _ reason: ClosingReason,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        actions.append(.close(link, reason))
        // Of two links to one node one is closed, which is nobody's concern.
        if let gone = links[link], reason != .superfluous {
            // TLS looks like that.
            let isForeign = gone.peer == nil && (reason == .tooLong || reason == .undecodable)
            tellEnd(of: gone, reason.rawValue + (isForeign ? "; \(Troubles.guess)" : ""), at: now, &actions)
        }
        return forget(link, at: now, &actions)
    }

    /// The neighbour at `link` speaks our extensions.
    mutating func recognise(_ link: LinkID) { links[link]?.peer?.isKin = true }

    /// Whether the neighbour at `link` speaks our extensions.
    func isKin(_ link: LinkID) -> Bool { links[link]?.peer?.isKin ?? false }

    /// The links to neighbours, but for `link`.
    func links(besides link: LinkID) -> [LinkID] { order.filter { $0 != link } }

    // MARK: Messages in

    /// Takes what came on `link`.
    package mutating func received(
        _ message: PeerMessage,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        // Nobody is called so; it would be kept with what it says, and weighs nothing there.
        guard let state = links[link], message.sender.octets.count <= NodeID.byteCountMax else { return .done }
        guard let peer = state.peer else {
            // Who has not said who it is has nothing else to say.
            return message.subFlag == SubFlag.handshake ? takeHandshake(message, link, at: now, &actions) : .done
        }
        if message.mainFlag == MainFlag.broadcast, !flood(message, from: link, at: now, &actions) { return .done }
        guard let message = checked(message, at: now) else { return .done }
        switch (message.subFlag, message.mainFlag) {
        case (SubFlag.handshake, _) where message.payload.count == 4:
            return takeHandshake(message, link, at: now, &actions)
        case (SubFlag.compression, MainFlag.renegotiate):
            takeMethods(message, link, peer, at: now, &actions)
        case (SubFlag.resend, MainFlag.renegotiate):
            break
        case (SubFlag.broadcast, _), (SubFlag.whisper, _):
            actions.append(.tell(.message(message, neighbour: peer.id)))
        case (SubFlag.vouch, _):
            return takeVoucher(message, from: peer.id, on: link, at: now, &actions)
        case (SubFlag.peers, _):
            takePeers(message, at: now, &actions)
        case (SubFlag.request, _):
            takeRequest(message, link, at: now, &actions)
        case (SubFlag.hello, MainFlag.whisper):
            return takeHello(message, link, at: now, &actions)
        case (SubFlag.announce, MainFlag.whisper) where peer.isKin, (SubFlag.graft, MainFlag.whisper) where peer.isKin,
            (SubFlag.prune, MainFlag.whisper) where peer.isKin:
            takeTreeMessage(message, link, &actions)
        case (SubFlag.response, _):
            takeResponse(message, at: now, &actions)
        default:
            return .passed(message, peer.id, link)
        }
        return .done
    }

    // MARK: Private

    mutating func newLink(dialled: PeerAddress?, isOpen: Bool, at now: Int64) -> LinkID {
        lastLink += 1
        let link = LinkID(rawValue: lastLink)
        links[link] = Link(dialled: dialled, since: now, isOpen: isOpen)
        return link
    }

    func send(_ message: PeerMessage, on link: LinkID, _ actions: inout [NodeAction]) {
        let methods = links[link]?.peer?.methods ?? []
        actions.append(.send(link, message, identity.methods.first(where: methods.contains)))
    }

    private mutating func greet(_ link: LinkID, at now: Int64, _ actions: inout [NodeAction]) {
        if since == nil { since = now }
        let payload: [MessageValue] = [
            .binary(identity.id.octets), .binary(identity.network.octets), identity.address?.value ?? .null,
            .array(identity.methods.map { .integer($0.rawValue) }),
        ]
        let message = PeerMessage(MainFlag.whisper, SubFlag.handshake, from: identity.id, at: now, payload)
        actions.append(.send(link, message, nil))
    }

    private mutating func takeHandshake(
        _ message: PeerMessage,
        _ link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        let payload = message.payload
        guard payload.count == 4, let octets = payload[0].octets, !octets.isEmpty, octets.count <= NodeID.byteCountMax,
            let network = payload[1].octets
        else { return .done }
        let id = NodeID(octets: octets)
        guard network == identity.network.octets else { return refuse(link, .otherNetwork, at: now, &actions) }
        let dialled = links[link]?.dialled
        if let dialled { wishes[dialled]?.node = id }
        guard id != identity.id else {
            if let dialled { wishes[dialled] = nil }
            return refuse(link, .superfluous, at: now, &actions)
        }
        if let known = links[link]?.peer {
            guard known.id == id else { return refuse(link, .undecodable, at: now, &actions) }
        } else if let other = table[id] {
            guard isPreferred(link, over: other, id) else { return refuse(link, .superfluous, at: now, &actions) }
            // The neighbour stays: it has another link.
            links[other] = nil
            order.removeAll { $0 == other }
            tree.forget(other)
            actions.append(.close(other, .superfluous))
        }
        // Of crossed links the one that stays has not said yet who speaks what.
        let (isNew, isFirst) = (table[id] == nil, links[link]?.peer == nil)
        let address = PeerAddress(payload[2])
        let isKin = links[link]?.peer?.isKin ?? false
        links[link]?.peer = Neighbour(id: id, address: address, methods: Self.methods(payload[3]), isKin: isKin)
        if table[id] != link { order.append(link) }
        table[id] = link
        if let address { note(id, address) }
        if isNew { actions.append(.tell(.connected(id, address))) }
        // Before it is told of others: a py2p node of a chord network that has links enough, and knows nobody who holds a
        // part, cannot take their list and cuts the link.
        if isFirst { post(hello(at: now), SubFlag.hello, on: link, at: now, &actions) }
        if isFirst, let role { post([role], SubFlag.handshake, on: link, at: now, &actions) }
        sendPeers(on: link, at: now, &actions)
        for (request, search) in searches.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
        where search.wanted == id {
            searches[request] = nil
            whisper(search.payload, SubFlag.whisper, on: link, at: now, &actions)
        }
        return .greeted(id, link, isNew: isFirst)
    }

    /// Of two links between two nodes both keep the one that the node with the larger id has dialled.
    private func isPreferred(_ link: LinkID, over other: LinkID, _ id: NodeID) -> Bool {
        guard let new = links[link], let old = links[other], (new.dialled == nil) != (old.dialled == nil) else {
            return false
        }
        let isOwnLarger = Base58.isLess(id.octets, identity.id.octets)
        return (new.dialled != nil) == isOwnLarger
    }

    private static func methods(_ value: MessageValue) -> [CompressionMethod] {
        value.elements?.prefix(CompressionMethod.countMax).compactMap { $0.int.map(CompressionMethod.init) } ?? []
    }

    /// Takes note of a message to all, and hands it on; false if it was taken before, or is too old or too far ahead.
    private mutating func flood(
        _ message: PeerMessage,
        from link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Bool {
        // Of one that is too old too nothing more is to be had.
        tree.missing.remove(message.id)
        guard message.time >= now - configuration.ageSecondsMax, message.time <= now + configuration.aheadSecondsMax,
            !isAhead(message, of: now) || seen.hasRoomAhead || seen.contains(message.id)
        else { return false }
        let isNew = remember(message, at: now)
        noteArrival(of: message, isNew: isNew, on: link, at: now, &actions)
        if isNew { spread(message, besides: link, at: now, &actions) }
        return isNew
    }

    @discardableResult
    mutating func remember(_ message: PeerMessage, at now: Int64) -> Bool {
        seen.insert(
            message.id,
            until: max(message.time, now) + configuration.ageSecondsMax + 1,
            isAhead: isAhead(message, of: now)
        )
    }

    /// Whether it is dated further ahead than clocks differ as a rule.
    private func isAhead(_ message: PeerMessage, of now: Int64) -> Bool {
        message.time > now + configuration.ageSecondsMax
    }

    /// Keeps a message that is remembered for those who miss it.
    mutating func keep(_ message: PeerMessage, at now: Int64) {
        seen.setPlace(tree.kept.keep(message, at: now, bytesMax: configuration.keptBytesMax), of: message.id)
    }

    /// What was kept under `id`; nil if that has gone.
    func kept(_ id: MessageID) -> PeerMessage? { seen.place(of: id).flatMap { tree.kept.message(id, at: $0) } }

    private mutating func takeMethods(
        _ message: PeerMessage,
        _ link: LinkID,
        _ peer: Neighbour,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let list = message.payload.first, list.elements != nil else { return }
        let methods = Self.methods(list)
        guard methods != peer.methods else { return }
        links[link]?.peer?.methods = methods
        let own = identity.methods.filter(methods.contains).map { MessageValue.integer($0.rawValue) }
        send(
            PeerMessage(MainFlag.renegotiate, SubFlag.compression, from: identity.id, at: now, [.array(own)]),
            on: link,
            &actions
        )
    }
}
