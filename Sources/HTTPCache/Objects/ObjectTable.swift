// The memory tier: stored responses by key, in shards, each with its own lock and its own eviction.

import HTTP
import Synchronization

/// The stored responses that are in memory, by key.
///
/// A look-up takes one shard's lock for as long as it takes to compare a key and retain an object. A hit sets a flag, nothing
/// moves; ``EvictionPolicy`` decides what goes, as it does for the store. What is evicted here stays in the store.
package final class ObjectTable: Sendable {
    private let shards: [Shard]
    private let bytesMaxPerShard: Int64
    private let live = LiveResponses()

    private final class Shard: Sendable {
        let state: Mutex<ShardState>

        init(bytesMax: Int64) {
            state = Mutex(ShardState(bytesMax: bytesMax))
        }
    }

    private struct ShardState {
        var slots: [UInt64: Int] = [:]
        var prepared = PreparedHits()
        var entries: [Entry?] = []
        var free: [Int] = []
        var bytes: Int64 = 0
        /// What goes first; a key is the segment 0 of its hash.
        var policy: EvictionPolicy
        /// What was used of those that have gone since the store was last told.
        var usedBefore: [SegmentID] = []

        init(bytesMax: Int64) {
            policy = EvictionPolicy(bytesMax: bytesMax)
        }
    }

    private struct Entry {
        let key: CacheKey
        var variants: [StoredResponse]
        var bytes: Int64
    }

    private static let shardCount = 16
    private static let variantOverheadBytes: Int64 = 1024
    private static let usedBeforeMax = 4096

    /// An empty table for about `bytesMax` octets of heads and small bodies.
    package init(bytesMax: Int64) {
        let bytesMaxPerShard = max(1, bytesMax / Int64(Self.shardCount))
        shards = (0..<Self.shardCount).map { _ in Shard(bytesMax: bytesMaxPerShard) }
        self.bytesMaxPerShard = bytesMaxPerShard
    }

    /// Lets go of all; to be called when the cache goes, as responses know the store and its evictor, and that knows the table.
    func clear() {
        for shard in shards {
            let state = ShardState(bytesMax: bytesMaxPerShard)
            // Freed outside the lock.
            _ = shard.state.withLock { current in
                let held = current
                current = state
                return held
            }
        }
    }

    /// The variants of `key`, newest first; nil if they are not in memory.
    package func variants(of key: CacheKey) -> [StoredResponse]? {
        let found = candidates(key.hash)
        guard found.first?.key == key else { return nil }
        return found
    }

    /// What was prepared under the hash of a key, which may be another's.
    func prepared(_ hash: UInt64) -> PreparedHit? {
        shard(hash).state.withLock { $0.prepared.find(hash) }
    }

    /// Keeps `hit` for the hits to come, if its response is all that its key has.
    func prepare(_ hit: PreparedHit) {
        let key = hit.stored.key
        shard(key.hash).state.withLock { state in
            guard let slot = state.slots[key.hash], let entry = state.entries[slot], entry.variants.count == 1,
                entry.variants[0] === hit.stored
            else { return }
            state.prepared.insert(hit, key.hash, keys: state.slots.count)
        }
    }

    /// The variants of the key `prefix` followed by `rest`, newest first; empty if they are not in memory.
    ///
    /// - Parameters:
    ///   - prefix: The key's first octets.
    ///   - rest: The others.
    ///   - hash: The hash of both.
    /// - Returns: The variants.
    func variants(of prefix: CacheKeyPrefix, followedBy rest: Span<UInt8>, _ hash: UInt64) -> [StoredResponse] {
        let found = candidates(hash)
        guard let key = found.first?.key, prefix.matches(key, followedBy: rest) else { return [] }
        return found
    }

    private func candidates(_ hash: UInt64) -> [StoredResponse] {
        shard(hash).state.withLock { state in
            guard let slot = state.slots[hash] else { return [] }
            return state.entries[slot]?.variants ?? []
        }
    }

    /// Puts what the store has of `key` into memory, unless somebody else has done so; returns what is there now.
    package func load(_ key: CacheKey, _ variants: [StoredResponse]) -> [StoredResponse] {
        let variants = variants.map { live.adopt($0) }.filter { $0.withBody { $0.retirement == nil } }
        return shard(key.hash).state.withLock { state in
            if let slot = state.slots[key.hash], let entry = state.entries[slot], entry.key == key {
                return entry.variants
            }
            guard !variants.isEmpty else { return [] }
            insert(Entry(key: key, variants: variants, bytes: cost(variants)), into: &state)
            return variants
        }
    }

    /// Adds a response as the newest variant of its key; returns those that it replaces.
    ///
    /// Those are the present variants for which `isReplaced` says so, and the oldest beyond `variantsMax`.
    package func add(
        _ response: StoredResponse,
        replacing isReplaced: (StoredResponse) -> Bool,
        variantsMax: Int
    ) -> [StoredResponse] {
        _ = live.adopt(response)
        return shard(response.key.hash).state.withLock { state in
            let hash = response.key.hash
            guard let slot = state.slots[hash], var entry = state.entries[slot], entry.key == response.key else {
                insert(Entry(key: response.key, variants: [response], bytes: cost([response])), into: &state)
                return []
            }
            var replaced = entry.variants.filter(isReplaced)
            entry.variants.removeAll(where: isReplaced)
            entry.variants.insert(response, at: 0)
            if entry.variants.count > variantsMax {
                replaced += entry.variants[variantsMax...]
                entry.variants.removeSubrange(variantsMax...)
            }
            update(&entry, at: slot, in: &state)
            return replaced
        }
    }

    /// The response of that identifier, if anybody holds it.
    package func response(_ id: ResponseID) -> StoredResponse? {
        live.find(id)
    }

    /// Takes out the variants for which `isRemoved` says so, and returns them.
    package func remove(_ key: CacheKey, where isRemoved: (StoredResponse) -> Bool) -> [StoredResponse] {
        shard(key.hash).state.withLock { state in
            guard let slot = state.slots[key.hash], var entry = state.entries[slot], entry.key == key else { return [] }
            let removed = entry.variants.filter(isRemoved)
            entry.variants.removeAll(where: isRemoved)
            if entry.variants.isEmpty {
                state.bytes -= entry.bytes
                removeEntry(at: slot, hash: key.hash, in: &state)
            } else {
                update(&entry, at: slot, in: &state)
            }
            return removed
        }
    }

    /// Counts anew what `key` takes after a body has come in, and evicts others if it is too much.
    package func recount(_ key: CacheKey) {
        shard(key.hash).state.withLock { state in
            guard let slot = state.slots[key.hash], var entry = state.entries[slot], entry.key == key else { return }
            update(&entry, at: slot, in: &state)
        }
    }

    /// Octets that all keys take, about.
    package var bytes: Int64 {
        shards.reduce(0) { sum, shard in sum + shard.state.withLock { $0.bytes } }
    }

    /// The segments and inline bodies used since this was last asked, for the store's order of use.
    package func takeUsed() -> [SegmentID] {
        var used: [SegmentID] = []
        for shard in shards {
            shard.state.withLock { state in
                used += state.usedBefore
                state.usedBefore = []
                for entry in state.entries {
                    for variant in entry?.variants ?? [] { used += variant.takeUsedUnits() }
                }
            }
        }
        return used
    }

    /// Keys in memory, and the octets that they are counted with; cost: a lock for each shard.
    package var usage: (keys: Int, bytes: Int64) {
        shards.reduce((0, 0)) { sum, shard in
            shard.state.withLock { (sum.0 + $0.slots.count, sum.1 + $0.bytes) }
        }
    }

    private func shard(_ hash: UInt64) -> Shard {
        shards[Int(truncatingIfNeeded: hash >> 60) & (Self.shardCount - 1)]
    }

    private func cost(_ variants: [StoredResponse]) -> Int64 {
        variants.reduce(0) { sum, variant in
            let head = variant.currentHead
            let heads = Int64(head.serialized.count * 3 + variant.key.bytes.count)
            return sum + Self.variantOverheadBytes + heads + variant.memoryBytes
        }
    }

    private func insert(_ entry: Entry, into state: inout ShardState) {
        state.prepared.remove(entry.key.hash)
        if let slot = state.slots[entry.key.hash], let old = state.entries[slot] {
            // Another key of the same 64-bit seeded hash: the newer one stays in memory.
            state.bytes -= old.bytes
            removeEntry(at: slot, hash: entry.key.hash, in: &state)
        }
        let slot = state.free.popLast() ?? state.entries.count
        if slot == state.entries.count { state.entries.append(entry) } else { state.entries[slot] = entry }
        state.slots[entry.key.hash] = slot
        state.bytes += entry.bytes
        state.policy.insert(Self.unit(entry.key.hash), bytes: entry.bytes)
        evict(from: &state, sparing: slot)
    }

    private func update(_ entry: inout Entry, at slot: Int, in state: inout ShardState) {
        state.prepared.remove(entry.key.hash)
        state.bytes -= entry.bytes
        entry.bytes = cost(entry.variants)
        state.bytes += entry.bytes
        state.entries[slot] = entry
        state.policy.resize(Self.unit(entry.key.hash), bytes: entry.bytes)
        evict(from: &state, sparing: slot)
    }

    private func removeEntry(at slot: Int, hash: UInt64, in state: inout ShardState) {
        state.entries[slot] = nil
        state.slots[hash] = nil
        state.prepared.remove(hash)
        state.free.append(slot)
        state.policy.remove(Self.unit(hash))
    }

    private func evict(from state: inout ShardState, sparing spared: Int) {
        // Each round evicts what it finds; it finds nothing when all that is left is in use.
        for _ in 0..<4 {
            let excess = state.bytes - bytesMaxPerShard
            guard excess > 0 else { return }
            let victims = Self.victims(&state.policy, excess, state.slots, state.entries)
            for victim in victims {
                let hash = victim.id.response.rawValue
                guard let slot = state.slots[hash], slot != spared, let entry = state.entries[slot],
                    !entry.variants.contains(where: { $0.withBody { $0.isBusy } })
                else { continue }
                for variant in entry.variants where state.usedBefore.count < Self.usedBeforeMax {
                    state.usedBefore += variant.takeUsedUnits()
                }
                state.bytes -= entry.bytes
                state.policy.evicted(victim.id)
                removeEntry(at: slot, hash: hash, in: &state)
            }
        }
    }

    private static func victims(
        _ policy: inout EvictionPolicy,
        _ bytes: Int64,
        _ slots: [UInt64: Int],
        _ entries: [Entry?]
    ) -> [EvictionVictim] {
        policy.victims(bytes: bytes) { unit in
            guard let slot = slots[unit.response.rawValue], let entry = entries[slot] else { return false }
            return entry.variants.reduce(false) { $1.takeUse() || $0 }
        }
    }

    private static func unit(_ hash: UInt64) -> SegmentID {
        SegmentID(response: ResponseID(rawValue: hash), index: 0)
    }
}
