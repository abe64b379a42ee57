// Finds the slot of a folded name: open addressing over slot numbers, so that a name costs eight octets here.

/// A hash table from names to slots; the names themselves stand in the slots.
///
/// Linear probing with backward-shift deletion, at most three quarters full. Names are hashed with the process's own
/// random seed, so that nobody can choose names that collide.
struct NameIndex {
    /// Hash in the high half, slot + 1 in the low; 0: free.
    private var cells: [UInt64]
    private(set) var count = 0

    /// An empty table.
    init() {
        cells = [UInt64](repeating: 0, count: 16)
    }

    /// The hash of a folded name.
    static func hash(_ name: Span<UInt8>) -> UInt32 {
        var hasher = Hasher()
        name.withUnsafeBytes { hasher.combine(bytes: $0) }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    /// The slot of that hash for which `isSame` says so.
    func slot(hash: UInt32, where isSame: (Int) -> Bool) -> Int? {
        guard let position = position(hash: hash, where: isSame) else { return nil }
        return NameIndex.slot(of: cells[position])
    }

    /// Adds a slot whose name is not in the table.
    mutating func insert(_ slot: Int, hash: UInt32) {
        if (count + 1) * 4 > cells.count * 3 { grow() }
        place(UInt64(hash) << 32 | UInt64(UInt32(truncatingIfNeeded: slot + 1)))
        count += 1
    }

    /// Takes a slot out.
    mutating func remove(_ slot: Int, hash: UInt32) {
        guard var hole = position(hash: hash, where: { $0 == slot }) else { return }
        count -= 1
        let mask = cells.count - 1
        var next = (hole + 1) & mask
        while cells[next] != 0 {
            let home = Int(cells[next] >> 32) & mask
            // It may move into the hole unless its home lies behind the hole.
            if (next &- home) & mask >= (next &- hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = 0
    }

    private static func slot(of cell: UInt64) -> Int { Int(cell & 0xffff_ffff) - 1 }

    private func position(hash: UInt32, where isSame: (Int) -> Bool) -> Int? {
        let mask = cells.count - 1
        var position = Int(hash) & mask
        while cells[position] != 0 {
            if cells[position] >> 32 == UInt64(hash), isSame(NameIndex.slot(of: cells[position])) { return position }
            position = (position + 1) & mask
        }
        return nil
    }

    private mutating func place(_ cell: UInt64) {
        let mask = cells.count - 1
        var position = Int(cell >> 32) & mask
        while cells[position] != 0 { position = (position + 1) & mask }
        cells[position] = cell
    }

    private mutating func grow() {
        let old = cells
        cells = [UInt64](repeating: 0, count: old.count * 2)
        for cell in old where cell != 0 { place(cell) }
    }
}
