// Which messages a node has taken already, for as long as another would take them for new.

/// A set of ids that forgets each when its message is too old for anybody to relay, and the oldest when there are too many.
struct SeenMessages: Sendable {
    private let countMax: Int
    private var names: NameTable
    /// By the second in which they are forgotten, but for those of the second that was named last.
    private var expiring: [Int64: [MessageID.Name]] = [:]
    private var latest: (second: Int64, names: [MessageID.Name]) = (.min, [])
    private var earliest: Int64 = .max
    /// How many were dated ahead when they came, by the second in which they are forgotten, and in all.
    private var ahead: [Int64: Int] = [:]
    private var aheadCount = 0

    /// An empty set.
    ///
    /// `secret` is what nobody else knows, so that nobody can make ids that are slow to look up. Nothing else depends on it, so
    /// that it is no part of what is replayed from a seed.
    init(countMax: Int, secret: UInt64 = .random(in: .min ... .max)) {
        self.countMax = countMax
        names = NameTable(secret: secret)
    }

    var count: Int { names.count }

    func contains(_ id: MessageID) -> Bool { names.contains(id.name) }

    /// Whether another that is dated ahead may come: they are remembered for longer, and would push all others out.
    var hasRoomAhead: Bool { aheadCount < countMax / 2 }

    /// Remembers `id` until `second`; false if it was there.
    ///
    /// `isAhead`: its message is dated ahead.
    mutating func insert(_ id: MessageID, until second: Int64, isAhead: Bool = false) -> Bool {
        guard names.insert(id.name) else { return false }
        if isAhead {
            ahead[second, default: 0] += 1
            aheadCount += 1
        }
        if second != latest.second {
            keepLatest()
            latest = (second, expiring.removeValue(forKey: second) ?? [])
        }
        latest.names.append(id.name)
        earliest = min(earliest, second)
        while names.count > countMax { forgetEarliest() }
        return true
    }

    /// Notes where `id`, which was inserted, is kept.
    mutating func setPlace(_ place: UInt32, of id: MessageID) { names.setMark(place, of: id.name) }

    /// Where `id` was kept; nil if it is not there, and any place if it never was kept.
    func place(of id: MessageID) -> UInt32? { names.mark(of: id.name) }

    /// Forgets what expires before `second`.
    mutating func forget(before second: Int64) {
        while earliest < second { forgetEarliest() }
    }

    private mutating func keepLatest() {
        if !latest.names.isEmpty { expiring[latest.second] = latest.names }
        latest = (.min, [])
    }

    private mutating func forgetEarliest() {
        keepLatest()
        for name in expiring.removeValue(forKey: earliest) ?? [] { names.remove(name) }
        aheadCount -= ahead.removeValue(forKey: earliest) ?? 0
        earliest = expiring.keys.min() ?? .max
    }
}

/// A hash table of names, which are hashes already: an eighth of what a `Set` takes, that hashes them again.
///
/// Open addressing with linear probing; what is removed leaves no mark behind (Knuth, TAOCP volume 3, section 6.4, algorithm R).
private struct NameTable: Sendable {
    private(set) var count = 0
    private var slots: [MessageID.Name]
    /// What was noted with the name in each slot.
    private var marks: [UInt32]
    private var shift: UInt64
    private let multiplier: UInt64

    private static let bitsMin: UInt64 = 6

    init(secret: UInt64) {
        multiplier = secret | 1
        slots = Array(repeating: .none, count: 1 << Int(Self.bitsMin))
        marks = Array(repeating: 0, count: slots.count)
        shift = 64 - Self.bitsMin
    }

    func contains(_ name: MessageID.Name) -> Bool { slots[place(of: name)] != .none }

    func mark(of name: MessageID.Name) -> UInt32? {
        let place = place(of: name)
        return slots[place] == .none ? nil : marks[place]
    }

    mutating func setMark(_ mark: UInt32, of name: MessageID.Name) {
        let place = place(of: name)
        if slots[place] != .none { marks[place] = mark }
    }

    /// False if it was there.
    mutating func insert(_ name: MessageID.Name) -> Bool {
        let place = place(of: name)
        guard slots[place] == .none else { return false }
        slots[place] = name
        count += 1
        if count > slots.count / 4 * 3 { resize(bits: 64 - shift + 1) }
        return true
    }

    mutating func remove(_ name: MessageID.Name) {
        var hole = place(of: name)
        guard slots[hole] != .none else { return }
        slots[hole] = .none
        count -= 1
        // What stands behind moves up unless it stands between its home and the hole.
        var next = (hole + 1) & (slots.count - 1)
        while slots[next] != .none {
            let distance = (next &- home(of: slots[next])) & (slots.count - 1)
            if distance >= (next &- hole) & (slots.count - 1) {
                slots[hole] = slots[next]
                marks[hole] = marks[next]
                slots[next] = .none
                hole = next
            }
            next = (next + 1) & (slots.count - 1)
        }
        if count < slots.count / 8, 64 - shift > Self.bitsMin { resize(bits: 64 - shift - 1) }
    }

    /// Where `name` stands, or would.
    private func place(of name: MessageID.Name) -> Int {
        var place = home(of: name)
        while slots[place] != name, slots[place] != .none { place = (place + 1) & (slots.count - 1) }
        return place
    }

    private func home(of name: MessageID.Name) -> Int { Int(truncatingIfNeeded: (name.first &* multiplier) >> shift) }

    private mutating func resize(bits: UInt64) {
        let (old, oldMarks) = (slots, marks)
        slots = Array(repeating: .none, count: 1 << Int(bits))
        marks = Array(repeating: 0, count: slots.count)
        shift = 64 - bits
        for (index, name) in old.enumerated() where name != .none {
            let place = place(of: name)
            (slots[place], marks[place]) = (name, oldMarks[index])
        }
    }
}
