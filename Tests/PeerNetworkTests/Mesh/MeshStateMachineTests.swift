// Who is a neighbour, what is delivered and relayed, and whom a node dials.
// Above 400 lines: many small cases of one state machine.

import Testing

@testable import PeerNetwork

@Suite struct MeshStateMachineTests {
    private static func node(
        _ name: String = "me",
        methods: [CompressionMethod] = [],
        _ change: (inout NodeConfiguration) -> Void = { _ in }
    ) -> Node<MeshRules> {
        var configuration = NodeConfiguration()
        change(&configuration)
        return Node(MeshRules(MeshStateMachine(.named(name, methods: methods), configuration, seed: 1)))
    }

    // MARK: Handshake

    @Test func `both ends say who they are at once, and a neighbour is told of the others`() {
        let node = Self.node(methods: [.zlib])
        let link = node.rules.mesh.accepted(at: node.now, &node.actionsForTests)
        #expect(
            node.sent(on: link).first?.hasPrefix(
                "2/5 me EpAmyZWv9rZUKmjQgU3FTUD4GrJHvVEXizmghVBc8eGD [10.0.0.1,1000] [19]"
            ) == true
        )
        node.receive(.handshake(of: "a", port: 2001), on: link)
        #expect(node.told == ["+a"])
        _ = node.taken()
        let other = node.meet("b", port: 2002)
        let peers = node.sent(on: other).filter { $0.hasPrefix("2/7") }
        #expect(
            peers == ["2/7 [[[10.0.0.1,2001],a],[[10.0.0.1,2002],b]]"]
                || peers == ["2/7 [[[10.0.0.1,2002],b],[[10.0.0.1,2001],a]]"]
        )
    }

    @Test func `a node of another network is closed, as is told, and the node itself, which is not`() {
        let node = Self.node()
        let stranger = node.meet("a", subnet: "other")
        let own = node.meet("me")
        #expect(node.closed.map(\.0) == [stranger, own])
        #expect(node.closed.map(\.1) == [.otherNetwork, .superfluous])
        #expect(node.rules.mesh.neighbours.isEmpty)
        #expect(node.told == ["! closed a link that came in: the peer is of another network"])
    }

    @Test func `who has not said who it is has nothing else to say`() {
        let node = Self.node()
        let link = node.rules.mesh.accepted(at: node.now, &node.actionsForTests)
        _ = node.taken()
        node.receive(.broadcast("early", from: "a"), on: link)
        #expect(node.taken().isEmpty)
        node.pass(seconds: 11)
        #expect(node.closed.map(\.1) == [.silent])
    }

    @Test func `a handshake with fewer items is ignored, and one that is repeated is answered again`() {
        let node = Self.node()
        let link = node.meet("a")
        _ = node.taken()
        node.receive(.whisper("a", "b", from: "a", subFlag: 5), on: link)
        #expect(node.taken().isEmpty)
        node.receive(.handshake(of: "a", port: 2009, methods: [0x11]), on: link)
        #expect(node.sent(on: link).map { $0.prefix(3) } == ["2/7"])
        #expect(node.told.isEmpty)
        #expect(node.rules.mesh.neighbours.first?.address?.port == 2009)
    }

    @Test(arguments: [("zz", true), ("11", false)])
    func `of two links between two nodes that of the larger id stays`(_ peer: String, _ isTheirsKept: Bool) {
        let node = Self.node("me")
        node.perform { rules, now, actions in
            if let address = PeerAddress("10.0.0.1:2000") { rules.mesh.connect(to: address, at: now, &actions) }
        }
        let own = LinkID(rawValue: 1)
        node.rules.mesh.opened(own, at: node.now, &node.actionsForTests)
        node.receive(.handshake(of: peer), on: own)
        _ = node.taken()
        let theirs = node.meet(peer)
        #expect(node.closed.map(\.0) == [isTheirsKept ? own : theirs])
        #expect(node.rules.mesh.table[NodeID(peer)] == (isTheirsKept ? theirs : own))
        // It is a neighbour all the time, and is told on the link that stays what it speaks with.
        #expect(node.told.isEmpty)
        #expect(node.sent(on: theirs).contains("2/48 1 0") == isTheirsKept)
    }

    @Test func `links beyond the limit are closed, and one that has gone makes room`() {
        let node = Self.node { $0.incomingMax = 2 }
        let first = node.meet("a")
        node.meet("b")
        let third = node.rules.mesh.accepted(at: node.now, &node.actionsForTests)
        #expect(node.closed.map(\.0) == [third] && node.closed.map(\.1) == [.tooMany])
        node.close(first)
        _ = node.taken()
        node.meet("d")
        #expect(node.closed.isEmpty)
    }

    // MARK: Flood

    @Test func `a broadcast is delivered once and relayed to all but its author and who it came from`() {
        let node = Self.node()
        let (a, b, c) = (node.meet("a"), node.meet("b"), node.meet("c"))
        _ = node.taken()
        let message = PeerMessage.broadcast("hi", from: "c")
        node.receive(message, on: a)
        #expect(node.told == ["c by a: [\"hi\"]"])
        #expect(node.sent(on: a) == [] && node.sent(on: b) == ["0/0 hi"] && node.sent(on: c) == [])
        guard case .send(_, let relayed, _) = node.actions.first(where: { if case .send = $0 { true } else { false } })
        else { Issue.record("nothing sent"); return }
        #expect(relayed.body == message.body)
        _ = node.taken()
        node.receive(message, on: b)
        #expect(node.taken().isEmpty)
    }

    @Test(arguments: [(-60, true), (-61, false), (1000, true), (3601, false)] as [(Int64, Bool)])
    func `what is too old or too far ahead is dropped`(_ age: Int64, _ isTaken: Bool) {
        let node = Self.node()
        let a = node.meet("a")
        _ = node.taken()
        node.receive(.broadcast("hi", from: "x", at: node.now + age), on: a)
        #expect(node.told.count == (isTaken ? 1 : 0))
    }

    @Test func `a message is remembered for as long as it could be taken for new`() {
        let node = Self.node()
        let a = node.meet("a")
        for age in [-60, -30, 0, 1000] as [Int64] {
            let message = PeerMessage.broadcast("hi", .integer(age), from: "x", at: node.now + age)
            node.receive(message, on: a)
            _ = node.taken()
            for _ in 0..<70 {
                node.receive(message, on: a)
                #expect(node.told.isEmpty)
                node.pass(seconds: 1)
            }
            _ = node.taken()
        }
    }

    @Test func `whispers are delivered and not relayed, and may be repeated`() {
        let node = Self.node()
        let (a, b) = (node.meet("a"), node.meet("b"))
        _ = node.taken()
        for _ in 0..<2 { node.receive(.whisper("hi", from: "a"), on: a) }
        #expect(node.told.count == 2)
        #expect(node.sent(on: b).isEmpty)
    }

    @Test func `what nobody knows is relayed if it is for all, and else ignored`() {
        let node = Self.node()
        let (a, b) = (node.meet("a"), node.meet("b"))
        _ = node.taken()
        node.receive(.broadcast("?", from: "x", subFlag: 0x2f), on: a)
        node.receive(.whisper("?", from: "x", subFlag: 0x2f), on: a)
        node.receive(PeerMessage(3, 3, from: NodeID("x"), at: node.now, []), on: a)
        #expect(node.told.isEmpty && node.sent(on: b) == ["0/47 ?"])
    }

    @Test func `the same said twice in a second is said twice`() {
        let node = Self.node()
        let a = node.meet("a")
        _ = node.taken()
        let ids = (0..<3).map { _ in
            node.perform { rules, now, actions in rules.mesh.broadcast(["hi"], at: now, &actions).id }
        }
        #expect(Set(ids).count == 3)
        #expect(node.sent(on: a) == ["0/0 hi", "0/0 hi", "0/0 hi"])
    }

    // MARK: Peers

    @Test func `of a list of peers nothing is remembered that is too long for an address or an id`() {
        let node = Self.node()
        let a = node.meet("a")
        let (id, host) = (String(repeating: "x", count: 256), String(repeating: "h", count: 255))
        func entry(_ host: String, _ id: String) -> MessageValue {
            .array([.array([.text(host), 4000]), .text(id)])
        }
        let peers = [entry(host + "h", "y"), entry(host, id + "x"), entry(host, id)]
        node.receive(.whisper(.array(peers), from: "a", subFlag: 7), on: a)
        #expect(Set(node.rules.mesh.addresses.keys) == [NodeID("a"), NodeID(id)])
    }

    @Test func `of a list of peers as many are dialled as are wanted, and neither itself nor whom it knows`() {
        let node = Self.node { $0.outgoingMax = 2 }
        let a = node.meet("a", port: 2001)
        _ = node.taken()
        func entry(_ port: Int64, _ id: MessageValue) -> MessageValue {
            .array([.array(["10.0.0.1", .integer(port)]), id])
        }
        let list: [MessageValue] = [
            entry(1000, "me"), entry(1000, "other"), entry(2001, "a"), entry(3000, .binary(Array("b".utf8))),
            entry(3001, "c"),
            entry(3002, "d"), .null, .array([.null, "e"]), entry(70_000, "f"),
        ]
        node.receive(.whisper(.array(list), from: "a", subFlag: 7), on: a)
        #expect(node.dialled == [3000, 3001])
    }

    @Test(arguments: [MessageValue.text("*"), .binary(Array("*".utf8))])
    func `who asks for peers gets them, in text or in octets`(_ star: MessageValue) {
        let node = Self.node()
        let a = node.meet("a")
        _ = node.taken()
        node.receive(.whisper(star, from: "a", subFlag: 8), on: a)
        #expect(node.sent(on: a) == ["2/7 [[[10.0.0.1,2000],a]]"])
    }

    @Test func `a node that is no neighbour is searched for, dialled, and told`() {
        let node = Self.node()
        let a = node.meet("a")
        _ = node.taken()
        node.perform { rules, now, actions in rules.mesh.send(["psst"], to: NodeID("far"), at: now, &actions) }
        guard case .send(a, let request, _) = node.actions.first else { Issue.record("no request"); return }
        #expect(request.text.hasPrefix("0/8 ") && request.text.hasSuffix(" far"))
        _ = node.taken()
        let place = MessageValue.array([.array(["10.0.0.1", 4000]), "far"])
        node.receive(.broadcast("another request", place, from: "x", subFlag: 10), on: a)
        #expect(node.dialled == [])
        node.receive(.broadcast(request.payload[0], place, from: "x", subFlag: 10), on: a)
        #expect(node.dialled == [4000])
        let link = LinkID(rawValue: 2)
        node.rules.mesh.opened(link, at: node.now, &node.actionsForTests)
        node.receive(.handshake(of: "far", port: 4000), on: link)
        #expect(node.sent(on: link).contains("2/2 psst"))
    }

    @Test func `who knows where a node is says so to who asks`() {
        let node = Self.node()
        let (a, b) = (node.meet("a"), node.meet("b", port: 2002))
        _ = node.taken()
        node.receive(.broadcast("r1", "b", from: "x", subFlag: 8), on: a)
        #expect(node.sent(on: a) == ["0/10 r1 [[10.0.0.1,2002],b]"])
        #expect(node.sent(on: b) == ["0/8 r1 b"])
    }

    // MARK: Compression

    @Test(
        arguments: [
            ([0x11], CompressionMethod.gzip), ([0x11, 0x13], .zlib), ([0x20, 0x10], .bzip2), ([0x20], nil), ([], nil),
        ] as [([Int64], CompressionMethod?)]
    )
    func `the first method of its own that the peer knows is used`(_ theirs: [Int64], _ method: CompressionMethod?) {
        let node = Self.node(methods: [.zlib, .gzip, .bzip2, .lzma])
        let a = node.meet("a", methods: theirs)
        for action in node.taken() {
            guard case .send(a, let message, let used) = action else { continue }
            #expect(used == (message.subFlag == 5 ? nil : method))
        }
        #expect(node.rules.mesh.inboundMethods(of: a).map(\.rawValue) == theirs.filter { $0 != 0x20 })
    }

    @Test
    func `a changed list of methods is answered with what both know, under the new list, and an equal one is not`() {
        let node = Self.node(methods: [.zlib, .gzip])
        let a = node.meet("a", methods: [0x13])
        _ = node.taken()
        let list = MessageValue.array([0x20, 0x11, 0x77])
        for _ in 0..<2 { node.receive(PeerMessage(1, 1, from: NodeID("a"), at: node.now, [list]), on: a) }
        #expect(node.sent(on: a) == ["1/1 [17]"])
        guard case .send(_, _, .gzip) = node.taken().first else { Issue.record("not by gzip"); return }
        node.receive(PeerMessage(1, 9, from: NodeID("a"), at: node.now, []), on: a)
        #expect(node.taken().isEmpty)
    }

    // MARK: Links that go

    @Test func `when a neighbour goes the others are asked for peers, and one that was heard of is dialled`() {
        let node = Self.node { $0.outgoingMax = 1 }
        let (a, b) = (node.meet("a", port: 2001), node.meet("b", port: 2002))
        _ = node.taken()
        node.close(a)
        #expect(node.told == ["-a"])
        #expect(node.sent(on: b) == ["2/8 *"])
        #expect(node.dialled == [2001])
    }

    @Test func `an address that is only visited is dialled once, and not at all if there is a link to it`() throws {
        let node = Self.node()
        let (there, own) = (try #require(PeerAddress("10.0.0.1:2001")), try #require(PeerAddress("10.0.0.1:1000")))
        let other = try #require(PeerAddress("10.0.0.1:3000"))
        node.meet("a", port: 2001)
        _ = node.taken()
        for address in [there, own, other, other] {
            node.perform { rules, now, actions in rules.mesh.visit(address, at: now, &actions) }
        }
        #expect(node.dialled == [3000])
        node.close(LinkID(rawValue: 2))
        _ = node.taken()
        node.pass(seconds: 100)
        #expect(node.dialled == [])
    }

    @Test func `of many neighbours that go in one second the others are told once, and again in the next`() {
        let node = Self.node()
        let links = (0..<6).map { node.meet("n\($0)", port: 3000 + $0) }
        _ = node.taken()
        for link in links.prefix(3) { node.close(link) }
        node.now += 1
        node.close(links[3])
        #expect(node.sent(on: links[5]) == ["2/8 *", "2/8 *"])
    }

    @Test func `an address that the user named is dialled again, after longer each time`() {
        let node = Self.node { $0.redialSeconds = 1...4 }
        node.perform { rules, now, actions in
            if let address = PeerAddress("10.0.0.1:2000") { rules.mesh.connect(to: address, at: now, &actions) }
        }
        var times: [Int64] = []
        var link = 1
        for _ in 0..<20 {
            if node.dialled == [2000] {
                times.append(node.now - Node<MeshRules>.start)
                node.close(LinkID(rawValue: link))
                link += 1
            }
            _ = node.taken()
            node.pass(seconds: 1)
        }
        #expect(times == [0, 2, 6, 10, 14, 18])
    }

    @Test func `what goes wrong with a link is told with its address, and the same once in a minute`() throws {
        let node = Self.node()
        let address = try #require(PeerAddress("10.0.0.9:3000"))
        node.perform { rules, now, actions in rules.mesh.connect(to: address, at: now, &actions) }
        var told: [String] = []
        for second in 0..<65 {
            // As often as it is dialled, nobody answers; then somebody else does.
            for case .dial(let link, _) in node.taken() {
                if second < 63 {
                    node.close(link, "connection refused")
                } else {
                    node.perform { rules, now, actions in rules.mesh.opened(link, at: now, &actions) }
                    node.close(link)
                }
                told += node.told
            }
            #expect(node.perform { rules, _, _ in rules.mesh.unreached } == [address])
            node.pass(seconds: 1)
        }
        #expect(told.count == 3, "\(told)")
        #expect(told.prefix(2).allSatisfy { $0 == "! cannot reach 10.0.0.9:3000: connection refused" })
        #expect(told.last?.hasPrefix("! 10.0.0.9:3000 closed the link before it said who it is") == true)
    }

    @Test func `that one's own address cannot be reached is told whatever others claim`() throws {
        var troubles = Troubles()
        let count = (0..<1000).count { troubles.isNew("claim \($0)", isOwn: false, at: 5) }
        #expect(count == 256)
        let isTold = troubles.isNew("mine", isOwn: true, at: 5)
        #expect(isTold)
        let isToldAgain = troubles.isNew("mine", isOwn: true, at: 64)
        #expect(!isToldAgain)
    }

    @Test func `who floods with messages that are dated ahead does not have others taken twice`() {
        var configuration = NodeConfiguration()
        configuration.seenMax = 100
        let node = Node(MeshRules(MeshStateMachine(.named("me"), configuration, seed: 1)))
        let (liar, a, b) = (node.meet("liar"), node.meet("a"), node.meet("b"))
        for number in 0..<300 as Range<Int64> {
            node.receive(.broadcast(.text("ahead \(number)"), from: "liar", at: node.now + 3600), on: liar)
        }
        _ = node.taken()
        let honest = (0..<40).map { PeerMessage.broadcast(.text("\($0)"), from: "x", at: node.now) }
        for message in honest { node.receive(message, on: a) }
        for message in honest { node.receive(message, on: b) }
        #expect(node.told.count == 40)
    }

    @Test func `what was said 3,600 times within a second is refused, not lost`() {
        let node = Self.node()
        let link = node.meet("a")
        _ = node.taken()
        for text in ["x", "y"] as [MessageValue] {
            let said = (0..<3700).map { _ in
                node.perform { rules, now, actions in rules.mesh.tell([text], at: now, &actions) }
            }
            #expect(said.prefix(3601).allSatisfy { (try? $0.get()) != nil })
            #expect(said.dropFirst(3601).allSatisfy { (try? $0.get()) == nil })
        }
        #expect(Set(node.messages(on: link).map(\.id)).count == 2 * 3601)
        // Also when something else was said between.
        let again = node.perform { rules, now, actions in rules.mesh.tell(["x"], at: now, &actions) }
        #expect(throws: PeerNetworkError.self) { try again.get() }
        node.pass(seconds: 1)
        #expect((try? node.perform { rules, now, actions in rules.mesh.tell(["x"], at: now, &actions) }.get()) != nil)
    }

    @Test func `an address that was reached is no longer unreached, by whichever link`() throws {
        let node = Self.node()
        let address = try #require(PeerAddress("10.0.0.9:3000"))
        node.perform { rules, now, actions in rules.mesh.connect(to: address, at: now, &actions) }
        let link = try #require(node.taken().compactMap { if case .dial(let link, _) = $0 { link } else { nil } }.first)
        node.perform { rules, now, actions in rules.mesh.opened(link, at: now, &actions) }
        node.receive(.handshake(of: "a", port: 3000), on: link)
        #expect(node.perform { rules, _, _ in rules.mesh.unreached } == [])
        node.close(link)
        #expect(node.perform { rules, _, _ in rules.mesh.unreached } == [address])
        node.meet("a", port: 3000)
        #expect(node.perform { rules, _, _ in rules.mesh.unreached } == [])
    }
}
