// The product's own policy, run as the product runs it.

import HTTPCache

/// ``EvictionPolicy`` behind the simulator's interface.
///
/// With `usesPerBatch`, uses are told as the cache tells them: only whether a unit was used since the last batch.
struct ProductCache: SimulatedCache {
    private var policy: EvictionPolicy
    private let ids: [SegmentID]
    private let bytesMax: Int64
    private let usesPerBatch: Int
    private var batch: [Int32] = []
    private var isInBatch: [Bool]
    private var requestsInBatch = 0

    init(bytesMax: Int64, segments: [(body: UInt64, index: Int)], usesPerBatch: Int = 1) {
        policy = EvictionPolicy(bytesMax: bytesMax)
        ids = segments.map { SegmentID(response: ResponseID(rawValue: $0.body), index: $0.index) }
        self.bytesMax = bytesMax
        self.usesPerBatch = usesPerBatch
        isInBatch = Array(repeating: false, count: segments.count)
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        let id = ids[Int(object)]
        defer { endRequest() }
        if policy.contains(id) {
            if !isInBatch[Int(object)] { batch.append(object) }
            isInBatch[Int(object)] = true
            return true
        }
        guard size <= bytesMax else { return false }
        while policy.bytes + size > bytesMax {
            for victim in policy.victims(bytes: policy.bytes + size - bytesMax) { policy.evicted(victim.id) }
        }
        policy.insert(id, bytes: size)
        return false
    }

    private mutating func endRequest() {
        requestsInBatch += 1
        guard requestsInBatch >= usesPerBatch else { return }
        requestsInBatch = 0
        for object in batch {
            policy.use(ids[Int(object)])
            isInBatch[Int(object)] = false
        }
        batch.removeAll(keepingCapacity: true)
    }
}
