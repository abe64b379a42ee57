// Keeps the store within its size.

import HTTP
import Synchronization

/// Evicts the least recently used segments and small responses when the store holds more than it may.
package final class Evictor: Sendable {
    private let store: any CacheStore
    private let table: ObjectTable
    private let bytesMax: Int64
    private let metrics: HTTPCacheMetrics
    private let isEvicting = Atomic<Bool>(false)

    /// An evictor that keeps `store` at `bytesMax` octets.
    init(store: any CacheStore, table: ObjectTable, bytesMax: Int64, metrics: HTTPCacheMetrics) {
        self.store = store
        self.table = table
        self.bytesMax = bytesMax
        self.metrics = metrics
    }

    /// Evicts until the store is back within its size, a little below so that the next octet does not evict again.
    ///
    /// One caller at a time does the work; others return at once. A store that fails is left as it is.
    func evictIfNeeded() async {
        guard store.usedBytes > bytesMax, !isEvicting.exchange(true, ordering: .acquiring) else { return }
        defer { isEvicting.store(false, ordering: .releasing) }
        // Each round frees what it finds; it finds nothing when all that is left is in use.
        for _ in 0..<16 where store.usedBytes > bytesMax {
            let excess = store.usedBytes - bytesMax + bytesMax / 64
            do {
                let candidates = try await store.evictionCandidates(bytes: excess)
                guard !candidates.isEmpty else { return }
                for candidate in candidates { try await evict(candidate) }
            } catch {
                return
            }
        }
    }

    private func evict(_ candidate: EvictionCandidate) async throws {
        let stored = table.response(candidate.response)
        guard let index = candidate.segment else {
            _ = table.remove(candidate.key) { $0.id == candidate.response }
            count(candidate)
            try await store.commit([.remove(candidate.response)])
            stored?.markRemoved()
            return
        }
        guard let stored else {
            try await forget(SegmentID(response: candidate.response, index: index))
            count(candidate)
            return try await removeIfUseless(candidate, nil)
        }
        let isFree = stored.withBody { body in
            let range = body.range(ofSegment: index)
            guard !body.isPinned(range) else { return false }
            body.evict(range)
            return true
        }
        guard isFree else { return }
        count(candidate)
        try await stored.recording {
            try await forget(SegmentID(response: candidate.response, index: index))
            // Only now may a new file be made: until here what is written goes where it was.
            stored.closeFile(segment: index)
        }
        try await removeIfUseless(candidate, stored)
    }

    private func count(_ candidate: EvictionCandidate) {
        metrics.evictions.add(1, ordering: .relaxed)
        metrics.evictedBytes.add(Int(clamping: candidate.bytes), ordering: .relaxed)
    }

    /// The fact first, then the file: a fact without its file heals itself.
    private func forget(_ segment: SegmentID) async throws {
        try await store.commit([.extents(segment, [])])
        store.discardFiles(of: segment.response, segment: segment.index)
    }

    /// A response of which nothing is left is a head without a body: it goes too, unless somebody is at work on it.
    private func removeIfUseless(_ candidate: EvictionCandidate, _ stored: StoredResponse?) async throws {
        if let stored {
            guard stored.withBody({ !$0.isBusy && ($0.isEmpty || $0.isUseless) }) else { return }
            _ = table.remove(candidate.key) { $0 === stored }
            stored.withBody { $0.retire(HTTPCacheError(.abandoned, "it was evicted")) }
        } else {
            let records = try await store.records(for: candidate.key)
            guard let record = records.first(where: { $0.id == candidate.response }),
                record.segments.values.allSatisfy(\.isEmpty)
            else { return }
        }
        try await store.commit([.remove(candidate.response)])
        stored?.markRemoved()
    }
}
