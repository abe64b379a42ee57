// Who may change a key, what is handed over, and what is never told to a py2p node.
// Above 400 lines: many small cases of one set of rules.

import Testing

@testable import PeerNetwork

@Suite struct SyncRulesTests {
    private static func node(
        _ name: String = "me",
        isLeasing: Bool = true,
        limits: SyncLimits = SyncLimits()
    ) -> Node<SyncRules> {
        let subnet = isLeasing ? "sync1" : "sync0"
        let mesh = MeshStateMachine(.named(name, subnet: subnet), NodeConfiguration(), seed: 1)
        return Node(SyncRules(mesh, isLeasing: isLeasing, limits: limits))
    }

    private static func meet(_ node: Node<SyncRules>, _ name: String, isLeasing: Bool = true) -> LinkID {
        let link = node.meet(name, subnet: isLeasing ? "sync1" : "sync0")
        _ = node.taken()
        return link
    }

    private static func set(_ node: Node<SyncRules>, _ key: String, _ value: MessageValue) throws {
        try node.perform { rules, now, actions throws(PeerNetworkError) in
            try rules.set(Array(key.utf8), to: value, at: now, &actions)
        }
    }

    private static func value(_ node: Node<SyncRules>, _ key: String) -> String? {
        node.rules.entries[Array(key.utf8)]?.value.text
    }

    @Test func `a key is set here and everywhere, and a newcomer is told of it behind its peers`() throws {
        let node = Self.node()
        let a = Self.meet(node, "a")
        try Self.set(node, "k", "v")
        #expect(node.sent(on: a) == ["0/11 k v"])
        #expect(node.told == ["k=v of me"])
        _ = node.taken()
        let (b, now) = (node.meet("b", subnet: "sync1"), node.now)
        node.pass(seconds: 1)
        #expect(node.sent(on: b).suffix(3).map { String($0.prefix(4)) } == ["2/48", "2/7 ", "2/11"])
        #expect(node.sent(on: b).last == "2/11 k v me \(now)")
    }

    /// Old owner and time, new owner and time, both relative to now, and whether the change is accepted with and without leases.
    @Test(
        arguments: [
            ("b", 0, "b", 0, true, true), ("b", 0, "b", -100, true, true), ("b", 0, "c", 10, false, true),
            ("b", 0, "c", -10, false, false), ("b", -3601, "c", 0, true, true), ("b", -3600, "c", 0, false, true),
            ("b", 0, "a", 0, true, true), ("b", 0, "c", 0, false, false),
        ] as [(String, Int64, String, Int64, Bool, Bool)]
    )
    func `a change is accepted by the five rules`(
        _ oldOwner: String,
        _ oldTime: Int64,
        _ newOwner: String,
        _ newTime: Int64,
        _ leased: Bool,
        _ unleased: Bool
    ) {
        let now: Int64 = 1_800_000_000
        let old = SyncRules.Version(owner: NodeID(oldOwner), time: now + oldTime)
        for isLeasing in [true, false] {
            let new = SyncRules.Version(owner: NodeID(newOwner), time: now + newTime)
            let isAccepted = SyncRules.isAccepted(old, new, isDelta: false, isLeasing: isLeasing, at: now)
            #expect(isAccepted == (isLeasing ? leased : unleased))
        }
        let stranger = SyncRules.Version(owner: NodeID("x"), time: 0)
        #expect(SyncRules.isAccepted(nil, stranger, isDelta: false, isLeasing: true, at: now))
        #expect(SyncRules.isAccepted(old, stranger, isDelta: true, isLeasing: false, at: now))
    }

    @Test func `another's key is refused here with a reason, and nothing is sent`() throws {
        let node = Self.node()
        let a = Self.meet(node, "a")
        node.receive(.broadcast("k", "theirs", from: "a", subFlag: 11), on: a)
        _ = node.taken()
        let error = #expect(throws: PeerNetworkError.self) { try Self.set(node, "k", "mine") }
        #expect(error?.code == .leased)
        #expect(node.taken().isEmpty && Self.value(node, "k") == "theirs")
        node.pass(seconds: 3601)
        try Self.set(node, "k", "mine")
        #expect(Self.value(node, "k") == "mine")
    }

    @Test func `who sets another's key in the same second, and may as its id is smaller, is believed by all`() throws {
        let (small, large) = (Self.node("a"), Self.node("b"))
        let (toLarge, toSmall) = (Self.meet(small, "b"), Self.meet(large, "a"))
        small.receive(.broadcast("k", "large", from: "b", subFlag: 11), on: toLarge)
        large.receive(.broadcast("k", "large", from: "b", subFlag: 11), on: toSmall)
        try Self.set(small, "k", "small")
        let version = try #require(small.rules.entries[Array("k".utf8)]?.version)
        #expect(version == SyncRules.Version(owner: small.id, time: small.now))
        large.receive(.broadcast("k", "small", from: "a", at: version.time, subFlag: 11), on: toSmall)
        #expect(Self.value(large, "k") == "small")
    }

    @Test func `a change that is refused is relayed all the same`() {
        let node = Self.node()
        let (a, b) = (Self.meet(node, "a"), Self.meet(node, "b"))
        node.receive(.broadcast("k", "first", from: "a", subFlag: 11), on: a)
        _ = node.taken()
        node.receive(.broadcast("k", "second", from: "c", at: node.now + 5, subFlag: 11), on: b)
        #expect(node.sent(on: a) == ["0/11 k second"] && node.told.isEmpty)
        #expect(Self.value(node, "k") == "first")
    }

    @Test func `a key in text and one in octets are the same key`() {
        let node = Self.node()
        let a = Self.meet(node, "a")
        node.receive(.broadcast("k", "1", from: "a", subFlag: 11), on: a)
        node.receive(.broadcast(.binary([0x6b]), "2", from: "a", subFlag: 11), on: a)
        #expect(node.rules.entries.count == 1 && Self.value(node, "k") == "2")
    }

    @Test func `a key that is deleted is gone, and one that is not there is never deleted at others`() throws {
        let node = Self.node()
        let a = Self.meet(node, "a")
        try Self.set(node, "k", "v")
        _ = node.taken()
        try node.perform { rules, now, actions throws(PeerNetworkError) in
            try rules.remove(Array("k".utf8), at: now, &actions)
        }
        // The second change of a second says that it is; py2p looks at the key and the value alone.
        #expect(node.sent(on: a) == ["0/11 k nil 1"] && node.told == ["k gone"])
        _ = node.taken()
        let error = #expect(throws: PeerNetworkError.self) {
            try node.perform { rules, now, actions throws(PeerNetworkError) in
                try rules.remove(Array("k".utf8), at: now, &actions)
            }
        }
        #expect(error?.code == .missing && node.taken().isEmpty)
    }

    @Test func `what is handed over fills what is missing and changes nothing else`() {
        let node = Self.node()
        let a = Self.meet(node, "a")
        node.receive(.whisper("k", "old", "x", .integer(node.now - 50), from: "a", subFlag: 11), on: a)
        #expect(Self.value(node, "k") == "old")
        node.receive(.whisper("k", "new", "x", .integer(node.now), from: "a", subFlag: 11), on: a)
        #expect(Self.value(node, "k") == "old")
        node.receive(.broadcast("f", 0, from: "a", subFlag: 11), on: a)
        node.receive(.whisper("f", "new", "a", .integer(node.now + 1), from: "a", subFlag: 11), on: a)
        #expect(Self.value(node, "f") == "new")
    }

    @Test func `what Python takes for nothing is handed on once, and not back and forth for ever`() {
        let node = Self.node()
        let (a, b) = (Self.meet(node, "a"), Self.meet(node, "b"))
        for _ in 0..<2 {
            node.receive(.whisper("k", 0, "x", .integer(node.now), from: "a", subFlag: 11), on: a)
        }
        #expect(node.sent(on: a).isEmpty)
        #expect(node.sent(on: b) == ["2/11 k 0 x \(node.now)"])
    }

    @Test func `a delta changes some entries of a map, makes one, and leaves what is none alone`() throws {
        let node = Self.node()
        let a = Self.meet(node, "a")
        let change = MessageValue.map([MessageValue.Entry("b", 2)])
        node.receive(.broadcast("k", .map([MessageValue.Entry("a", 1)]), from: "a", subFlag: 11), on: a)
        node.receive(.broadcast("k", change, from: "a", subFlag: 17), on: a)
        node.receive(.broadcast("m", change, from: "a", subFlag: 17), on: a)
        node.receive(.broadcast("t", "text", from: "a", subFlag: 11), on: a)
        node.receive(.broadcast("t", change, from: "a", subFlag: 17), on: a)
        #expect(["k", "m", "t"].map { Self.value(node, $0) } == ["{a:1,b:2}", "{b:2}", "text"])
        _ = node.taken()
        let error = #expect(throws: PeerNetworkError.self) {
            try Self.set(node, "own", "text")
            _ = node.taken()
            _ = try node.perform { rules, now, actions throws(PeerNetworkError) in
                try rules.change(Array("own".utf8), by: [MessageValue.Entry("a", 1)], at: now, &actions)
            }
        }
        #expect(error?.code == .notMap && node.taken().isEmpty)
    }

    @Test func `many who come at once are told of a large table one after another`() throws {
        let node = Self.node()
        for number in 0..<3 { try Self.set(node, "k\(number)", .binary([UInt8](repeating: 7, count: 1 << 20))) }
        let links = (0..<10).map { Self.meet(node, "p\($0)") }
        func told() -> Int { links.count { node.sent(on: $0).contains { $0.hasPrefix("2/11") } } }
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        #expect(told() == 2)
        // Not more for long than so much at each tick.
        for _ in 0..<3 { node.perform { rules, now, actions in rules.tick(at: now, &actions) } }
        #expect((4...6).contains(told()))
        for _ in 0..<5 { node.perform { rules, now, actions in rules.tick(at: now, &actions) } }
        #expect(told() == 10)
    }

    @Test func `a value that would not fit into a frame is refused, also when it grows by parts`() throws {
        let node = Self.node(isLeasing: false)
        let a = Self.meet(node, "a", isLeasing: false)
        let large = MessageValue.binary([UInt8](repeating: 7, count: 5 << 20))
        for part in ["x", "y"] {
            let change = MessageValue.map([MessageValue.Entry(.text(part), large)])
            node.receive(.broadcast("k", change, from: "a", subFlag: 17), on: a)
        }
        guard case .map(let entries)? = node.rules.entries[Array("k".utf8)]?.value else { throw CancellationError() }
        #expect(entries.count == 1)
        let error = #expect(throws: PeerNetworkError.self) {
            try Self.set(node, "large", .binary([UInt8](repeating: 7, count: 9 << 20)))
        }
        #expect(error?.message == "the value of that key may weigh at most 8388608 octets")
        // What is told to the user counts as what is decided.
        let event = NodeEvent.updated(key: [1], value: large, owner: NodeID("a"), time: 1)
        #expect(NodeAction.tell(event).bytes > 5 << 20)
    }

    @Test func `a key is not handed over from so far ahead that its lease would never end`() {
        let node = Self.node()
        let a = Self.meet(node, "a")
        for (offset, isTaken) in [(3600, true), (3601, false)] as [(Int64, Bool)] {
            let (key, time) = (MessageValue.text("k\(offset)"), node.now + offset)
            node.receive(.whisper(key, "v", "x", .integer(time), from: "a", subFlag: 11), on: a)
            #expect((Self.value(node, "k\(offset)") != nil) == isTaken)
            node.receive(.whisper(key, "w", from: "x", at: time, subFlag: 11), on: a)
            #expect((Self.value(node, "k\(offset)") != nil) == isTaken)
        }
    }

    // MARK: Among our own

    /// A neighbour that speaks our extensions.
    private static func meetKin(_ node: Node<SyncRules>, _ name: String) -> LinkID {
        let link = meet(node, name)
        node.receive(.whisper(1, from: name, subFlag: 0x30), on: link)
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        _ = node.taken()
        return link
    }

    @Test func `our own are told what was deleted, and py2p nodes are not`() throws {
        let node = Self.node()
        try Self.set(node, "gone", "v")
        try Self.set(node, "here", "v")
        try node.perform { rules, now, actions throws(PeerNetworkError) in
            try rules.remove(Array("gone".utf8), at: now, &actions)
        }
        _ = node.taken()
        let (now, old) = (node.now, node.meet("old", subnet: "sync1"))
        node.pass(seconds: 1)
        #expect(node.sent(on: old).filter { $0.hasPrefix("2/11") } == ["2/11 here v me \(now)"])
        let link = node.meet("a", subnet: "sync1")
        _ = node.taken()
        node.receive(.whisper(1, from: "a", subFlag: 0x30), on: link)
        #expect(node.sent(on: link).isEmpty)
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        #expect(node.sent(on: link) == ["2/49 here v me \(now) 0", "2/49 gone nil me \(now) 1"])
        _ = node.taken()
        // Once, however often it is said, and not as to a py2p node besides: a table may be large.
        for _ in 0..<3 { node.receive(.whisper(1, from: "a", subFlag: 0x30), on: link) }
        node.pass(seconds: 1)
        #expect(node.sent(on: link).filter { $0.contains("here") } == [])
    }

    @Test func `who comes back with a key that was deleted meanwhile does not bring it back`() throws {
        let node = Self.node()
        let (kin, old) = (Self.meetKin(node, "a"), Self.meet(node, "b"))
        let (set, deleted) = (node.now - 20, node.now - 10)
        node.receive(.whisper("k", "v", "x", .integer(set), 0, from: "a", subFlag: 0x31), on: kin)
        node.receive(.whisper("k", .null, "x", .integer(deleted), 0, from: "a", subFlag: 0x31), on: kin)
        node.receive(.whisper("k", "v", "x", .integer(set), 0, from: "a", subFlag: 0x31), on: kin)
        node.receive(.whisper("k", "v", "x", .integer(set), from: "b", subFlag: 11), on: old)
        #expect(Self.value(node, "k") == nil)
        node.receive(.whisper("k", "new", "x", .integer(node.now), 0, from: "a", subFlag: 0x31), on: kin)
        #expect(Self.value(node, "k") == "new")
    }

    @Test func `changes of one owner count in the order in which they were made, whatever the way they took`() {
        let node = Self.node()
        let a = Self.meetKin(node, "a")
        node.receive(.broadcast("k", "third", 2, from: "x", subFlag: 11), on: a)
        node.receive(.broadcast("k", "second", 1, from: "x", subFlag: 11), on: a)
        node.receive(.broadcast("k", "first", from: "x", subFlag: 11), on: a)
        #expect(Self.value(node, "k") == "third")
        // As the facts have it for py2p's.
        let b = Self.meet(node, "b")
        node.receive(.broadcast("k", "older", from: "x", at: node.now - 5, subFlag: 11), on: b)
        #expect(Self.value(node, "k") == "older")
    }

    @Test func `a second change within a second says that it is the second`() throws {
        let node = Self.node()
        let a = Self.meet(node, "a")
        for value in ["first", "second", "second"] { try Self.set(node, "k", .text(value)) }
        node.pass(seconds: 1)
        try Self.set(node, "k", "later")
        let sent = node.sent(on: a).filter { $0.hasPrefix("0/11") }
        #expect(sent == ["0/11 k first", "0/11 k second 1", "0/11 k second 2", "0/11 k later"])
    }

    @Test func `two of our own whose tables stay different hand them over, and then have the same`() throws {
        let (a, b) = (Self.node("a"), Self.node("b"))
        let (toB, toA) = (Self.meetKin(a, "b"), Self.meetKin(b, "a"))
        // What each hears of the other's is too late to be taken.
        try Self.set(a, "k", "a's")
        b.now += 1
        try Self.set(b, "k", "b's")
        try Self.set(b, "other", "b's")
        a.now += 1
        _ = (a.taken(), b.taken())
        for _ in 0..<40 {
            for (node, link, other, back) in [(a, toB, b, toA), (b, toA, a, toB)] {
                node.now += 1
                node.perform { rules, now, actions in rules.tick(at: now, &actions) }
                for message in node.messages(on: link) { other.receive(message, on: back) }
                _ = node.taken()
            }
        }
        #expect(a.rules.entries == b.rules.entries && Self.value(a, "k") == "b's" && a.rules.entries.count == 2)
        #expect(a.rules.comparison.digest == b.rules.comparison.digest)
        // Of tables that are the same no more is said.
        a.pass(seconds: 60)
        #expect(a.sent(on: toB).isEmpty)
    }

    @Test func `a table is handed over once in a while to who says that its own is another, and stays so`() throws {
        let node = Self.node()
        let kin = Self.meetKin(node, "a")
        try Self.set(node, "k", "v")
        node.pass(seconds: 5)
        _ = node.taken()
        for second in 0..<60 as Range<Int64> {
            node.receive(.whisper(.integer(second / 30), from: "a", at: node.now, subFlag: SubFlag.digest), on: kin)
            node.pass(seconds: 1)
        }
        let handed = node.sent(on: kin).filter { $0.hasPrefix("2/49") }.count
        #expect((2...3).contains(handed), "\(handed)")
    }

    @Test func `what was handed over is handed on to the others, once`() {
        let node = Self.node()
        let (a, b, c) = (Self.meetKin(node, "a"), Self.meetKin(node, "b"), Self.meet(node, "c"))
        for _ in 0..<2 {
            node.receive(.whisper("k", "v", "x", .integer(node.now), 0, from: "a", subFlag: 0x31), on: a)
        }
        #expect(node.sent(on: a).isEmpty)
        #expect(node.sent(on: b) == ["2/49 k v x \(node.now) 0"])
        #expect(node.sent(on: c) == ["2/11 k v x \(node.now)"])
    }

    @Test func `who claims in one's name to have made all changes of a second does not keep one from the next`() throws
    {
        let node = Self.node()
        let a = Self.meetKin(node, "a")
        for number in [.max, .min, -1, 1 << 32 + 1] as [Int64] {
            let payload: [MessageValue] = ["k", "forged", "me", .integer(node.now), .integer(number)]
            node.receive(PeerMessage(2, 0x31, from: NodeID("a"), at: node.now, payload), on: a)
            node.receive(.broadcast("k", "forged", .integer(number), from: "me", subFlag: 11), on: a)
        }
        #expect(node.rules.entries.isEmpty)
        node.receive(
            .whisper("k", "last", "me", .integer(node.now), .integer(1 << 32), from: "a", subFlag: 0x31),
            on: a
        )
        _ = node.taken()
        try Self.set(node, "k", "mine")
        let version = try #require(node.rules.entries[Array("k".utf8)]?.version)
        #expect(version == SyncRules.Version(owner: node.id, time: node.now + 1))
        #expect(node.sent(on: a) == ["0/11 k mine"])
    }

    @Test func `a table weighs what it may and not more, whoever adds to it, and gets lighter again`() throws {
        var limits = SyncLimits()
        limits.bytesMax = 3 * (256 + 1 + 32 + 100)
        let node = Self.node(limits: limits)
        let a = Self.meetKin(node, "a")
        let (fits, tooLong) = (String(repeating: "x", count: 100), String(repeating: "x", count: 101))
        func hand(_ key: String, _ value: MessageValue) {
            let payload: [MessageValue] = [.text(key), value, "x", .integer(node.now), 0]
            node.receive(PeerMessage(2, 0x31, from: NodeID("a"), at: node.now, payload), on: a)
        }
        try Self.set(node, "a", .text(fits))
        hand("b", .text(fits))
        hand("c", .text(tooLong))
        #expect(Self.value(node, "c") == nil)
        #expect(throws: PeerNetworkError.self) { try Self.set(node, "c", .text(tooLong)) }
        node.receive(.broadcast("c", .text(fits), from: "a", subFlag: 11), on: a)
        #expect(node.rules.bytes == limits.bytesMax)
        node.receive(.broadcast("c", .map([.init("a", "b")]), from: "a", subFlag: 11), on: a)
        let change = MessageValue.map([.init("a", .text(fits))])
        node.receive(.broadcast("c", change, from: "a", subFlag: 17), on: a)
        #expect(Self.value(node, "c") == "{a:b}")
        node.receive(.broadcast("c", .null, from: "a", subFlag: 11), on: a)
        #expect(node.rules.bytes == limits.bytesMax - 100 && node.rules.deleted.count == 1)
        node.pass(seconds: limits.deletedSeconds + 60)
        #expect(node.rules.bytes == 2 * (256 + 1 + 32 + 100))
    }

    @Test func `there are as many keys as there may be, also of those that are made by a delta`() throws {
        var limits = SyncLimits()
        limits.keysMax = 2
        let node = Self.node(limits: limits)
        func change(_ key: String) throws {
            _ = try node.perform { rules, now, actions throws(PeerNetworkError) in
                try rules.change(Array(key.utf8), by: [.init("a", 1)], at: now, &actions)
            }
        }
        try Self.set(node, "a", "v")
        try change("b")
        #expect(#expect(throws: PeerNetworkError.self) { try change("c") }?.code == .full)
        #expect(#expect(throws: PeerNetworkError.self) { try Self.set(node, "c", "v") }?.code == .full)
        try change("b")
        #expect(node.rules.entries.count == 2)
    }

    @Test(
        arguments: [[], ["k"], ["", "v"], [1, "v"], ["k", "v", 1, 2], ["k", "v", "o", "t"]]
            as [[MessageValue]]
    )
    func `a store with other items than it has is ignored`(_ payload: [MessageValue]) {
        let node = Self.node()
        let a = Self.meet(node, "a")
        node.receive(PeerMessage(2, 11, from: NodeID("a"), at: node.now, payload), on: a)
        #expect(node.told.isEmpty && node.rules.entries.isEmpty)
    }

    @Test func `who is called by more than a name is the owner of nothing`() {
        let node = Self.node()
        let (a, b) = (Self.meet(node, "a"), Self.meet(node, "b"))
        let long = String(repeating: "x", count: 257)
        node.receive(.broadcast("k", "v", from: long, subFlag: 11), on: a)
        node.receive(.whisper("k", "v", .text(long), .integer(node.now), from: "a", subFlag: 11), on: a)
        #expect(node.rules.entries.isEmpty && node.rules.bytes == 0)
        // It goes no further either.
        #expect(node.sent(on: b).isEmpty, "\(node.sent(on: b))")
    }

    @Test func `with small frames a value is as small, whoever sets it`() throws {
        var configuration = NodeConfiguration()
        configuration.frameBytesMax = 64 << 10
        let mesh = MeshStateMachine(.named("me", subnet: "sync1"), configuration, seed: 1)
        let node = Node(SyncRules(mesh, isLeasing: true))
        let (small, large) = ([UInt8](repeating: 7, count: 60 << 10), [UInt8](repeating: 7, count: 64 << 10))
        #expect(#expect(throws: PeerNetworkError.self) { try Self.set(node, "k", .binary(large)) }?.code == .tooLarge)
        try Self.set(node, "k", .binary(small))
        let a = Self.meet(node, "a")
        node.receive(.broadcast("other", .binary(large), from: "a", subFlag: 11), on: a)
        #expect(node.rules.entries.count == 1)
        var deep = MessageValue.null
        for _ in 0...MessageReader.depthMax { deep = .array([deep]) }
        #expect(#expect(throws: PeerNetworkError.self) { try Self.set(node, "deep", deep) }?.code == .tooLarge)
        // All that it says others can read.
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        let told = node.messages(on: a)
        #expect(told.contains { $0.payload.first == .binary(Array("k".utf8)) })
        #expect(told.allSatisfy { $0.body.count <= 64 << 10 && PeerMessage(body: $0.body) != nil })
    }

    @Test func `who comes and goes is handed the table over no more often than others`() throws {
        let node = Self.node()
        for number in 0..<100 { try Self.set(node, "k\(number)", "v") }
        for number in 0..<50 {
            let link = Self.meet(node, "p\(number)")
            node.receive(.whisper(1, from: "p\(number)", subFlag: 0x30), on: link)
            node.close(link)
        }
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        #expect(
            !node.actions.contains { if case .send(_, let message, _) = $0 { message.subFlag == 0x31 } else { false } }
        )
    }

    @Test func `tables that stay different are handed over ever less often, and at once when one has changed`() {
        var comparison = TableComparison()
        let link = LinkID(rawValue: 1)
        var times: [Int64] = []
        for now in stride(from: 1000, to: 37_000 as Int64, by: 4) {
            // What both take changes nothing between them.
            let version = SyncRules.Version(owner: NodeID("u"), time: now)
            if now % 400 == 0 { comparison.toggle([1], SyncRules.Entry(value: "v", version: version)) }
            comparison.note(comparison.digest ^ (now < 30_000 ? 7 : 8), of: link)
            if !comparison.look([link], at: now).handOver.isEmpty { times.append(now) }
        }
        #expect((20...26).contains(times.count), "\(times)")
        #expect(
            times[1] - times[0] <= 24 && times.contains { (30_000...30_020).contains($0) }
        )
        #expect(zip(times.dropFirst(), times).allSatisfy { $0 - $1 <= 3620 }, "\(times)")
    }

    @Test func `without leases the later change counts, also within a second and behind a clock that is ahead`() throws
    {
        let node = Self.node("b", isLeasing: false)
        let a = Self.meet(node, "a", isLeasing: false)
        for (ahead, isTaken) in [(0, true), (100, true), (3600, false)] as [(Int64, Bool)] {
            node.receive(.broadcast("k", "theirs", from: "a", at: node.now + ahead, subFlag: 11), on: a)
            var refusal: PeerNetworkError?
            do { try Self.set(node, "k", "ours") } catch { refusal = error as? PeerNetworkError }
            #expect(refusal?.code == (isTaken ? nil : .again), "\(ahead): \(refusal?.message ?? "")")
            let entry = node.rules.entries[Array("k".utf8)]
            #expect(
                entry?.value == (isTaken ? "ours" : "theirs")
                    && entry?.version.time == node.now + ahead + (isTaken ? 1 : 0)
            )
        }
    }
}
