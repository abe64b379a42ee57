// Nodes of one network without a network: the tests carry the messages.

import Testing

@testable import PeerNetwork

extension NodeIdentity {
    /// A node called `name`, at 10.0.0.1 and `port`.
    static func named(
        _ name: String,
        port: Int = 1000,
        subnet: String = "mesh",
        methods: [CompressionMethod] = []
    ) -> NodeIdentity {
        NodeIdentity(
            id: NodeID(name),
            network: NetworkID(subnet: subnet, isEncrypted: false),
            address: PeerAddress(host: "10.0.0.1", port: port),
            methods: methods
        )
    }
}

/// One node's rules with what they decide.
final class Node<Rules: NodeRules> {
    static var start: Int64 { 1_800_000_000 }

    var rules: Rules
    var now = Node.start
    private(set) var actions: [NodeAction] = []
    /// The same, to be added to by what a test calls directly.
    var actionsForTests: [NodeAction] {
        get { actions }
        set { actions = newValue }
    }

    init(_ rules: Rules) {
        self.rules = rules
    }

    var id: NodeID { rules.mesh.identity.id }

    /// Takes what was decided since the last time.
    func taken() -> [NodeAction] {
        defer { actions = [] }
        return actions
    }

    @discardableResult
    func perform<Result, Failure: Error>(
        _ body: (inout Rules, Int64, inout [NodeAction]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&rules, now, &actions)
    }

    func receive(_ message: PeerMessage, on link: LinkID) {
        let outcome = rules.mesh.received(message, on: link, at: now, &actions)
        rules.take(outcome, at: now, &actions)
    }

    func close(_ link: LinkID, _ why: String? = nil) {
        let outcome = rules.mesh.closed(link, why, at: now, &actions)
        rules.take(outcome, at: now, &actions)
    }

    func pass(seconds: Int64) {
        for _ in 0..<seconds {
            now += 1
            rules.tick(at: now, &actions)
        }
    }

    /// A link from a peer called `name`, which says so; what was decided about it is taken.
    @discardableResult
    func meet(_ name: String, port: Int = 2000, subnet: String = "mesh", methods: [Int64] = []) -> LinkID {
        let link = rules.mesh.accepted(at: now, &actions)
        receive(.handshake(of: name, port: port, subnet: subnet, methods: methods, at: now), on: link)
        return link
    }

    /// What was sent on `link` since the last time.
    func messages(on link: LinkID) -> [PeerMessage] {
        actions.compactMap { action in
            guard case .send(link, let message, _) = action else { return nil }
            return message
        }
    }

    /// What was sent on `link` since the last time, as text.
    func sent(on link: LinkID) -> [String] {
        actions.compactMap { action in
            guard case .send(link, let message, _) = action else { return nil }
            return message.text
        }
    }

    /// Addresses that were dialled since the last time.
    var dialled: [Int] {
        actions.compactMap { action in
            guard case .dial(_, let address) = action else { return nil }
            return address.port
        }
    }

    /// Links that were closed since the last time, and why.
    var closed: [(LinkID, ClosingReason)] {
        actions.compactMap { action in
            guard case .close(let link, let reason) = action else { return nil }
            return (link, reason)
        }
    }

    /// What was told since the last time, as text.
    var told: [String] {
        actions.compactMap { action in
            guard case .tell(let event) = action else { return nil }
            return event.text
        }
    }
}

extension PeerMessage {
    static func handshake(
        of name: String,
        port: Int = 2000,
        subnet: String = "mesh",
        methods: [Int64] = [],
        at time: Int64 = Node<MeshRules>.start
    ) -> PeerMessage {
        let network = NetworkID(subnet: subnet, isEncrypted: false)
        let payload: [MessageValue] = [
            .binary(Array(name.utf8)), .binary(network.octets), .array(["10.0.0.1", .integer(Int64(port))]),
            .array(methods.map { .integer($0) }),
        ]
        return PeerMessage(2, 5, from: NodeID(name), at: time, payload)
    }

    static func broadcast(
        _ values: MessageValue...,
        from name: String,
        at time: Int64 = Node<MeshRules>.start,
        subFlag: Int64 = 0
    ) -> PeerMessage {
        PeerMessage(0, subFlag, from: NodeID(name), at: time, values)
    }

    static func whisper(
        _ values: MessageValue...,
        from name: String,
        at time: Int64 = Node<MeshRules>.start,
        subFlag: Int64 = 2
    ) -> PeerMessage {
        PeerMessage(2, subFlag, from: NodeID(name), at: time, values)
    }

    /// `0/11 k v`: main flag, sub-flag, and what is said.
    var text: String {
        ([String(mainFlag) + "/" + (subFlag.map { String($0) } ?? "-")] + payload.map(\.text)).joined(separator: " ")
    }
}

extension MessageValue {
    /// Short, with texts and octets alike.
    var text: String {
        switch self {
        case .null: "nil"
        case .bool(let isTrue): "\(isTrue)"
        case .integer(let number): "\(number)"
        case .unsigned(let number): "\(number)"
        case .double(let number): "\(number)"
        case .text(let text): text
        case .binary(let octets): String(decoding: octets, as: UTF8.self)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .map(let entries): "{" + entries.map { $0.key.text + ":" + $0.value.text }.joined(separator: ",") + "}"
        case .extended(let type, _): "ext \(type)"
        }
    }
}

extension NodeEvent {
    var text: String {
        switch self {
        case .connected(let id, _): "+\(id)"
        case .disconnected(let id): "-\(id)"
        case .message(let message, let neighbour): "\(message.sender) by \(neighbour): \(message.payload.map(\.text))"
        case .updated(let key, let value, let owner, _):
            "\(String(decoding: key, as: UTF8.self))=\(value.text) of \(owner)"
        case .deleted(let key): "\(String(decoding: key, as: UTF8.self)) gone"
        case .added(let key): "\(String(decoding: key, as: UTF8.self)) added"
        case .trouble(let text): "! \(text)"
        }
    }
}
