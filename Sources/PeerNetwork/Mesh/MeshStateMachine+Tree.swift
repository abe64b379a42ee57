// A tree among our own: each message comes once, and what a broken branch has kept is asked for.
//
// Plumtree (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007): a link on which a message came a second time is
// pruned to announcements; who hears of a message that does not come has it sent, and the link is a branch again. To nodes
// that do not speak this everything is sent, as ever. Who is linked anew hears what users have said in the last minute: so
// nothing is missed that was said while a link was down, or before there was one.

extension MeshStateMachine {
    /// What the tree knows.
    struct Tree: Sendable {
        /// Links to our own on which messages are announced, not sent.
        var pruned: Set<LinkID> = []
        var kept = KeptMessages()
        /// What is to be announced at the next tick.
        var announcements: [LinkID: [MessageID]] = [:]
        var missing = MissingMessages()
        /// What neighbours were sent because they asked for it.
        fileprivate var granted: [LinkID: Granted] = [:]

        mutating func forget(_ link: LinkID) {
            pruned.remove(link)
            announcements[link] = nil
            granted[link] = nil
        }
    }

    /// What a neighbour was sent because it asked for it: each message once, as a link loses nothing while it stands.
    fileprivate struct Granted: Sendable {
        private static let countMax = 8192
        private static let bytesPerTickMax = 8 << 20

        private var names: Set<MessageID.Name> = []
        /// Since the last tick.
        private var bytes = 0

        /// Whether `id` may be sent.
        mutating func take(_ id: MessageID) -> Bool {
            guard bytes < Self.bytesPerTickMax else { return false }
            if names.count >= Self.countMax { names = [] }
            return names.insert(id.name).inserted
        }

        mutating func count(_ bytes: Int) { self.bytes += bytes }

        mutating func tick() { bytes = 0 }
    }

    /// Of what users have said, who is linked is told of the last so many messages.
    private static var caughtUpMax: Int { 2000 }

    /// Sends or announces a message to the neighbours, but for the one at `link` and its author.
    mutating func spread(
        _ message: PeerMessage,
        besides link: LinkID?,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        for other in order where other != link && links[other]?.peer?.id != message.sender {
            if tree.pruned.contains(other) {
                tree.announcements[other, default: []].append(message.id)
            } else {
                send(message, on: other, &actions)
            }
        }
        keep(message, at: now)
    }

    /// What a neighbour of ours is told when it is linked: for how long this node takes part, in seconds.
    func hello(at now: Int64) -> [MessageValue] { [.integer(1), .integer(max(0, now - (since ?? now)))] }

    /// Takes note that the neighbour at `link` speaks this; it is told of what users have said since it takes part.
    ///
    /// Tables are handed over as they are: what changed them before would change them back. Said again it means nothing.
    mutating func takeHello(
        _ message: PeerMessage,
        _ link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Outcome {
        guard !isKin(link) else { return .done }
        recognise(link)
        actions.append(.hurry(link))
        // Who does not say it wants nothing.
        guard message.payload.count > 1, let seconds = message.payload[1].int, seconds >= 0 else {
            return .recognised(link)
        }
        // What is about to be too old would be when it is asked for.
        let start = max(now - 1 - min(seconds, configuration.ageSecondsMax), now - configuration.ageSecondsMax + 5)
        let missed = tree.kept.saidToUsers(since: start, countMax: Self.caughtUpMax)
        if !missed.isEmpty { tree.announcements[link, default: []] += missed }
        return .recognised(link)
    }

    /// A message came on `link`, for the first time or again.
    mutating func noteArrival(
        of message: PeerMessage,
        isNew: Bool,
        on link: LinkID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard isKin(link) else { return }
        if isNew {
            if !tree.pruned.isEmpty { tree.pruned.remove(link) }
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
                // Beyond its share only what others have announced too is noted.
                _ = tree.missing.add(id, at: link, countMax: configuration.missingMax)
            }
        case SubFlag.graft:
            tree.pruned.remove(link)
            for id in message.payload.compactMap({ $0.octets.flatMap(MessageID.init) })
            where seen.contains(id) && tree.granted[link, default: Granted()].take(id) {
                guard let kept = kept(id) else { continue }
                tree.granted[link]?.count(kept.body.count)
                send(kept, on: link, &actions)
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
        for link in tree.granted.keys { tree.granted[link]?.tick() }
        for (link, ids) in tree.missing.tick(isUp: { links[$0] != nil }) {
            tree.pruned.remove(link)
            whisper(ids.map { .binary($0.octets) }, SubFlag.graft, on: link, at: now, &actions)
        }
    }
}
