// What goes first when the store is full: S3-FIFO with queues that adapt, for segments of media; pure, no clock, no I/O.

/// The order in which segments and small responses are evicted.
///
/// S3-FIFO (Yang et al., SOSP 2023): what is new waits in a small queue and goes from there unless it is used; what is used
/// moves to the main queue, where each use saves it once. Both are first in, first out; a use moves nothing. What was evicted
/// is remembered for a while, and goes to the main queue at once when it comes back. Three things are different here:
///
/// - The small queue's share is not a tenth but adapts, as ARC's does (Megiddo and Modha, FAST 2003): whoever comes back after
///   eviction from the small queue makes it larger, from the main queue smaller. So what LRU is good at (the live edge) it is
///   good at as well, and a scan or what is asked for once does not push out what is popular.
/// - A use of a segment announces the next ones of the body: they are spared once, for somebody is on the way to them. How
///   many depends on the store's size, or with many readers all would be spared.
/// - All is counted in octets, since units differ; what comes back counts for the octets that must be fetched again.
///
/// Cost: constant for each operation, ``victims(bytes:count:wasUsed:)`` amortised; at most 96 octets of memory a unit, all in
/// arrays (``memoryBytes``). A unit is known by its ``SegmentID``, the inline body of a response as its segment -1.
package struct EvictionPolicy: Sendable {
    private(set) var small = Queue()
    private(set) var main = Queue()
    private var entries = EntryTable()
    private var spans = ResponseSpans()
    private var smallGhosts = GhostQueue()
    private var mainGhosts = GhostQueue()
    /// What the small queue may hold before it gives.
    private(set) var smallBytesMax: Int64
    /// The largest unit so far.
    private var largestBytes: UInt32 = 1
    private let bytesMax: Int64

    /// Entries in the order in which they came.
    struct Queue: Sendable {
        var oldest: Int32 = -1
        var newest: Int32 = -1
        var count = 0
        var bytes: Int64 = 0
        /// The newest of those that were there before this process; -1: none.
        var restored: Int32 = -1
    }

    private static let usesMax: UInt8 = 7
    /// Segments that a use announces: so many, and no more than a part of the store, or all would be spared.
    private static let announcedMax: Int64 = 64
    private static let announcedPart: Int64 = 32
    /// The unit that stands for an inline body.
    private static let inline = -1

    /// A policy for a store of `bytesMax` octets that knows nothing yet.
    package init(bytesMax: Int64) {
        self.bytesMax = max(1, bytesMax)
        smallBytesMax = self.bytesMax / 2
    }

    /// How many units it knows.
    package var count: Int { entries.count }

    /// How many octets they have.
    package var bytes: Int64 { small.bytes + main.bytes }

    /// How many evicted ones it remembers; at most a third of ``count`` for each of two queues, or 16.
    package var ghostCount: Int { smallGhosts.count + mainGhosts.count }

    /// Octets of memory that it takes.
    package var memoryBytes: Int {
        entries.memoryBytes + spans.memoryBytes + smallGhosts.memoryBytes + mainGhosts.memoryBytes
    }

    /// Whether it knows `id`.
    package func contains(_ id: SegmentID) -> Bool { entries.find(id) != nil }

    // MARK: What happens

    /// A unit was stored, or has changed its size.
    ///
    /// `name` identifies what it holds beyond this response's life, so that it is recognised when it is fetched again.
    package mutating func insert(_ id: SegmentID, bytes: Int64, name: UInt64? = nil) {
        guard entries.find(id) == nil else { return resize(id, bytes: bytes) }
        guard let index = Int32(exactly: id.index), index >= Self.inline else { return }
        let print = UInt32(truncatingIfNeeded: EntryTable.hash(name ?? id.response.rawValue, index))
        let size = UInt32(clamping: bytes)
        let isBack = adapt(print, size)
        let entry = EvictionEntry(response: id.response.rawValue, index: index, bytes: size, print: print)
        append(add(entry), toMain: isBack)
        announce(after: entry)
    }

    /// A unit was there before this process; to be told from the least recently used on.
    ///
    /// It is put behind what is new, however late it is told. Of no effect if the unit is known.
    package mutating func restore(_ id: SegmentID, bytes: Int64, wasUsedAgain: Bool) {
        guard entries.find(id) == nil, let index = Int32(exactly: id.index), index >= Self.inline else { return }
        let print = UInt32(truncatingIfNeeded: EntryTable.hash(id.response.rawValue, index))
        let entry = EvictionEntry(
            response: id.response.rawValue,
            index: index,
            bytes: UInt32(clamping: bytes),
            print: print
        )
        let position = add(entry)
        append(position, toMain: wasUsedAgain, after: wasUsedAgain ? main.restored : small.restored)
        if wasUsedAgain { main.restored = Int32(position) } else { small.restored = Int32(position) }
        // As the shares were found, as far as they are known.
        let share = Double(small.bytes) / Double(max(1, self.bytes))
        smallBytesMax = Int64(Double(bytesMax) * min(max(share, 0.01), 0.5))
    }

    /// A unit was used; of no effect if it is not known.
    package mutating func use(_ id: SegmentID) {
        guard let position = entries.find(id) else { return }
        let uses = entries[position].uses
        if uses < Self.usesMax { entries[position].uses = uses + 1 }
        entries[position].flags.remove(.isExpected)
        announce(after: entries[position])
    }

    /// A unit has another size now; of no effect if it is not known.
    package mutating func resize(_ id: SegmentID, bytes: Int64) {
        guard let position = entries.find(id) else { return }
        let size = UInt32(clamping: bytes)
        let difference = Int64(size) - Int64(entries[position].bytes)
        largestBytes = max(largestBytes, size)
        entries[position].bytes = size
        if entries[position].flags.contains(.isInMain) { main.bytes += difference } else { small.bytes += difference }
    }

    /// A unit is gone, and not because it was evicted.
    package mutating func remove(_ id: SegmentID) {
        if let position = entries.find(id) { drop(position) }
    }

    /// A response is gone with all its units; cost: linear in its segments, at worst in all units.
    package mutating func remove(_ response: ResponseID) {
        remove(SegmentID(response: response, index: Self.inline))
        guard let span = spans.span(of: response.rawValue) else {
            return remove(SegmentID(response: response, index: 0))
        }
        if Int(span.highest) <= entries.count {
            for index in 0...Int(span.highest) { remove(SegmentID(response: response, index: index)) }
            return
        }
        // Few segments, far from each other.
        for position in entries.positions
        where entries[position].response == response.rawValue && entries[position].index >= 0 { drop(position) }
    }

    /// A unit that ``victims(bytes:count:wasUsed:)`` named was evicted: it is gone, and remembered.
    package mutating func evicted(_ id: SegmentID) {
        guard let position = entries.find(id) else { return }
        let entry = entries[position]
        drop(position)
        let countMax = max(16, entries.count / 3)
        if entry.flags.contains(.isInMain) {
            mainGhosts.add(entry.print, bytes: entry.bytes, countMax: countMax, bytesMax: bytesMax / 4)
        } else {
            smallGhosts.add(entry.print, bytes: entry.bytes, countMax: countMax, bytesMax: bytesMax / 4)
        }
    }

    // MARK: What goes

    /// The next units to go: so many that they have at least `bytes` octets and are at least `count`, all if there are not
    /// enough.
    ///
    /// What is evicted must be told by ``evicted(_:)``; what cannot be is spared until it comes round again. `wasUsed` is asked
    /// for each unit that is looked at, whether it was used since it was last asked, for owners whose uses set a flag only.
    package mutating func victims(
        bytes: Int64,
        count: Int = 0,
        wasUsed: (SegmentID) -> Bool = { _ in false }
    ) -> [EvictionVictim] {
        var taken: [Int] = []
        var found: Int64 = 0
        // Of each queue how many units and octets are not taken.
        var left = (small: small.count, main: main.count, smallBytes: small.bytes, mainBytes: main.bytes)
        let share = Double(smallBytesMax) / Double(bytesMax)
        // Each look spares a unit at most usesMax + 2 times; more means that uses come as fast as looks.
        var looksLeft = (entries.count + 1) * (Int(Self.usesMax) + 4)
        while found < bytes || taken.count < count, left.small + left.main > 0 {
            let isSmallFull = Double(left.smallBytes) >= Double(left.smallBytes + left.mainBytes) * share
            let isSmallNext = left.main == 0 || (left.small > 0 && isSmallFull)
            let position = Int(isSmallNext ? small.oldest : main.oldest)
            looksLeft -= 1
            if entries[position].flags.contains(.isTaken) {
                requeue(position)
                continue
            }
            let isSpared = looksLeft > 0 && spare(position, wasUsed(entries[position].id))
            let size = Int64(entries[position].bytes)
            if isSmallNext {
                left.small -= 1
                left.smallBytes -= size
            }
            if isSmallNext, isSpared {
                left.main += 1
                left.mainBytes += size
            }
            if !isSmallNext, !isSpared {
                left.main -= 1
                left.mainBytes -= size
            }
            if isSpared { continue }
            found += size
            entries[position].flags.insert(.isTaken)
            taken.append(position)
            requeue(position)
        }
        return taken.map { position in
            entries[position].flags.remove(.isTaken)
            return EvictionVictim(id: entries[position].id, bytes: Int64(entries[position].bytes))
        }
    }

    /// Moves a unit on that has been used or is expected, at the price of one of its uses; false if it has none.
    private mutating func spare(_ position: Int, _ wasUsed: Bool) -> Bool {
        var entry = entries[position]
        if wasUsed, entry.uses < Self.usesMax { entry.uses += 1 }
        let isSpared = entry.uses > 0 || entry.flags.contains(.isExpected)
        guard isSpared else { return false }
        let isInMain = entry.flags.contains(.isInMain)
        if entry.uses > 0 { entry.uses = isInMain ? entry.uses - 1 : 0 } else { entry.flags.remove(.isExpected) }
        if !isInMain { entry.flags.remove(.isExpected) }
        unlink(position)
        entries[position] = entry
        append(position, toMain: true)
        return true
    }

    // MARK: Private

    /// Whether what is stored was evicted lately; then the share of the queue that it went from was too small.
    private mutating func adapt(_ print: UInt32, _ size: UInt32) -> Bool {
        let (smallBytes, mainBytes) = (max(1, smallGhosts.bytes), max(1, mainGhosts.bytes))
        let step = 2 * Double(size)
        var share = Double(smallBytesMax)
        if smallGhosts.take(print) {
            share += step * max(1, Double(mainBytes) / Double(smallBytes))
        } else if mainGhosts.take(print) {
            share -= step * max(1, Double(smallBytes) / Double(mainBytes))
        } else {
            return false
        }
        let whole = Double(bytesMax)
        smallBytesMax = Int64(min(max(share, whole * 0.01), whole * 0.9))
        return true
    }

    /// Marks the segments that whoever is at `entry` comes to next.
    private mutating func announce(after entry: EvictionEntry) {
        guard entry.index >= 0, let span = spans.span(of: entry.response), span.highest > entry.index else { return }
        let response = ResponseID(rawValue: entry.response)
        let depth = min(Self.announcedMax, bytesMax / Self.announcedPart / Int64(largestBytes))
        guard depth > 0 else { return }
        let first = Int(entry.index) + 1
        for index in first...min(Int(span.highest), first + Int(depth) - 1) {
            guard let position = entries.find(SegmentID(response: response, index: index)) else { continue }
            entries[position].flags.insert(.isExpected)
        }
    }

    private mutating func add(_ entry: EvictionEntry) -> Int {
        largestBytes = max(largestBytes, entry.bytes)
        if entry.index >= 0 {
            let first = SegmentID(response: ResponseID(rawValue: entry.response), index: 0)
            let others: Int32 = entry.index > 0 && entries.find(first) != nil ? 1 : 0
            spans.add(entry.response, entry.index, others: others)
        }
        return entries.add(entry)
    }

    private mutating func drop(_ position: Int) {
        unlink(position)
        if entries[position].index >= 0 { spans.remove(entries[position].response) }
        entries.remove(position)
    }

    private mutating func requeue(_ position: Int) {
        let isInMain = entries[position].flags.contains(.isInMain)
        unlink(position)
        append(position, toMain: isInMain)
    }

    /// Links an entry in as the newest, or just behind `after`.
    private mutating func append(_ position: Int, toMain isInMain: Bool, after restored: Int32? = nil) {
        var queue = isInMain ? main : small
        let older = restored ?? queue.newest
        let newer = older < 0 ? (restored == nil ? -1 : queue.oldest) : entries[Int(older)].newer
        entries[position].older = older
        entries[position].newer = newer
        if older < 0 { queue.oldest = Int32(position) } else { entries[Int(older)].newer = Int32(position) }
        if newer < 0 { queue.newest = Int32(position) } else { entries[Int(newer)].older = Int32(position) }
        queue.count += 1
        queue.bytes += Int64(entries[position].bytes)
        if isInMain {
            entries[position].flags.insert(.isInMain)
            main = queue
        } else {
            entries[position].flags.remove(.isInMain)
            small = queue
        }
    }

    private mutating func unlink(_ position: Int) {
        let entry = entries[position]
        var queue = entry.flags.contains(.isInMain) ? main : small
        if entry.older < 0 { queue.oldest = entry.newer } else { entries[Int(entry.older)].newer = entry.newer }
        if entry.newer < 0 { queue.newest = entry.older } else { entries[Int(entry.newer)].older = entry.older }
        queue.count -= 1
        queue.bytes -= Int64(entry.bytes)
        if queue.restored == Int32(position) { queue.restored = entry.older }
        if entry.flags.contains(.isInMain) { main = queue } else { small = queue }
    }
}

/// A unit that is to be evicted.
package struct EvictionVictim: Sendable, Equatable {
    package var id: SegmentID
    /// The octets that this frees.
    package var bytes: Int64

    package init(id: SegmentID, bytes: Int64) {
        self.id = id
        self.bytes = bytes
    }
}
