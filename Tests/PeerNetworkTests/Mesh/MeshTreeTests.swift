// The tree among our own: who is sent a message, who is told of it, and who asks for it.

import Testing

@testable import PeerNetwork

@Suite struct MeshTreeTests {
    private static func node() -> Node<MeshRules> {
        Node(MeshRules(MeshStateMachine(.named("me"), NodeConfiguration(), seed: 1)))
    }

    /// A neighbour that speaks our extensions.
    private static func meetKin(_ node: Node<MeshRules>, _ name: String) -> LinkID {
        let link = node.meet(name)
        node.receive(.whisper(1, from: name, subFlag: 0x30), on: link)
        _ = node.taken()
        return link
    }

    /// A quarter of a second passes.
    private static func tick(_ node: Node<MeshRules>) {
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
    }

    @Test func `a link on which a message comes again is pruned, once`() {
        let node = Self.node()
        let (a, b) = (Self.meetKin(node, "a"), Self.meetKin(node, "b"))
        for text in ["one", "two"] as [MessageValue] {
            node.receive(.broadcast(text, from: "x"), on: a)
            node.receive(.broadcast(text, from: "x"), on: b)
        }
        #expect(node.sent(on: b) == ["0/0 one", "2/52"])
        #expect(node.sent(on: a) == [])
    }

    @Test func `a node that does not speak it is sent everything, and pruned never`() {
        let node = Self.node()
        let (a, old) = (Self.meetKin(node, "a"), node.meet("old"))
        _ = node.taken()
        for text in ["one", "two"] as [MessageValue] {
            node.receive(.broadcast(text, from: "x"), on: a)
            node.receive(.broadcast(text, from: "x"), on: old)
        }
        #expect(node.sent(on: old) == ["0/0 one", "0/0 two"])
        node.receive(.whisper(from: "old", subFlag: 0x34), on: old)
        node.receive(.broadcast("three", from: "x"), on: a)
        #expect(node.sent(on: old).last == "0/0 three")
    }

    @Test func `who has pruned is told what there is at the next tick, and is sent what it asks for`() throws {
        let node = Self.node()
        let a = Self.meetKin(node, "a")
        node.receive(.whisper(from: "a", subFlag: 0x34), on: a)
        let message = node.perform { rules, now, actions in rules.mesh.broadcast(["hi"], at: now, &actions) }
        #expect(node.sent(on: a).isEmpty)
        Self.tick(node)
        #expect(node.actions.count == 1)
        guard case .send(a, let announcement, _) = node.taken().first else { Issue.record("nothing announced"); return }
        #expect(announcement.subFlag == 0x32 && announcement.payload == [.binary(message.id.octets)])
        node.receive(.whisper(.binary(message.id.octets), .binary([1]), from: "a", subFlag: 0x33), on: a)
        #expect(node.sent(on: a) == ["0/0 hi"])
        _ = node.taken()
        // And everything from now on.
        node.perform { rules, now, actions in _ = rules.mesh.broadcast(["there"], at: now, &actions) }
        #expect(node.sent(on: a) == ["0/0 there"])
    }

    @Test func `what was announced and does not come is asked for, of one after the other`() throws {
        let node = Self.node()
        let (a, b) = (Self.meetKin(node, "a"), Self.meetKin(node, "b"))
        let message = PeerMessage.broadcast("hi", from: "x")
        for (name, link) in [("a", a), ("b", b)] {
            node.receive(.whisper(.binary(message.id.octets), from: name, subFlag: 0x32), on: link)
        }
        var asked: [String] = []
        for _ in 0..<12 {
            Self.tick(node)
            asked += node.sent(on: a).map { _ in "a" } + node.sent(on: b).map { _ in "b" }
            _ = node.taken()
        }
        #expect(asked == ["a", "b"])
        node.receive(message, on: b)
        #expect(node.told.count == 1)
        _ = node.taken()
        for _ in 0..<6 { Self.tick(node) }
        #expect(node.sent(on: a).isEmpty && node.sent(on: b).isEmpty)
    }

    @Test
    func `what comes from a node that does not speak it is asked for no more, and who repeats itself counts once`() {
        let node = Self.node()
        let (a, old) = (Self.meetKin(node, "a"), node.meet("old"))
        _ = node.taken()
        let message = PeerMessage.broadcast("hi", from: "x")
        for _ in 0..<3 { node.receive(.whisper(.binary(message.id.octets), from: "a", subFlag: 0x32), on: a) }
        #expect(node.rules.mesh.tree.missing.announcers(of: message.id) == [a])
        node.receive(message, on: old)
        _ = node.taken()
        for _ in 0..<6 { Self.tick(node) }
        #expect(node.sent(on: a).isEmpty)
    }

    @Test func `one neighbour's announcements leave room for the others'`() {
        var missing = MissingMessages()
        let (liar, other) = (LinkID(rawValue: 1), LinkID(rawValue: 2))
        func id(_ number: Int) -> MessageID { MessageID(ofPacked: withUnsafeBytes(of: number) { Array($0) }[...]) }
        // Half of the room is for whoever comes, of the rest each has a share.
        let count = (0..<1000).count { missing.add(id($0), at: liar, countMax: 800) }
        #expect(count == 400)
        let isTaken = missing.add(id(2000), at: other, countMax: 800)
        #expect(isTaken)
        let others = (3000..<4000).count { missing.add(id($0), at: other, countMax: 800) }
        #expect(others == 99)
        // What has come, or is given up, counts no more.
        for number in 0..<310 { missing.remove(id(number)) }
        let isRoom = missing.add(id(2001), at: liar, countMax: 800)
        #expect(isRoom)
        _ = missing.tick { $0 == other }
        #expect(missing.count == 100)
        let again = (0..<1000).count { missing.add(id($0), at: liar, countMax: 800) }
        #expect(again == 300)
    }

    @Test func `what nobody can send is not waited for for ever`() {
        let node = Self.node()
        let a = Self.meetKin(node, "a")
        node.receive(.whisper(.binary([UInt8](repeating: 1, count: 32)), "no id", 5, from: "a", subFlag: 0x32), on: a)
        for _ in 0..<60 { Self.tick(node) }
        #expect(node.rules.mesh.tree.missing.isEmpty)
        node.receive(.whisper(.binary([UInt8](repeating: 2, count: 32)), from: "a", subFlag: 0x32), on: a)
        node.close(a)
        Self.tick(node)
        #expect(node.rules.mesh.tree.missing.isEmpty)
    }

    @Test func `of what is kept for others the oldest goes first, and nothing is found in another's place`() {
        var kept = KeptMessages()
        let messages = (0..<5000).map { PeerMessage.broadcast(.integer($0), from: "x") }
        let places = messages.map { kept.keep($0, at: $0.payload[0].int ?? 0, bytesMax: 1000) }
        let count = kept.count
        let found = zip(messages, places).map { kept.message($0.id, at: $1)?.id == $0.id }
        #expect(count > 2 && kept.bytes <= 1000)
        #expect(found == Array(repeating: false, count: 5000 - count) + Array(repeating: true, count: count))
        #expect(kept.message(messages[0].id, at: places[4999]) == nil)
        #expect(kept.saidToUsers(since: 4998, countMax: 10) == messages.suffix(2).map(\.id))
        #expect(kept.saidToUsers(since: 0, countMax: 1) == messages.suffix(1).map(\.id))
        kept.forget(before: 4999)
        #expect(kept.count == 1 && kept.message(messages[4999].id, at: places[4999]) != nil)
        kept.forget(before: 5000)
        #expect(kept.count == 0 && kept.bytes == 0)
        #expect(kept.message(messages[4999].id, at: places[4999]) == nil)
        // One that is larger than all that is kept goes at once.
        _ = kept.keep(.broadcast(.binary([UInt8](repeating: 0, count: 2000)), from: "x"), at: 1, bytesMax: 1000)
        #expect(kept.count == 0 && kept.bytes == 0)
    }

    @Test(arguments: [(nil, 0), (0, 0), (9, 1), (20, 2), (4000, 2)] as [(Int64?, Int)])
    func `who is linked is told of what came since it takes part, for a minute at most, and sent what it has not`(
        _ seconds: Int64?,
        _ expected: Int
    ) {
        let node = Self.node()
        // A minute and a second ago, fifteen seconds ago, five seconds ago; nobody was there.
        let ids = ([46, 10, 5] as [Int64]).map { pause in
            let message = node.perform { rules, now, actions in
                rules.mesh.broadcast([.integer(pause)], at: now, &actions)
            }
            node.pass(seconds: pause)
            return message.id
        }
        let link = node.meet("a")
        let payload = [MessageValue.integer(1)] + (seconds.map { [.integer($0)] } ?? [])
        node.receive(PeerMessage(2, 0x30, from: NodeID("a"), at: node.now, payload), on: link)
        _ = node.taken()
        Self.tick(node)
        let announced = node.messages(on: link).filter { $0.subFlag == 0x32 }.flatMap(\.payload)
        #expect(announced == ids.suffix(expected).map { MessageValue.binary($0.octets) })
        node.receive(PeerMessage(2, 0x33, from: NodeID("a"), at: node.now, announced), on: link)
        #expect(node.messages(on: link).filter { $0.isForAll }.map(\.id) == ids.suffix(expected))
    }

    @Test func `what a neighbour was sent at its request it is not sent again while the link stands`() {
        let node = Self.node()
        let link = Self.meetKin(node, "a")
        node.receive(.whisper(from: "a", subFlag: 0x34), on: link)
        let ids = (0..<20).map { number in
            node.perform { rules, now, actions in rules.mesh.broadcast([.integer(number)], at: now, &actions).id }
        }
        let wanted = ids.map { MessageValue.binary($0.octets) }
        _ = node.taken()
        for _ in 0..<100 {
            node.receive(PeerMessage(2, 0x33, from: NodeID("a"), at: node.now, wanted + wanted), on: link)
        }
        #expect(node.messages(on: link).filter { $0.isForAll }.map(\.id) == ids)
    }

    @Test func `at one request no more is sent than eight mebibytes and a message, and the rest at the next`() {
        let node = Self.node()
        let link = Self.meetKin(node, "a")
        node.receive(.whisper(from: "a", subFlag: 0x34), on: link)
        let large = MessageValue.binary([UInt8](repeating: 0, count: 3 << 20))
        let ids = (0..<5).map { number in
            node.perform { rules, now, actions in rules.mesh.broadcast([.integer(number), large], at: now, &actions).id
            }
        }
        let wanted = ids.map { MessageValue.binary($0.octets) }
        for expected in [ids.prefix(3), ids.suffix(2)] {
            _ = node.taken()
            node.receive(PeerMessage(2, 0x33, from: NodeID("a"), at: node.now, wanted), on: link)
            #expect(node.messages(on: link).filter { $0.isForAll }.map(\.id) == Array(expected))
            Self.tick(node)
        }
    }

    @Test func `as many as a thousand are asked for at a time, in the order in which they were announced`() {
        let node = Self.node()
        let link = Self.meetKin(node, "a")
        let ids = (0..<2500).map { PeerMessage.broadcast(.integer($0), from: "x").id }
        for start in stride(from: 0, to: ids.count, by: 500) {
            let part = ids[start..<start + 500].map { MessageValue.binary($0.octets) }
            node.receive(PeerMessage(2, 0x32, from: NodeID("a"), at: node.now, part), on: link)
        }
        var asked: [[MessageValue]] = []
        for _ in 0..<4 {
            Self.tick(node)
            asked += node.messages(on: link).map(\.payload)
            _ = node.taken()
        }
        #expect(asked.map(\.count) == [1000, 1000, 500])
        #expect(asked.flatMap(\.self) == ids.map { .binary($0.octets) })
    }
}
