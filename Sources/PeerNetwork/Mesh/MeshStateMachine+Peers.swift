// Who else there is: peers lists, searches for one node, and whom to dial.

extension MeshStateMachine {
    /// An address that the user named, to be dialled again for as long as the node lives.
    struct Wish: Sendable {
        var node: NodeID?
        var failures = 0
        var due: Int64
    }

    /// A message for a node that is none of the neighbours, kept until somebody says where that is.
    struct Search: Sendable {
        let wanted: NodeID
        let payload: [MessageValue]
        let until: Int64
    }

    // MARK: What is said of others

    mutating func sendPeers(on link: LinkID, at now: Int64, _ actions: inout [NodeAction]) {
        var peers: [MessageValue] = []
        for other in order.shuffled(using: &generator) where peers.count < configuration.peersListMax {
            guard let peer = links[other]?.peer, let address = peer.address else { continue }
            peers.append(.array([address.value, .binary(peer.id.octets)]))
        }
        whisper([.array(peers)], SubFlag.peers, on: link, at: now, &actions)
    }

    mutating func takeRequest(
        _ message: PeerMessage,
        _ link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        if message.payload.count == 1, message.payload[0].octets == Array("*".utf8) {
            return sendPeers(on: link, at: now, &actions)
        }
        guard message.payload.count == 2, let wanted = message.payload[1].octets,
            let found = table[NodeID(octets: wanted)].flatMap({ links[$0]?.peer }), let address = found.address
        else { return }
        let place = MessageValue.array([address.value, message.payload[1]])
        let response = PeerMessage(
            MainFlag.broadcast,
            SubFlag.response,
            from: identity.id,
            at: now,
            [message.payload[0], place]
        )
        remember(response, at: now)
        send(response, on: link, &actions)
    }

    mutating func takeResponse(_ message: PeerMessage, at now: Int64, _ actions: inout [NodeAction]) {
        guard message.payload.count == 2, let request = message.payload[0].octets, let search = searches[request],
            let place = message.payload[1].elements, place.count == 2, let address = PeerAddress(place[0]),
            place[1].octets == search.wanted.octets, table[search.wanted] == nil
        else { return }
        dial(address, at: now, &actions)
    }

    // MARK: Whom to dial

    mutating func takePeers(_ message: PeerMessage, at now: Int64, _ actions: inout [NodeAction]) {
        var hasRoom = outgoingCount < configuration.outgoingMax
        for entry in (message.payload.first?.elements ?? []).prefix(configuration.addressesMax) {
            guard let parts = entry.elements, parts.count == 2, let address = PeerAddress(parts[0]),
                let octets = parts[1].octets, octets.count <= NodeID.byteCountMax
            else { continue }
            let id = NodeID(octets: octets)
            guard id != identity.id, address != identity.address else { continue }
            note(id, address)
            guard hasRoom, table[id] == nil else { continue }
            dial(address, at: now, &actions)
            hasRoom = outgoingCount < configuration.outgoingMax
        }
    }

    mutating func note(_ id: NodeID, _ address: PeerAddress) {
        guard addresses[id] != nil || addresses.count < configuration.addressesMax else { return }
        addresses[id] = address
    }

    var outgoingCount: Int { links.values.count { $0.dialled != nil } }

    /// Dials `address` once, unless that is a neighbour's or this node's own.
    package mutating func visit(_ address: PeerAddress, at now: Int64, _ actions: inout [NodeAction]) {
        // A second link to a node of py2p would cost both.
        guard address != identity.address, !neighbours.contains(where: { $0.address == address }) else { return }
        dial(address, at: now, &actions)
    }

    mutating func dial(_ address: PeerAddress, at now: Int64, _ actions: inout [NodeAction]) {
        guard !isClosed, !links.values.contains(where: { $0.dialled == address }) else { return }
        actions.append(.dial(newLink(dialled: address, isOpen: false, at: now), address))
    }

    /// Ends a link that this node has made and needs no more; false if it is another's, the user's, or one of the few that hold
    /// the mesh together.
    mutating func leave(_ link: LinkID, at now: Int64, _ actions: inout [NodeAction]) -> Outcome? {
        guard let address = links[link]?.dialled, wishes[address] == nil, outgoingCount > configuration.outgoingMax
        else {
            return nil
        }
        return refuse(link, .superfluous, at: now, &actions)
    }

    /// The addresses that the user named and that no link stands to.
    package var unreached: [PeerAddress] {
        wishes.keys.filter { address in
            !links.values.contains { $0.dialled == address && $0.peer != nil }
                && wishes[address]?.node.flatMap { table[$0] } == nil
        }
        .sorted { "\($0)" < "\($1)" }
    }

    mutating func dialWishes(at now: Int64, _ actions: inout [NodeAction]) {
        for (address, wish) in wishes.sorted(by: { "\($0.key)" < "\($1.key)" }) where wish.due <= now {
            if let node = wish.node, table[node] != nil { continue }
            dial(address, at: now, &actions)
        }
    }

    /// Asks others and dials one that was heard of, where a link was lost.
    mutating func heal(_ actions: inout [NodeAction], at now: Int64) {
        guard outgoingCount < configuration.outgoingMax else { return }
        // Others may know whom to turn to instead; of a thousand links that are lost at a time they are asked once.
        if askedForPeersAt != now {
            askedForPeersAt = now
            whisper([.binary(Array("*".utf8))], SubFlag.request, at: now, &actions)
        }
        let missing = addresses.filter { table[$0.key] == nil }.sorted { $0.key < $1.key }
        guard let (id, address) = missing.randomElement(using: &generator) else { return }
        // Heard of again, it may be tried again.
        addresses[id] = nil
        dial(address, at: now, &actions)
    }
}
