// A table that takes only what its owners have signed: as it is said, and as it is handed over.

import PeerIdentity
import Testing

@testable import PeerNetwork

@Suite struct SyncEvidenceTests {
    private static let network = NetworkID(subnet: "sync1", isEncrypted: false)

    private static func node(
        key number: UInt8?,
        _ name: String = "me",
        isStrict: Bool = false
    ) throws -> Node<SyncRules> {
        var identity = NodeIdentity.named(name, subnet: "sync1")
        if let number {
            let key = try IdentityKey(rawRepresentation: [UInt8](repeating: number, count: 32))
            identity = NodeIdentity(key: key, network: network, address: nil, methods: [])
        }
        var configuration = NodeConfiguration()
        configuration.requiresSigned = isStrict
        return Node(SyncRules(MeshStateMachine(identity, configuration, seed: 1), isLeasing: true))
    }

    /// A neighbour that speaks our extensions; what was sent to it.
    private static func meetKin(_ node: Node<SyncRules>, _ name: String) -> (link: LinkID, sent: [PeerMessage]) {
        let link = node.meet(name, subnet: "sync1")
        node.receive(.whisper(1, from: name, subFlag: 0x30), on: link)
        node.perform { rules, now, actions in rules.tick(at: now, &actions) }
        let sent = node.taken().compactMap { action -> PeerMessage? in
            if case .send(link, let message, _) = action { message } else { nil }
        }
        return (link, sent)
    }

    private static func perform(
        _ node: Node<SyncRules>,
        _ body: (inout SyncRules, Int64, inout [NodeAction]) throws(PeerNetworkError) -> Void
    ) throws { try node.perform(body) }

    /// What a signing node that has set k, changed m and deleted d hands over.
    private static func handedOver() throws -> [PeerMessage] {
        let alice = try node(key: 1)
        try perform(alice) { rules, now, actions throws(PeerNetworkError) in
            try rules.set(Array("k".utf8), to: "v", at: now, &actions)
            try rules.set(Array("k".utf8), to: "w", at: now, &actions)
            try rules.set(Array("d".utf8), to: "v", at: now, &actions)
            try rules.remove(Array("d".utf8), at: now, &actions)
            _ = try rules.change(Array("m".utf8), by: [MessageValue.Entry("a", 1)], at: now, &actions)
            _ = try rules.change(Array("m".utf8), by: [MessageValue.Entry("b", 2)], at: now, &actions)
        }
        _ = alice.taken()
        return meetKin(alice, "bob").sent.filter { $0.subFlag == SubFlag.merge }
    }

    private static func table(_ node: Node<SyncRules>) -> [String] {
        node.rules.entries.map { "\(String(decoding: $0.key, as: UTF8.self))=\($0.value.value.text)" }.sorted()
    }

    @Test func `what a signing node has is taken from whoever hands it over, and handed on with its proof`() throws {
        let merges = try Self.handedOver()
        let bob = try Self.node(key: nil, "bob", isStrict: true)
        let (mallory, _) = Self.meetKin(bob, "mallory")
        for merge in merges { bob.receive(.whisper(merge.payload, from: "mallory"), on: mallory) }
        #expect(Self.table(bob) == ["k=w", "m={a:1,b:2}"] && bob.rules.deleted.count == 1)
        let carol = try Self.node(key: nil, "carol", isStrict: true)
        let (link, _) = Self.meetKin(carol, "bob")
        for merge in Self.meetKin(bob, "carol").sent where merge.subFlag == SubFlag.merge {
            carol.receive(merge, on: link)
        }
        #expect(Self.table(carol) == ["k=w", "m={a:1,b:2}"] && carol.rules.deleted.count == 1)
    }

    @Test func `what is handed over otherwise than its owner has signed it is dropped and counted`() throws {
        let payload = try #require(try Self.handedOver().first { $0.payload[0].octets == Array("k".utf8) }).payload
        let parts = try #require(payload[1].elements)
        let (proof, signed) = (try #require(parts[1].octets), try #require(PeerMessage(body: parts[0].octets ?? [])))
        func altered(_ key: MessageValue, _ value: MessageValue, from sender: NodeID, at time: Int64) -> MessageValue {
            let message = PeerMessage(0, SubFlag.store, from: sender, at: time, [.binary(key.octets ?? []), value, 1])
            return .array([.binary(message.body), parts[1]])
        }
        let lies: [[MessageValue]] = [
            // Another key, value, time or owner; what is signed, under another key; octets that are off, or too few.
            ["other", altered("other", "w", from: signed.sender, at: signed.time)],
            ["k", altered("k", "forged", from: signed.sender, at: signed.time)],
            ["k", altered("k", "w", from: signed.sender, at: signed.time + 9)],
            ["k", altered("k", "w", from: NodeID("mallory"), at: signed.time)], ["other", payload[1]],
            ["k", .array([parts[0], .binary([proof[0] ^ 1] + proof[1...])])],
            ["k", .array([parts[0], .binary(proof.dropLast() + [proof[95] ^ 1])])],
            ["k", .array([parts[0], .binary(proof.dropLast())])], ["k", .array([parts[0]])], ["k", .null],
        ]
        for lie in lies {
            for isStrict in [true, false] {
                let bob = try Self.node(key: nil, "bob", isStrict: isStrict)
                let (mallory, _) = Self.meetKin(bob, "mallory")
                bob.receive(.whisper(lie, from: "mallory"), on: mallory)
                #expect(Self.table(bob) == [] && bob.rules.mesh.proofs.refusedCount == 1, "\(lie)")
            }
        }
    }

    @Test(arguments: [true, false])
    func `what is handed over without proof is taken on trust where none is required`(_ isStrict: Bool) throws {
        let bob = try Self.node(key: nil, "bob", isStrict: isStrict)
        let (link, _) = Self.meetKin(bob, "a")
        bob.receive(.whisper(["k", "v", "alice", .integer(bob.now), 0], from: "a"), on: link)
        #expect(Self.table(bob) == (isStrict ? [] : ["k=v"]))
        #expect(bob.rules.mesh.proofs.refusedCount == (isStrict ? 1 : 0))
    }

    @Test func `a change that nobody has signed is not made, however it is said`() throws {
        let bob = try Self.node(key: nil, "bob", isStrict: true)
        let (link, _) = Self.meetKin(bob, "mallory")
        bob.receive(.broadcast("k", "v", from: "alice", subFlag: SubFlag.store), on: link)
        bob.receive(.broadcast("k", .map([]), from: "alice", subFlag: SubFlag.delta), on: link)
        bob.receive(.whisper(["k", "v"], from: "alice", SubFlag.store), on: link)
        bob.receive(.whisper(["k", "v", "alice", .integer(bob.now)], from: "mallory", SubFlag.store), on: link)
        bob.pass(seconds: 6)
        #expect(Self.table(bob) == [] && bob.rules.mesh.proofs.refusedCount == 4)
    }

    @Test func `a change that its owner has signed is made as it is heard`() throws {
        let alice = try Self.node(key: 1)
        let (toBob, _) = Self.meetKin(alice, "bob")
        let bob = try Self.node(key: nil, "bob", isStrict: true)
        let (link, _) = Self.meetKin(bob, "a")
        try Self.perform(alice) { rules, now, actions throws(PeerNetworkError) in
            try rules.set(Array("k".utf8), to: "v", at: now, &actions)
            _ = try rules.change(Array("m".utf8), by: [MessageValue.Entry("a", 1)], at: now, &actions)
        }
        for action in alice.taken() {
            if case .send(toBob, let message, _) = action { bob.receive(message, on: link) }
        }
        #expect(Self.table(bob) == ["k=v", "m={a:1}"])
    }

    @Test func `what a signed message has in it beside the entry is not kept`() throws {
        let key = try IdentityKey(rawRepresentation: [UInt8](repeating: 1, count: 32))
        let bob = try Self.node(key: nil, "bob")
        let (mallory, _) = Self.meetKin(bob, "mallory")
        for (number, extra) in [MessageValue.integer(1), .binary([UInt8](repeating: 7, count: 100_000))].enumerated() {
            let payload: [MessageValue] = [.binary(Array("k\(number)".utf8)), "v", extra]
            let message = PeerMessage(0, SubFlag.store, from: NodeID(of: key.publicKey), at: bob.now, payload)
            let proof = try MessageProof(of: message.id, by: key, in: Self.network, to: nil)
            let signed = MessageValue.array([.binary(message.body), .binary(proof.octets)])
            bob.receive(.whisper(payload[0], signed, from: "mallory", subFlag: SubFlag.merge), on: mallory)
        }
        #expect(Self.table(bob) == ["k0=v"])
        #expect(bob.rules.evidence.count == 1)
    }
}

extension PeerMessage {
    fileprivate static func whisper(
        _ values: [MessageValue],
        from name: String,
        _ subFlag: Int64 = SubFlag.merge
    ) -> PeerMessage {
        PeerMessage(MainFlag.whisper, subFlag, from: NodeID(name), at: Node<MeshRules>.start, values)
    }
}
