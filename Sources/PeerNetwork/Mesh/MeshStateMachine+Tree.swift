// A tree among our own: each message comes once, and what a broken branch has kept is asked for.
//
// Plumtree (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007): a link on which a message came a second time is
// pruned to announcements; who hears of a message that does not come has it sent, and the link is a branch again. To nodes
// that do not speak this everything is sent, as ever.

extension MeshStateMachine {
    /// What the tree knows.
    struct Tree: Sendable {
        /// Links to our own on which messages are announced, not sent.
        var pruned: Set<LinkID> = []
        /// What was sent to some and announced to others, for those who miss it.
        var recent: [MessageID: PeerMessage] = [:]
        var recentOrder: [MessageID] = []
        var recentBytes = 0
        /// What is to be announced at the next tick.
        var announcements: [LinkID: [MessageID]] = [:]
        /// What was announced and has not come: by whom, and for how many ticks.
        var missing: [MessageID: (announcers: [LinkID], ticks: Int)] = [:]

        mutating func keep(_ message: PeerMessage, bytesMax: Int) {
            guard recent.updateValue(message, forKey: message.id) == nil else { return }
            recentOrder.append(message.id)
            recentBytes += message.body.count
            var gone = 0
            while recentBytes > bytesMax, gone < recentOrder.count {
                recentBytes -= recent.removeValue(forKey: recentOrder[gone])?.body.count ?? 0
                gone += 1
            }
            recentOrder.removeFirst(gone)
        }

        mutating func forget(_ link: LinkID) {
            pruned.remove(link)
            announcements[link] = nil
        }
    }

    /// Sends or announces a message to the neighbours, but for the one at `link` and its author.
    mutating func spread(_ message: PeerMessage, besides link: LinkID?, _ actions: inout [NodeAction]) {
        var isAnnounced = false
        for other in order where other != link && links[other]?.peer?.id != message.sender {
            if tree.pruned.contains(other) {
                tree.announcements[other, default: []].append(message.id)
                isAnnounced = true
            } else {
                send(message, on: other, &actions)
            }
        }
        if isAnnounced { tree.keep(message, bytesMax: configuration.keptBytesMax) }
    }

    /// A message came on `link`, for the first time or again.
    mutating func noteArrival(
        of message: PeerMessage,
        isNew: Bool,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        tree.missing[message.id] = nil
        guard isKin(link) else { return }
        if isNew {
            tree.pruned.remove(link)
        } else if tree.pruned.insert(link).inserted {
            whisper([], SubFlag.prune, on: link, at: now, &actions)
        }
    }

    /// Takes a message of the tree's own.
    mutating func takeTreeMessage(
        _ message: PeerMessage,
        _ link: LinkID,
        _ actions: inout [NodeAction]
    ) {
        switch message.subFlag {
        case SubFlag.prune:
            tree.pruned.insert(link)
        case SubFlag.announce:
            for id in message.payload.compactMap({ $0.octets.flatMap(MessageID.init) }) where !seen.contains(id) {
                guard tree.missing[id] != nil || tree.missing.count < configuration.missingMax else { break }
                guard tree.missing[id]?.announcers.contains(link) != true else { continue }
                tree.missing[id, default: ([], 0)].announcers.append(link)
            }
        case SubFlag.graft:
            tree.pruned.remove(link)
            for id in message.payload.compactMap({ $0.octets.flatMap(MessageID.init) }) {
                if let kept = tree.recent[id] { send(kept, on: link, &actions) }
            }
        default: break
        }
    }

    /// Announces what is to be announced, and asks for what should have come by now; called about every quarter of a second.
    mutating func tickTree(at now: Int64, _ actions: inout [NodeAction]) {
        for (link, ids) in tree.announcements.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for start in stride(from: 0, to: ids.count, by: 1000) {
                let part = ids[start..<min(ids.count, start + 1000)].map { MessageValue.binary($0.octets) }
                whisper(part, SubFlag.announce, on: link, at: now, &actions)
            }
        }
        tree.announcements = [:]
        var wanted: [LinkID: [MessageID]] = [:]
        for (id, state) in tree.missing {
            var (announcers, ticks) = (state.announcers.filter { links[$0] != nil }, state.ticks + 1)
            // Twice as long as an announcement can be late; then another is asked.
            if ticks % 3 == 2, !announcers.isEmpty {
                let first = announcers.removeFirst()
                wanted[first, default: []].append(id)
                announcers.append(first)
            }
            let isOver = announcers.isEmpty || ticks > 40
            tree.missing[id] = isOver ? nil : (announcers, ticks)
        }
        for (link, ids) in wanted.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            tree.pruned.remove(link)
            let sorted = ids.map(\.octets).sorted { $0.lexicographicallyPrecedes($1) }
            whisper(sorted.map { .binary($0) }, SubFlag.graft, on: link, at: now, &actions)
        }
    }
}
