// Figures of networks too large to start: how far a message gets, and how often each node is sent it.

import PeerNetwork

@main
enum NetworkSimulator {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        guard words.count <= 3, words.first.map({ ["mesh", "sync", "chord"].contains($0) }) ?? true else {
            print("usage: network-simulator [mesh [NODES [MESSAGES]] | sync [SEEDS] | chord [NODES [SEED]]]")
            return
        }
        let numbers = words.dropFirst().compactMap { Int($0) }
        if words.first == "chord" || words.isEmpty {
            ChordRun.show(nodes: numbers.first ?? 4096, seed: UInt64(numbers.dropFirst().first ?? 1))
        }
        if words.first == "mesh" || words.isEmpty {
            MeshRun.show(nodes: numbers.first ?? 10_000, messages: numbers.dropFirst().first ?? 10)
        }
        if words.first == "sync" || words.isEmpty { SyncRun.show(seeds: numbers.first ?? 1000) }
    }
}

/// A mesh of many nodes in which some tell everybody something.
package enum MeshRun {
    /// What came of it.
    package struct Outcome: Sendable {
        package var nodes = 0
        package var messages = 0
        /// How many were heard by all.
        package var heardByAll = 0
        /// Arrivals of one message at one node, on average.
        package var copiesPerNode = 0.0
        /// From the sending to the last arrival, on average, in delays of one link.
        package var rounds = 0.0
    }

    /// Makes a mesh in which each node was told of one other, chosen by lot, and tells `messages` things in it.
    package static func play(nodes: Int, messages: Int, seed: UInt64) -> Outcome {
        var generator = SeededNumbers(seed: ~seed)
        var network = network(of: nodes, seed: seed, &generator)
        let heard = Heard(&network)
        var outcome = Outcome()
        (outcome.nodes, outcome.messages) = (nodes, messages)
        // The tree grows with the first.
        for _ in 0..<5 {
            network.perform(at: Int.random(in: 0..<nodes, using: &generator)) { rules, now, actions in
                _ = rules.mesh.broadcast([.null], at: now, &actions)
            }
            network.run(for: 3000)
        }
        let before = network.copiesCount
        for number in 0..<messages {
            let start = network.time
            let sender = Int.random(in: 0..<nodes, using: &generator)
            let message = network.perform(at: sender) { rules, now, actions in
                rules.mesh.broadcast([.integer(Int64(number))], at: now, &actions)
            }
            network.run(for: 2000)
            let (count, last) = heard.reach(of: message.id)
            if count == nodes - 1 { outcome.heardByAll += 1 }
            outcome.rounds += Double(last - start) / 10 / Double(messages)
        }
        outcome.copiesPerNode = Double(network.copiesCount - before) / Double(nodes) / Double(messages)
        return outcome
    }

    /// How many of `messages`, said at nodes drawn by lot while the mesh was in two parts for `seconds`, all nodes have heard
    /// half a minute after it was one again.
    ///
    /// Links break by lot all the while, too.
    package static func playDivided(nodes: Int, messages: Int, seconds: Int, seed: UInt64) -> Int {
        var generator = SeededNumbers(seed: ~seed)
        var network = network(of: nodes, seed: seed, &generator)
        let heard = Heard(&network)
        network.conditions.breaksPerMillion = 2000
        let half = nodes / 2
        network.divide { $0 < half ? 0 : 1 }
        var ids: [MessageID] = []
        for number in 0..<messages {
            let sender = Int.random(in: 0..<nodes, using: &generator)
            ids.append(
                network.perform(at: sender) { rules, now, actions in
                    rules.mesh.broadcast([.integer(Int64(number))], at: now, &actions).id
                }
            )
            network.run(for: seconds * 1000 / messages)
        }
        network.divide(nil)
        network.run(for: 30_000)
        return ids.count { heard.reach(of: $0).count == nodes - 1 }
    }

    /// A mesh in which each node was told of one other, chosen by lot; each message takes 10 ms.
    private static func network(
        of nodes: Int,
        seed: UInt64,
        _ generator: inout SeededNumbers
    ) -> SimulatedNetwork<MeshRules> {
        var conditions = SimulatedNetwork<MeshRules>.Conditions()
        conditions.delay = 10...10
        var network = SimulatedNetwork<MeshRules>(seed: seed, conditions)
        let id = NetworkID(subnet: "mesh", isEncrypted: false)
        for _ in 0..<nodes {
            let node = network.add { address, seed in
                let node = NodeID(host: address.host, port: address.port, network: id, salt: "\(seed)")
                let identity = NodeIdentity(id: node, network: id, address: address, methods: [])
                return MeshRules(MeshStateMachine(identity, NodeConfiguration(), seed: seed))
            }
            guard node > 0 else { continue }
            let other = network.address(of: Int.random(in: 0..<node, using: &generator))
            network.perform(at: node) { rules, now, actions in rules.mesh.connect(to: other, at: now, &actions) }
            network.run(for: 5)
        }
        network.run(for: 5000)
        return network
    }

    static func show(nodes: Int, messages: Int) {
        let outcome = play(nodes: nodes, messages: messages, seed: 1)
        print("mesh of \(nodes) nodes, \(messages) messages, seed 1: heard by all: \(outcome.heardByAll)")
        print("copies of a message that a node is sent: \(outcome.copiesPerNode); rounds: \(outcome.rounds)")
    }
}

/// Who has heard what, and when.
private final class Heard {
    private var nodes: [MessageID: Set<Int>] = [:]
    private var last: [MessageID: Int] = [:]

    /// Notes what is heard in `network` from now on.
    init(_ network: inout SimulatedNetwork<MeshRules>) {
        network.told = { [self] node, event, time in
            if case .message(let message, _) = event { note(message.id, at: node, time) }
        }
    }

    func note(_ id: MessageID, at node: Int, _ time: Int) {
        nodes[id, default: []].insert(node)
        last[id] = time
    }

    func reach(of id: MessageID) -> (count: Int, last: Int) { (nodes[id]?.count ?? 0, last[id] ?? 0) }
}

/// Sync tables that are divided, and made one again.
package enum SyncRun {
    /// How long after the division was over all tables were equal, in milliseconds; nil if they were not in a minute.
    ///
    /// With `isRough` links break, clocks are off, and messages come twice or before their time.
    package static func play(nodes: Int, seed: UInt64, isRough: Bool = false) -> Int? {
        var conditions = SimulatedNetwork<SyncRules>.Conditions()
        if isRough {
            (conditions.breaksPerMillion, conditions.doublesPerMillion) = (2000, 20_000)
            (conditions.overtakesPerMillion, conditions.skewSecondsMax) = (20_000, 3)
        }
        var network = SimulatedNetwork<SyncRules>(seed: seed, conditions)
        var generator = SeededNumbers(seed: ~seed)
        let id = NetworkID(subnet: "sync1", isEncrypted: false)
        for _ in 0..<nodes {
            let node = network.add { address, seed in
                let node = NodeID(host: address.host, port: address.port, network: id, salt: "\(seed)")
                let identity = NodeIdentity(id: node, network: id, address: address, methods: [])
                return SyncRules(MeshStateMachine(identity, NodeConfiguration(), seed: seed), isLeasing: true)
            }
            guard node > 0 else { continue }
            let other = network.address(of: Int.random(in: 0..<node, using: &generator))
            network.perform(at: node) { rules, now, actions in rules.mesh.connect(to: other, at: now, &actions) }
        }
        network.run(for: 3000)
        let cut = Int.random(in: 1..<nodes, using: &generator)
        network.divide { $0 < cut ? 0 : 1 }
        for number in 0..<20 {
            let node = Int.random(in: 0..<nodes, using: &generator)
            network.perform(at: node) { rules, now, actions in
                try? rules.set(Array("\(node)-\(number)".utf8), to: .integer(Int64(number)), at: now, &actions)
            }
            network.run(for: 200)
        }
        network.run(for: 2000)
        network.divide(nil)
        let start = network.time
        while network.time < start + 60_000 {
            network.run(for: 10)
            let first = network.rules(of: 0).entries
            if (1..<nodes).allSatisfy({ network.rules(of: $0).entries == first }) { return network.time - start }
        }
        return nil
    }

    static func show(seeds: Int) {
        let times = (0..<seeds).map { play(nodes: 100, seed: UInt64($0)) }
        let equal = times.compactMap(\.self).sorted()
        let failed = times.indices.filter { times[$0] == nil }
        if !failed.isEmpty { print("not equal within a minute, seeds: \(failed)") }
        print("100 sync tables, \(seeds) seeds: equal again in \(equal.count)")
        if let last = equal.last { print("half of them within \(equal[equal.count / 2]) ms, all within \(last) ms") }
    }
}
