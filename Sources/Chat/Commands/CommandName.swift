// The commands and what is said about them.

/// What can follow a slash.
package enum CommandName: String, Sendable, Hashable, CaseIterable {
    case help, who, history, verify, trust, block, unblock, plain, room, rooms, outbox, drop, quit

    /// How it is written.
    package var usage: String {
        switch self {
        case .help: "/help [COMMAND]"
        case .history: "/history [LINES]"
        case .room: "/room NAME a b c"
        case .verify, .trust, .block, .unblock, .plain, .drop: "/\(rawValue) NAME"
        case .who, .rooms, .outbox, .quit: "/\(rawValue)"
        }
    }

    /// In a few words.
    var summary: String {
        switch self {
        case .help: "this, or more about one command"
        case .who: "who is here"
        case .history: "the last lines of the history"
        case .verify: "words to compare with NAME, to know that nobody stands between you"
        case .trust: "accept the new key of NAME"
        case .block: "take no messages from NAME any more"
        case .unblock: "take messages from NAME again"
        case .plain: "allow messages to NAME that are not encrypted"
        case .room: "call several people by one name"
        case .rooms: "the rooms that you keep"
        case .outbox: "what is not delivered yet, and why"
        case .drop: "give up what is not delivered to NAME yet"
        case .quit: "leave; what is not delivered stays in the outbox"
        }
    }

    /// What else there is to know.
    private var details: String? {
        switch self {
        case .history: "Shows 20 lines unless told otherwise, at most \(ChatCommand.historyLinesMax)."
        case .verify:
            "Read the words to each other over another way, such as the telephone. If both of you see the same, your "
                + "messages go to each other's keys and to nobody else's."
        case .trust:
            "After a warning that a key changed, nothing is sent to that name. Ask its owner over another way whether "
                + "the key is theirs; only then accept it, and compare the words of /verify again."
        case .block: "The peer is told no more than that its messages were refused. /unblock takes it back."
        case .plain:
            "For peers that have no key. Everyone on the way can read and change such messages. A name that once had a "
                + "key never gets one."
        case .room:
            "@NAME: text then goes to each member; the room is kept here only, and its members do not see it. Names "
                + "with blanks are set apart by commas: /room team Anna Maria, Bob. Without members it is shown, and "
                + "/room NAME - removes it."
        case .drop:
            "For a name that was mistyped, or a peer that will not come back. What is on its way may still arrive."
        case .quit: "Ctrl-C or Ctrl-D on an empty line does the same."
        case .help, .who, .unblock, .rooms, .outbox: nil
        }
    }

    /// The help for one command.
    package var help: String {
        ["\(usage)  \(summary)", details].compactMap { $0 }.joined(separator: "\n")
    }

    /// The help for everything.
    package static var overview: String {
        let width = (allCases.map(\.usage.count).max() ?? 0) + 2
        let commands = allCases.map { name in
            "  \(name.usage)\(String(repeating: " ", count: width - name.usage.count))\(name.summary)"
        }
        return """
            @NAME: message       write to NAME; the name ends at the first colon
            @a, b, c: message    write to several
            message              write to the last ones again
            @@message //message  a message that begins with @ or /
            \(commands.joined(separator: "\n"))
            Tab completes names and commands, the arrow keys call lines back, Ctrl-C clears the line or leaves.
            """
    }
}
