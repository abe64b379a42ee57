// The policies of the literature, as their papers define them, sizes counted in octets.

/// First in, first out; with `promotes`, least recently used.
struct QueueCache: SimulatedCache {
    private var queues: Queues
    private let bytesMax: Int64
    private let promotes: Bool

    init(bytesMax: Int64, sizes: [Int64], promotes: Bool) {
        queues = Queues(queues: 1, sizes: sizes)
        self.bytesMax = bytesMax
        self.promotes = promotes
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        if queues.queue(of: object) != nil {
            if promotes { queues.move(object, to: 0) }
            return true
        }
        guard size <= bytesMax else { return false }
        while queues[0].bytes + size > bytesMax { queues.remove(queues[0].oldest) }
        queues.append(object, to: 0)
        return false
    }
}

/// SIEVE (Zhang et al., NSDI 2024): one queue, one bit an object, a hand that does not move what it spares.
struct SieveCache: SimulatedCache {
    private var queues: Queues
    private var wasUsed: [Bool]
    private var hand: Int32 = -1
    private let bytesMax: Int64

    init(bytesMax: Int64, sizes: [Int64]) {
        queues = Queues(queues: 1, sizes: sizes)
        wasUsed = Array(repeating: false, count: sizes.count)
        self.bytesMax = bytesMax
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        if queues.queue(of: object) != nil {
            wasUsed[Int(object)] = true
            return true
        }
        guard size <= bytesMax else { return false }
        while queues[0].bytes + size > bytesMax { evict() }
        wasUsed[Int(object)] = false
        queues.append(object, to: 0)
        return false
    }

    private mutating func evict() {
        var object = hand < 0 ? queues[0].oldest : hand
        while wasUsed[Int(object)] {
            wasUsed[Int(object)] = false
            object = queues.newer[Int(object)] < 0 ? queues[0].oldest : queues.newer[Int(object)]
        }
        hand = queues.newer[Int(object)]
        queues.remove(object)
    }
}

/// S3-FIFO (Yang et al., SOSP 2023): a small queue of 10 %, a main queue with two bits an object, a queue of ghosts.
struct S3FIFOCache: SimulatedCache {
    private var queues: Queues
    private var ghosts: Queues
    private var uses: [UInt8]
    private let bytesMax: Int64
    private var smallBytesMax: Int64 { bytesMax / 10 }

    init(bytesMax: Int64, sizes: [Int64]) {
        queues = Queues(queues: 2, sizes: sizes)
        ghosts = Queues(queues: 1, sizes: sizes)
        uses = Array(repeating: 0, count: sizes.count)
        self.bytesMax = bytesMax
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        if queues.queue(of: object) != nil {
            uses[Int(object)] = min(3, uses[Int(object)] + 1)
            return true
        }
        guard size <= bytesMax else { return false }
        while queues[0].bytes + queues[1].bytes + size > bytesMax {
            let isSmallFull = queues[0].count > 0 && queues[0].bytes >= smallBytesMax
            if isSmallFull || queues[1].count == 0 { evictSmall() } else { evictMain() }
        }
        let isGhost = ghosts.queue(of: object) != nil
        ghosts.remove(object)
        uses[Int(object)] = 0
        queues.append(object, to: isGhost ? 1 : 0)
        return false
    }

    private mutating func evictSmall() {
        while queues[0].count > 0 {
            let object = queues[0].oldest
            if uses[Int(object)] > 1 {
                uses[Int(object)] = 0
                queues.move(object, to: 1)
                if queues[1].bytes > bytesMax - smallBytesMax { return evictMain() }
                continue
            }
            queues.remove(object)
            ghosts.append(object, to: 0)
            // As many ghosts as the main queue holds, in octets since objects differ.
            while ghosts[0].bytes > bytesMax - smallBytesMax { ghosts.remove(ghosts[0].oldest) }
            return
        }
    }

    private mutating func evictMain() {
        while queues[1].count > 0 {
            let object = queues[1].oldest
            guard uses[Int(object)] > 0 else { return queues.remove(object) }
            uses[Int(object)] -= 1
            queues.move(object, to: 1)
        }
    }
}

/// W-TinyLFU (Einziger et al., 2017): a window of 1 %, a segmented LRU behind an admission by frequency.
struct WTinyLFUCache: SimulatedCache {
    private var queues: Queues
    private var sketch: CountMin
    private let bytesMax: Int64
    private var windowBytesMax: Int64 { bytesMax / 100 }
    private var mainBytesMax: Int64 { bytesMax - windowBytesMax }

    /// The window, the main cache's probation and its protected part.
    private static let (window, probation, protected) = (0, 1, 2)

    init(bytesMax: Int64, sizes: [Int64]) {
        queues = Queues(queues: 3, sizes: sizes)
        let mean = max(1, sizes.reduce(0, +) / Int64(max(1, sizes.count)))
        sketch = CountMin(entries: Int(max(16, bytesMax / mean)))
        self.bytesMax = bytesMax
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        sketch.add(UInt64(object))
        switch queues.queue(of: object) {
        case Self.window?:
            queues.move(object, to: Self.window)
            return true
        case Self.probation?, Self.protected?:
            queues.move(object, to: Self.protected)
            while queues[Self.protected].bytes > mainBytesMax / 5 * 4 {
                queues.move(queues[Self.protected].oldest, to: Self.probation)
            }
            return true
        default:
            break
        }
        guard size <= mainBytesMax else { return false }
        queues.append(object, to: Self.window)
        while queues[Self.window].bytes > windowBytesMax { admit(queues[Self.window].oldest) }
        return false
    }

    /// Moves `candidate` into the main cache if each that must go for it was asked for less often.
    private mutating func admit(_ candidate: Int32) {
        queues.move(candidate, to: Self.probation)
        while queues[Self.probation].bytes + queues[Self.protected].bytes > mainBytesMax {
            var victim = queues[Self.probation].oldest
            if victim == candidate, queues[Self.protected].count > 0 { victim = queues[Self.protected].oldest }
            guard victim != candidate, sketch.estimate(UInt64(candidate)) > sketch.estimate(UInt64(victim)) else {
                return queues.remove(candidate)
            }
            queues.remove(victim)
        }
    }
}

/// A count-min sketch of four bits a counter that halves itself, as TinyLFU's does.
struct CountMin {
    private var counters: [UInt8]
    private let mask: UInt64
    private let additionsMax: Int
    private var additions = 0

    init(entries: Int) {
        var width = 64
        while width < entries * 4 { width *= 2 }
        counters = Array(repeating: 0, count: width)
        mask = UInt64(width - 1)
        additionsMax = entries * 10
    }

    func estimate(_ key: UInt64) -> UInt8 {
        (0..<4).map { counters[slot(key, $0)] }.min() ?? 0
    }

    mutating func add(_ key: UInt64) {
        let estimate = estimate(key)
        guard estimate < 15 else { return }
        for row in 0..<4 where counters[slot(key, row)] == estimate { counters[slot(key, row)] += 1 }
        additions += 1
        guard additions >= additionsMax else { return }
        for index in counters.indices { counters[index] /= 2 }
        additions /= 2
    }

    private func slot(_ key: UInt64, _ row: Int) -> Int {
        Int(mixed(key &* 4 &+ UInt64(row)) & mask)
    }
}

/// Belady's oracle for sizes as usual: what is used furthest in the future goes, the new one too if it is that.
struct BeladyCache: SimulatedCache {
    private var nextUses: [Int32]
    private var isHeld: [Bool]
    private var heap: [(nextUse: Int32, object: Int32)] = []
    private var bytes: Int64 = 0
    private let sizes: [Int64]
    private let bytesMax: Int64

    init(bytesMax: Int64, sizes: [Int64]) {
        nextUses = Array(repeating: .max, count: sizes.count)
        isHeld = Array(repeating: false, count: sizes.count)
        self.sizes = sizes
        self.bytesMax = bytesMax
    }

    mutating func request(_ object: Int32, size: Int64, nextUse: Int32) -> Bool {
        let isHit = isHeld[Int(object)]
        if !isHit {
            guard size <= bytesMax else { return false }
            isHeld[Int(object)] = true
            bytes += size
        }
        nextUses[Int(object)] = nextUse
        push((nextUse, object))
        while bytes > bytesMax, let (nextUse, furthest) = pop() {
            // What is out of date in the heap has been used since, or has gone.
            guard isHeld[Int(furthest)], nextUses[Int(furthest)] == nextUse else { continue }
            isHeld[Int(furthest)] = false
            bytes -= sizes[Int(furthest)]
        }
        return isHit
    }

    private mutating func push(_ element: (nextUse: Int32, object: Int32)) {
        heap.append(element)
        var index = heap.count - 1
        while index > 0, heap[(index - 1) / 2].nextUse < heap[index].nextUse {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func pop() -> (nextUse: Int32, object: Int32)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            var largest = index
            for child in [index * 2 + 1, index * 2 + 2]
            where child < heap.count && heap[child].nextUse > heap[largest].nextUse { largest = child }
            guard largest != index else { return first }
            heap.swapAt(index, largest)
            index = largest
        }
    }
}
