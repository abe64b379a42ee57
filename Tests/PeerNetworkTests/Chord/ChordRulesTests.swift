// Where keys are on the ring, who has them, and how they come to who joins.

import Testing

@testable import PeerNetwork

@Suite struct ChordRulesTests {
    /// The base 58 positions of "ka" in the sha1 table, of the captured frames.
    @Test func `a key is where py2p has it`() {
        let position = ChordTable.sha1.position(of: Array("ka".utf8))
        let text = String(decoding: position.base58, as: UTF8.self)
        #expect(text == "8k5SS5CjigCZfdmnHTEU3hsbsvXa7mFkeejVsYTaM1DUk4pJFWzuMAv7TaBJWAVVD9")
        #expect(RingNumber(base58: position.base58) == position)
    }

    @Test(arguments: [(1, 5, 4), (5, 5, 0), (0, 255, 255)] as [(UInt8, UInt8, UInt8)])
    func `a distance is clockwise`(_ from: UInt8, _ to: UInt8, _ distance: UInt8) throws {
        let (a, b) = (try #require(RingNumber([from])), try #require(RingNumber([to])))
        #expect(a.distance(to: b) == RingNumber([distance]))
    }

    @Test func `a distance goes around the ring, and counts the low 384 bits alone`() throws {
        let (one, two) = (try #require(RingNumber([1])), try #require(RingNumber([2])))
        #expect(two.distance(to: one) == RingNumber([UInt8](repeating: 0xff, count: 48)))
        let high = try #require(RingNumber([1] + [UInt8](repeating: 0, count: 48)))
        #expect(high.distance(to: one) == one)
        #expect(RingNumber([UInt8](repeating: 0, count: 65)) == nil)
    }

    private static func node(_ name: String, isStoring: Bool = true) -> Node<ChordRules> {
        let node = Node(ChordRules(MeshStateMachine(.named(name, subnet: "chord"), NodeConfiguration(), seed: 1)))
        if isStoring { node.perform { rules, now, actions in rules.setStoring(true, at: now, &actions) } }
        return node
    }

    private static func set(_ node: Node<ChordRules>, _ key: String, _ value: MessageValue) throws {
        try node.perform { rules, now, actions throws(PeerNetworkError) in
            try rules.set(Array(key.utf8), to: value, at: now, &actions)
        }
    }

    /// A neighbour that says that it holds a part.
    private static func meet(_ node: Node<ChordRules>, _ name: String) -> LinkID {
        let link = node.meet(name, subnet: "chord")
        node.receive(.whisper("0", from: name, subFlag: 5), on: link)
        _ = node.taken()
        return link
    }

    @Test func `a node says what it holds and which keys it knows`() throws {
        let node = Self.node("me")
        try Self.set(node, "k", "v")
        #expect(node.rules.held.count == 5 && node.told == ["k added"])
        _ = node.taken()
        let link = node.meet("a", subnet: "chord")
        #expect(node.sent(on: link).contains("2/5 0"))
        // Once it is clear that the neighbour is not of our own kind.
        node.pass(seconds: 1)
        #expect(node.sent(on: link).contains("2/6 k"))
    }

    @Test func `of two that hold parts each has what is behind its place and before the other's`() throws {
        let node = Self.node("me")
        for number in 0..<40 { try Self.set(node, "k\(number)", "v") }
        #expect(node.rules.held.count == 200)
        _ = node.taken()
        let link = node.meet("zzzzzzzz", subnet: "chord")
        _ = node.taken()
        node.receive(.whisper("0", from: "zzzzzzzz", subFlag: 5), on: link)
        let moved = node.sent(on: link).filter { $0.hasPrefix("2/11 ") }
        // What py2p does: the old holder keeps a copy.
        #expect(node.rules.held.count == 200 && !moved.isEmpty)
        let (own, other) = (
            try #require(RingNumber(base58: Array("me".utf8))), try #require(RingNumber(base58: Array("zzzzzzzz".utf8)))
        )
        let expected = node.rules.held.keys.filter { other.distance(to: $0.position) < own.distance(to: $0.position) }
        #expect(moved.count == expected.count)
    }

    @Test func `who holds nothing any more has handed all of it on`() throws {
        let node = Self.node("me")
        try Self.set(node, "k", "v")
        let link = Self.meet(node, "a")
        node.perform { rules, now, actions in rules.setStoring(false, at: now, &actions) }
        #expect(node.rules.held.isEmpty)
        #expect(node.sent(on: link).filter { $0.hasPrefix("2/11 ") }.count == 5)
        #expect(node.sent(on: link).contains("2/5 1"))
    }

    @Test func `alone, a node that holds no part keeps what it is told until somebody does`() throws {
        let node = Self.node("me", isStoring: false)
        try Self.set(node, "k", "v")
        #expect(node.rules.held.count == 5)
        let link = node.meet("a", subnet: "chord")
        _ = node.taken()
        node.receive(.whisper("0", from: "a", subFlag: 5), on: link)
        #expect(node.rules.held.isEmpty)
        #expect(node.sent(on: link).filter { $0.hasPrefix("2/11 ") }.count == 5)
    }

    @Test func `a look-up ends when three tables agree, and when nobody has anything`() throws {
        let node = Self.node("me", isStoring: false)
        let link = Self.meet(node, "a")
        let found = Found()
        for answers in [["v", nil, "w", "v", "v"], ["v", "v", nil, nil, nil], [nil, nil, nil, nil, nil]] as [[String?]]
        {
            _ = node.taken()
            node.perform { rules, now, actions in
                rules.find(Array("k".utf8), within: 10, at: now, &actions) { found.values.append($0?.text) }
            }
            let asked = node.actions.compactMap { action -> PeerMessage? in
                guard case .send(link, let message, _) = action else { return nil }
                return message
            }
            #expect(asked.count == 5 && asked.allSatisfy { $0.subFlag == 12 })
            _ = node.taken()
            for (message, answer) in zip(asked, answers) {
                let value = answer.map { MessageValue.text($0) } ?? .null
                node.receive(PeerMessage(2, 13, from: NodeID("a"), at: node.now, message.payload + [value]), on: link)
            }
            node.pass(seconds: 2)
            for case .call(let body) in node.taken() { body() }
        }
        #expect(found.values == ["v", nil, nil])
    }

    @Test func `nothing there may be followed by the value`() throws {
        let node = Self.node("me", isStoring: false)
        let link = Self.meet(node, "a")
        let found = Found()
        node.perform { rules, now, actions in
            rules.find(Array("k".utf8), within: 10, at: now, &actions) { found.values.append($0?.text) }
        }
        let asked = node.taken().compactMap { action -> PeerMessage? in
            guard case .send(link, let message, _) = action else { return nil }
            return message
        }
        for value in [MessageValue.null, "v"] {
            for message in asked {
                node.receive(PeerMessage(2, 13, from: NodeID("a"), at: node.now, message.payload + [value]), on: link)
            }
        }
        for case .call(let body) in node.taken() { body() }
        #expect(found.values == ["v"])
    }

    @Test func `what is in another's part is asked for there, and the answer goes back to who asked`() throws {
        // Of the three the asker is between the two that hold parts.
        let node = Self.node("me", isStoring: false)
        let (holder, asker) = (Self.meet(node, "a"), node.meet("b", subnet: "chord"))
        _ = node.taken()
        let slot: [MessageValue] = [.binary(Array("sha1".utf8)), .binary(Array("zz".utf8))]
        node.receive(PeerMessage(2, 12, from: NodeID("b"), at: node.now, slot), on: asker)
        #expect(node.sent(on: holder) == ["2/12 sha1 zz"])
        #expect(node.sent(on: asker).isEmpty)
        _ = node.taken()
        node.receive(PeerMessage(2, 13, from: NodeID("a"), at: node.now, slot + ["v"]), on: holder)
        #expect(node.sent(on: asker) == ["2/13 sha1 zz v"])
    }

    @Test func `of two values within a second the second counts, also where this node holds nothing of the key`() throws
    {
        let node = Self.node("me", isStoring: false)
        _ = Self.meet(node, "a")
        var versions: [RingVersion] = []
        for _ in 0..<3 {
            versions.append(node.perform { rules, now, _ in rules.newVersion(after: nil, at: now) })
        }
        #expect(versions == versions.sorted() && Set(versions).count == 3)
    }

    @Test func `a neighbour is told to empty a slot once it has said that there is something in it`() throws {
        let node = Self.node("me", isStoring: false)
        let link = Self.meet(node, "a")
        try Self.set(node, "k", "v")
        _ = node.taken()
        try node.perform { rules, now, actions throws(PeerNetworkError) in
            try rules.remove(Array("k".utf8), at: now, &actions)
        }
        let asked = node.taken().compactMap { action -> PeerMessage? in
            guard case .send(link, let message, _) = action, message.subFlag == SubFlag.retrieve else { return nil }
            return message
        }
        #expect(asked.count == 5)
        for (number, message) in asked.enumerated() {
            let value: MessageValue = number == 0 ? .null : "v"
            node.receive(PeerMessage(2, 13, from: NodeID("a"), at: node.now, message.payload + [value]), on: link)
        }
        #expect(node.sent(on: link).filter { $0.hasPrefix("2/11 ") && $0.hasSuffix(" nil") }.count == 4)
    }

    @Test func `a look-up is answered although another of the ring waits for the same neighbour`() throws {
        let node = Self.node("me")
        try Self.set(node, "k", "v")
        let link = Self.meet(node, "zzzzzzzz")
        let slot = try #require(
            ChordRules.slots(of: Array("k".utf8)).first { node.rules.holder(of: $0) == .neighbour(NodeID("zzzzzzzz")) }
        )
        node.perform { rules, now, actions in
            rules.takeRequest(.init(nonce: 1, slot: slot, hops: 0), at: now, &actions)
        }
        let found = Found()
        node.perform { rules, now, actions in
            rules.find(Array("k".utf8), within: 9, at: now, &actions) { found.values.append($0?.text) }
        }
        for other in ChordRules.slots(of: Array("k".utf8)) {
            node.receive(PeerMessage(2, 13, from: NodeID("zzzzzzzz"), at: node.now, other.values + [.null]), on: link)
        }
        for case .call(let body) in node.taken() { body() }
        #expect(found.values == ["v"])
        // Nothing of it is left: this slot has answered too.
        #expect(node.rules.searches.isEmpty)
    }

    @Test func `a value that is too large to be sent with others is refused, and not taken`() throws {
        let node = Self.node("me")
        let large = MessageValue.binary([UInt8](repeating: 0, count: 4 << 20))
        let many = MessageValue.array([MessageValue](repeating: 0, count: 1 << 16))
        for value in [large, many] {
            #expect(throws: PeerNetworkError.self) { try Self.set(node, "k", value) }
            let link = Self.meet(node, "a")
            let slot = ChordRules.slots(of: Array("k".utf8))[0]
            node.receive(PeerMessage(2, 11, from: NodeID("a"), at: node.now, slot.values + [value]), on: link)
        }
        #expect(node.rules.held.isEmpty)
    }

    @Test func `whoever waits for something when a node closes is told, and who comes then too`() {
        let node = Self.node("me", isStoring: false)
        _ = Self.meet(node, "a")
        let found = Found()
        func ask() {
            node.perform { rules, now, actions in
                rules.find(Array("k".utf8), within: .max, at: now, &actions) { found.values.append($0?.text) }
                rules.locate(Array("k".utf8), at: now, &actions) { found.values.append($0.map { "\($0.owner)" }) }
                try? rules.change(Array("k".utf8), by: [], at: now, &actions) { found.values.append("\($0)") }
            }
        }
        ask()
        node.perform { rules, _, actions in rules.closeAll(&actions) }
        ask()
        for case .call(let body) in node.taken() { body() }
        #expect(found.values.count == 6)
        #expect(node.rules.searches.isEmpty && node.rules.writes.isEmpty && node.rules.locations.isEmpty)
    }

    @Test(arguments: [true, false])
    func `a change that is made nowhere is not said to be made`(_ isStoring: Bool) throws {
        let node = Self.node("me", isStoring: isStoring)
        let found = Found()
        try Self.set(node, "text", "v")
        for (key, entries) in [("text", [MessageValue.Entry("a", 1)]), ("map", [MessageValue.Entry("a", 1)])] {
            try node.perform { rules, now, actions throws(PeerNetworkError) in
                try rules.change(Array(key.utf8), by: entries, at: now, &actions) {
                    found.values.append("\(key) \($0)")
                }
            }
        }
        for case .call(let body) in node.taken() { body() }
        #expect(found.values == ["text false", "map true"])
        #expect(Set(node.rules.held.values) == ["v", .map([MessageValue.Entry("a", 1)])])
    }

    @Test(arguments: [["sha3", "zz", "v"], ["sha1", "0", "v"], ["sha1"], [1, 2, 3]] as [[MessageValue]])
    func `a table or a place that there is not is ignored`(_ payload: [MessageValue]) {
        let node = Self.node("me")
        let link = Self.meet(node, "a")
        for flag in [11, 12, 13, 17] as [Int64] {
            node.receive(PeerMessage(2, flag, from: NodeID("a"), at: node.now, payload), on: link)
        }
        #expect(node.taken().isEmpty && node.rules.held.isEmpty)
    }
}

private final class Found: @unchecked Sendable {
    // One thread alone plays a test of rules.
    var values: [String?] = []
}
