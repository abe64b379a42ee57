// What happens, as lines on standard output: sentences for people, JSON for programs.

import Daemon
import Dispatch
import Glibc
import JSON
import PeerNetwork
import Synchronization

/// Writes events, each as one whole line.
final class EventPrinter: Sendable {
    private let isJSON: Bool
    private struct State {
        var waiting: [UInt8] = []
        var isWriting = false
    }

    private static let waitingBytesMax = 1 << 20
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "standard output")

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    /// What the node tells of its own accord.
    func show(_ event: NodeEvent) {
        switch event {
        case .connected(let id, let address):
            let place = address.map { " at \($0)" } ?? ""
            write(
                "connect",
                [("id", .string("\(id)")), ("addr", Self.json(address))],
                Self.clean("linked to \(id)\(place)")
            )
        case .disconnected(let id):
            write("disconnect", [("id", .string("\(id)"))], Self.clean("lost \(id)"))
        case .message(let message, _):
            write(
                "message",
                [
                    ("packets", Self.packets(message)), ("sender", .string("\(message.sender)")),
                    ("time", .number(JSONNumber(message.time))), ("id", .string("\(message.id)")),
                    ("signed", .bool(message.isSigned)),
                ],
                Self.short(message.sender) + (message.isSigned ? " (signed): " : ": ")
                    + Self.clean(message.payload.map(PeerValues.text).joined(separator: " "))
            )
        case .updated(let key, let value, let owner, let time):
            write(
                "update",
                [
                    ("key", .string(PeerValues.text(ofKey: key))), ("value", PeerValues.json(value)),
                    ("owner", .string("\(owner)")), ("timestamp", .number(JSONNumber(time))),
                ],
                Self.clean("\(PeerValues.text(ofKey: key)) = \(PeerValues.text(of: value))")
            )
        case .deleted(let key):
            write(
                "delete",
                [("key", .string(PeerValues.text(ofKey: key)))],
                Self.clean("\(PeerValues.text(ofKey: key)) is gone")
            )
        case .added(let key):
            write(
                "add",
                [("key", .string(PeerValues.text(ofKey: key)))],
                Self.clean("there is \(PeerValues.text(ofKey: key))")
            )
        case .trouble(let text):
            write("error", [("text", .string(text))], text)
        }
    }

    /// What came of a command; `text` is for people, nil if they need not be told.
    func show(result: JSONValue, of command: String, _ text: String?) {
        write("result", [("cmd", .string(command)), ("value", result)], text)
    }

    /// Why a command was not carried out.
    func show(error: String, of command: String) {
        write("error", [("cmd", .string(command)), ("text", .string(error))], error)
    }

    /// What there is to say of the registry; `name`: this node is found by that from now on.
    func show(registry text: String, name: String? = nil) {
        let members: [(String, JSONValue)] = name.map { [("name", .string($0))] } ?? []
        write("registry", members + [("text", .string(text))], Self.clean(text))
    }

    /// The node takes part from now on.
    func showReady(_ id: NodeID, _ network: NetworkID, _ subnet: String, _ address: PeerAddress, port: Int) {
        write(
            "ready",
            [
                ("port", .number(JSONNumber(Int64(port)))), ("id", .string("\(id)")),
                ("protocol", .string("\(network)")),
                ("subnet", .string(subnet)), ("version", .string(NetworkID.version)), ("addr", Self.json(address)),
            ],
            nil
        )
    }

    /// Each is made only if it is wanted.
    private func write(
        _ event: String,
        _ members: @autoclosure () -> [(String, JSONValue)],
        _ text: @autoclosure () -> String?
    ) {
        let line: String
        if isJSON {
            let all = [("ev", JSONValue.string(event)), ("t", Self.time())] + members()
            line = String(decoding: JSONValue.object(JSONObject(all)).encoded, as: UTF8.self)
        } else {
            guard let text = text() else { return }
            line = text
        }
        let (isFirst, isTooMuch) = state.withLock { state in
            state.waiting += Array("\(line)\n".utf8)
            defer { state.isWriting = true }
            return (!state.isWriting, state.waiting.count > Self.waitingBytesMax)
        }
        if isFirst { queue.async { self.writeAll() } }
        // Who reads slowly holds us up, and what we would show.
        if isTooMuch { finish() }
    }

    /// Returns when all that was shown is written.
    func finish() {
        queue.sync {}
    }

    /// Whole lines, as many at a time as there are by then.
    private func writeAll() {
        while true {
            let octets: [UInt8] = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isWriting = false }
                return state.waiting
            }
            if octets.isEmpty { return }
            var rest = octets[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// As py2p has them: what it is first, then what is said.
    private static func packets(_ message: PeerMessage) -> JSONValue {
        let kind = message.isWhisper ? Int64(2) : 0
        return .array([.number(JSONNumber(kind))] + message.payload.map(PeerValues.json))
    }

    private static func time() -> JSONValue {
        let milliseconds = WallClock.sinceEpoch() / Duration.milliseconds(1)
        return JSONNumber((milliseconds / 1000 * 1000).rounded() / 1000).map { .number($0) } ?? .null
    }

    private static func json(_ address: PeerAddress?) -> JSONValue {
        guard let address else { return .null }
        return .array([.string(address.host), .number(JSONNumber(Int64(address.port)))])
    }

    /// What others have sent, without what would move the cursor or look like another line.
    private static func clean(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: TerminalText.isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { TerminalText.isControl($0) ? " " : $0 }))
    }

    /// Enough of an id to tell people apart.
    private static func short(_ id: NodeID) -> String { String(clean("\(id)").prefix(8)) }
}
