// Keeps the store within its size.

import HTTP
import Synchronization

/// Evicts what ``EvictionPolicy`` says when the store holds more than it may.
///
/// It owns what the policy knows of the store: ``EvictingStore`` tells it what becomes a fact; what was there before this
/// process, ``load()`` takes from the store in pages, in the background.
package final class Evictor: Sendable {
    private let store: any CacheStore
    private let table: ObjectTable
    private let bytesMax: Int64
    private let unitsMax: Int
    private let metrics: HTTPCacheMetrics
    private let policy: Mutex<EvictionPolicy>
    /// Octets that are in the store but no facts yet.
    private let pendingBytes = Atomic<Int64>(0)
    private let isEvicting = Atomic<Bool>(false)
    private let eviction = RecordingGate()
    private let loading = RecordingGate()
    private let listing = Mutex(Listing.from(nil))

    /// How far the store has been listed.
    private enum Listing {
        case from(Int64?)
        case done
    }

    private static let pageUnits = 4096
    private static let changesMax = 128

    /// An evictor that keeps `store` at `bytesMax` octets in `unitsMax` segments and small responses.
    init(
        store: any CacheStore,
        table: ObjectTable,
        bytesMax: Int64,
        unitsMax: Int,
        metrics: HTTPCacheMetrics = HTTPCacheMetrics()
    ) {
        self.store = store
        self.table = table
        self.bytesMax = bytesMax
        self.unitsMax = unitsMax
        self.metrics = metrics
        policy = Mutex(EvictionPolicy(bytesMax: bytesMax))
    }

    /// How many segments and small responses the policy knows, and the memory that this takes.
    package var known: (units: Int, memoryBytes: Int) {
        policy.withLock { ($0.count, $0.memoryBytes) }
    }

    // MARK: What is known

    /// Takes in what the store has from before this process; returns when it knows all, or the task is cancelled.
    ///
    /// Nothing need wait for it: until it is done, the oldest are known.
    func load() async {
        while !Task.isCancelled, await loadPage() {}
    }

    /// Takes note of changes that have become facts.
    func note(_ changes: [StoreChange]) {
        // Looked up before the policy's lock, which is the innermost.
        let names: [UInt64?] = changes.map { change in
            switch change {
            case .put(let record): return record.key.hash
            case .extents(let segment, _, _): return table.response(segment.response)?.key.hash
            case .remove, .removeIfEmpty, .touch: return nil
            }
        }
        policy.withLock { policy in
            for (change, name) in zip(changes, names) {
                switch change {
                case .put(let record):
                    let id = SegmentID.inlineBody(of: record.id)
                    guard let body = record.inlineBody else {
                        policy.remove(id)
                        continue
                    }
                    policy.insert(id, bytes: Int64(body.count), name: name)
                case .extents(let segment, let ranges, _):
                    let count = ranges.reduce(0) { $0 + Int64($1.count) }
                    if count > 0 { policy.insert(segment, bytes: count, name: name) } else { policy.remove(segment) }
                case .remove(let response): policy.remove(response)
                case .removeIfEmpty: break
                case .touch(let units): for unit in units { policy.use(unit) }
                }
            }
        }
    }

    /// Says by how much the octets have changed that are written but no facts yet: they take room as well.
    func addPending(_ bytes: Int64) {
        if bytes != 0 { pendingBytes.add(bytes, ordering: .relaxed) }
    }

    /// Takes in the next page; false if there is none.
    private func loadPage() async -> Bool {
        await loading.pass {
            guard case .from(let position) = listing.withLock({ $0 }) else { return false }
            let units: [StoredUnit]
            do {
                units = try await store.units(after: position, limit: Self.pageUnits)
            } catch {
                // What cannot be listed cannot be evicted either; what is stored from now on can.
                units = []
            }
            listing.withLock { $0 = units.last.map { .from($0.position) } ?? .done }
            policy.withLock { policy in
                for unit in units { policy.restore(unit.id, bytes: unit.bytes, wasUsedAgain: unit.wasUsedAgain) }
            }
            return !units.isEmpty
        }
    }

    // MARK: Eviction

    /// Evicts until the store is back within its size, a little below so that the next octet does not evict again.
    ///
    /// One caller at a time does the work; others return at once, unless so much is over that they have to wait for it. A
    /// store that fails is left as it is.
    func evictIfNeeded() async {
        let excess = excess
        guard excess.bytes > 0 || excess.units > 0 else { return }
        if isEvicting.load(ordering: .relaxed), excess.bytes <= bytesMax / 16 { return }
        await eviction.pass {
            isEvicting.store(true, ordering: .relaxed)
            await evict()
            isEvicting.store(false, ordering: .relaxed)
        }
    }

    /// Whether there is too much.
    var isNeeded: Bool {
        let excess = excess
        return excess.bytes > 0 || excess.units > 0
    }

    /// Whether there are too many octets, and nothing that could go.
    var isOverfull: Bool { !isEvicting.load(ordering: .relaxed) && excessBytes > 0 }

    /// What there is too much of.
    private var excess: (bytes: Int64, units: Int) { (excessBytes, policy.withLock { $0.count } - unitsMax) }

    private var excessBytes: Int64 { store.usedBytes + pendingBytes.load(ordering: .relaxed) - bytesMax }

    private func evict() async {
        // Each round frees what it finds; it finds nothing when all that is left is in use.
        for _ in 0..<16 {
            let (bytes, units) = excess
            guard bytes > 0 || units > 0 else { return }
            let margin = min(bytesMax / 64, 32 << 20)
            let victims = policy.withLock { policy in
                policy.victims(bytes: bytes > 0 ? bytes + margin : 0, count: max(0, units))
            }
            if victims.isEmpty {
                guard await loadPage() else { return }
                continue
            }
            let before = store.usedBytes
            do {
                try await evict(victims.map(\.id))
                metrics.evictedBytes.add(Int(clamping: max(0, before - store.usedBytes)), ordering: .relaxed)
            } catch {
                return
            }
        }
    }

    private func evict(_ victims: [SegmentID]) async throws {
        var batch = Batch()
        for victim in victims {
            guard let stored = table.response(victim.response) else {
                batch.add(victim)
                if batch.changes.count >= Self.changesMax { try await perform(&batch) }
                continue
            }
            if victim.index >= 0 {
                try await evict(victim, of: stored)
                continue
            }
            guard !stored.withBody({ $0.isBusy }) else { continue }
            _ = table.remove(stored.key) { $0 === stored }
            batch.add(victim)
            batch.removed.append(stored)
            if batch.changes.count >= Self.changesMax { try await perform(&batch) }
        }
        try await perform(&batch)
    }

    /// Units that go in one commit.
    private struct Batch {
        var changes: [StoreChange] = []
        var units: [SegmentID] = []
        var removed: [StoredResponse] = []

        mutating func add(_ unit: SegmentID) {
            units.append(unit)
            if unit.index < 0 {
                changes.append(.remove(unit.response))
            } else {
                changes += [.extents(unit, [], adding: []), .removeIfEmpty(unit.response)]
            }
        }
    }

    /// The facts first, then the files: a fact without its file heals itself.
    private func perform(_ batch: inout Batch) async throws {
        guard !batch.changes.isEmpty else { return }
        try await store.commit(batch.changes)
        for unit in batch.units where unit.index >= 0 { store.discardFiles(of: unit.response, segment: unit.index) }
        for stored in batch.removed { stored.markRemoved() }
        // Who has been loaded meanwhile may be missing in the facts: whatever comes in is told with its head again.
        for unit in batch.units { table.response(unit.response)?.isRecorded = false }
        policy.withLock { policy in
            for unit in batch.units { policy.evicted(unit) }
        }
        metrics.evictions.add(batch.units.count, ordering: .relaxed)
        batch = Batch()
    }

    /// Evicts a segment of a response that somebody holds, unless it is read or filled.
    private func evict(_ segment: SegmentID, of stored: StoredResponse) async throws {
        let isFree = stored.withBody { body in
            let range = body.range(ofSegment: segment.index)
            guard !body.isPinned(range) else { return false }
            body.evict(range)
            return true
        }
        guard isFree else { return }
        try await stored.recording {
            do {
                try await store.commit([.extents(segment, [], adding: [])])
            } catch {
                stored.doubtFacts(ofSegment: segment.index)
                throw error
            }
            store.discardFiles(of: segment.response, segment: segment.index)
            // Only now may a new file be made: until here what is written goes where it was.
            stored.closeFile(segment: segment.index)
        }
        policy.withLock { $0.evicted(segment) }
        metrics.evictions.add(1, ordering: .relaxed)
        // A response of which nothing is left is a head without a body: it goes too, unless somebody is at work on it.
        guard stored.withBody({ !$0.isBusy && ($0.isEmpty || $0.isUseless) }) else { return }
        _ = table.remove(stored.key) { $0 === stored }
        stored.withBody { $0.retire(HTTPCacheError(.abandoned, "it was evicted")) }
        try await store.commit([.remove(stored.id)])
        policy.withLock { $0.remove(stored.id) }
        stored.markRemoved()
    }
}
