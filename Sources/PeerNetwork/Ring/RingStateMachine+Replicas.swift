// Copies: what the owner of a range has, those behind it have too, and what nobody looks after finds its owner again.

extension RingStateMachine {
    /// Sends entries, so many at a time that no message is large.
    func send(
        _ entries: [(slot: ChordSlot, entry: RingEntry)],
        to id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        var payload: [MessageValue] = []
        var octets = 0
        for (slot, entry) in entries {
            let count = 128 + entry.version.author.octets.count + entry.value.bytes
            if octets > 0, octets + count > limits.messageBytesMax {
                whisper(payload, SubFlag.ringEntries, to: id, mesh, at: now, &actions)
                (payload, octets) = ([], 0)
            }
            payload += slot.values + entry.values
            octets += count
        }
        if !payload.isEmpty { whisper(payload, SubFlag.ringEntries, to: id, mesh, at: now, &actions) }
    }

    mutating func takeEntries(_ payload: [MessageValue], at now: Int64) {
        guard isMember else { return }
        for start in stride(from: 0, to: payload.count - 3, by: 4) {
            guard let slot = ChordSlot(payload[start...]), let entry = RingEntry(payload[(start + 2)...]),
                isTaken(entry, at: now)
            else { continue }
            _ = store.merge(slot, entry)
        }
    }

    /// Has the successors that keep copies compare theirs with this node's range.
    mutating func sendDigests(_ mesh: MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        digestDue = ticks + limits.digestTicks
        guard let range = table.range, !table.successors.isEmpty else { return }
        var sums: [UInt8] = []
        for sum in store.digest(of: range) { sums.append(bigEndian: sum, byteCount: 8) }
        let payload = range.values + [.binary(sums)]
        for successor in table.successors.prefix(limits.replicas - 1) {
            whisper(payload, SubFlag.ringDigest, to: successor.id, mesh, at: now, &actions)
        }
    }

    mutating func takeDigest(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard isMember, members[id] != nil, let range = RingRange(payload), payload.count == 3,
            let theirs = payload[2].octets,
            theirs.count == 8 * RingStore.bucketCount
        else { return }
        guarded[id] = (range, ticks)
        var own: [UInt8] = []
        for sum in store.digest(of: range) { own.append(bigEndian: sum, byteCount: 8) }
        let buckets = (0..<RingStore.bucketCount).filter { own[8 * $0..<8 * $0 + 8] != theirs[8 * $0..<8 * $0 + 8] }
        // Without room for what is missing it would be sent for ever.
        guard store.hasRoom else { return }
        let entries = store.entries(in: range, buckets: Set(buckets))
        // Where there are many each bucket has a message of its own: all of them could be too long for one.
        let groups = entries.count <= 5000 ? [buckets] : buckets.map { [$0] }
        for group in groups {
            let numbers = MessageValue.array(group.map { .integer(Int64($0)) })
            let listed = groups.count == 1 ? entries : entries.filter { group == [$0.slot.bucket] }
            for (range, part) in parts(of: range, listed) {
                let versions = part.map { MessageValue.array($0.slot.values + [$0.entry.version.value]) }
                whisper(range.values + [numbers] + versions, SubFlag.ringVersions, to: id, mesh, at: now, &actions)
            }
        }
    }

    /// The entries of `range` in parts whose versions go into a message each, with the ranges that they are all of.
    private func parts(
        of range: RingRange,
        _ entries: [(slot: ChordSlot, entry: RingEntry)]
    ) -> [(range: RingRange, entries: [(slot: ChordSlot, entry: RingEntry)])] {
        func octets(_ entry: RingEntry) -> Int { 128 + entry.version.author.octets.count }
        guard entries.reduce(0, { $0 + octets($1.entry) }) > limits.listBytesMax else { return [(range, entries)] }
        let start = range.start
        let ordered = entries.sorted { a, b in
            // Where it begins is where all of the ring ends.
            if (a.slot.place == start) != (b.slot.place == start) { return b.slot.place == start }
            return start.distance(to: a.slot.place) < start.distance(to: b.slot.place)
        }
        var parts: [(range: RingRange, entries: [(slot: ChordSlot, entry: RingEntry)])] = []
        var part: [(slot: ChordSlot, entry: RingEntry)] = []
        var (size, first) = (0, start)
        for item in ordered {
            if let last = part.last?.slot.place, size + octets(item.entry) > limits.listBytesMax {
                parts.append((RingRange(start: first, end: last), part))
                (part, size) = ([], 0)
                // Of entries at one place, which nobody has by chance, some will be sent for nothing.
                if last != item.slot.place { first = last }
            }
            part.append(item)
            size += octets(item.entry)
        }
        return parts + [(RingRange(start: first, end: range.end), part)]
    }

    mutating func takeVersions(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard isMember, payload.count >= 3, let range = RingRange(payload), let buckets = payload[2].elements else {
            return
        }
        var theirs: [ChordSlot: RingVersion] = [:]
        var wanted: [MessageValue] = []
        for value in payload.dropFirst(3) {
            guard let parts = value.elements, parts.count == 3, let slot = ChordSlot(parts),
                let version = RingVersion(parts[2])
            else { continue }
            theirs[slot] = version
            if store[slot].map({ $0.version < version }) ?? true, isInTime(version, at: now) {
                wanted.append(.array(slot.values))
            }
        }
        let numbers = Set(buckets.compactMap { $0.int.map { Int(clamping: $0) } })
        let missing = store.entries(in: range, buckets: numbers).filter { item in
            theirs[item.slot].map { $0 < item.entry.version } ?? true
        }
        send(missing, to: id, mesh, at: now, &actions)
        let countMax = max(1, min(10_000, limits.listBytesMax / 128))
        for start in stride(from: 0, to: wanted.count, by: countMax) {
            let part = Array(wanted[start..<min(wanted.count, start + countMax)])
            whisper(part, SubFlag.ringWant, to: id, mesh, at: now, &actions)
        }
    }

    func takeWant(
        _ payload: [MessageValue],
        from id: NodeID,
        _ mesh: MeshStateMachine,
        at now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let slots = Set(payload.compactMap { $0.elements.flatMap { ChordSlot($0) } })
        let wanted = slots.sorted().compactMap { slot in store[slot].map { (slot: slot, entry: $0) } }
        send(wanted, to: id, mesh, at: now, &actions)
    }

    /// Brings what is in nobody's care to its owner, and forgets it when that has it.
    mutating func tidy(_ mesh: inout MeshStateMachine, at now: Int64, _ actions: inout [NodeAction]) {
        store.forgetRemoved(before: now - limits.removedSeconds)
        guarded = guarded.filter { $0.value.at + limits.guardedTicks > ticks }
        guard let own = table.range else { return }
        let strays = store.entries(outside: guarded.values.map(\.range) + [own])
        // Most are there already, and while nodes come and go many are nobody's for a moment.
        let some = strays.shuffled(using: &generator).prefix(max(64, strays.count / 16))
        for (slot, entry) in some { put(slot, entry, &mesh, at: now, &actions) }
    }

    /// The owner has an entry that was brought to it: whether this node is to keep its copy.
    mutating func dropStray(_ slot: ChordSlot) {
        let ranges = guarded.values.map(\.range) + (table.range.map { [$0] } ?? [])
        guard isMember, table.range != nil, !ranges.contains(where: { $0.contains(slot.place) }) else { return }
        store.remove(slot)
    }
}

extension RingRange {
    /// The range that the first two items of a message name; nil if they name none.
    fileprivate init?(_ payload: [MessageValue]) {
        guard payload.count >= 2, let start = payload[0].octets.flatMap({ RingNumber($0) }),
            let end = payload[1].octets.flatMap({ RingNumber($0) })
        else { return nil }
        self.init(start: start, end: end)
    }

    fileprivate var values: [MessageValue] { [.binary(start.ringOctets), .binary(end.ringOctets)] }
}
