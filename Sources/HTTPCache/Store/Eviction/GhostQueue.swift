// What was evicted lately, remembered by a fingerprint: whoever comes back was evicted too soon.

/// The fingerprints of the last units that were evicted, first in, first out.
///
/// A fingerprint has 32 bits, so one in some thousand millions is taken for another: a place in the wrong queue, no more.
struct GhostQueue: Sendable {
    private struct Ghost: Sendable {
        var print: UInt32
        var bytes: UInt32
        var isGone = false
    }

    /// Octets that the units had which are remembered.
    private(set) var bytes: Int64 = 0
    private var ring: [Ghost] = []
    private var oldest = 0
    private var length = 0
    private var index = CompactIndex()

    /// How many are remembered.
    var count: Int { index.count }

    /// Octets that it takes.
    var memoryBytes: Int { ring.capacity * MemoryLayout<Ghost>.stride + index.memoryBytes }

    /// Whether `print` is remembered; it is forgotten then.
    mutating func take(_ print: UInt32) -> Bool {
        guard let position = index.find(Self.hash(print), { ring[$0].print == print }) else { return false }
        forget(position)
        return true
    }

    /// Remembers `print`, and forgets the oldest beyond `countMax` and `bytesMax`.
    mutating func add(_ print: UInt32, bytes size: UInt32, countMax: Int, bytesMax: Int64) {
        guard countMax > 0, Int64(size) <= bytesMax else { return }
        _ = take(print)
        while length > 0, length >= countMax || bytes + Int64(size) > bytesMax { dropOldest() }
        let ghost = Ghost(print: print, bytes: size)
        var position = ring.count
        if length < ring.count {
            position = (oldest + length) % ring.count
            ring[position] = ghost
        } else {
            unroll()
            ring.appendTightly(ghost)
        }
        length += 1
        bytes += Int64(size)
        Self.insert(position, into: &index, ring)
    }

    private mutating func dropOldest() {
        if !ring[oldest].isGone { forget(oldest) }
        oldest = (oldest + 1) % ring.count
        length -= 1
    }

    private mutating func forget(_ position: Int) {
        Self.remove(position, from: &index, ring)
        bytes -= Int64(ring[position].bytes)
        ring[position].isGone = true
    }

    /// Puts the oldest first in the array, so that it can grow at its end.
    private mutating func unroll() {
        guard oldest > 0 else { return }
        var straight: [Ghost] = []
        straight.reserveCapacity(ring.count + ring.count / 4 + 16)
        straight += ring[oldest...]
        straight += ring[..<oldest]
        ring = straight
        oldest = 0
        index = CompactIndex()
        for position in ring.indices where !ring[position].isGone { Self.insert(position, into: &index, ring) }
    }

    private static func insert(_ position: Int, into index: inout CompactIndex, _ ring: [Ghost]) {
        index.insert(position, hash(ring[position].print)) { hash(ring[$0].print) }
    }

    private static func remove(_ position: Int, from index: inout CompactIndex, _ ring: [Ghost]) {
        index.remove(position, hash(ring[position].print)) { hash(ring[$0].print) }
    }

    private static func hash(_ print: UInt32) -> UInt64 {
        spread(UInt64(print))
    }
}
