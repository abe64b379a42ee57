// Thousands of nodes in one process: messages take a while, links break, nodes come and go; all from one seed.

package import PeerNetwork

/// A network in which time passes only when nothing is left to do, and which is the same each time for the same seed.
package struct SimulatedNetwork<Rules: NodeRules> {
    /// What a message from one node to another meets with.
    package struct Conditions: Sendable {
        /// How long it takes, in milliseconds.
        package var delay: ClosedRange<Int> = 1...50
        /// How often, in a million messages, its link breaks instead.
        package var breaksPerMillion = 0
        /// How often, in a million messages, one arrives twice.
        package var doublesPerMillion = 0
        /// How often, in a million messages, one may arrive before those that were sent earlier.
        package var overtakesPerMillion = 0
        /// How far a node's clock may be off, in seconds.
        package var skewSecondsMax: Int64 = 0

        package init() {}
    }

    private final class Node {
        var rules: Rules
        let address: PeerAddress
        let skew: Int64
        var isUp = true
        /// Of each link: the other end, and when what was sent last arrives: nothing overtakes.
        var ends: [LinkID: End] = [:]

        init(rules: Rules, address: PeerAddress, skew: Int64) {
            (self.rules, self.address, self.skew) = (rules, address, skew)
        }
    }

    private struct End {
        let node: Int
        let link: LinkID
        var lastArrival = 0
    }

    private enum Happening {
        case knock(node: Int, link: LinkID, address: PeerAddress)
        case message(node: Int, link: LinkID, PeerMessage)
        case end(node: Int, link: LinkID)
        case tick(node: Int)
    }

    /// What is due, by a time, a number of its own, and where it stands.
    private struct Due {
        let time: Int
        let number: Int
        let place: Int
    }

    package var conditions: Conditions
    /// Milliseconds since the start.
    package private(set) var time = 0
    /// Messages that have arrived.
    package private(set) var arrivedCount = 0
    /// Those of them that are for all nodes.
    package private(set) var copiesCount = 0
    /// What nodes have told, by node.
    package var told: (Int, NodeEvent, Int) -> Void = { _, _, _ in }
    private var nodes: [Node] = []
    private var places: [PeerAddress: Int] = [:]
    private var heap: [Due] = []
    private var happenings: [Happening?] = []
    private var freePlaces: [Int] = []
    private var number = 0
    private var generator: SeededNumbers
    /// Nodes of different groups do not reach each other.
    private var groups: [Int: Int] = [:]

    package init(seed: UInt64, _ conditions: Conditions = Conditions()) {
        generator = SeededNumbers(seed: seed)
        self.conditions = conditions
    }

    package var count: Int { nodes.count }

    // MARK: What is done to it

    /// Adds a node, and says which it is; `make` is given its address and a seed.
    package mutating func add(_ make: (PeerAddress, UInt64) -> Rules) -> Int {
        let index = nodes.count
        let host = "10.\(index >> 16 & 0xff).\(index >> 8 & 0xff).\(index & 0xff)"
        guard let address = PeerAddress(host: host, port: 4444) else { return index }
        let skew = Int64.random(in: -conditions.skewSecondsMax...conditions.skewSecondsMax, using: &generator)
        nodes.append(Node(rules: make(address, generator.next()), address: address, skew: skew))
        places[address] = index
        schedule(Int.random(in: 0..<250, using: &generator), .tick(node: index))
        return index
    }

    package func address(of node: Int) -> PeerAddress { nodes[node].address }

    package func rules(of node: Int) -> Rules { nodes[node].rules }

    /// Has a node's rules decide something, at its own time.
    @discardableResult
    package mutating func perform<Result>(
        at node: Int,
        _ body: (inout Rules, Int64, inout [NodeAction]) throws -> Result
    ) rethrows -> Result {
        var actions: [NodeAction] = []
        defer { act(node, actions) }
        return try body(&nodes[node].rules, clock(of: node), &actions)
    }

    /// A node goes without a word.
    package mutating func crash(_ node: Int) {
        nodes[node].isUp = false
        for link in links(of: node) { cut(node, link) }
    }

    /// Nodes reach only those of the same group from now on; nil: all reach all.
    package mutating func divide(_ group: ((Int) -> Int)?) {
        groups = [:]
        guard let group else { return }
        for node in nodes.indices { groups[node] = group(node) }
        for node in nodes.indices {
            for link in links(of: node) where nodes[node].ends[link].map({ groups[node] != groups[$0.node] }) ?? false {
                cut(node, link)
            }
        }
    }

    /// In order: nothing may depend on how a dictionary is hashed.
    private func links(of node: Int) -> [LinkID] {
        nodes[node].ends.keys.sorted { $0.rawValue < $1.rawValue }
    }

    /// Lets so many milliseconds pass.
    package mutating func run(for milliseconds: Int) {
        let end = time + milliseconds
        while let due = heap.first, due.time <= end {
            removeFirst()
            time = due.time
            freePlaces.append(due.place)
            if let happening = happenings[due.place].take() { happen(happening) }
        }
        time = end
    }

    // MARK: What happens

    private func clock(of node: Int) -> Int64 { 1_800_000_000 + Int64(time / 1000) + nodes[node].skew }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .knock(let node, let link, let address): knock(node, link, address)
        case .message(let node, let link, let message):
            guard nodes[node].ends[link] != nil else { return }
            arrivedCount += 1
            if message.isForAll { copiesCount += 1 }
            perform(at: node) { rules, now, actions in
                let outcome = rules.mesh.received(message, on: link, at: now, &actions)
                rules.take(outcome, at: now, &actions)
            }
        case .end(let node, let link):
            guard nodes[node].isUp else { return }
            nodes[node].ends[link] = nil
            perform(at: node) { rules, now, actions in
                let outcome = rules.mesh.closed(link, at: now, &actions)
                rules.take(outcome, at: now, &actions)
            }
        case .tick(let node):
            guard nodes[node].isUp else { return }
            perform(at: node) { rules, now, actions in rules.tick(at: now, &actions) }
            schedule(250, .tick(node: node))
        }
    }

    private mutating func knock(_ node: Int, _ link: LinkID, _ address: PeerAddress) {
        guard nodes[node].isUp else { return }
        guard let other = places[address], nodes[other].isUp, groups[node] == groups[other] else {
            return happen(.end(node: node, link: link))
        }
        var actions: [NodeAction] = []
        let end = nodes[other].rules.mesh.accepted(at: clock(of: other), &actions)
        nodes[node].ends[link] = End(node: other, link: end)
        nodes[other].ends[end] = End(node: node, link: link)
        act(other, actions)
        perform(at: node) { rules, now, actions in rules.mesh.opened(link, at: now, &actions) }
    }

    private mutating func act(_ node: Int, _ actions: [NodeAction]) {
        for action in actions {
            switch action {
            case .dial(let link, let address):
                schedule(
                    Int.random(in: conditions.delay, using: &generator),
                    .knock(node: node, link: link, address: address)
                )
            case .send(let link, let message, _): send(message, node, link)
            case .close(let link, _): close(node, link)
            case .hurry: break
            case .tell(let event): told(node, event, time)
            case .call(let body): body()
            }
        }
    }

    private mutating func send(_ message: PeerMessage, _ node: Int, _ link: LinkID) {
        guard let end = nodes[node].ends[link] else { return }
        if happens(conditions.breaksPerMillion) { return cut(node, link) }
        let delay = Int.random(in: conditions.delay, using: &generator)
        let arrival = happens(conditions.overtakesPerMillion) ? time + delay : max(time + delay, end.lastArrival)
        nodes[node].ends[link]?.lastArrival = max(arrival, end.lastArrival)
        schedule(arrival - time, .message(node: end.node, link: end.link, message))
        guard happens(conditions.doublesPerMillion) else { return }
        let later = arrival - time + Int.random(in: conditions.delay, using: &generator)
        schedule(later, .message(node: end.node, link: end.link, message))
    }

    /// Draws a lot; none is drawn for what never happens.
    private mutating func happens(_ perMillion: Int) -> Bool {
        perMillion > 0 && Int.random(in: 0..<1_000_000, using: &generator) < perMillion
    }

    /// The node has closed its end: the other hears of it behind what was sent.
    private mutating func close(_ node: Int, _ link: LinkID) {
        guard let end = nodes[node].ends.removeValue(forKey: link) else { return }
        let delay = max(end.lastArrival - time, Int.random(in: conditions.delay, using: &generator))
        schedule(delay, .end(node: end.node, link: end.link))
    }

    /// Both ends hear that the link is gone, and nothing that was on its way.
    private mutating func cut(_ node: Int, _ link: LinkID) {
        guard let end = nodes[node].ends.removeValue(forKey: link) else { return }
        nodes[end.node].ends[end.link] = nil
        schedule(1, .end(node: node, link: link))
        schedule(1, .end(node: end.node, link: end.link))
    }

    // MARK: What is due

    private mutating func schedule(_ delay: Int, _ happening: Happening) {
        number += 1
        let place = freePlaces.popLast() ?? happenings.count
        if place == happenings.count { happenings.append(happening) } else { happenings[place] = happening }
        heap.append(Due(time: time + delay, number: number, place: place))
        var child = heap.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let child = children.min(by: { isEarlier($0, $1) }), isEarlier(child, parent) else { return }
            heap.swapAt(parent, child)
            parent = child
        }
    }

    private func isEarlier(_ a: Int, _ b: Int) -> Bool {
        (heap[a].time, heap[a].number) < (heap[b].time, heap[b].number)
    }
}
