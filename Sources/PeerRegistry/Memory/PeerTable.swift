// All entries of a memory store: slots, and what finds them by name, in order and by time.

import HTTP
import PeerIdentity

/// The state of a ``MemoryPeerStore``, without locks or waiting.
///
/// Cost of an entry: one allocation for its octets and about 110 octets in tables.
struct PeerTable {
    private struct Slot {
        /// Nil: the slot is free.
        var entry: PackedEntry?
        var hash: UInt32
        /// The time of the item in `due` that counts for this slot.
        var queuedAt: Int64
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private var index = NameIndex()
    private var order = NameOrder()
    private var due = DueTimes()
    private(set) var lastRevision: UInt64
    /// Octets of all packed contents.
    private(set) var contentBytes = 0

    /// No entries, after so many changes.
    init(lastRevision: UInt64) {
        self.lastRevision = lastRevision
    }

    /// Items in `due` beyond two for each slot, before those that no longer count are left out.
    static let staleItemsMax = 1_024

    /// Items in `due`.
    var dueCount: Int { due.count }

    /// What an entry takes besides its content: its slot, its places in the tables, the head of its allocation.
    static let entryBytes = 180

    /// Names held or present.
    var count: Int { index.count }

    // MARK: Reading

    /// The entry of a folded name.
    func entry(_ name: Span<UInt8>) -> PackedEntry? {
        slot(of: name, hash: NameIndex.hash(name)).flatMap { slots[$0].entry }
    }

    /// Present entries in order of folded name after `name`.
    func present(after name: [UInt8]?, limit: Int) -> [PackedEntry] {
        let found = order.slots(
            from: { slot in
                guard let name, let content = slots[slot].entry?.content else { return false }
                return !name[...].precedes(content.octets[content.name])
            },
            limit: limit
        )
        return found.compactMap { slots[$0].entry }
    }

    /// Entries whose time ran out before `time`; they stay due until they are changed.
    mutating func due(before time: Timestamp, limit: Int) -> [PackedEntry] {
        var found: Set<UInt32> = []
        var entries: [PackedEntry] = []
        var kept: [DueTimes.Item] = []
        while entries.count < limit, let first = due.first, first.time < time.nanoseconds {
            guard var item = due.removeFirst() else { break }
            let slot = Int(item.slot)
            guard let entry = slots[slot].entry, slots[slot].queuedAt == item.time, !found.contains(item.slot) else {
                continue
            }
            item.time = entry.dueAt.nanoseconds
            guard item.time < time.nanoseconds else {
                slots[slot].queuedAt = item.time
                due.insert(item)
                continue
            }
            found.insert(item.slot)
            entries.append(entry)
            slots[slot].queuedAt = item.time
            kept.append(item)
        }
        for item in kept { due.insert(item) }
        return entries
    }

    // MARK: Changing

    /// Puts an entry in as it is, for a store that starts with some.
    mutating func load(_ entry: PackedEntry) {
        put(entry)
        lastRevision = max(lastRevision, entry.revision)
    }

    /// Makes a change if its expectation holds; nil: it does not.
    ///
    /// - Parameters:
    ///   - name: The folded name.
    ///   - expected: The entry's revision; 0: there is none.
    ///   - entry: What is to be held; nil: the name is free.
    ///   - isTold: Whether the change is an event, which takes a revision even where nothing is held.
    /// - Returns: The new revision.
    mutating func apply(name: [UInt8], expected: UInt64, entry: PackedEntry?, isTold: Bool) -> UInt64? {
        let hash = NameIndex.hash(name.span)
        let old = slot(of: name.span, hash: hash)
        guard (old.flatMap { slots[$0].entry }?.revision ?? 0) == expected else { return nil }
        guard var entry else {
            if isTold { lastRevision += 1 }
            if let old { remove(old) }
            return lastRevision
        }
        lastRevision += 1
        entry.revision = lastRevision
        put(entry, at: old, hash: hash)
        return lastRevision
    }

    private mutating func put(_ entry: PackedEntry) {
        let name = Array(entry.content.octets[entry.content.name])
        let hash = NameIndex.hash(name.span)
        put(entry, at: slot(of: name.span, hash: hash), hash: hash)
    }

    private mutating func put(_ entry: PackedEntry, at old: Int?, hash: UInt32) {
        guard let slot = old else { return add(entry, hash: hash) }
        let wasPresent = slots[slot].entry?.isPresent ?? false
        contentBytes += entry.content.octets.count - (slots[slot].entry?.content.octets.count ?? 0)
        slots[slot].entry = entry
        if wasPresent != entry.isPresent {
            if entry.isPresent { arrange(slot) } else { disarrange(slot) }
        }
        enqueue(slot)
    }

    private mutating func add(_ entry: PackedEntry, hash: UInt32) {
        let new = Slot(entry: entry, hash: hash, queuedAt: .max)
        contentBytes += entry.content.octets.count
        let slot: Int
        if let reused = free.popLast() {
            slot = Int(reused)
            slots[slot] = new
        } else {
            slot = slots.count
            slots.append(new)
        }
        index.insert(slot, hash: hash)
        if entry.isPresent { arrange(slot) }
        enqueue(slot)
    }

    private mutating func remove(_ slot: Int) {
        if slots[slot].entry?.isPresent == true { disarrange(slot) }
        index.remove(slot, hash: slots[slot].hash)
        contentBytes -= slots[slot].entry?.content.octets.count ?? 0
        slots[slot].entry = nil
        free.append(UInt32(truncatingIfNeeded: slot))
    }

    private mutating func enqueue(_ slot: Int) {
        guard let time = slots[slot].entry?.dueAt.nanoseconds, time < slots[slot].queuedAt else { return }
        slots[slot].queuedAt = time
        due.insert(DueTimes.Item(time: time, slot: UInt32(truncatingIfNeeded: slot)))
        if due.count > 2 * slots.count + PeerTable.staleItemsMax { queueAnew() }
    }

    /// Leaves out items that no longer count: a peer that comes and goes makes one each time, for as late as its hold ends.
    private mutating func queueAnew() {
        due = DueTimes()
        for slot in slots.indices {
            guard let time = slots[slot].entry?.dueAt.nanoseconds else { continue }
            slots[slot].queuedAt = time
            due.insert(DueTimes.Item(time: time, slot: UInt32(truncatingIfNeeded: slot)))
        }
    }

    // MARK: Names

    private func slot(of name: Span<UInt8>, hash: UInt32) -> Int? {
        index.slot(hash: hash) { slot in
            guard let content = slots[slot].entry?.content else { return false }
            return content.octets.span.extracting(content.name).equals(name)
        }
    }

    private mutating func arrange(_ slot: Int) {
        guard let content = slots[slot].entry?.content else { return }
        order.insert(slot) { [slots] other in PeerTable.isOrdered(slots[other], before: content) }
    }

    private mutating func disarrange(_ slot: Int) {
        guard let content = slots[slot].entry?.content else { return }
        order.remove(slot) { [slots] other in PeerTable.isOrdered(slots[other], before: content) }
    }

    private static func isOrdered(_ slot: Slot, before content: PackedContent) -> Bool {
        guard let other = slot.entry?.content else { return false }
        return other.octets[other.name].precedes(content.octets[content.name])
    }
}

extension ArraySlice<UInt8> {
    /// Whether these octets come first: the order of UTF-8, which is that of its scalars.
    fileprivate func precedes(_ other: ArraySlice<UInt8>) -> Bool {
        let (left, right) = (span, other.span)
        let count = Swift.min(left.count, right.count)
        for index in 0..<count where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
    }
}
