// What a line on standard input tells the node to do.

import Daemon
import PeerNetwork

/// A command, as it was typed.
enum Instruction: Sendable {
    case send([MessageValue])
    case whisper([MessageValue])
    case reply([MessageValue])
    case set(String, MessageValue)
    case get(String)
    case delete(String)
    case delta(String, [MessageValue.Entry])
    case keys
    case locate(String)
    case peers
    case connect(PeerAddress)
    case join
    case unjoin
    case status
    case help
    case quit

    static let summary = """
        send, whisper, reply, set, get, del, delta, keys, locate, peers, connect, join, unjoin, status, help, quit
        """

    static let explanation = """
        send VALUE...        tell all nodes        whisper VALUE...   tell the neighbours alone
        reply VALUE...       tell who sent the last message
        set KEY VALUE        sync, chord           get KEY            its value
        del KEY              take it out           delta KEY JSON     change some members of a map
        keys                 all that are known    peers              the neighbours
        connect HOST PORT    link to a node        status             how things are
        join, unjoin         chord: hold a part of the table, or none
        locate KEY           chord: which node of ours has it
        quit                 leave
        A VALUE is text, or b:HEX for octets, or j:JSON for anything. In a mesh a line that begins with none of these is sent.
        """

    /// The command that `line` is; in a mesh a line that begins with no command is sent to all.
    static func parse(_ line: String, in network: NetworkKind, isTyped: Bool) throws(InvalidValue) -> Instruction {
        let space = line.utf8.firstIndex(of: UInt8(ascii: " "))
        let name = line[..<(space ?? line.endIndex)]
        let rest = space.map { words(line.utf8[line.utf8.index(after: $0)...]) } ?? []
        switch name {
        case "send": return .send(try values(rest))
        case "whisper": return .whisper(try values(rest))
        case "reply": return .reply(try values(rest))
        case "set":
            guard rest.count >= 2 else { throw InvalidValue("expected: set KEY VALUE") }
            return .set(rest[0], try PeerValues.value(rest.dropFirst().joined(separator: " ")))
        case "get", "del":
            guard let key = rest.first else { throw InvalidValue("expected: \(name) KEY") }
            return name == "get" ? .get(key) : .delete(key)
        case "delta":
            guard rest.count >= 2 else { throw InvalidValue("expected: delta KEY JSON") }
            return .delta(rest[0], try PeerValues.entries(rest.dropFirst().joined(separator: " ")))
        case "locate":
            guard let key = rest.first else { throw InvalidValue("expected: locate KEY") }
            return .locate(key)
        case "connect":
            guard let address = PeerAddress(rest.joined(separator: ":")) else {
                throw InvalidValue("expected: connect HOST PORT")
            }
            return .connect(address)
        case "keys": return .keys
        case "peers": return .peers
        case "join": return .join
        case "unjoin": return .unjoin
        case "status": return .status
        case "help": return .help
        case "quit": return .quit
        default:
            guard network == .mesh, isTyped else {
                throw InvalidValue("there is no command '\(name)'; there are: \(summary)")
            }
            return .send([.text(line)])
        }
    }

    /// What stands between single spaces.
    private static func words(_ text: Substring.UTF8View) -> [String] {
        text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    private static func values(_ words: [String]) throws(InvalidValue) -> [MessageValue] {
        var values: [MessageValue] = []
        for word in words { values.append(try PeerValues.value(word)) }
        return values
    }
}
