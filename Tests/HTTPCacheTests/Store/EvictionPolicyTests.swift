// What goes first: the policy against a model that is too simple to be wrong, and what must hold whatever happens.

import TestSupport
import Testing

@testable import HTTPCache

@Suite struct EvictionPolicyTests {
    private func id(_ response: UInt64, _ index: Int = 0) -> SegmentID {
        SegmentID(response: ResponseID(rawValue: response), index: index)
    }

    /// A request as a cache makes it: a use if it is there, else room is made and it is stored.
    private func request(_ id: SegmentID, bytes: Int64, _ policy: inout EvictionPolicy, bytesMax: Int64) -> Bool {
        if policy.contains(id) {
            policy.use(id)
            return true
        }
        while policy.bytes + bytes > bytesMax {
            for victim in policy.victims(bytes: policy.bytes + bytes - bytesMax) { policy.evicted(victim.id) }
        }
        policy.insert(id, bytes: bytes)
        return false
    }

    // MARK: Order

    @Test func `what was never used goes in the order in which it came`() {
        var policy = EvictionPolicy(bytesMax: 1000)
        for number in 1...10 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        #expect(policy.victims(bytes: 250).map(\.id.response.rawValue) == [1, 2, 3])
        #expect(policy.count == 10, "naming is not evicting")
    }

    @Test func `what was used is spared, and goes when it is not used again`() {
        var policy = EvictionPolicy(bytesMax: 1000)
        for number in 1...10 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        policy.use(id(1))
        policy.use(id(3))
        for victim in policy.victims(bytes: 300) { policy.evicted(victim.id) }
        #expect([1, 2, 3, 4, 5].map { policy.contains(id($0)) } == [true, false, true, false, false])
        #expect(policy.main.count == 2)
        #expect(policy.victims(bytes: 700).count == 7)
    }

    @Test func `what is named and not evicted comes round again after the others`() {
        var policy = EvictionPolicy(bytesMax: 400)
        for number in 1...4 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        #expect(policy.victims(bytes: 1).map(\.id) == [id(1)])
        #expect(policy.victims(bytes: 300).map(\.id) == [id(2), id(3), id(4)])
        #expect(policy.victims(bytes: 1000).map(\.id) == [id(1), id(2), id(3), id(4)])
    }

    @Test func `what comes back after its eviction goes to the main queue`() {
        var policy = EvictionPolicy(bytesMax: 1000)
        for number in 1...10 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100, name: number * 7) }
        policy.evicted(id(1))
        policy.evicted(id(2))
        #expect(policy.ghostCount == 2)
        // The same thing under another identifier, as when it is fetched anew.
        policy.insert(id(99), bytes: 100, name: 7)
        #expect(policy.main.count == 1)
        policy.insert(id(98), bytes: 100, name: 1234)
        #expect(policy.main.count == 1)
        policy.remove(id(2))
        #expect(policy.ghostCount == 1)
    }

    @Test func `a use announces the next segments of the body, which are spared once`() {
        // Two segments in front of a use: a thirty-second of the store.
        var policy = EvictionPolicy(bytesMax: 6400)
        for index in 0..<6 { policy.insert(id(1, index), bytes: 100) }
        for number in 2...5 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        policy.use(id(1, 2))
        for victim in policy.victims(bytes: 300) { policy.evicted(victim.id) }
        #expect((0..<6).map { policy.contains(id(1, $0)) } == [false, false, true, true, true, false])
        // In a store that holds less than 32 of them, a use announces none.
        var tiny = EvictionPolicy(bytesMax: 3000)
        for index in 0..<6 { tiny.insert(id(1, index), bytes: 100) }
        tiny.use(id(1, 2))
        #expect(tiny.victims(bytes: 300).map(\.id.index) == [0, 1, 3])
    }

    @Test func `a flag that only the owner has spares as a use does`() {
        var policy = EvictionPolicy(bytesMax: 1000)
        for number in 1...4 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        var asked: [UInt64] = []
        let victims = policy.victims(bytes: 200) { unit in
            asked.append(unit.response.rawValue)
            return unit.response.rawValue == 2 && asked.count == 2
        }
        #expect(victims.map(\.id) == [id(1), id(3)])
        #expect(asked == [1, 2, 3])
    }

    // MARK: Against a model

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `a random history leaves the units and octets that a model has`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var policy = EvictionPolicy(bytesMax: 3000)
        var model: [SegmentID: Int64] = [:]
        for step in 0..<1000 {
            let unit = id(.random(in: 1...12, using: &generator), .random(in: -1...5, using: &generator))
            let bytes = Int64.random(in: 0...200, using: &generator)
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<4:
                policy.insert(unit, bytes: bytes)
                model[unit] = bytes
            case 4..<7: policy.use(unit)
            case 7:
                policy.resize(unit, bytes: bytes)
                if model[unit] != nil { model[unit] = bytes }
            case 8:
                policy.remove(unit)
                model[unit] = nil
            case 9:
                policy.remove(unit.response)
                model = model.filter { $0.key.response != unit.response }
            case 10:
                policy.restore(unit, bytes: bytes, wasUsedAgain: step % 2 == 0)
                if model[unit] == nil { model[unit] = bytes }
            default:
                let victims = policy.victims(bytes: bytes, count: step % 3)
                let total = model.values.reduce(0, +)
                let freed = victims.reduce(0) { $0 + $1.bytes }
                #expect(Set(victims.map(\.id)).count == victims.count, "seed \(seed), step \(step)")
                #expect(victims.allSatisfy { model[$0.id] == $0.bytes }, "seed \(seed), step \(step)")
                #expect(freed >= min(bytes, total), "seed \(seed), step \(step)")
                #expect(victims.count >= min(step % 3, model.count), "seed \(seed), step \(step)")
                for victim in victims where Bool.random(using: &generator) {
                    policy.evicted(victim.id)
                    model[victim.id] = nil
                }
            }
            #expect(policy.count == model.count, "seed \(seed), step \(step)")
            #expect(policy.bytes == model.values.reduce(0, +), "seed \(seed), step \(step)")
            #expect(policy.contains(unit) == (model[unit] != nil), "seed \(seed), step \(step)")
        }
        #expect(Set(policy.victims(bytes: .max).map(\.id)) == Set(model.keys), "seed \(seed)")
    }

    // MARK: Properties

    @Test(arguments: [1, 2] as [UInt64])
    func `a store never exceeds its size, evicts whenever asked, and remembers a bounded number`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytesMax: Int64 = 100_000
        var policy = EvictionPolicy(bytesMax: bytesMax)
        for step in 0..<8000 {
            // Popular ones, ever new ones, and runs of segments.
            let unit =
                switch step % 3 {
                case 0: id(.random(in: 1...50, using: &generator))
                case 1: id(UInt64(step) + 1000)
                default: id(1 << 40 | UInt64(step / 300), step / 3 % 100)
                }
            _ = request(unit, bytes: .random(in: 1...3000, using: &generator), &policy, bytesMax: bytesMax)
            #expect(policy.bytes <= bytesMax, "seed \(seed)")
            #expect(policy.ghostCount <= max(32, policy.count), "seed \(seed)")
            #expect(policy.smallBytesMax >= bytesMax / 100 && policy.smallBytesMax <= bytesMax / 10 * 9)
        }
        #expect(policy.victims(bytes: 1).count == 1)
    }

    @Test func `even if all is used as fast as it is looked at, something is named`() {
        var policy = EvictionPolicy(bytesMax: 1000)
        for number in 1...10 as ClosedRange<UInt64> { policy.insert(id(number), bytes: 100) }
        #expect(policy.victims(bytes: 1) { _ in true }.count == 1)
        #expect(policy.victims(bytes: .max) { _ in true }.count == 10)
        var empty = EvictionPolicy(bytesMax: 1000)
        #expect(empty.victims(bytes: 1, count: 1).isEmpty)
    }

    @Test(arguments: ["small responses", "films", "one segment each, not the first"])
    func `a unit takes no more than 96 octets of memory, with its ghosts`(_ kind: String) {
        let bytesMax: Int64 = 6000 * 100
        var policy = EvictionPolicy(bytesMax: bytesMax)
        for number in 0..<15_000 as Range<UInt64> {
            let unit =
                switch kind {
                case "films": id(number / 150, Int(number % 150))
                case "small responses": id(number, -1)
                default: id(number, 7)
                }
            _ = request(unit, bytes: 100, &policy, bytesMax: bytesMax)
            guard number > 100, number % 97 == 0 else { continue }
            let (count, memoryBytes) = (policy.count, policy.memoryBytes)
            #expect(memoryBytes <= 96 * count, "\(kind): \(count) units, \(memoryBytes) octets")
        }
        #expect(policy.count == 6000)
        #expect(policy.ghostCount >= 1200)
    }

    @Test func `a segment far behind the others is removed with its response at no great cost`() {
        var policy = EvictionPolicy(bytesMax: 1 << 40)
        for index in [0, 5, Int(Int32.max)] { policy.insert(id(1, index), bytes: 100) }
        policy.insert(id(2, 3), bytes: 50)
        // It has no number in the policy, and so is not in it.
        policy.insert(id(2, Int(Int32.max) + 1), bytes: 50)
        policy.remove(ResponseID(rawValue: 1))
        #expect(policy.count == 1)
        #expect(policy.bytes == 50)
    }

    // MARK: What media do

    @Test func `a scan does not flush what is popular`() {
        var generator = SeededGenerator(seed: 5)
        let bytesMax: Int64 = 1000 * 100
        var policy = EvictionPolicy(bytesMax: bytesMax)
        for _ in 0..<20_000 {
            _ = request(id(.random(in: 1...500, using: &generator)), bytes: 100, &policy, bytesMax: bytesMax)
        }
        for number in 0..<10_000 as Range<UInt64> {
            _ = request(id(1 << 32 | number), bytes: 100, &policy, bytesMax: bytesMax)
        }
        let left = (1...500).filter { policy.contains(id(UInt64($0))) }.count
        #expect(left >= 490, "\(left) of 500 are left")
    }

    @Test func `what many follow closely stays until they have had it, as LRU would have it`() {
        // Each unit is asked for again after 600 others, and never after that.
        let bytesMax: Int64 = 1000 * 100
        var policy = EvictionPolicy(bytesMax: bytesMax)
        var hits = 0
        for number in 0..<20_000 as Range<UInt64> {
            _ = request(id(number + 600), bytes: 100, &policy, bytesMax: bytesMax)
            if request(id(number), bytes: 100, &policy, bytesMax: bytesMax) { hits += 1 }
        }
        #expect(hits >= 17_000, "\(hits) of 20000")
    }

    @Test func `after a restart what was used again outlives what was not`() {
        var policy = EvictionPolicy(bytesMax: 100 * 100)
        for number in 1...100 as ClosedRange<UInt64> {
            policy.restore(id(number), bytes: 100, wasUsedAgain: number % 4 == 0)
        }
        let order = policy.victims(bytes: 100 * 100).map(\.id.response.rawValue)
        #expect(order.prefix(50).allSatisfy { $0 % 4 != 0 })
        #expect(order.prefix(50).elementsEqual(order.prefix(50).sorted()), "the oldest first")
        #expect(order.count == 100)
    }

    @Test func `what is stored while a restart is going on counts as newer than what was there`() {
        var policy = EvictionPolicy(bytesMax: 1000 * 100)
        for number in 1...10 as ClosedRange<UInt64> { policy.restore(id(number), bytes: 100, wasUsedAgain: false) }
        policy.insert(id(100), bytes: 100)
        policy.remove(id(10))
        for number in 11...20 as ClosedRange<UInt64> { policy.restore(id(number), bytes: 100, wasUsedAgain: false) }
        policy.insert(id(101), bytes: 100)
        let order = policy.victims(bytes: .max).map(\.id.response.rawValue)
        #expect(order == Array(1...9) + Array(11...20) + [100, 101])
    }
}
