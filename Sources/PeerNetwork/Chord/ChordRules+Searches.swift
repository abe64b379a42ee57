// Values that are looked up in the five tables, for this node's user and for others.

/// Where a key is on the ring.
public struct KeyLocation: Sendable, Hashable {
    /// The node that has it.
    public let owner: NodeID
    /// How many nodes handed the question on until it was there.
    public let hops: Int
}

extension ChordRules {
    /// What a table has said.
    struct Answer: Sendable {
        let value: MessageValue
        /// Nil: there is none, or a neighbour that is not of our own has said it.
        let version: RingVersion?

        init(value: MessageValue, version: RingVersion?) {
            (self.value, self.version) = (value, version)
        }

        init(_ entry: RingEntry) {
            self.init(value: entry.value, version: entry.version)
        }
    }

    /// A look-up on its way.
    struct Search: Sendable {
        let slots: [ChordSlot]
        /// What came of each: nothing yet, nothing there, or a value.
        var answers: [ChordSlot: Answer] = [:]
        /// When it is given up, and when all were said to have nothing.
        let until: Int64
        var emptySince: Int64?
        /// Nil: the user has an answer already.
        var finish: (@Sendable (MessageValue?) -> Void)?

        /// The latest of what the ring has said; nil if that is nothing.
        var latest: RingEntry? {
            let entries = answers.values.compactMap { answer in answer.version.map { RingEntry(answer.value, $0) } }
            return entries.max { $0.version < $1.version }
        }
    }

    /// Looks `key` up in all tables; `finish` is called once with what three of them agree on, or nil if they do not in time.
    ///
    /// Where the ring knows of several values the latest is the one, and those who have an older one are given it.
    package mutating func find(
        _ key: [UInt8],
        within seconds: Int64,
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (MessageValue?) -> Void
    ) {
        guard !isClosed, searches.count < limits.searchesMax else { return actions.append(.call { finish(nil) }) }
        lastNumber += 1
        let slots = Self.slots(of: key)
        searches[lastNumber] = Search(slots: slots, until: now + min(seconds, 1 << 32), finish: finish)
        for slot in slots {
            switch holder(of: slot) {
            case .neighbour(let node): whisper(slot.values, SubFlag.retrieve, to: node, at: now, &actions)
            case .ring: ring.get(slot, &mesh, at: now, &actions)
            case .own: answer(slot, ring.store[slot].map(Answer.init), at: now, &actions)
            }
        }
        takeEvents(at: now, &actions)
    }

    /// Which node of the ring owns the place of `key` in the table of SHA-256; `finish` is called once, with nil if nobody says
    /// so in time, or there is no ring.
    package mutating func locate(
        _ key: [UInt8],
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (KeyLocation?) -> Void
    ) {
        guard !isClosed, ring.isReachable, locations.count < limits.searchesMax else {
            return actions.append(.call { finish(nil) })
        }
        lastNumber += 1
        locations[lastNumber] = finish
        let place = ChordTable.sha256.position(of: key).mirrored
        ring.locate(place, lastNumber, &mesh, at: now, &actions)
        takeEvents(at: now, &actions)
    }

    /// A neighbour asks for what is in a slot.
    mutating func retrieve(
        _ slot: ChordSlot,
        for asker: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let holder = holder(of: slot, besides: asker)
        // What one of our own asks for in this way it does not look for on the ring.
        let isKin = mesh.table[asker].map { mesh.isKin($0) } ?? false
        if holder == .own || isKin { return tell(asker, slot, ring.store[slot]?.value ?? .null, at: now, &actions) }
        guard askers.count < limits.searchesMax else { return }
        askers[slot, default: [:]][asker] = now + limits.askSeconds
        if case .neighbour(let node) = holder {
            whisper(slot.values, SubFlag.retrieve, to: node, at: now, &actions)
        } else {
            ring.get(slot, &mesh, at: now, &actions)
        }
    }

    /// A neighbour says what is in a slot.
    mutating func takeRetrieved(
        _ slot: ChordSlot,
        _ value: MessageValue,
        from id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard value.isWithin(limits.ring) else { return }
        if value != .null, let until = emptying[slot]?.removeValue(forKey: id), until > now {
            return whisper(slot.values + [.null], SubFlag.store, to: id, at: now, &actions)
        }
        let isAskedFor = askers[slot] != nil || searches.values.contains { $0.slots.contains(slot) }
        if value != .null, let waiting = ringAskers.removeValue(forKey: slot) {
            let entry = learn(value, in: slot, from: id, at: now, &actions)
            for (request, _) in waiting { ring.reply(request, with: entry, mesh, at: now, &actions) }
        }
        if value == .null, isAskedFor || ringAskers[slot] != nil {
            // A value may follow, from one that it has asked: the ring's own waiters wait for that as long as they do.
            emptyAtNeighbour[slot] = now + 2
            // The ring may know what the neighbour does not.
            if isAskedFor, ring.isReachable { return ring.get(slot, &mesh, at: now, &actions) }
        }
        answer(slot, Answer(value: value, version: nil), at: now, &actions)
    }

    /// What the ring has in a slot of this node's own: first its neighbour is asked, if that is nearer.
    mutating func takeRequest(
        _ request: RingStateMachine.Request,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let slot = request.slot
        let isEmptyThere = emptyAtNeighbour[slot].map { $0 > now } ?? false
        guard case .neighbour(let node) = holder(of: slot), !isEmptyThere, ringAskers.count < limits.searchesMax else {
            return ring.reply(request, with: ring.store[slot], mesh, at: now, &actions)
        }
        ringAskers[slot, default: []].append((request, now + 2))
        whisper(slot.values, SubFlag.retrieve, to: node, at: now, &actions)
    }

    /// The entry of a slot after a neighbour has said what it has there.
    private mutating func learn(
        _ value: MessageValue,
        in slot: ChordSlot,
        from id: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> RingEntry? {
        let old = ring.store[slot]
        guard old?.value != value else { return old }
        if let old, old.value == .null {
            // It was away when that was taken out.
            give(.null, slot, to: id, at: now, &actions)
            return old
        }
        let entry = RingEntry(value, newVersion(after: old?.version, at: now))
        _ = ring.store.merge(slot, entry)
        return entry
    }

    /// Something is known of a slot: whoever waits for it is told.
    mutating func answer(
        _ slot: ChordSlot,
        _ entry: Answer?,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let answer = entry ?? Answer(value: .null, version: nil)
        for asker in (askers.removeValue(forKey: slot) ?? [:]).keys.sorted() {
            tell(asker, slot, answer.value, at: now, &actions)
        }
        for (number, search) in searches.sorted(by: { $0.key < $1.key }) where search.slots.contains(slot) {
            var search = search
            // Nothing there is what a node says that still asks another.
            if answer.value != .null || search.answers[slot] == nil || answer.version != nil {
                search.answers[slot] = answer
            }
            searches[number] = search
            look(at: number, at: now, &actions)
        }
    }

    private mutating func look(at number: Int, at now: Int64, _ actions: inout [NodeAction]) {
        guard var search = searches[number] else { return }
        let isWhole = search.answers.count == search.slots.count
        let latest = search.latest
        let values = search.answers.values.map(\.value).filter { $0 != .null }
        if isWhole, let latest, search.answers.values.allSatisfy({ $0.version != nil || $0.value == .null }) {
            conclude(&search, latest.value, &actions)
            searches[number] = nil
            return repair(search, latest, at: now, &actions)
        }
        if let agreed = values.first(where: { value in values.count { $0 == value } >= limits.agreeing }) {
            conclude(&search, agreed, &actions)
            if isWhole || latest == nil { return searches[number] = nil }
        } else if isWhole, values.count < limits.agreeing, search.emptySince == nil {
            search.emptySince = now
        }
        searches[number] = search
    }

    /// Gives the latest value to those who have an older one, or none.
    private mutating func repair(
        _ search: Search,
        _ latest: RingEntry,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard ring.isReachable else { return }
        for slot in search.slots where search.answers[slot]?.version != latest.version {
            ring.put(slot, latest, &mesh, at: now, &actions)
        }
    }

    /// Tells the user, once.
    private func conclude(_ search: inout Search, _ value: MessageValue?, _ actions: inout [NodeAction]) {
        guard let finish = search.finish.take() else { return }
        let found = value == .null ? nil : value
        actions.append(.call { finish(found) })
    }

    private func tell(
        _ asker: NodeID,
        _ slot: ChordSlot,
        _ value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        whisper(slot.values + [value], SubFlag.retrieved, to: asker, at: now, &actions)
    }

    // MARK: Time and events

    mutating func tickSearches(at now: Int64, _ actions: inout [NodeAction]) {
        for (number, search) in searches.sorted(by: { $0.key < $1.key }) {
            var search = search
            // An answer that there is nothing may be followed by the value, from a node that had to ask another.
            let isOver = search.until <= now || search.emptySince.map { $0 + limits.emptySeconds <= now } ?? false
            guard isOver else { continue }
            conclude(&search, search.latest?.value, &actions)
            searches[number] = nil
        }
        for (slot, waiting) in askers {
            let left = waiting.filter { $0.value > now }
            askers[slot] = left.isEmpty ? nil : left
        }
        for (slot, waiting) in ringAskers.sorted(by: { $0.key < $1.key }) {
            for (request, until) in waiting where until <= now {
                ring.reply(request, with: ring.store[slot], mesh, at: now, &actions)
            }
            let left = waiting.filter { $0.until > now }
            ringAskers[slot] = left.isEmpty ? nil : left
        }
        emptyAtNeighbour = emptyAtNeighbour.filter { $0.value > now }
        for (slot, nodes) in emptying {
            let left = nodes.filter { $0.value > now }
            emptying[slot] = left.isEmpty ? nil : left
        }
        settleWrites(at: now, &actions)
    }

    /// Takes what the ring has to say.
    mutating func takeEvents(at now: Int64, _ actions: inout [NodeAction]) {
        while !ring.events.isEmpty {
            let events = ring.events
            ring.events = []
            for event in events { take(event, at: now, &actions) }
        }
        if isSettlingDue { settleWrites(at: now, &actions) }
    }

    private mutating func take(_ event: RingStateMachine.Event, at now: Int64, _ actions: inout [NodeAction]) {
        switch event {
        case .owned(let slot, let value):
            if case .neighbour(let node) = holder(of: slot) {
                give(value, slot, to: node, at: now, &actions)
            }
        case .wanted(let request): takeRequest(request, at: now, &actions)
        case .got(let slot, let entry): answer(slot, entry.map(Answer.init), at: now, &actions)
        case .stored(let slot, let version, let latest):
            if let own = ring.store[slot]?.version, own <= latest {
                if !isStoring { ring.store.remove(slot) } else { ring.dropStray(slot) }
            }
            noteStored(slot, version, latest: latest, at: now, &actions)
        case .notStored(let slot, let version): noteNotStored(slot, version)
        case .changed(let slot, let number): noteChanged(slot, number)
        case .notChanged(let slot, let number): noteNotChanged(slot, number)
        case .left(let id): drop(id)
        case .located(let number, let member, let hops):
            guard let finish = locations.removeValue(forKey: number) else { break }
            actions.append(.call { finish(member.map { KeyLocation(owner: $0.id, hops: Int(hops)) }) })
        }
    }
}
