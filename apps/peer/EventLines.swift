// What happens, as lines: sentences for people, JSON for programs.

import Daemon
import JSON
import PeerNetwork

/// Lines in the making, each whole.
struct EventLines {
    private let isJSON: Bool
    /// When they are made, in seconds since 1970, to the millisecond.
    private let time: JSONValue
    private var writer = JSONWriter(isCanonical: false)

    /// No lines yet.
    init(isJSON: Bool) {
        self.isJSON = isJSON
        let milliseconds = WallClock.sinceEpoch() / Duration.milliseconds(1)
        time = JSONNumber((milliseconds / 1000 * 1000).rounded() / 1000).map { .number($0) } ?? .null
    }

    /// The lines, each with its end.
    var octets: [UInt8] { writer.octets }

    /// What the node tells of its own accord.
    mutating func add(_ event: NodeEvent) {
        switch event {
        case .connected(let id, let address):
            let place = address.map { " at \($0)" } ?? ""
            add("connect", Self.clean("linked to \(id)\(place)")) { line in
                line.append("id", utf8: id.octets)
                line.append("addr", Self.json(address))
            }
        case .disconnected(let id):
            add("disconnect", Self.clean("lost \(id)")) { $0.append("id", utf8: id.octets) }
        case .message(let message, _):
            add("message", Self.sentence(message)) { line in
                line.append("packets", Self.packets(message))
                line.append("sender", utf8: message.sender.octets)
                line.append("time", .number(JSONNumber(message.time)))
                line.append("id", utf8: message.id.hexadecimal)
                line.append("signed", .bool(message.isSigned))
            }
        case .updated(let key, let value, let owner, let time):
            add("update", Self.clean("\(PeerValues.text(ofKey: key)) = \(PeerValues.text(of: value))")) { line in
                line.append("key", .string(PeerValues.text(ofKey: key)))
                line.append("value", PeerValues.json(value))
                line.append("owner", utf8: owner.octets)
                line.append("timestamp", .number(JSONNumber(time)))
            }
        case .deleted(let key):
            add("delete", Self.clean("\(PeerValues.text(ofKey: key)) is gone")) {
                $0.append("key", .string(PeerValues.text(ofKey: key)))
            }
        case .added(let key):
            add("add", Self.clean("there is \(PeerValues.text(ofKey: key))")) {
                $0.append("key", .string(PeerValues.text(ofKey: key)))
            }
        case .trouble(let text):
            add("error", Self.clean(text)) { $0.append("text", .string(text)) }
        }
    }

    /// What came of a command; `text` is for people, clean in each of its lines, nil if they need not be told.
    mutating func add(result: JSONValue, of command: String, _ text: String?) {
        add("result", text) { line in
            line.append("cmd", .string(command))
            line.append("value", result)
        }
    }

    /// Why a command was not carried out.
    mutating func add(error: String, of command: String) {
        add("error", Self.clean(error)) { line in
            line.append("cmd", .string(command))
            line.append("text", .string(error))
        }
    }

    /// What there is to say of the registry; `name`: this node is found by that from now on.
    mutating func add(registry text: String, name: String? = nil) {
        add("registry", Self.clean(text)) { line in
            if let name { line.append("name", .string(name)) }
            line.append("text", .string(text))
        }
    }

    /// The node takes part from now on: people were told on standard error.
    mutating func addReady(_ id: NodeID, _ network: NetworkID, _ subnet: String, _ address: PeerAddress, port: Int) {
        add("ready", nil) { line in
            line.append("port", .number(JSONNumber(Int64(port))))
            line.append("id", utf8: id.octets)
            line.append("protocol", utf8: network.octets)
            line.append("subnet", .string(subnet))
            line.append("version", .string(NetworkID.version))
            line.append("addr", Self.json(address))
        }
    }

    /// Adds the one of both that is wanted; the other is not made.
    private mutating func add(
        _ event: String,
        _ text: @autoclosure () -> String?,
        members: (inout JSONWriter) -> Void
    ) {
        if isJSON {
            writer.beginObject()
            writer.append("ev", .string(event))
            writer.append("t", time)
            members(&writer)
            writer.endObject()
        } else {
            guard let text = text() else { return }
            writer.append(unquoted: text)
        }
        writer.append(unquoted: "\n")
    }

    /// As py2p has them: what it is first, then what is said.
    private static func packets(_ message: PeerMessage) -> JSONValue {
        var packets: [JSONValue] = []
        packets.reserveCapacity(1 + message.payload.count)
        packets.append(.number(JSONNumber(message.isWhisper ? Int64(2) : 0)))
        for value in message.payload { packets.append(PeerValues.json(value)) }
        return .array(packets)
    }

    private static func sentence(_ message: PeerMessage) -> String {
        var sentence = short(message.sender)
        sentence += message.isSigned ? " (signed):" : ":"
        for value in message.payload {
            sentence += " "
            sentence += PeerValues.text(of: value)
        }
        return clean(sentence)
    }

    private static func json(_ address: PeerAddress?) -> JSONValue {
        guard let address else { return .null }
        return .array([.string(address.host), .number(JSONNumber(Int64(address.port)))])
    }

    /// What others have sent, without what would move the cursor or look like another line.
    static func clean(_ text: String) -> String {
        // Of ASCII that are the first 32 and DEL; most texts have nothing else, and need no closer look.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy { $0 >= 0x20 && $0 < 0x7f } } ?? false
        if isPlain || !text.unicodeScalars.contains(where: TerminalText.isControl) { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { TerminalText.isControl($0) ? " " : $0 }))
    }

    /// Enough of an id to tell people apart.
    private static func short(_ id: NodeID) -> String { String(decoding: id.octets.prefix(8), as: UTF8.self) }
}
