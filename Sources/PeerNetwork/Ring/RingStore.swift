// What a node holds of the chord tables: values with their versions, those that were taken out too.

/// A place in one of the five tables.
struct ChordSlot: Sendable, Hashable, Comparable {
    let table: ChordTable
    let position: RingNumber
    /// Its place on the ring as members walk it.
    let place: RingNumber
    /// In which of the sums it is that ranges are compared by.
    let bucket: Int

    init(table: ChordTable, position: RingNumber) {
        (self.table, self.position, place) = (table, position, position.mirrored)
        // Of the octets that every hash fills.
        bucket = Int(position.ringOctets[12]) % RingStore.bucketCount
    }

    /// The slot that the first two items of a message name; nil if they name none.
    init?(_ payload: some Collection<MessageValue>) {
        let parts = Array(payload.prefix(2))
        guard parts.count == 2, let name = parts[0].octets, let text = parts[1].octets,
            let table = ChordTable(rawValue: String(decoding: name, as: UTF8.self)),
            let position = RingNumber(base58: text)
        else { return nil }
        self.init(table: table, position: position)
    }

    /// As it stands in a message.
    var values: [MessageValue] { [.binary(Array(table.rawValue.utf8)), .binary(position.base58)] }

    static func == (a: ChordSlot, b: ChordSlot) -> Bool { a.position == b.position && a.table == b.table }

    func hash(into hasher: inout Hasher) {
        hasher.combine(position)
    }

    static func < (a: ChordSlot, b: ChordSlot) -> Bool {
        a.table == b.table ? a.position < b.position : a.table.rawValue < b.table.rawValue
    }
}

/// Which of two values of one slot is the later: by time, then by its number within a second, then by who wrote it.
struct RingVersion: Sendable, Hashable, Comparable {
    /// Whole seconds since 1970.
    var time: Int64
    var number: Int64
    var author: NodeID

    static func < (a: RingVersion, b: RingVersion) -> Bool {
        if a.time != b.time { return a.time < b.time }
        return a.number != b.number ? a.number < b.number : a.author < b.author
    }

    /// The next one by `author`.
    func next(by author: NodeID, at now: Int64) -> RingVersion {
        if now > time { return RingVersion(time: now, number: 0, author: author) }
        return number + 1 < Self.numberEnd
            ? RingVersion(time: time, number: number + 1, author: author)
            : RingVersion(time: time + 1, number: 0, author: author)
    }

    /// Numbers are below.
    private static let numberEnd: Int64 = 1 << 40

    /// As it travels.
    var value: MessageValue { .array([.integer(time), .integer(number), .binary(author.octets)]) }

    init(time: Int64, number: Int64, author: NodeID) {
        (self.time, self.number, self.author) = (time, number, author)
    }

    /// The version in `value`; nil if there is none.
    init?(_ value: MessageValue) {
        guard let parts = value.elements, parts.count == 3, let time = parts[0].int, let number = parts[1].int,
            let author = parts[2].octets, author.count <= 256, (0..<Self.numberEnd).contains(number)
        else { return nil }
        self.init(time: time, number: number, author: NodeID(octets: author))
    }
}

/// A value and its version; null stands for one that was taken out.
struct RingEntry: Sendable, Hashable {
    let value: MessageValue
    let version: RingVersion

    init(_ value: MessageValue, _ version: RingVersion) {
        (self.value, self.version) = (value, version)
    }

    /// The entry in the two items of a message; nil if there is none.
    init?(_ payload: some Collection<MessageValue>) {
        let parts = Array(payload.prefix(2))
        guard parts.count == 2, let version = RingVersion(parts[1]) else { return nil }
        self.init(parts[0], version)
    }

    /// As it stands in a message.
    var values: [MessageValue] { [value, version.value] }
}

/// The entries of one node.
struct RingStore: Sendable {
    /// In so many sums a range is compared.
    static let bucketCount = 16

    private struct Stored: Sendable {
        var entry: RingEntry
        /// A number that another entry of the slot would not have.
        var sum: UInt64
        /// What it weighs, in octets.
        var weight: Int
    }

    /// What an entry weighs beside its value.
    private static let weight = 256

    private var stored: [ChordSlot: Stored] = [:]
    /// What the entries weigh, in octets.
    private var bytes = 0
    private let countMax: Int
    private let bytesMax: Int

    init(countMax: Int, bytesMax: Int) {
        (self.countMax, self.bytesMax) = (countMax, bytesMax)
    }

    /// Whether another small one would be kept.
    var hasRoom: Bool { stored.count < countMax && bytes < bytesMax }

    /// Values and what was taken out.
    var count: Int { stored.count }

    /// The slots that have a value, in order.
    var values: [(slot: ChordSlot, value: MessageValue)] {
        stored.compactMap { $0.value.entry.value == .null ? nil : ($0.key, $0.value.entry.value) }
            .sorted { $0.0 < $1.0 }
    }

    /// How many slots have a value.
    var valuesCount: Int { stored.values.count { $0.entry.value != .null } }

    subscript(slot: ChordSlot) -> RingEntry? { stored[slot]?.entry }

    /// Keeps an entry if it is later than what is there, and there is room; whether it is kept.
    mutating func merge(_ slot: ChordSlot, _ entry: RingEntry) -> Bool {
        let old = stored[slot]
        if let old, old.entry.version >= entry.version { return false }
        let weight = Self.weight + entry.value.bytes
        let bytes = bytes - (old?.weight ?? 0) + weight
        guard old != nil || stored.count < countMax, bytes <= bytesMax || entry.value == .null else { return false }
        self.bytes = bytes
        stored[slot] = Stored(entry: entry, sum: Self.sum(slot, entry.version), weight: weight)
        return true
    }

    mutating func remove(_ slot: ChordSlot) {
        bytes -= stored.removeValue(forKey: slot)?.weight ?? 0
    }

    /// Forgets what was taken out before that time.
    mutating func forgetRemoved(before time: Int64) {
        for (slot, item) in stored where item.entry.value == .null && item.entry.version.time < time { remove(slot) }
    }

    /// The entries in `range`, in order; with `buckets` those in these alone.
    func entries(in range: RingRange, buckets: Set<Int>? = nil) -> [(slot: ChordSlot, entry: RingEntry)] {
        stored.filter { item in
            range.contains(item.key.place) && buckets?.contains(item.key.bucket) != false
        }
        .map { ($0.key, $0.value.entry) }
        .sorted { $0.0 < $1.0 }
    }

    /// The entries outside all of `ranges`, in order.
    func entries(outside ranges: [RingRange]) -> [(slot: ChordSlot, entry: RingEntry)] {
        stored.filter { item in !ranges.contains { $0.contains(item.key.place) } }
            .map { ($0.key, $0.value.entry) }
            .sorted { $0.0 < $1.0 }
    }

    /// Sums over the entries in `range`: equal where the entries are.
    func digest(of range: RingRange) -> [UInt64] {
        var sums = [UInt64](repeating: 0, count: Self.bucketCount)
        for (slot, item) in stored where range.contains(slot.place) { sums[slot.bucket] &+= item.sum }
        return sums
    }

    /// FNV-1a over what names an entry (Fowler, Noll, Vo).
    private static func sum(_ slot: ChordSlot, _ version: RingVersion) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ octets: some Sequence<UInt8>) {
            for octet in octets { sum = (sum ^ UInt64(octet)) &* 0x0100_0000_01b3 }
        }
        add(slot.table.rawValue.utf8)
        add(slot.position.octets)
        add(version.author.octets)
        for number in [version.time, version.number] {
            for shift in stride(from: 0, to: 64, by: 8) { add([UInt8(truncatingIfNeeded: number >> Int64(shift))]) }
        }
        return sum
    }
}
