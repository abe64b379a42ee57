// Says of most keys that are not stored that they are not, so that a miss does not cost a question to the index.

import HTTPCache
import Synchronization

/// What is known in memory about which keys the index holds: a Bloom filter, filled by a scan of the index.
///
/// Until the first scan is over every key may be stored. Keys are never taken out: what was evicted costs one question to the
/// index until the next scan, which is due once twice as many keys were added as the filter was made for. Memory: 2 octets a
/// key it was made for, at least 256 KiB.
final class KeyFilter: Sendable {
    private struct State {
        var current: BlockedBloomFilter?
        /// The filter that a scan is filling.
        var next: BlockedBloomFilter?
    }

    private let state = Mutex(State())

    /// Whether `key` may be stored; false is certain.
    func mayContain(_ key: CacheKey) -> Bool {
        state.withLock { $0.current?.mayContain(key.hash) ?? true }
    }

    /// Notes that `key` is about to be stored; returns whether a new scan is due.
    func insert(_ key: CacheKey) -> Bool {
        state.withLock { state in
            state.next?.insert(key.hash)
            state.current?.insert(key.hash)
            guard state.next == nil, let current = state.current else { return false }
            return current.count > 2 * current.capacity
        }
    }

    /// Begins a scan of about `keys` keys; false: one is under way.
    func beginScan(of keys: Int) -> Bool {
        state.withLock { state in
            guard state.next == nil else { return false }
            state.next = BlockedBloomFilter(capacity: keys + keys / 2)
            return true
        }
    }

    /// Adds keys that the scan has found.
    func addScanned(_ keys: [CacheKey]) {
        state.withLock { state in
            for key in keys { state.next?.insert(key.hash) }
        }
    }

    /// Ends the scan: the new filter counts if all keys were seen, else all stays as it was.
    func endScan(isComplete: Bool) {
        state.withLock { state in
            if isComplete { state.current = state.next }
            state.next = nil
        }
    }
}

/// A Bloom filter whose bits for one element share a cache line (Putze, Sanders, Singler: Cache-, Hash- and
/// Space-Efficient Bloom Filters, 2007).
struct BlockedBloomFilter: Sendable {
    /// How many elements it is made for: 16 bits each, so that one in some hundreds of others seems to be there.
    let capacity: Int
    /// How many were inserted, the same one counted each time.
    private(set) var count = 0
    private var words: [UInt64]
    private let blockMask: UInt64

    private static let wordsPerBlock = 8
    private static let bitsPerElement = 6

    /// In a store that grows, each filter takes a scan of what is there by then: not of a few keys, again and again.
    static let capacityMin = 131_072

    /// An empty filter for `capacity` elements, at least ``capacityMin``.
    init(capacity: Int) {
        self.capacity = max(Self.capacityMin, capacity)
        let blocks = UInt64(self.capacity / 32).nextPowerOfTwo
        blockMask = blocks - 1
        words = Array(repeating: 0, count: Int(blocks) * Self.wordsPerBlock)
    }

    /// Adds an element by its hash, all of whose bits count.
    mutating func insert(_ hash: UInt64) {
        count += 1
        let block = Int(hash & blockMask) * Self.wordsPerBlock
        for bit in Self.bits(of: hash) { words[block + bit >> 6] |= 1 << UInt64(bit & 63) }
    }

    /// Whether an element of that hash may have been added.
    func mayContain(_ hash: UInt64) -> Bool {
        let block = Int(hash & blockMask) * Self.wordsPerBlock
        return Self.bits(of: hash).allSatisfy { words[block + $0 >> 6] & (1 << UInt64($0 & 63)) != 0 }
    }

    /// Places in a block: each 9 bits of the hash, mixed so that they do not depend on the block's number.
    private static func bits(of hash: UInt64) -> some Sequence<Int> {
        let mixed = (hash ^ hash >> 29) &* 0xbf58_476d_1ce4_e5b9
        return (0..<bitsPerElement).lazy.map { Int(mixed >> UInt64(64 - 9 * ($0 + 1)) & 511) }
    }
}

extension UInt64 {
    /// The smallest power of two that is not below it.
    fileprivate var nextPowerOfTwo: UInt64 {
        self <= 1 ? 1 : 1 << UInt64(UInt64.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
