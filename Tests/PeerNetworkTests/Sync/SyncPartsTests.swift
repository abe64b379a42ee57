// Changes of parts of a value, in whatever order they come: what our own nodes have in the end is the same, and no part is lost.

import TestSupport
import Testing

@testable import PeerNetwork

@Suite struct SyncPartsTests {
    /// A node with a link to another of our own.
    private static func node(_ name: String, linkedTo other: String) -> (node: Node<SyncRules>, link: LinkID) {
        let mesh = MeshStateMachine(.named(name, subnet: "sync0"), NodeConfiguration(), seed: 1)
        let node = Node(SyncRules(mesh, isLeasing: false))
        let link = node.meet(other, subnet: "sync0")
        node.receive(.whisper(1, from: other, subFlag: SubFlag.hello), on: link)
        _ = node.taken()
        return (node, link)
    }

    private static func delta(_ part: String, _ value: Int64, by owner: String, at time: Int64) -> PeerMessage {
        .broadcast("k", .map([MessageValue.Entry(.text(part), .integer(value))]), from: owner, at: time, subFlag: 17)
    }

    private static func parts(_ node: Node<SyncRules>) -> [MessageValue: MessageValue]? {
        guard case .map(let entries)? = node.rules.entries[Array("k".utf8)]?.value else { return nil }
        return Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// Lets both compare their tables for as long as that leads to anything.
    private static func compare(_ a: (node: Node<SyncRules>, link: LinkID), _ b: (node: Node<SyncRules>, link: LinkID))
    {
        for _ in 0..<60 {
            for (one, other) in [(a, b), (b, a)] {
                one.node.now += 1
                one.node.perform { rules, now, actions in rules.tick(at: now, &actions) }
                for message in one.node.messages(on: one.link) { other.node.receive(message, on: other.link) }
                _ = one.node.taken()
            }
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `what several change in parts is the same everywhere in the end, and nothing of it is lost`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let (a, b) = (Self.node("a", linkedTo: "b"), Self.node("b", linkedTo: "a"))
        let now = a.node.now
        // A part each, and two that all change: of those the last counts, of one second the smaller id's.
        var messages: [PeerMessage] = []
        var latest: (time: Int64, owner: String, value: Int64)?
        for (index, owner) in ["u", "v", "w", "x"].enumerated() {
            for round in 0..<2 {
                let time = now - Int64.random(in: 0...3, using: &generator) * 2 - Int64(1 - round)
                let value = Int64(10 * index + round)
                messages.append(Self.delta("\(owner)\(round)", value, by: owner, at: time))
                messages.append(Self.delta("all", value, by: owner, at: time))
                let isLater = latest.map { time == $0.time ? owner < $0.owner : time > $0.time } ?? true
                if isLater { latest = (time, owner, value) }
            }
        }
        for one in [a, b] {
            for message in messages.shuffled(using: &generator) { one.node.receive(message, on: one.link) }
            _ = one.node.taken()
            #expect(Self.parts(one.node)?.count == 9, "seed \(seed)")
            #expect(Self.parts(one.node)?["all"] == latest.map { .integer($0.value) }, "seed \(seed)")
        }
        Self.compare(a, b)
        #expect(Self.parts(a.node) == Self.parts(b.node), "seed \(seed)")
        #expect(a.node.rules.comparison.digest == b.node.rules.comparison.digest, "seed \(seed)")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `whole values, parts and deletions come to what their dates say, in whatever order they come`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let (a, b) = (Self.node("a", linkedTo: "b"), Self.node("b", linkedTo: "a"))
        var messages: [PeerMessage] = []
        for number in 0..<8 as Range<Int64> {
            let (owner, time) = ("u\(number)", a.node.now - Int64.random(in: 0...5, using: &generator))
            let part = ["x", "y", "z"].randomElement(using: &generator) ?? "x"
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: messages.append(.broadcast("k", .null, from: owner, at: time, subFlag: 11))
            case 1:
                let whole = MessageValue.map([.init(.text(part), .integer(100 + number)), .init("whole", 1)])
                messages.append(.broadcast("k", whole, from: owner, at: time, subFlag: 11))
            default: messages.append(Self.delta(part, number, by: owner, at: time))
            }
        }
        var expected: [MessageValue: MessageValue]?
        for message in messages.sorted(by: { $0.time == $1.time ? $0.sender > $1.sender : $0.time < $1.time }) {
            guard case .map(let entries) = message.payload[1] else {
                expected = nil
                continue
            }
            if message.subFlag == SubFlag.store { expected = nil }
            expected = (expected ?? [:]).merging(entries.map { ($0.key, $0.value) }) { _, new in new }
        }
        for one in [a, b] {
            for message in messages.shuffled(using: &generator) { one.node.receive(message, on: one.link) }
            #expect(Self.parts(one.node) == expected, "seed \(seed)")
        }
        #expect(a.node.rules.comparison.digest == b.node.rules.comparison.digest, "seed \(seed)")
    }

    @Test func `a change of a part that was made before the whole was set changes nothing`() {
        let (a, b) = (Self.node("a", linkedTo: "b"), Self.node("b", linkedTo: "a"))
        let now = a.node.now
        let whole = PeerMessage.broadcast("k", .map([]), from: "u", at: now - 5, subFlag: 11)
        let gone = PeerMessage.broadcast("k", .null, from: "u", at: now - 1, subFlag: 11)
        a.node.receive(whole, on: a.link)
        a.node.receive(Self.delta("late", 1, by: "w", at: now - 9), on: a.link)
        #expect(Self.parts(a.node) == [:])
        // Nor does it bring back what was deleted.
        b.node.receive(whole, on: b.link)
        b.node.receive(gone, on: b.link)
        b.node.receive(Self.delta("late", 1, by: "w", at: now - 3), on: b.link)
        b.node.receive(.broadcast("k", "late", from: "w", at: now - 2, subFlag: 11), on: b.link)
        #expect(b.node.rules.entries.isEmpty)
    }

    @Test func `of two values of one version both make the same, with what each has`() {
        let (a, b) = (Self.node("a", linkedTo: "b"), Self.node("b", linkedTo: "a"))
        let now = a.node.now
        // Both were handed the whole, and one has heard a part that the other takes for older than that.
        for (one, part) in [(a, "from a"), (b, "from b")] {
            let value = MessageValue.map([.init("both", .text(part)), .init(.text(part), 1)])
            let version: [MessageValue] = [.binary(Array("u".utf8)), .integer(now), 0]
            let handed = PeerMessage(
                MainFlag.whisper,
                SubFlag.merge,
                from: NodeID("x"),
                at: now,
                ["k", value] + version
            )
            one.node.receive(handed, on: one.link)
        }
        Self.compare(a, b)
        #expect(Self.parts(a.node) == Self.parts(b.node))
        #expect(Self.parts(a.node)?.count == 3, "\(Self.parts(a.node) ?? [:])")
        #expect(a.node.rules.comparison.digest == b.node.rules.comparison.digest)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `whatever is joined with whatever first, the same comes out`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Keys that are one to Swift and two when written, and one that is not like itself.
        let keys: [MessageValue] = ["\u{e9}", "e\u{301}", .double(0), .double(-0.0), .double(.nan), "k"]
        func value() -> MessageValue {
            guard generator.next() % 3 > 0 else { return .integer(Int64(generator.next() % 4)) }
            let entries = (0..<generator.next() % 5).map { _ in
                MessageValue.Entry(keys[Int(generator.next() % 6)], .integer(Int64(generator.next() % 3)))
            }
            return .map(entries)
        }
        let values = (0..<4).map { _ in value() }
        let joined = (0..<6).map { _ in
            let order = values.shuffled(using: &generator)
            return order.dropFirst().reduce(order[0]) { $0.joined(with: $1) }
        }
        #expect(Set(joined.map(\.digest)).count == 1, "seed \(seed): \(values)")
        #expect(joined[0].joined(with: values[0]).digest == joined[0].digest, "seed \(seed): \(values)")
    }

    @Test func `a change that comes again is told once`() {
        let (node, link) = Self.node("a", linkedTo: "b")
        let version: [MessageValue] = [.binary(Array("u".utf8)), .integer(node.now), 0]
        let handed = PeerMessage(
            MainFlag.whisper,
            SubFlag.merge,
            from: NodeID("b"),
            at: node.now,
            ["k", "v"] + version
        )
        node.receive(handed, on: link)
        node.receive(.broadcast("k", "v", from: "u", at: node.now, subFlag: 11), on: link)
        #expect(node.told == ["k=v of u"])
    }

    @Test func `a map comes to the same in whatever order its entries stand`() {
        let entries = (0..<5 as Range<Int64>).map { MessageValue.Entry(.integer($0), .array([.integer($0), "x"])) }
        #expect(MessageValue.map(entries).digest == MessageValue.map(entries.reversed()).digest)
        let others: [MessageValue] = [.map([]), .array([]), .binary([]), "", 0, .bool(false), .map(entries.dropLast())]
        #expect(Set(others.map(\.digest) + [MessageValue.null.digest, MessageValue.map(entries).digest]).count == 9)
    }
}
