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
        for _ in 0..<6 {
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
        #expect(node.rules.mesh.tree.missing[message.id]?.announcers == [a])
        node.receive(message, on: old)
        _ = node.taken()
        for _ in 0..<6 { Self.tick(node) }
        #expect(node.sent(on: a).isEmpty)
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

    @Test func `of what is kept for others the oldest goes first`() {
        var tree = MeshStateMachine.Tree()
        let messages = (0..<10).map { PeerMessage.broadcast(.integer($0), from: "x") }
        for message in messages { tree.keep(message, bytesMax: 3 * message.body.count) }
        #expect(messages.map { tree.recent[$0.id] != nil } == [Bool](repeating: false, count: 7) + [true, true, true])
        #expect(tree.recentOrder.count == 3)
    }
}
