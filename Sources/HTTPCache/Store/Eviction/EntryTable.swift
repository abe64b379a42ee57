// The units that a policy knows, in one array, found by their identifier.

/// One unit of eviction: 32 octets.
struct EvictionEntry: Sendable {
    var response: UInt64
    var index: Int32
    var bytes: UInt32
    var older: Int32 = -1
    var newer: Int32 = -1
    /// What it is remembered by after its eviction.
    var print: UInt32
    /// Uses since it was stored or last spared, no more than counted.
    var uses: UInt8 = 0
    var flags: Flags = []

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// It is in the main queue, else in the small one.
        static let isInMain = Flags(rawValue: 1)
        /// Somebody reads the same body not far in front of it.
        static let isExpected = Flags(rawValue: 2)
        /// It has been handed out for eviction just now.
        static let isTaken = Flags(rawValue: 4)
    }

    var id: SegmentID { SegmentID(response: ResponseID(rawValue: response), index: Int(index)) }
}

/// Entries at positions that do not change, so that queues can link them.
struct EntryTable: Sendable {
    private var entries: [EvictionEntry] = []
    private var index = CompactIndex()
    /// The first of the positions that are free, linked by `newer`.
    private var free: Int32 = -1

    /// How many there are.
    var count: Int { index.count }

    /// Octets that they take.
    var memoryBytes: Int { entries.capacity * MemoryLayout<EvictionEntry>.stride + index.memoryBytes }

    /// All positions that were ever taken; what is free has the index `Int32.min`.
    var positions: Range<Int> { entries.indices }

    subscript(position: Int) -> EvictionEntry {
        get { entries[position] }
        set { entries[position] = newValue }
    }

    /// Where `id` is.
    func find(_ id: SegmentID) -> Int? {
        guard let number = Int32(exactly: id.index) else { return nil }
        return index.find(Self.hash(id.response.rawValue, number)) {
            entries[$0].response == id.response.rawValue && entries[$0].index == number
        }
    }

    /// Adds an entry that is not here; returns where it is.
    mutating func add(_ entry: EvictionEntry) -> Int {
        let position: Int
        if free >= 0 {
            position = Int(free)
            free = entries[position].newer
            entries[position] = entry
        } else {
            position = entries.count
            entries.appendTightly(entry)
        }
        Self.insert(position, into: &index, entries)
        return position
    }

    /// Takes out the entry at `position`.
    mutating func remove(_ position: Int) {
        Self.remove(position, from: &index, entries)
        entries[position].index = .min
        entries[position].newer = free
        free = Int32(position)
    }

    private static func insert(_ position: Int, into index: inout CompactIndex, _ entries: [EvictionEntry]) {
        index.insert(position, hash(entries[position])) { hash(entries[$0]) }
    }

    private static func remove(_ position: Int, from index: inout CompactIndex, _ entries: [EvictionEntry]) {
        index.remove(position, hash(entries[position])) { hash(entries[$0]) }
    }

    private static func hash(_ entry: EvictionEntry) -> UInt64 {
        hash(entry.response, entry.index)
    }

    static func hash(_ response: UInt64, _ index: Int32) -> UInt64 {
        spread(response &+ UInt64(truncatingIfNeeded: index) &* 0xd6e8_feb8_6659_fd93)
    }
}
