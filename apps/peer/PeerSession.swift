// Carries out what is typed, on a node of whichever kind.

import Daemon
import JSON
import PeerNetwork

/// A node of one of the kinds.
enum AnyNode: Sendable {
    case mesh(MeshNode)
    case sync(SyncNode)
    case chord(ChordNode)

    /// The node as one of a mesh.
    var mesh: MeshNode {
        switch self {
        case .mesh(let node): node
        case .sync(let node): node.mesh
        case .chord(let node): node.mesh
        }
    }

    var kind: NetworkKind {
        switch self {
        case .mesh: .mesh
        case .sync: .sync
        case .chord: .chord
        }
    }
}

/// One person, or program, and its node.
actor PeerSession {
    private let node: AnyNode
    private let printer: EventPrinter
    private let isTyped: Bool
    private var lastSender: NodeID?

    /// `isTyped`: a line that is no command is a message to all of a mesh.
    init(_ node: AnyNode, _ printer: EventPrinter, isTyped: Bool) {
        (self.node, self.printer, self.isTyped) = (node, printer, isTyped)
    }

    /// Shows what happens until the node stops.
    func follow() async {
        var events = node.mesh.events.makeAsyncIterator()
        while let batch = await events.nextBatch() {
            for case .message(let message, _) in batch.reversed() {
                lastSender = message.sender
                break
            }
            await printer.show(batch)
        }
    }

    /// Carries lines out one after another and says what came of each; false: it is time to leave.
    func perform(_ lines: [String]) async -> Bool {
        var messages = Messages()
        for line in lines where !line.isEmpty && !Task.isCancelled {
            do {
                let instruction = try Instruction.parse(line, in: node.kind, isTyped: isTyped)
                if case .send(let values) = instruction {
                    messages.add(values, line)
                    continue
                }
                await broadcast(&messages)
                if case .quit = instruction { return false }
                let (result, text) = try await perform(instruction)
                printer.show { $0.add(result: result, of: line, text) }
            } catch {
                await broadcast(&messages)
                printer.show { $0.add(error: "\(error)", of: line) }
            }
            await printer.waitForRoom()
        }
        await broadcast(&messages)
        return true
    }

    /// Messages to all, in lines that stand one behind the other.
    private struct Messages {
        private(set) var values: [[MessageValue]] = []
        private(set) var lines: [String] = []

        mutating func add(_ message: [MessageValue], _ line: String) {
            values.append(message)
            lines.append(line)
        }
    }

    /// Tells all nodes at once what else would take a turn for each; none are left.
    private func broadcast(_ messages: inout Messages) async {
        guard !messages.lines.isEmpty else { return }
        let refusals = await node.mesh.broadcast(each: messages.values)
        printer.show { lines in
            for (line, refusal) in zip(messages.lines, refusals) {
                if let refusal {
                    lines.add(error: refusal.message, of: line)
                } else {
                    lines.add(result: .bool(true), of: line, nil)
                }
            }
        }
        await printer.waitForRoom()
        messages = Messages()
    }

    private func perform(_ instruction: Instruction) async throws -> (JSONValue, String?) {
        switch instruction {
        case .whisper(let values): try await node.mesh.whisper(values)
        case .reply(let values):
            guard let lastSender else { throw InvalidValue("nobody has said anything yet") }
            try await node.mesh.send(values, to: lastSender)
        case .connect(let address): node.mesh.connect(to: address)
        case .help: return (.string(Instruction.explanation), Instruction.explanation)
        case .peers: return peers
        case .status: return await status
        // Told together with the lines around it, and the end of the session.
        case .send, .quit: break
        default: return try await performOnTable(instruction)
        }
        return (.bool(true), nil)
    }

    private func performOnTable(_ instruction: Instruction) async throws -> (JSONValue, String?) {
        switch (node, instruction) {
        case (.sync(let table), .set(let key, let value)): try await table.set(key, to: value)
        case (.chord(let table), .set(let key, let value)): try await table.set(key, to: value)
        case (.sync(let table), .get(let key)): return answer(key, table[key])
        case (.chord(let table), .get(let key)):
            return answer(key, await table.value(for: key))
        case (.sync(let table), .delete(let key)): try await table.remove(key)
        case (.chord(let table), .delete(let key)): try await table.remove(key)
        case (.sync(let table), .delta(let key, let entries)):
            let value = try await table.change(key, by: entries)
            return (PeerValues.json(value), nil)
        case (.chord(let table), .delta(let key, let entries)): try await table.change(key, by: entries)
        case (.sync(let table), .keys): return list(table.keys)
        case (.chord(let table), .keys): return list(table.keys)
        case (.chord(let table), .locate(let key)): return place(key, await table.location(of: key))
        case (.chord(let table), .join): table.join()
        case (.chord(let table), .unjoin): table.unjoin()
        default: throw InvalidValue("a \(node.kind.rawValue) network has no such command; help says which there are")
        }
        return (.bool(true), nil)
    }

    private func answer(_ key: String, _ value: MessageValue?) -> (JSONValue, String?) {
        let members: [(String, JSONValue)] = [("key", .string(key)), ("value", value.map(PeerValues.json) ?? .null)]
        return (.object(JSONObject(members)), EventLines.clean(value.map(PeerValues.text) ?? "there is no \(key)"))
    }

    private func place(_ key: String, _ location: KeyLocation?) -> (JSONValue, String?) {
        guard let location else { return (.null, "nobody says who has \(key)") }
        let members: [(String, JSONValue)] = [
            ("key", .string(key)), ("owner", .string("\(location.owner)")),
            ("hops", .number(JSONNumber(Int64(location.hops)))),
        ]
        return (.object(JSONObject(members)), EventLines.clean("\(location.owner), \(location.hops) steps away"))
    }

    private func list(_ keys: [[UInt8]]) -> (JSONValue, String?) {
        let texts = keys.map(PeerValues.text(ofKey:)).sorted()
        return (.array(texts.map { .string($0) }), texts.map(EventLines.clean).joined(separator: "\n"))
    }

    private var peers: (JSONValue, String?) {
        let peers = node.mesh.neighbours
        let values = peers.map { peer in
            let place = peer.address.map { JSONValue.string("\($0)") } ?? .null
            return JSONValue.object(JSONObject([("id", .string("\(peer.id)")), ("addr", place)]))
        }
        let lines = peers.map {
            EventLines.clean("\($0.id) at \($0.address.map(\.description) ?? "an unknown address")")
        }
        return (.array(values), lines.isEmpty ? "no neighbours" : lines.joined(separator: "\n"))
    }

    private var status: (JSONValue, String?) {
        get async {
            let count = node.mesh.neighbours.count
            var members: [(String, JSONValue)] = [
                ("network", .string(node.kind.rawValue)), ("id", .string("\(node.mesh.id)")),
                ("peers", .number(JSONNumber(Int64(count)))), ("signing", .bool(node.mesh.isSigning)),
                ("unproved", .number(JSONNumber(Int64(node.mesh.unprovedCount)))),
                ("unreached", .array(node.mesh.unreached.map { .string("\($0)") })),
            ]
            if case .sync(let table) = node { members.append(("keys", .number(JSONNumber(Int64(table.keys.count))))) }
            if case .chord(let table) = node {
                members.append(("keys", .number(JSONNumber(Int64(table.keys.count)))))
                members.append(("storing", .bool(table.isStoring)))
                members.append(("held", .number(JSONNumber(Int64(table.heldCount)))))
                members.append(("successor", table.successor.map { .string("\($0)") } ?? .null))
            }
            let text = members.map { "\($0.0): \($0.1.stringValue ?? String(decoding: $0.1.encoded, as: UTF8.self))" }
            return (.object(JSONObject(members)), EventLines.clean(text.joined(separator: ", ")))
        }
    }
}
