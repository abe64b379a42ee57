// The messages to all of the last minute, for those who have missed them.

/// Messages in the order in which they came, the oldest of which go when there are too many; each is found by its place.
///
/// They are copied one behind the other: tens of thousands of small ones that are kept each by itself cost more than all that is
/// done with them.
struct KeptMessages: Sendable {
    private struct Entry {
        let id: MessageID
        let second: Int64
        /// The chunk, and what of it is the message's.
        let chunk: UInt32
        let start: UInt32
        let count: UInt32
        /// Whether users are told of it, or it proves such a message.
        let isForUsers: Bool

        /// What it takes in memory, in octets, about.
        var bytes: Int { Int(count) + MemoryLayout<Entry>.stride }
    }

    private static let chunkBytes = 128 << 10

    /// Those before ``first`` have gone.
    private var entries: [Entry] = []
    private var first = 0
    /// How many have gone and are not in ``entries`` any more.
    private var goneCount: UInt32 = 0
    /// The messages, one behind the other; a large one is a chunk by itself.
    private var chunks: [[UInt8]] = []
    /// The number of the first.
    private var firstChunk: UInt32 = 0
    /// Whether small messages may be added to the last.
    private var isOpen = false
    /// What is kept takes in memory, in octets, about.
    private(set) var bytes = 0

    var count: Int { entries.count - first }

    /// Keeps `message`, which came in the second `now`, and as many of those before as take `bytesMax` octets with it.
    ///
    /// - Returns: Its place, by which ``message(_:at:)`` finds it; those of messages that have gone are used again one day.
    mutating func keep(_ message: PeerMessage, at now: Int64, bytesMax: Int) -> UInt32 {
        let place = goneCount &+ UInt32(truncatingIfNeeded: entries.count)
        let start = add(message.body)
        let entry = Entry(
            id: message.id,
            second: now,
            chunk: firstChunk &+ UInt32(chunks.count - 1),
            start: UInt32(start),
            count: UInt32(message.body.count),
            isForUsers: message.subFlag == SubFlag.broadcast || message.subFlag == SubFlag.vouch
        )
        entries.append(entry)
        bytes += entry.bytes
        while bytes > bytesMax { forgetFirst() }
        return place
    }

    /// Forgets what came before `second`.
    mutating func forget(before second: Int64) {
        while first < entries.count, entries[first].second < second { forgetFirst() }
    }

    /// The message called `id`, which was kept at `place`; nil if it has gone.
    func message(_ id: MessageID, at place: UInt32) -> PeerMessage? {
        let index = Int(place &- goneCount)
        guard index >= first, index < entries.count, entries[index].id == id else { return nil }
        let entry = entries[index]
        let chunk = chunks[Int(entry.chunk &- firstChunk)]
        return PeerMessage(body: Array(chunk[Int(entry.start)..<Int(entry.start + entry.count)]))
    }

    /// Of what came in `second` or later, and is for users, the last `countMax`, in the order in which it came.
    func saidToUsers(since second: Int64, countMax: Int) -> [MessageID] {
        var ids: [MessageID] = []
        for entry in entries[first...].reversed() {
            guard entry.second >= second, ids.count < countMax else { break }
            if entry.isForUsers { ids.append(entry.id) }
        }
        return ids.reversed()
    }

    /// Where in the last chunk it is.
    private mutating func add(_ body: [UInt8]) -> Int {
        if body.count > Self.chunkBytes / 4 {
            chunks.append(body)
            isOpen = false
            return 0
        }
        if !isOpen || chunks[chunks.count - 1].count + body.count > Self.chunkBytes {
            var chunk: [UInt8] = []
            // Not where each small message stands behind a large one.
            if isOpen { chunk.reserveCapacity(Self.chunkBytes) }
            chunks.append(chunk)
            isOpen = true
        }
        let start = chunks[chunks.count - 1].count
        chunks[chunks.count - 1] += body
        return start
    }

    private mutating func forgetFirst() {
        bytes -= entries[first].bytes
        first += 1
        guard first < entries.count else { return forgetAll() }
        let unused = Int(entries[first].chunk &- firstChunk)
        if unused > 0 {
            chunks.removeFirst(unused)
            firstChunk &+= UInt32(unused)
        }
        // Not each time: what is left moves.
        if first > 1000, first > entries.count / 2 { forgetGone() }
    }

    private mutating func forgetAll() {
        forgetGone()
        firstChunk &+= UInt32(chunks.count)
        (chunks, isOpen) = ([], false)
    }

    private mutating func forgetGone() {
        entries.removeFirst(first)
        goneCount &+= UInt32(truncatingIfNeeded: first)
        first = 0
    }
}
