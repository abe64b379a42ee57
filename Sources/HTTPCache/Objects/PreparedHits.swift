// Prepared hits by the hash of their key: a cache of what can be made again, so that one may go for another.

/// A table of sets of four, one cache line each.
struct PreparedHits {
    private struct Slot {
        var hash: UInt64 = 0
        var hit: PreparedHit?
    }

    private var slots: [Slot] = []

    private static let slotsPerSet = 4

    /// The hit under `hash`, whatever its key.
    func find(_ hash: UInt64) -> PreparedHit? {
        guard !slots.isEmpty else { return nil }
        let first = firstSlot(hash)
        for slot in first..<first + PreparedHits.slotsPerSet where slots[slot].hash == hash {
            return slots[slot].hit
        }
        return nil
    }

    /// Puts a hit in, perhaps for another of its set; there is room for about as many as `keys`.
    mutating func insert(_ hit: PreparedHit, _ hash: UInt64, keys: Int) {
        if slots.count < 2 * keys { grow(to: 2 * keys) }
        let first = firstSlot(hash)
        let set = first..<first + PreparedHits.slotsPerSet
        let slot =
            set.first { slots[$0].hash == hash } ?? set.first { slots[$0].hit == nil }
            ?? first + Int(truncatingIfNeeded: hash >> 56) % PreparedHits.slotsPerSet
        slots[slot] = Slot(hash: hash, hit: hit)
    }

    /// Takes out what is under `hash`, if anything.
    mutating func remove(_ hash: UInt64) {
        guard !slots.isEmpty else { return }
        let first = firstSlot(hash)
        for slot in first..<first + PreparedHits.slotsPerSet where slots[slot].hash == hash { slots[slot] = Slot() }
    }

    private func firstSlot(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> 16) & (slots.count - 1) & ~(PreparedHits.slotsPerSet - 1)
    }

    private mutating func grow(to wanted: Int) {
        let old = slots
        var size = 64
        while size < wanted { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for slot in old { if let hit = slot.hit { insert(hit, slot.hash, keys: 0) } }
    }
}
