// Lets a large body that one reader reads once leave the system's page cache behind it.

import CLinux
import Dispatch
import HTTP
import Synchronization

/// What a reader has been handed of a body that is fetched for it alone, as far as it may be in the page cache still.
///
/// A film that is watched once would else drive out all that is read often (as `rsync --drop-cache` and others do it). What the
/// system does not have on the disk yet, or is still sending, stays.
struct ReadBehind {
    private var regions: [FileRegion] = []
    private var count: Int64 = 0

    /// So much stays: the connection may not have sent it yet, and a player may go back a little.
    private static let lagBytes: Int64 = 4 << 20
    /// The system keeps files in pieces of up to this size, and drops whole ones alone.
    private static let stepBytes: Int64 = 1 << 20
    /// Files kept open for it where nobody comes to take what may go; the rest of older ones stays in the page cache.
    private static let regionsMax = 4

    /// Adds what is handed out now.
    mutating func add(_ region: FileRegion) {
        if let last = regions.last, last.file === region.file, last.end == region.offset {
            regions[regions.count - 1].count += region.count
        } else {
            if regions.count == Self.regionsMax { count -= Int64(regions.removeFirst().count) }
            regions.append(region)
        }
        count += Int64(region.count)
    }

    /// What may go by now, once.
    mutating func take() -> [FileRegion] {
        var passed: [FileRegion] = []
        while count > Self.lagBytes, let first = regions.first {
            let limit = first.offset + min(Int64(first.count), count - Self.lagBytes)
            let isWhole = limit == first.end && regions.count > 1
            let end = isWhole ? limit : limit / Self.stepBytes * Self.stepBytes
            guard end > first.offset else { break }
            let (front, rest) = first.split(at: end)
            passed.append(front)
            count -= Int64(front.count)
            if rest.count == 0 { regions.removeFirst() } else { regions[0] = rest }
        }
        return passed
    }

    /// Forgets what was read: others may want it.
    mutating func forget() {
        regions = []
        count = 0
    }
}

/// Drops what a reader leaves behind, off the reader's thread.
final class ReadBehindDropper: Sendable {
    private let behind = Mutex(ReadBehind())
    private let isDropping = Atomic(false)

    /// Takes note of what is handed out now; what was before it leaves the page cache if all of that was read once.
    func note(_ region: FileRegion, isReadOnce: Bool) {
        guard isReadOnce else { return behind.withLock { $0.forget() } }
        behind.withLock { $0.add(region) }
        // One at a time: a slow disk has them wait here, where they are one region.
        guard !isDropping.exchange(true, ordering: .acquiring) else { return }
        let passed = behind.withLock { $0.take() }
        guard !passed.isEmpty else { return isDropping.store(false, ordering: .releasing) }
        PageCache.queue.async { [self] in
            for region in passed { region.dropCached() }
            isDropping.store(false, ordering: .releasing)
        }
    }
}

extension FileRegion {
    fileprivate var end: Int64 { offset + Int64(count) }

    fileprivate func split(at position: Int64) -> (FileRegion, FileRegion) {
        var (front, rest) = (self, self)
        front.count = Int(position - offset)
        rest.offset = position
        rest.count -= front.count
        return (front, rest)
    }

    /// Lets its octets leave the page cache; may block, since the disk is asked once more to take them.
    func dropCached() {
        _ = clinux_drop_cached(file.descriptor, offset, Int64(count))
    }
}
