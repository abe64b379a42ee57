// Whose a message is: what proves it, what does not, and what is done with one that nothing proves.

import PeerIdentity
import Testing

@testable import PeerNetwork

@Suite struct MessageProofTests {
    /// A key that is always the same.
    private static func key(_ number: UInt8) throws -> IdentityKey {
        try IdentityKey(rawRepresentation: [UInt8](repeating: number, count: 32))
    }

    /// A node that signs; `number` is its key's.
    private static func signer(_ number: UInt8 = 1, subnet: String = "mesh") throws -> Node<MeshRules> {
        let identity = NodeIdentity(
            key: try key(number),
            network: NetworkID(subnet: subnet, isEncrypted: false),
            address: nil,
            methods: []
        )
        return Node(MeshRules(MeshStateMachine(identity, NodeConfiguration(), seed: 1)))
    }

    /// A node that takes only what is signed, with links to a and b.
    private static func listener(
        _ name: String = "bob",
        _ change: (inout NodeConfiguration) -> Void = { $0.requiresSigned = true }
    ) -> (node: Node<MeshRules>, a: LinkID, b: LinkID) {
        var configuration = NodeConfiguration()
        change(&configuration)
        let node = Node(MeshRules(MeshStateMachine(.named(name), configuration, seed: 1)))
        let links = (node.meet("a"), node.meet("b"))
        _ = node.taken()
        return (node, links.0, links.1)
    }

    /// What `node` sends on the link to `peer` when it says `text` to all, or to its neighbours: the voucher and the message.
    private static func said(
        _ text: MessageValue,
        by node: Node<MeshRules>,
        to peer: String = "x",
        asWhisper: Bool = false
    ) -> [PeerMessage] {
        let link = node.rules.mesh.table[NodeID(peer)] ?? node.meet(peer, subnet: subnet(of: node))
        _ = node.taken()
        node.perform { rules, now, actions in
            if asWhisper {
                rules.mesh.whisper([text], at: now, &actions)
            } else {
                _ = rules.mesh.broadcast([text], at: now, &actions)
            }
        }
        return node.taken().compactMap { action in
            if case .send(link, let message, _) = action { message } else { nil }
        }
    }

    private static func subnet(of node: Node<MeshRules>) -> String {
        node.rules.mesh.identity.network == NetworkID(subnet: "mesh", isEncrypted: false) ? "mesh" : "one"
    }

    /// What was told of messages: the text, and whether it was signed.
    private static func told(_ node: Node<MeshRules>) -> [String] {
        node.actions.compactMap { action in
            guard case .tell(.message(let message, _)) = action else { return nil }
            return message.payload.map(\.text).joined() + (message.isSigned ? " signed" : " unsigned")
        }
    }

    // MARK: Ids and statements

    @Test func `a node's id is base 58 of SHA-384 over a label and its key`() throws {
        // Worked out in Python, as are the signatures below.
        let id = NodeID(of: try Self.key(1).publicKey)
        #expect("\(id)" == "2vAjuDxyH3N7TDuocoXdkWm6biyWYbd5TLDzuM8X8DHNPThXkKLXV9uMMPYC5VfsqN")
        #expect(try Self.signer().id == id)
    }

    @Test(
        arguments: [
            (
                nil,
                "3ef649aa81d5086465e262841b6423c7e791bb6bb5215cd6cd0b24d49a5b67499c70e23ec3178c49660d599b6c10fd9cc610b3c353388c55f74016390a4bc901"
            ),
            (
                "bob",
                "9c1ca3c0a41d3a2fec23e360a59d9e80b5085dafcc9cbd21fd31448305cac995b98b2e1737ba5679a80831cbd920e30ad981d3450fc4d931edc30af840c3220b"
            ),
        ] as [(String?, String)]
    )
    func `a proof is a key and its signature under label, network, receiver and message`(
        _ receiver: String?,
        _ digits: String
    ) throws {
        let id = try #require(MessageID([UInt8](repeating: 2, count: 32)))
        let network = NetworkID(subnet: "mesh", isEncrypted: false)
        let key = try Self.key(1)
        let proof = try MessageProof(of: id, by: key, in: network, to: receiver.map { NodeID($0) })
        let octets = proof.octets
        #expect(Array(octets[..<32]) == key.publicKey.octets)
        #expect(octets[32...].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == digits)
        #expect(MessageProof(octets) == proof && MessageProof(octets + [0]) == nil)
        #expect(MessageProof(Array(octets.dropLast())) == nil)
    }

    // MARK: What is sent

    @Test func `the word that a message is its sender's goes in front of it, and tells py2p's users nothing`() throws {
        let messages = Self.said("hi", by: try Self.signer())
        #expect(messages.map(\.mainFlag) == [0, 0] && messages.map(\.subFlag) == [0x38, 0])
        #expect(messages[1].payload == ["hi"] && messages[0].payload[0] == .binary(messages[1].id.octets))
    }

    @Test func `a node without a key, and a request, go without`() throws {
        let node = try Self.signer()
        node.meet("x")
        _ = node.taken()
        node.perform { rules, now, actions in rules.mesh.send(["hi"], to: NodeID("far"), at: now, &actions) }
        #expect(node.taken().count == 1)
        let plain = Node(MeshRules(MeshStateMachine(.named("me"), NodeConfiguration(), seed: 1)))
        #expect(Self.said("hi", by: plain).count == 1)
    }

    // MARK: What is taken

    @Test(arguments: [true, false])
    func `a message whose proof came before it is signed, and both are handed on`(_ isRequired: Bool) throws {
        let (bob, a, b) = Self.listener("bob") { $0.requiresSigned = isRequired }
        for message in Self.said("hi", by: try Self.signer()) { bob.receive(message, on: a) }
        #expect(Self.told(bob) == ["hi signed"])
        #expect(bob.sent(on: b).map { $0.prefix(5) } == ["0/56 ", "0/0 h"])
    }

    @Test func `a message that came before its proof waits for it, by whichever link it comes`() throws {
        let (bob, a, b) = Self.listener()
        let messages = Self.said("hi", by: try Self.signer())
        bob.receive(messages[1], on: a)
        #expect(Self.told(bob) == [] && bob.sent(on: b) == ["0/0 hi"])
        bob.pass(seconds: 5)
        bob.receive(messages[0], on: b)
        #expect(Self.told(bob) == ["hi signed"] && bob.rules.mesh.proofs.refusedCount == 0)
    }

    @Test func `a message without proof is dropped and counted after a while where signatures are required`() {
        let (bob, a, b) = Self.listener()
        bob.receive(.broadcast("hi", from: "x"), on: a)
        bob.pass(seconds: 5)
        #expect(bob.rules.mesh.proofs.refusedCount == 0)
        bob.pass(seconds: 1)
        #expect(bob.rules.mesh.proofs.refusedCount == 1 && bob.rules.mesh.proofs.heldBytes == 0)
        #expect(Self.told(bob) == [] && bob.sent(on: b) == ["0/0 hi"])
    }

    @Test func `a message without proof is shown at once, and as unsigned, where none is required`() throws {
        let (bob, a, _) = Self.listener("bob") { _ in }
        let messages = Self.said("hi", by: try Self.signer())
        bob.receive(messages[1], on: a)
        #expect(Self.told(bob) == ["hi unsigned"])
        bob.receive(messages[0], on: a)
        #expect(Self.told(bob).count == 1)
    }

    // MARK: What proves nothing

    /// The voucher of `messages`, with other octets for its proof.
    private static func voucher(_ messages: [PeerMessage], _ change: (inout [UInt8]) -> Void) -> PeerMessage {
        var octets = messages[0].payload[1].octets ?? []
        change(&octets)
        return .broadcast(messages[0].payload[0], .binary(octets), from: "x", subFlag: 0x38)
    }

    private static func expectUnproved(_ messages: [PeerMessage], sourceLocation: SourceLocation = #_sourceLocation) {
        for isVoucherFirst in [true, false] {
            let (bob, a, _) = listener()
            for message in isVoucherFirst ? messages : messages.reversed() { bob.receive(message, on: a) }
            bob.pass(seconds: 6)
            #expect(told(bob) == [], sourceLocation: sourceLocation)
            #expect(bob.rules.mesh.proofs.refusedCount == 1, sourceLocation: sourceLocation)
        }
    }

    @Test func `a message in another's name proves nothing, whoever signs it`() throws {
        let alice = try Self.signer(1)
        let forged = PeerMessage(0, 0, from: alice.id, at: alice.now, ["I owe you"])
        let network = NetworkID(subnet: "mesh", isEncrypted: false)
        let proof = try MessageProof(of: forged.id, by: Self.key(2), in: network, to: nil)
        let voucher = PeerMessage(
            0,
            0x38,
            from: alice.id,
            at: alice.now,
            [.binary(forged.id.octets), .binary(proof.octets)]
        )
        Self.expectUnproved([voucher, forged])
        // With her key in front of his signature.
        let claimed = try Self.key(1).publicKey.octets + proof.octets[32...]
        let lie = PeerMessage(0, 0x38, from: alice.id, at: alice.now, [.binary(forged.id.octets), .binary(claimed)])
        Self.expectUnproved([lie, forged])
    }

    @Test func `a message that was altered is not proved by what proves the one that it was`() throws {
        let messages = Self.said("pay 1", by: try Self.signer())
        Self.expectUnproved([messages[0], PeerMessage(0, 0, from: messages[1].sender, at: messages[1].time, ["pay 9"])])
        Self.expectUnproved([
            messages[0], PeerMessage(0, 0, from: messages[1].sender, at: messages[1].time + 1, ["pay 1"]),
        ])
    }

    @Test func `a proof of another network, of another kind, or one octet off is none`() throws {
        Self.expectUnproved(Self.said("hi", by: try Self.signer(subnet: "one")))
        let messages = Self.said("hi", by: try Self.signer())
        for index in [0, 31, 32, 95] {
            Self.expectUnproved([Self.voucher(messages) { $0[index] ^= 1 }, messages[1]])
        }
        Self.expectUnproved([Self.voucher(messages) { $0.removeLast() }, messages[1]])
        // Said to all, it proves no whisper.
        Self.expectUnproved([messages[0], PeerMessage(2, 2, from: messages[1].sender, at: messages[1].time, ["hi"])])
    }

    @Test func `a forged proof that comes first does not displace the true one`() throws {
        let (bob, a, b) = Self.listener()
        let messages = Self.said("hi", by: try Self.signer())
        let network = NetworkID(subnet: "mesh", isEncrypted: false)
        let other = try MessageProof(of: messages[1].id, by: Self.key(2), in: network, to: nil)
        bob.receive(.broadcast(messages[0].payload[0], .binary(other.octets), from: "x", subFlag: 0x38), on: b)
        bob.receive(Self.voucher(messages) { $0[40] ^= 1 }, on: b)
        for message in messages { bob.receive(message, on: a) }
        #expect(Self.told(bob) == ["hi signed"])
    }

    @Test func `what was said before is not said again by sending it again`() throws {
        let (bob, a, b) = Self.listener()
        let messages = Self.said("hi", by: try Self.signer())
        for link in [a, b, a] { for message in messages { bob.receive(message, on: link) } }
        #expect(Self.told(bob) == ["hi signed"])
        bob.pass(seconds: 61)
        for message in messages { bob.receive(message, on: b) }
        #expect(Self.told(bob).count == 1)
    }

    // MARK: Whispers

    @Test func `a whisper is signed for the one neighbour that it is for, and counts once`() throws {
        let alice = try Self.signer()
        let messages = Self.said("psst", by: alice, to: "bob", asWhisper: true)
        #expect(messages.map(\.mainFlag) == [2, 2] && messages.map(\.subFlag) == [0x38, 2])
        let (bob, a, b) = Self.listener("bob")
        for link in [a, b, a] { for message in messages { bob.receive(message, on: link) } }
        #expect(Self.told(bob) == ["psst signed"])
        // Who was told it cannot tell it to others in her name.
        let (carol, link, _) = Self.listener("carol")
        for message in messages { carol.receive(message, on: link) }
        carol.pass(seconds: 6)
        #expect(Self.told(carol) == [] && carol.rules.mesh.proofs.refusedCount == 1)
    }

    @Test func `a whisper that came before its proof waits for it, and one of long ago is none`() throws {
        let messages = Self.said("psst", by: try Self.signer(), to: "bob", asWhisper: true)
        let (bob, a, _) = Self.listener("bob")
        for message in messages.reversed() { bob.receive(message, on: a) }
        #expect(Self.told(bob) == ["psst signed"])
        let (late, link, _) = Self.listener("bob")
        late.now += 61
        for message in messages { late.receive(message, on: link) }
        #expect(Self.told(late) == [])
    }

    @Test func `the same whispered twice in a second is heard twice`() throws {
        let alice = try Self.signer()
        let (bob, a, _) = Self.listener("bob")
        for _ in 0..<2 {
            for message in Self.said("psst", by: alice, to: "bob", asWhisper: true) { bob.receive(message, on: a) }
        }
        #expect(Self.told(bob) == ["psst signed", "psst signed"])
    }

    // MARK: Limits

    @Test(arguments: [0, 1])
    func `so many octets wait for their proofs, and what is more is dropped at once`(_ excess: Int) {
        let message = PeerMessage.broadcast("hi", from: "x")
        let (bob, a, _) = Self.listener("bob") {
            $0.requiresSigned = true
            $0.keptBytesMax = message.body.count - excess
        }
        bob.receive(message, on: a)
        #expect(bob.rules.mesh.proofs.refusedCount == excess)
        #expect(bob.rules.mesh.proofs.heldBytes == (excess == 0 ? message.body.count : 0))
    }

    @Test func `so many proofs wait for their messages, and then the oldest are forgotten`() throws {
        let alice = try Self.signer()
        let all = (0..<5).map { Self.said(.integer($0), by: alice) }
        for countMax in [5, 4] {
            let (bob, a, _) = Self.listener("bob") {
                $0.requiresSigned = true
                $0.vouchersMax = countMax
            }
            for messages in all { bob.receive(messages[0], on: a) }
            for messages in all { bob.receive(messages[1], on: a) }
            #expect(Self.told(bob).count == (countMax == 5 ? 5 : 3))
        }
    }
}
