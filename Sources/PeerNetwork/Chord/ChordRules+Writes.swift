// Values on their way to the five tables.

extension ChordRules {
    /// A value that a user gives a key, until enough tables have it.
    struct Write: Sendable {
        let slots: [ChordSlot]
        /// Nil: entries of a map are changed, and their owners number the change.
        var entry: RingEntry?
        /// The slots that have it, or were handed to a neighbour that says nothing about it.
        var done: Set<ChordSlot> = []
        var failed: Set<ChordSlot> = []
        /// How often it was found to be older than what was there, and made newer.
        var renewals = 0
        let until: Int64
        let finish: @Sendable (Bool) -> Void
    }

    /// What has become of a value on its way to a slot.
    enum Placing {
        /// It is there, or was handed to a neighbour that says nothing about it.
        case done
        /// An event will say.
        case underWay
        /// It cannot be there.
        case refused
    }

    /// Gives `key` a value; `finish` is called once, with whether enough of the tables have it.
    package mutating func set(
        _ key: [UInt8],
        to value: MessageValue,
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws(PeerNetworkError) {
        try check(key)
        try check(value)
        write(value, key, at: now, &actions, finish: finish)
        announce(key, at: now, &actions)
    }

    /// Takes `key` out; throws ``PeerNetworkError`` with code `missing` if nobody has said that there is such a key.
    package mutating func remove(
        _ key: [UInt8],
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws(PeerNetworkError) {
        // A py2p node that is told to delete what it has not cuts the link.
        guard removeKey(key) else { throw PeerNetworkError(.missing, "there is no such key") }
        write(.null, key, at: now, &actions, finish: finish)
        actions.append(.tell(.deleted(key: key)))
        _ = mesh.broadcast([.binary(key), .binary(Array("del".utf8))], SubFlag.notify, at: now, &actions)
    }

    /// Changes some entries of the map at `key`, wherever that is.
    package mutating func change(
        _ key: [UInt8],
        by entries: [MessageValue.Entry],
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (Bool) -> Void = { _ in }
    ) throws(PeerNetworkError) {
        try check(key)
        try check(.map(entries))
        guard !isClosed else { return actions.append(.call { finish(false) }) }
        lastNumber += 1
        let slots = Self.slots(of: key)
        writes[lastNumber] = Write(slots: slots, until: now + limits.writeSeconds, finish: finish)
        for slot in slots { note(change(slot, by: entries, from: nil, at: now, &actions), of: slot) }
        announce(key, at: now, &actions)
        isSettlingDue = true
        takeEvents(at: now, &actions)
    }

    /// Gives `key` a value without telling everybody that there is such a key; ``set(_:to:at:_:finish:)`` does both.
    package mutating func place(
        _ value: MessageValue,
        at key: [UInt8],
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (Bool) -> Void
    ) throws(PeerNetworkError) {
        try check(key)
        write(value, key, at: now, &actions, finish: finish)
    }

    private func check(_ value: MessageValue) throws(PeerNetworkError) {
        guard value.isWithin(limits.ring) else {
            throw PeerNetworkError(
                .tooLarge,
                "a value has at most \(limits.ring.valueBytesMax) octets and \(limits.ring.valueItemsMax) items"
            )
        }
    }

    private mutating func write(
        _ value: MessageValue,
        _ key: [UInt8],
        at now: Int64,
        _ actions: inout [NodeAction],
        finish: @escaping @Sendable (Bool) -> Void
    ) {
        lastNumber += 1
        let slots = Self.slots(of: key)
        let entry = RingEntry(value, newVersion(after: slots.compactMap { ring.store[$0]?.version }.max(), at: now))
        guard !isClosed else { return actions.append(.call { finish(false) }) }
        writes[lastNumber] = Write(slots: slots, entry: entry, until: now + limits.writeSeconds, finish: finish)
        for slot in slots { note(place(entry, in: slot, from: nil, at: now, &actions), of: slot) }
        isSettlingDue = true
        takeEvents(at: now, &actions)
    }

    /// Takes note of what has become of the last write in one of its slots.
    private mutating func note(_ placing: Placing, of slot: ChordSlot) {
        switch placing {
        case .done: writes[lastNumber]?.done.insert(slot)
        case .refused: writes[lastNumber]?.failed.insert(slot)
        case .underWay: break
        }
    }

    /// A neighbour gives a slot a value.
    mutating func store(
        _ value: MessageValue,
        in slot: ChordSlot,
        from sender: NodeID,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard value.isWithin(limits.ring) else { return }
        let entry = RingEntry(value, newVersion(after: ring.store[slot]?.version, at: now))
        let placing = place(entry, in: slot, from: sender, at: now, &actions)
        // Renewed like a user's own if the ring has one from a clock that is ahead.
        guard placing == .underWay, writes.count < limits.renewedMax else { return }
        lastNumber += 1
        writes[lastNumber] = Write(slots: [slot], entry: entry, until: now + limits.writeSeconds, finish: { _ in })
    }

    /// Brings an entry to where it is to be.
    private mutating func place(
        _ entry: RingEntry,
        in slot: ChordSlot,
        from sender: NodeID?,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Placing {
        let holder = holder(of: slot, besides: sender)
        if case .neighbour(let node) = holder {
            give(entry.value, slot, to: node, at: now, &actions)
        }
        if ring.isReachable {
            // Also what a neighbour is to have: it may not be everybody's neighbour.
            ring.put(slot, entry, &mesh, at: now, &actions)
            return .underWay
        }
        guard holder == .own else { return .done }
        return ring.store.merge(slot, entry) ? .done : .refused
    }

    /// Changes the map in a slot.
    @discardableResult
    mutating func change(
        _ slot: ChordSlot,
        by changes: [MessageValue.Entry],
        from sender: NodeID?,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) -> Placing {
        switch holder(of: slot, besides: sender) {
        case .neighbour(let node):
            whisper(slot.values + [.map(changes)], SubFlag.delta, to: node, at: now, &actions)
            return .done
        case .ring:
            ring.change(slot, by: changes, sender == nil ? lastNumber : 0, &mesh, at: now, &actions)
            return .underWay
        case .own:
            let old = ring.store[slot]
            let map = old.flatMap { $0.value == .null ? nil : $0.value } ?? .map([])
            guard let value = map.changed(by: changes), value.isWithin(limits.ring) else { return .refused }
            let entry = RingEntry(value, newVersion(after: old?.version, at: now))
            return ring.store.merge(slot, entry) ? .done : .refused
        }
    }

    // MARK: What came of it

    /// A slot has an entry of `version`, or a later one.
    mutating func noteStored(
        _ slot: ChordSlot,
        _ version: RingVersion,
        latest: RingVersion,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        isSettlingDue = true
        let concerned = writes.filter { $0.value.entry?.version == version && $0.value.slots.contains(slot) }
        for (number, write) in concerned.sorted(by: { $0.key < $1.key }) {
            guard let entry = write.entry else { continue }
            if latest > version, write.renewals < 8, version.author == mesh.identity.id {
                // Somebody's clock is ahead: the user's value is the later one all the same.
                let renewed = RingEntry(entry.value, newVersion(after: latest, at: now))
                writes[number]?.entry = renewed
                writes[number]?.renewals += 1
                writes[number]?.done = []
                for slot in write.slots where ring.isReachable { ring.put(slot, renewed, &mesh, at: now, &actions) }
            } else {
                writes[number]?.done.insert(slot)
            }
        }
    }

    mutating func noteNotStored(_ slot: ChordSlot, _ version: RingVersion) {
        isSettlingDue = true
        for (number, write) in writes where write.entry?.version == version && write.slots.contains(slot) {
            writes[number]?.failed.insert(slot)
        }
    }

    mutating func noteChanged(_ slot: ChordSlot, _ number: Int) {
        isSettlingDue = true
        writes[number]?.done.insert(slot)
    }

    mutating func noteNotChanged(_ slot: ChordSlot, _ number: Int) {
        isSettlingDue = true
        writes[number]?.failed.insert(slot)
    }

    /// Tells those whose values are where they should be, and those whose values will not come there.
    mutating func settleWrites(at now: Int64, _ actions: inout [NodeAction]) {
        isSettlingDue = false
        var ended: [(number: Int, isDone: Bool)] = []
        for (number, write) in writes {
            let needed = min(limits.agreeing, write.slots.count)
            let isDone = write.done.count >= needed
            let isLost = write.failed.count > write.slots.count - needed || write.until <= now
            if isDone || isLost { ended.append((number, isDone)) }
        }
        for (number, isDone) in ended.sorted(by: { $0.number < $1.number }) {
            // The others are still on their way.
            guard let write = writes.removeValue(forKey: number) else { continue }
            actions.append(.call { write.finish(isDone) })
        }
    }
}

extension MessageValue {
    /// Whether it is small enough to be kept and sent with others, within other values.
    func isWithin(_ limits: RingLimits) -> Bool {
        isReadable(itemsMax: limits.valueItemsMax, depthMax: MessageReader.depthMax - 8)
            && bytes <= limits.valueBytesMax
    }
}
