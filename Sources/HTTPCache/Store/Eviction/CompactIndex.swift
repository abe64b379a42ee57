// A hash table of positions in somebody else's array: four octets a slot, nothing else.

/// Finds positions by a hash; the owner of the array says what is at a position.
///
/// Open addressing with linear probing, between 40 and 80 % full once it has grown. `hashOf` must give for a position the
/// hash that it was inserted with.
struct CompactIndex: Sendable {
    private(set) var count = 0
    private var slots: [Int32] = Array(repeating: -1, count: 8)

    /// Octets that it takes.
    var memoryBytes: Int { slots.capacity * MemoryLayout<Int32>.stride }

    /// The position under `hash` that `matches`.
    func find(_ hash: UInt64, _ matches: (Int) -> Bool) -> Int? {
        var slot = home(hash)
        while slots[slot] >= 0 {
            if matches(Int(slots[slot])) { return Int(slots[slot]) }
            slot = after(slot)
        }
        return nil
    }

    /// Adds a position that is not in it.
    mutating func insert(_ position: Int, _ hash: UInt64, hashOf: (Int) -> UInt64) {
        if (count + 1) * 5 > slots.count * 4 { grow(hashOf) }
        place(Int32(position), hash)
        count += 1
    }

    /// Takes out a position that is in it; those that had to make way for it move up.
    mutating func remove(_ position: Int, _ hash: UInt64, hashOf: (Int) -> UInt64) {
        var hole = home(hash)
        while slots[hole] != Int32(position) {
            guard slots[hole] >= 0 else { return }
            hole = after(hole)
        }
        slots[hole] = -1
        count -= 1
        var slot = after(hole)
        while slots[slot] >= 0 {
            let wanted = home(hashOf(Int(slots[slot])))
            // Whoever stands at or behind its home, seen from the hole, may move into the hole.
            if (slot &- wanted) & (slots.count - 1) >= (slot &- hole) & (slots.count - 1) {
                slots[hole] = slots[slot]
                slots[slot] = -1
                hole = slot
            }
            slot = after(slot)
        }
    }

    private mutating func grow(_ hashOf: (Int) -> UInt64) {
        let old = slots
        slots = Array(repeating: -1, count: old.count * 2)
        for position in old where position >= 0 { place(position, hashOf(Int(position))) }
    }

    private mutating func place(_ position: Int32, _ hash: UInt64) {
        var slot = home(hash)
        while slots[slot] >= 0 { slot = after(slot) }
        slots[slot] = position
    }

    private func home(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> 20) & (slots.count - 1)
    }

    private func after(_ slot: Int) -> Int {
        (slot + 1) & (slots.count - 1)
    }
}

/// Spreads the bits of `value` over all 64 (SplitMix64's finaliser).
func spread(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}

extension Array {
    /// Appends with room for a quarter more, not for twice as many, so that little of it lies idle.
    mutating func appendTightly(_ element: Element) {
        if count == capacity { reserveCapacity(count + count / 4 + 16) }
        append(element)
    }
}
