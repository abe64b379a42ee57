// Rings of many nodes: how far it is to a key, what is found while nodes come and go, and what is lost when many die.

import PeerNetwork

/// A chord table that is shared out among many nodes of our own.
package struct ChordRun {
    private var network: SimulatedNetwork<ChordRules>
    private var generator: SeededNumbers
    private var alive: [Int] = []
    private let id = NetworkID(subnet: "chord", isEncrypted: false)

    /// A ring of so many nodes, which came one after the other, each told of one that was there.
    package init(nodes: Int, seed: UInt64, settleSeconds: Int = 60) {
        network = SimulatedNetwork<ChordRules>(seed: seed)
        generator = SeededNumbers(seed: ~seed)
        for number in 0..<nodes {
            add()
            network.run(for: number < 64 ? 500 : 20)
        }
        network.run(for: 1000 * settleSeconds)
    }

    private mutating func add() {
        let id = id
        let node = network.add { address, seed in
            let node = NodeID(host: address.host, port: address.port, network: id, salt: "\(seed)")
            let identity = NodeIdentity(id: node, network: id, address: address, methods: [])
            return ChordRules(MeshStateMachine(identity, NodeConfiguration(), seed: seed))
        }
        network.perform(at: node) { rules, now, actions in rules.setStoring(true, at: now, &actions) }
        for other in alive.isEmpty ? [] : (0..<2).map({ _ in alive.randomElement(using: &generator) ?? 0 }) {
            let address = network.address(of: other)
            network.perform(at: node) { rules, now, actions in rules.mesh.connect(to: address, at: now, &actions) }
        }
        alive.append(node)
    }

    private static func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

    /// How many know who comes next on the ring.
    package var rightSuccessors: Int {
        let ids = alive.map { network.rules(of: $0).mesh.identity.id }.sorted(by: ChordRules.isBefore)
        var next: [NodeID: NodeID] = [:]
        for (index, id) in ids.enumerated() { next[id] = ids[(index + 1) % ids.count] }
        return alive.count { node in
            let rules = network.rules(of: node)
            return rules.successor == next[rules.mesh.identity.id]
        }
    }

    /// Steps to the owners of keys, on average; nil for those that nobody says anything about.
    package mutating func hops(lookUps: Int) -> Double {
        let heard = Tally()
        for number in 0..<lookUps {
            let node = alive.randomElement(using: &generator) ?? 0
            network.perform(at: node) { rules, now, actions in
                rules.locate(Self.key(number), at: now, &actions) { location in
                    if let location { heard.add(location.hops) }
                }
            }
            network.run(for: 10)
        }
        network.run(for: 10_000)
        return heard.count == lookUps ? Double(heard.sum) / Double(lookUps) : .infinity
    }

    /// Gives so many keys their values, from nodes here and there; how many writers were told that it was done.
    package mutating func fill(_ keys: Int) -> Int { fill(0..<keys) }

    private mutating func fill(_ keys: Range<Int>) -> Int {
        let done = Tally()
        for number in keys {
            let node = alive.randomElement(using: &generator) ?? 0
            network.perform(at: node) { rules, now, actions in
                let value = MessageValue.integer(Int64(number))
                try? rules.place(value, at: Self.key(number), at: now, &actions) { if $0 { done.add(1) } }
            }
            network.run(for: 10)
        }
        network.run(for: 10_000)
        return done.count
    }

    /// Looks up keys here and there while nodes die and others come, so that half of them are there for no longer than
    /// `medianSeconds`.
    ///
    /// What a node asks that dies before it has the answer counts for nothing.
    package mutating func churn(keys: Int, lookUps: Int, seconds: Int, medianSeconds: Int) -> (right: Int, wrong: Int) {
        let (right, wrong) = (Tally(), Tally())
        // In a step of 20 ms each dies with this chance.
        let chance = 0.6931 / Double(medianSeconds) / 50
        let steps = seconds * 50
        for step in 0..<steps {
            for node in alive where Double.random(in: 0..<1, using: &generator) < chance {
                network.crash(node)
                alive.removeAll { $0 == node }
                add()
            }
            network.run(for: 20)
            guard step * lookUps / steps != (step + 1) * lookUps / steps else { continue }
            for _ in step * lookUps / steps..<(step + 1) * lookUps / steps {
                let node = alive.randomElement(using: &generator) ?? 0
                guard network.rules(of: node).isOnRing else { continue }
                lookUp(Int.random(in: 0..<keys, using: &generator), at: node, right, wrong)
            }
        }
        network.run(for: 15_000)
        return (right.count, wrong.count)
    }

    private mutating func lookUp(_ number: Int, at node: Int, _ right: Tally, _ wrong: Tally) {
        network.perform(at: node) { rules, now, actions in
            rules.find(Self.key(number), within: 10, at: now, &actions) { value in
                if value == .integer(Int64(number)) { right.add(1) } else { wrong.add(1) }
            }
        }
    }

    /// Half of the nodes die at once: how many keys are lost with them in the table of SHA-256, and how many are found a minute
    /// later in whichever tables.
    package mutating func halve(keys: Int) -> (lost: Int, found: Int) {
        let dead = Set(alive.shuffled(using: &generator).prefix(alive.count / 2))
        for node in dead { network.crash(node) }
        alive.removeAll { dead.contains($0) }
        return settle(keys: keys)
    }

    /// Of each `run` nodes in a row all but one die at once; what then, as ``halve(keys:)`` has it.
    package mutating func thin(keys: Int, run: Int) -> (lost: Int, found: Int) {
        let ring = alive.sorted {
            ChordRules.isBefore(network.rules(of: $0).mesh.identity.id, network.rules(of: $1).mesh.identity.id)
        }
        let dead = Set(ring.indices.filter { $0 % run != 0 }.map { ring[$0] })
        for node in dead { network.crash(node) }
        alive.removeAll { dead.contains($0) }
        return settle(keys: keys)
    }

    private mutating func settle(keys: Int) -> (lost: Int, found: Int) {
        let left = (0..<keys).count { number in alive.contains { network.rules(of: $0).holds(Self.key(number)) } }
        pass(seconds: 60)
        return (keys - left, find(keys))
    }

    /// Lets time pass.
    package mutating func pass(seconds: Int) {
        network.run(for: 1000 * seconds)
    }

    /// Divides the nodes in two for a minute and lets another pass; how many of those who set keys meanwhile, on either side,
    /// were told that it was done.
    package mutating func divide(keys: Range<Int>) -> Int {
        network.divide { $0 % 2 }
        pass(seconds: 30)
        let done = fill(keys)
        pass(seconds: 20)
        network.divide(nil)
        pass(seconds: 60)
        return done
    }

    /// How many of so many keys are found, each by some node.
    package mutating func find(_ keys: Int) -> Int {
        let (right, wrong) = (Tally(), Tally())
        for number in 0..<keys {
            lookUp(number, at: alive.randomElement(using: &generator) ?? 0, right, wrong)
            network.run(for: 10)
        }
        pass(seconds: 15)
        return right.count
    }

    static func show(nodes: Int, seed: UInt64) {
        var ring = ChordRun(nodes: nodes, seed: seed)
        print("ring of \(nodes) nodes, seed \(seed): \(ring.rightSuccessors) know who comes next")
        print("steps to the owner of a key, mean of 2000: \(ring.hops(lookUps: 2000))")
        let keys = 2000
        print("\(keys) keys set: \(ring.fill(keys)) are said to be in their places")
        ring.network.run(for: 20_000)
        let churned = ring.churn(keys: keys, lookUps: 10_000, seconds: 60, medianSeconds: 60)
        let share = Double(churned.right) / Double(churned.right + churned.wrong)
        print(
            "a minute with sessions of 60 s (median): \(churned.right) look-ups gave the value, \(churned.wrong) not: \(share)"
        )
        ring.network.run(for: 60_000)
        print("a minute later \(ring.rightSuccessors) of \(nodes) know who comes next")
        let halved = ring.halve(keys: keys)
        print("half of them die at once: of \(keys) keys \(halved.lost) are lost in one table; found: \(halved.found)")
        var other = ChordRun(nodes: nodes, seed: seed + 1)
        _ = other.fill(keys)
        other.network.run(for: 20_000)
        let thinned = other.thin(keys: keys, run: 8)
        print("7 of each 8 in a row die at once: \(thinned.lost) are lost in one table; found: \(thinned.found)")
    }
}

/// What came back, from closures.
private final class Tally: @unchecked Sendable {
    // One thread alone plays a network.
    var count = 0
    var sum = 0

    func add(_ number: Int) {
        count += 1
        sum += number
    }
}
