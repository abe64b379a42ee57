// What neighbours say to a node: nothing stops it, and nothing that it remembers grows beyond its limit.

@testable import PeerNetwork

/// Octets: one that names a network, then what happens: an octet that says what, one that counts, so many octets.
struct PeerRulesFuzz: FuzzTarget {
    private static let now: Int64 = 1_800_000_000

    func run(_ octets: [UInt8]) {
        guard let first = octets.first else { return }
        var configuration = NodeConfiguration()
        (configuration.incomingMax, configuration.seenMax, configuration.missingMax) = (8, 16, 8)
        (configuration.addressesMax, configuration.keptBytesMax) = (8, 2000)
        let identity = NodeIdentity(
            id: NodeID("5me"),
            network: Self.network,
            address: PeerAddress(host: "10.0.0.1", port: 1000),
            methods: [.zlib]
        )
        let mesh = MeshStateMachine(identity, configuration, seed: 1)
        var limits = SyncLimits()
        (limits.keysMax, limits.keyBytesMax) = (8, 16)
        switch first % 4 {
        case 0: play(MeshRules(mesh), octets.dropFirst())
        case 1:
            play(SyncRules(mesh, isLeasing: true, limits: limits), octets.dropFirst()) { Self.act(&$0, $1, $2, &$3) }
        case 2:
            play(SyncRules(mesh, isLeasing: false, limits: limits), octets.dropFirst()) { Self.act(&$0, $1, $2, &$3) }
        default: play(ChordRules(mesh), octets.dropFirst())
        }
    }

    private func play<Rules: NodeRules>(
        _ start: Rules,
        _ script: ArraySlice<UInt8>,
        user: (inout Rules, ArraySlice<UInt8>, Int64, inout [NodeAction]) -> Void = { _, _, _, _ in }
    ) {
        var (rules, now, rest) = (start, Self.now, script)
        var actions: [NodeAction] = []
        var links: [LinkID] = []
        for number in 0..<3 { links.append(greeted(&rules, "\(3 * number + 2)x", isKin: number > 0, &actions)) }
        while let what = rest.popFirst(), let count = rest.popFirst() {
            let said = rest.prefix(Int(count))
            rest = rest.dropFirst(said.count)
            let link = links[Int(what & 0x0f) % links.count]
            switch what >> 4 {
            case 0...9: receive(said, on: link, &rules, now, &actions)
            case 10: user(&rules, said, now, &actions)
            case 11, 12:
                now += Int64(count)
                rules.tick(at: now, &actions)
            case 13:
                rules.take(rules.mesh.closed(link, at: now, &actions), at: now, &actions)
                links.append(greeted(&rules, "\(count % 4)x", isKin: count > 100, &actions))
            default: rules.mesh.send([.binary(Array(said))], to: NodeID(octets: Array(said)), at: now, &actions)
            }
            actions = []
            check(rules.mesh)
            if let table = rules as? SyncRules {
                hold(table.entries.count <= 8 && table.deleted.count <= 8, "a table beyond its limit")
                hold(table.entries.keys.allSatisfy { (1...16).contains($0.count) }, "a key beyond its limit")
            }
        }
    }

    private func check(_ mesh: MeshStateMachine) {
        hold(mesh.seen.count <= 16, "more messages remembered than may be")
        hold(mesh.addresses.count <= 8 && mesh.searches.count <= 8, "more addresses or searches than may be")
        hold(mesh.tree.missing.count <= 8, "more messages waited for than may be")
        hold(mesh.tree.kept.bytes <= 2000, "more kept than may be")
        hold(Set(mesh.order) == Set(mesh.table.values) && mesh.order.count == mesh.table.count, "links without order")
        hold(mesh.links.values.count { $0.dialled != nil } <= 8 + 4, "more links than may be dialled")
    }

    private func greeted<Rules: NodeRules>(
        _ rules: inout Rules,
        _ name: String,
        isKin: Bool,
        _ actions: inout [NodeAction]
    ) -> LinkID {
        let link = rules.mesh.accepted(at: Self.now, &actions)
        let place = MessageValue.array([.text("10.0.0.2"), 4444])
        let payload: [MessageValue] = [.text(name), .binary(Self.network.octets), place, .array([0x13])]
        let id = NodeID(name)
        var messages = [PeerMessage(MainFlag.whisper, SubFlag.handshake, from: id, at: Self.now, payload)]
        if isKin { messages.append(PeerMessage(MainFlag.whisper, SubFlag.hello, from: id, at: Self.now, [1, 60])) }
        for message in messages {
            let outcome = rules.mesh.received(message, on: link, at: Self.now, &actions)
            rules.take(outcome, at: Self.now, &actions)
        }
        return link
    }

    private func receive<Rules: NodeRules>(
        _ packed: ArraySlice<UInt8>,
        on link: LinkID,
        _ rules: inout Rules,
        _ now: Int64,
        _ actions: inout [NodeAction]
    ) {
        guard let message = PeerMessage(body: MessageID(ofPacked: packed).octets + packed) else { return }
        rules.take(rules.mesh.received(message, on: link, at: now, &actions), at: now, &actions)
    }

    /// What the user of a table does, whom others' changes must not stop; a refusal is an answer too.
    private static func act(
        _ table: inout SyncRules,
        _ said: ArraySlice<UInt8>,
        _ now: Int64,
        _ actions: inout [NodeAction]
    ) {
        let key = Array(said.dropFirst())
        switch said.first.map({ $0 % 3 }) {
        case 0: try? table.set(key, to: "mine", at: now, &actions)
        case 1: try? table.remove(key, at: now, &actions)
        default: _ = try? table.change(key, by: [.init("a", "b")], at: now, &actions)
        }
    }

    private static let network = NetworkID(subnet: "fuzz", isEncrypted: false)

    var seeds: [[UInt8]] {
        let (id, now) = (NodeID("2x"), Self.now)
        func said(_ flag: Int64, _ sub: Int64, _ payload: [MessageValue], _ what: UInt8 = 0) -> [UInt8] {
            let packed = PeerMessage(flag, sub, from: id, at: now, payload).body.dropFirst(32)
            return [what, UInt8(packed.count)] + packed
        }
        let place = MessageValue.array([.text("10.0.0.9"), 4445])
        let me = MessageValue.text("5me")
        let merge = said(2, SubFlag.merge, ["k", "v", me, .integer(now), .integer(.max)], 1)
        let user: [UInt8] = [0xa0, 2, 0, 0x6b, 0xa0, 2, 1, 0x6b, 0xa0, 2, 2, 0x6b]
        let table: [[UInt8]] = [
            merge + user, said(0, SubFlag.store, ["k", "v"]) + user,
            said(0, SubFlag.delta, ["m", .map([.init("a", 1)])]),
            said(0, SubFlag.store, ["k", .null, .integer(.min)]) + [0xb0, 60] + user,
            said(2, SubFlag.store, ["k", "v", me, .integer(.min)]) + user + [0xd0, 101],
            said(2, SubFlag.merge, ["k", .null, "2x", .integer(now), 1], 1) + merge + [0xd0, 1],
        ]
        let mesh: [[UInt8]] = [
            said(2, SubFlag.peers, [.array([.array([place, "9z"]), .array([place, me])])]) + [0xd0, 2, 0xd0, 3],
            said(0, SubFlag.request, ["r", "8x"]) + said(0, SubFlag.response, ["r", .array([place, "9z"])]),
            said(2, SubFlag.request, ["*"]) + said(1, SubFlag.compression, [.array([0x13])]) + [0xe0, 2, 0x39, 0x7a],
            said(2, SubFlag.announce, [.binary([UInt8](repeating: 7, count: 32))], 1) + [0xb0, 1, 0xb0, 1, 0xb0, 1],
            said(2, SubFlag.prune, [], 2) + said(0, 0, ["hello"]) + said(0, 0, ["hello"], 1)
                + said(2, SubFlag.graft, [], 2),
        ]
        let chord: [[UInt8]] = [
            said(2, SubFlag.handshake, ["0"]) + said(2, SubFlag.notify, ["k"]) + said(0, SubFlag.notify, ["k", "del"]),
            said(2, SubFlag.store, ["sha1", "8k5SS5Cj", "v"]) + said(2, SubFlag.retrieve, ["sha1", "8k5SS5Cj"]),
            said(2, SubFlag.delta, ["sha512", "8k5", .map([.init("a", 1)])])
                + said(2, SubFlag.retrieved, ["sha1", "1", .null]),
        ]
        return mesh.map { [0] + $0 } + table.flatMap { [[1] + $0, [2] + $0] } + chord.map { [3] + $0 }
    }
}
