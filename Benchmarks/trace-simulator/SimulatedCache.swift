// What the simulator runs over a trace: a cache of so many octets that says of each request whether it was a hit.

/// A cache in which each object is either whole or not at all.
protocol SimulatedCache {
    /// Asks for `object`, which is stored on a miss; returns whether it was there.
    ///
    /// `nextUse` is the position of the next request for it, for the oracle alone.
    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool
}

/// The octets and requests that a cache missed.
struct Misses {
    var requests = 0
    var bytes: Int64 = 0
    var totalRequests = 0
    var totalBytes: Int64 = 0

    var requestRatio: Double { Double(requests) / Double(max(1, totalRequests)) }
    var byteRatio: Double { Double(bytes) / Double(max(1, totalBytes)) }

    /// What `cache` misses of `trace`.
    init(of cache: any SimulatedCache, over trace: Trace, _ nextUses: [Int32]) {
        var cache = cache
        for (position, object) in trace.requests.enumerated() {
            let size = trace.sizes[Int(object)]
            totalRequests += 1
            totalBytes += size
            if !cache.request(object, size: size, nextUse: nextUses[position]) {
                requests += 1
                bytes += size
            }
        }
    }
}

/// Doubly linked queues of objects, in arrays; an object is in one queue at most.
struct Queues {
    struct Queue {
        var oldest: Int32 = -1
        var newest: Int32 = -1
        var bytes: Int64 = 0
        var count = 0
    }

    private(set) var queues: [Queue]
    private(set) var older: [Int32]
    private(set) var newer: [Int32]
    private var place: [Int8]
    private let sizes: [Int64]

    init(queues count: Int, sizes: [Int64]) {
        queues = Array(repeating: Queue(), count: count)
        older = Array(repeating: -1, count: sizes.count)
        newer = Array(repeating: -1, count: sizes.count)
        place = Array(repeating: -1, count: sizes.count)
        self.sizes = sizes
    }

    subscript(queue: Int) -> Queue { queues[queue] }

    func queue(of object: Int32) -> Int? {
        place[Int(object)] < 0 ? nil : Int(place[Int(object)])
    }

    mutating func append(_ object: Int32, to queue: Int) {
        older[Int(object)] = queues[queue].newest
        newer[Int(object)] = -1
        let before = queues[queue].newest
        if before < 0 { queues[queue].oldest = object } else { newer[Int(before)] = object }
        queues[queue].newest = object
        queues[queue].bytes += sizes[Int(object)]
        queues[queue].count += 1
        place[Int(object)] = Int8(queue)
    }

    mutating func remove(_ object: Int32) {
        guard let queue = queue(of: object) else { return }
        let (before, after) = (older[Int(object)], newer[Int(object)])
        if before < 0 { queues[queue].oldest = after } else { newer[Int(before)] = after }
        if after < 0 { queues[queue].newest = before } else { older[Int(after)] = before }
        queues[queue].bytes -= sizes[Int(object)]
        queues[queue].count -= 1
        place[Int(object)] = -1
    }

    mutating func move(_ object: Int32, to queue: Int) {
        remove(object)
        append(object, to: queue)
    }
}
