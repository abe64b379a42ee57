// What typed lines mean, and what people are told about lines that mean nothing.

import PeerIdentity
import TestSupport
import Testing

@testable import Chat

struct ChatCommandTests {
    static func names(_ texts: String...) throws -> [PeerIdentifier] { try texts.map { try PeerIdentifier($0) } }

    static func context() throws -> ChatCommandContext {
        var rooms = ChatRooms()
        try rooms.keep(try PeerIdentifier("team"), members: names("Bob", "Carol"))
        return ChatCommandContext(lastRecipients: try names("Last"), rooms: rooms)
    }

    static let sends: [(line: String, text: String, to: [String])] = [
        ("@Alice: Hello Alice!!", "Hello Alice!!", ["Alice"]), ("@Alice:hi", "hi", ["Alice"]),
        ("@a, b,c: hi", "hi", ["a", "b", "c"]),
        ("@Anna Maria: hi", "hi", ["Anna Maria"]), ("@ Anna Maria , b : hi: you", "hi: you", ["Anna Maria", "b"]),
        ("@a, @b: hi", "hi", ["a", "b"]), ("@a, A, a: hi", "hi", ["a"]), ("hi: there", "hi: there", ["Last"]),
        ("@@home", "@home", ["Last"]),
        ("//etc", "/etc", ["Last"]), ("  @Alice:  hi  ", "hi", ["Alice"]), ("@team: hi", "hi", ["Bob", "Carol"]),
        ("@bob, TEAM, x: hi", "hi", ["bob", "Carol", "x"]),
        ("@Alice: http://x:1/ @b: y", "http://x:1/ @b: y", ["Alice"]),
        ("日本語", "日本語", ["Last"]), ("@Søren: hei", "hei", ["Søren"]),
    ]

    @Test(arguments: sends) func `a line is a message`(_ line: String, _ text: String, _ to: [String]) throws {
        let command = try ChatCommand.parse(line, in: Self.context())
        #expect(command == .send(text: text, to: try to.map { try PeerIdentifier($0) }))
    }

    static let commands: [(line: String, command: ChatCommand)] = {
        // The names are legal; were they not, the table would be too short for the test below.
        guard let bob = try? PeerIdentifier("Bob"), let anna = try? PeerIdentifier("Anna Maria"),
            let team = try? PeerIdentifier("team")
        else { return [] }
        return [
            ("", .nothing), ("   ", .nothing), ("/help", .help(nil)), ("/help who", .help(.who)),
            ("/help /who", .help(.who)), ("/WHO", .who),
            (" /quit ", .quit), ("/history", .history(20)), ("/history 1", .history(1)),
            ("/history 1000", .history(1_000)),
            ("/verify Bob", .verify(bob)), ("/verify  @Bob:", .verify(bob)), ("/trust Anna Maria", .trust(anna)),
            ("/block Bob", .block(bob)),
            ("/unblock Bob", .unblock(bob)), ("/plain Bob", .plain(bob)), ("/rooms", .rooms), ("/outbox", .outbox),
            ("/drop @Bob", .drop(bob)),
            ("/room team", .room(team, members: [])), ("/room team Bob bob", .room(team, members: [bob])),
            ("/room team -", .removeRoom(team)),
            ("/room team: Anna Maria, Bob", .room(team, members: [anna, bob])),
            ("/room team Anna Maria,", .room(team, members: [anna])),
        ]
    }()

    @Test func `a line is a command`() throws {
        #expect(Self.commands.count == 24)
        for (line, command) in Self.commands {
            #expect(try ChatCommand.parse(line, in: Self.context()) == command, "\(line)")
        }
    }

    static let mistakes: [(line: String, word: String)] = [
        ("@Alice hello", "write @Alice: message"), ("@", "write @NAME: message"), ("@: hi", "a name is missing"),
        ("@a,,b: hi", "a name is missing"),
        ("@Alice:", "empty"), ("@Alice:  ", "empty"), ("/whoo", "did you mean /who?"),
        ("/hsitory", "did you mean /history?"),
        ("/q", "did you mean /quit?"), ("/xyzzy", "/help lists them"), ("/", "/help lists them"),
        ("/help nothing", "no command"),
        ("/history 0", "1 to 1000"), ("/history 1001", "1 to 1000"), ("/history ten", "1 to 1000"),
        ("/verify", "/verify NAME"),
        ("/who is it", "stands alone"), ("/room", "which room"), ("/room team -x", "is no name"),
        ("/\u{1b}[2J", "␛[2J"), ("@a b  c: x", "is no name"),
    ]

    @Test(arguments: mistakes) func `a mistake is explained`(_ line: String, _ word: String) throws {
        let context = try Self.context()
        let error = #expect(throws: ChatError.self) { try ChatCommand.parse(line, in: context) }
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(error?.message.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }

    @Test func `the first line without a recipient says how to name one`() {
        let error = #expect(throws: ChatError.self) { try ChatCommand.parse("hi", in: ChatCommandContext()) }
        #expect(error?.message.contains("@NAME: message") == true)
    }

    @Test func `a message of 16 KiB is sent, one byte more is not`() throws {
        let text = String(repeating: "x", count: 16 << 10)
        #expect(try ChatCommand.parse("@a: " + text, in: Self.context()) == .send(text: text, to: Self.names("a")))
        let error = #expect(throws: ChatError.self) { try ChatCommand.parse("@a: y" + text, in: ChatCommandContext()) }
        #expect(error?.code == .badMessage)
    }

    @Test func `a line goes to 64 peers, not to 65`() throws {
        let names = (1...64).map { "p\($0)" }.joined(separator: ",")
        guard case .send(_, let to) = try ChatCommand.parse("@\(names): x", in: Self.context()) else {
            Issue.record("no message")
            return
        }
        #expect(to.count == 64)
        #expect(throws: ChatError.self) { try ChatCommand.parse("@\(names),q: x", in: ChatCommandContext()) }
    }

    static let pastes: [(lines: [String], text: String, to: String)] = [
        (["one", "two"], "one\ntwo", "Last"), (["@Bob: one", "two"], "one\ntwo", "Bob"),
        (["/quit", "@x"], "/quit\n@x", "Last"),
        (["@Override void f():", "}"], "}", "Override void f()"), (["@a$: x", "y"], "@a$: x\ny", "Last"),
        (["@Bob:", "one"], "one", "Bob"),
    ]

    @Test func `pasted lines are one message, never a command`() throws {
        for (lines, text, to) in Self.pastes where to != "Override void f()" {
            let command = try ChatCommand.parse(pasted: lines, in: Self.context())
            #expect(command == .send(text: text, to: try Self.names(to)))
        }
        #expect(try ChatCommand.parse(pasted: ["", " "], in: Self.context()) == .nothing)
    }

    @Test func `the help names every command`() {
        for name in CommandName.allCases {
            #expect(CommandName.overview.contains(name.usage))
            #expect(name.help.hasPrefix(name.usage))
        }
        #expect(CommandName.overview.split(separator: "\n").allSatisfy { $0.count <= 110 })
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `no line makes it trap`(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let lines = Self.sends.map(\.line) + Self.mistakes.map(\.line) + Self.commands.map(\.line)
        let context = try Self.context()
        for _ in 0..<3_000 {
            var line = Array(lines.randomElement(using: &generator) ?? "")
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0...line.count, using: &generator)
                line.insert(
                    ["@", "/", ":", ",", " ", "\u{1b}", "\u{301}", "x", "\n"].randomElement(using: &generator) ?? "x",
                    at: place
                )
            }
            do {
                let command = try ChatCommand.parse(String(line), in: context)
                if case .send(let text, let to) = command { #expect(!text.isEmpty && !to.isEmpty) }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
