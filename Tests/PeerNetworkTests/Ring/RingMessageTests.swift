// What a member of the ring makes of messages that others of our own would not send.

import Testing

@testable import PeerNetwork

@Suite struct RingMessageTests {
    /// A member with a neighbour of our own that is a member too.
    private static func node(frameBytesMax: Int = 16 << 20) -> (Node<ChordRules>, LinkID) {
        var configuration = NodeConfiguration()
        configuration.frameBytesMax = frameBytesMax
        let node = Node(ChordRules(MeshStateMachine(.named("me", subnet: "chord"), configuration, seed: 1)))
        node.perform { rules, now, actions in rules.setStoring(true, at: now, &actions) }
        let link = node.meet("peer", subnet: "chord")
        node.receive(.whisper(1, from: "peer", subFlag: SubFlag.hello), on: link)
        node.receive(.whisper("0", from: "peer", subFlag: SubFlag.handshake), on: link)
        _ = node.taken()
        return (node, link)
    }

    private static func receive(_ node: Node<ChordRules>, _ link: LinkID, _ flag: Int64, _ payload: [MessageValue]) {
        node.receive(PeerMessage(2, flag, from: NodeID("peer"), at: node.now, payload), on: link)
    }

    private static func entry(_ key: String, at time: Int64) -> [MessageValue] {
        let slot = ChordSlot(table: .sha1, position: ChordTable.sha1.position(of: Array(key.utf8)))
        return slot.values + RingEntry("v", RingVersion(time: time, number: 0, author: NodeID("peer"))).values
    }

    @Test func `what is said of many entries goes into small frames, and is the whole truth of a range each time`()
        throws
    {
        let (node, link) = Self.node(frameBytesMax: 64 << 10)
        for number in 0..<2000 {
            Self.receive(node, link, SubFlag.ringEntries, Self.entry("\(number)", at: node.now))
        }
        #expect(node.rules.ring.store.count == 2000)
        let place = MessageValue.binary(try #require(RingNumber(base58: Array("peer".utf8))).ringOctets)
        let sums = MessageValue.binary([UInt8](repeating: 7, count: 8 * RingStore.bucketCount))
        _ = node.taken()
        Self.receive(node, link, SubFlag.ringDigest, [place, place, sums])
        let told = node.messages(on: link)
        #expect(told.count > 3 && told.allSatisfy { $0.subFlag == SubFlag.ringVersions && $0.body.count <= 64 << 10 })
        #expect(told.reduce(0) { $0 + $1.payload.count - 3 } == 2000)
        // Who has the same misses nothing, and has nothing that the other misses.
        _ = node.taken()
        for message in told { Self.receive(node, link, SubFlag.ringVersions, message.payload) }
        #expect(node.sent(on: link).isEmpty, "\(node.sent(on: link).count)")
    }

    @Test func `a part of a value that nobody could take is refused`() {
        let (node, _) = Self.node()
        let error = #expect(throws: PeerNetworkError.self) {
            try node.perform { rules, now, actions throws(PeerNetworkError) in
                let many = MessageValue.array(Array(repeating: 0, count: 600_000))
                try rules.change([1], by: [MessageValue.Entry("a", many)], at: now, &actions)
            }
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func `a member that meets another asks it for its neighbours`() {
        let node = Node(ChordRules(MeshStateMachine(.named("me", subnet: "chord"), NodeConfiguration(), seed: 1)))
        node.perform { rules, now, actions in rules.setStoring(true, at: now, &actions) }
        let link = node.meet("peer", subnet: "chord")
        node.receive(.whisper(1, from: "peer", subFlag: SubFlag.hello), on: link)
        node.receive(.whisper("0", from: "peer", subFlag: SubFlag.handshake), on: link)
        #expect(node.sent(on: link).contains { $0.hasPrefix("2/\(SubFlag.ringAsk) ") })
    }

    @Test func `an entry from far ahead of the clock is not taken, and one of now is`() {
        let (node, link) = Self.node()
        Self.receive(node, link, SubFlag.ringEntries, Self.entry("a", at: node.now + 3601))
        #expect(node.rules.held.isEmpty)
        Self.receive(node, link, SubFlag.ringEntries, Self.entry("b", at: node.now + 3600))
        #expect(node.rules.held.count == 1)
    }

    @Test func `entries that are none are not taken, nor those behind them`() {
        let (node, link) = Self.node()
        Self.receive(node, link, SubFlag.ringEntries, Self.entry("a", at: node.now) + ["sha3", "zz", "v", "w"])
        #expect(node.rules.held.count == 1)
    }

    @Test func `a neighbour that is not of our own has no word on the ring`() {
        let (node, _) = Self.node()
        let stranger = node.meet("stranger", subnet: "chord")
        _ = node.taken()
        Self.receive(node, stranger, SubFlag.ringEntries, Self.entry("a", at: node.now))
        #expect(node.rules.held.isEmpty && node.sent(on: stranger).isEmpty)
    }

    @Test func `an entry that cannot be read hides none behind it`() {
        let (node, link) = Self.node()
        let odd = Self.entry("a", at: node.now).dropLast() + [.array([1, .integer(1 << 40), .binary([1])])]
        Self.receive(node, link, SubFlag.ringEntries, odd + Self.entry("b", at: node.now))
        #expect(node.rules.held.count == 1)
    }

    @Test func `what was taken out more than a day ago is not heard of again`() {
        let (node, link) = Self.node()
        for (age, count) in [(86_401, 0), (86_400, 1)] as [(Int64, Int)] {
            var payload = Self.entry("a", at: node.now - age)
            payload[2] = .null
            Self.receive(node, link, SubFlag.ringEntries, payload)
            #expect(node.rules.ring.store.count == count)
        }
    }

    @Test func `nobody is asked for in another's name`() {
        let (node, link) = Self.node()
        let forged: [MessageValue] = [.array([.binary(Array("other".utf8)), .array(["10.0.0.9", 9])]), 1]
        Self.receive(node, link, SubFlag.ringAsk, forged)
        #expect(node.sent(on: link).isEmpty && node.rules.ring.table.predecessor == nil)
    }

    @Test func `whatever is in a message of the ring, the node goes on`() {
        let (node, link) = Self.node()
        var generator = SeededNumbers(seed: 11)
        let parts: [MessageValue] = [
            .null, 0, 1, -1, .integer(.max), "sha1", .binary([]), .binary(generator.octets(8)),
            .binary(generator.octets(48)), .array([]), .map([]),
            .array([.binary(Array("zz".utf8)), .array(["h", 1])]),
            .array([1, 2, .binary(Array("zz".utf8))]),
        ]
        for flag in SubFlag.ringAsk...SubFlag.keyNames {
            for _ in 0..<2000 {
                let count = Int.random(in: 0...9, using: &generator)
                let payload = (0..<count).map { _ in parts.randomElement(using: &generator) ?? .null }
                Self.receive(node, link, flag, payload)
                node.pass(seconds: count == 9 ? 1 : 0)
            }
            _ = node.taken()
        }
        let isStored = node.perform { rules, now, actions in
            (try? rules.set(Array("k".utf8), to: "v", at: now, &actions)) != nil
        }
        #expect(isStored)
    }

    @Test func `what is handed on for others is bounded`() {
        let (node, link) = Self.node()
        for number in 0..<70_000 as Range<Int64> {
            var nonce: [UInt8] = []
            nonce.append(bigEndian: UInt64(number), byteCount: 8)
            let place = MessageValue.binary([UInt8](repeating: 1, count: 48))
            Self.receive(node, link, SubFlag.ringRoute, [.binary(nonce), 0, place, 0, 0])
        }
        #expect(node.rules.ring.pending.count <= node.rules.ring.limits.pendingMax)
        #expect(node.rules.ring.queries.count <= node.rules.ring.limits.pendingMax)
    }
}
