// What a node says of its own accord: to all, to its neighbours, to one.

extension MeshStateMachine {
    /// A message of this node to every node.
    ///
    /// One that says the same as another in the same second would be taken for that one by everybody: it is dated later. Without
    /// `dated` it is of now.
    package mutating func broadcast(
        _ payload: [MessageValue],
        _ subFlag: Int64 = SubFlag.broadcast,
        at now: Int64,
        dated first: Int64? = nil,
        _ actions: inout [NodeAction]
    ) -> PeerMessage {
        let (message, _) = dated(payload, subFlag, from: first ?? now, at: now)
        return spread(message, at: now, &actions)
    }

    /// A message of this node's user to every node, unless everybody would take it for one that was sent before.
    mutating func tell(
        _ payload: [MessageValue],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Result<PeerMessage, PeerNetworkError> {
        if let refusal = refusal(of: payload) { return .failure(refusal) }
        let (message, isNew) = dated(payload, SubFlag.broadcast, from: now, at: now)
        guard isNew else {
            let count = configuration.aheadSecondsMax
            let text =
                "that was said \(count) times within a second, and would be taken for one of those: wait a second"
            return .failure(PeerNetworkError(.again, text))
        }
        return .success(spread(message, at: now, &actions))
    }

    /// So many nodes are looked for at a time.
    private static var searchesMax: Int { 1000 }

    /// What a message takes beside what it says, in octets, at most: its id, who says it and when.
    static var headBytesMax: Int { 64 + NodeID.byteCountMax }

    /// Why others would not take a user's message, but for this node who says it; nil: they do.
    func refusal(of payload: [MessageValue]) -> PeerNetworkError? {
        let sizeMax = configuration.frameBytesMax - Self.headBytesMax
        let isShort = payload.reduce(0) { $0 + $1.bytes } <= sizeMax
        if !isShort {
            var octets: [UInt8] = []
            for value in payload { value.write(to: &octets) }
            guard octets.count <= sizeMax else {
                return PeerNetworkError(
                    .tooLarge,
                    "a message has at most \(sizeMax) octets, and this has \(octets.count)"
                )
            }
        }
        // All of it is in an array, which is no part of it.
        guard MessageValue.array(payload).isReadable(depthMax: MessageReader.depthMax + 1) else {
            return PeerNetworkError(.tooLarge, "a message is made of \(MessageReader.readable)")
        }
        return nil
    }

    /// A message that is remembered as seen, of the first second from `first` on in which nothing else says the same; one that
    /// is not new if there is none.
    private mutating func dated(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        from first: Int64,
        at now: Int64
    ) -> (message: PeerMessage, isNew: Bool) {
        let last = now + configuration.aheadSecondsMax
        var time = first
        // What is said again and again need not try each date that it had.
        if let lastSaid, lastSaid.payload == payload, lastSaid.subFlag == subFlag {
            time = min(max(time, lastSaid.time + 1), max(time, last))
        }
        var message = PeerMessage(MainFlag.broadcast, subFlag, from: identity.id, at: time, payload)
        var isNew = remember(message, at: now)
        while !isNew, time < last {
            time += 1
            message = PeerMessage(MainFlag.broadcast, subFlag, from: identity.id, at: time, payload)
            isNew = remember(message, at: now)
        }
        lastSaid = (payload, subFlag, time)
        return (message, isNew)
    }

    private mutating func spread(
        _ unsigned: PeerMessage,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> PeerMessage {
        var message = unsigned
        message.proof = vouch(for: message, at: now, &actions)
        spread(message, besides: nil, at: now, &actions)
        return message
    }

    /// A message of this node to every neighbour, to be relayed by none.
    package mutating func whisper(
        _ payload: [MessageValue],
        _ subFlag: Int64 = SubFlag.whisper,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard !order.isEmpty else { return }
        let message = ownWhisper(payload, subFlag, at: now)
        for link in order {
            vouch(for: message, on: link, &actions)
            send(message, on: link, &actions)
        }
    }

    /// A message of this node to the neighbour at `link`.
    package mutating func whisper(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let message = ownWhisper(payload, subFlag, at: now)
        vouch(for: message, on: link, &actions)
        send(message, on: link, &actions)
    }

    /// A message of this node's user to every neighbour, unless they would not take it.
    mutating func whisper(
        toAll payload: [MessageValue],
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Result<Void, PeerNetworkError> {
        if let refusal = refusal(of: payload) { return .failure(refusal) }
        return .success(whisper(payload, at: now, &actions))
    }

    /// A message to one node: at once if it is a neighbour, else when somebody has said where it is.
    package mutating func send(
        _ payload: [MessageValue],
        to node: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Result<Void, PeerNetworkError> {
        if let refusal = refusal(of: payload) { return .failure(refusal) }
        if let link = table[node] { return .success(whisper(payload, SubFlag.whisper, on: link, at: now, &actions)) }
        guard searches.count < Self.searchesMax else {
            return .failure(PeerNetworkError(.full, "\(searches.count) nodes are being looked for already: try later"))
        }
        let request = generator.octets(16)
        searches[request] = Search(wanted: node, payload: payload, until: now + configuration.ageSecondsMax)
        _ = broadcast([.binary(request), .binary(node.octets)], SubFlag.request, at: now, &actions)
        return .success(())
    }

    /// Gives up those whom nobody has named an address of that answers.
    mutating func endSearches(before now: Int64, _ actions: inout [NodeAction]) {
        for (request, search) in searches.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
        where search.until < now {
            searches[request] = nil
            let text = "nobody has led to \(search.wanted) in time: what was said to it is lost"
            actions.append(.tell(.trouble(text)))
        }
    }

    /// A message of the protocol's own to the neighbour at `link`.
    func post(
        _ payload: [MessageValue],
        _ subFlag: Int64,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        send(PeerMessage(MainFlag.whisper, subFlag, from: identity.id, at: now, payload), on: link, &actions)
    }
}
