// The line editor in a real terminal: tmux types, resizes and reads the screen of `terminal-echo`.

import Foundation
import TestSupport
import Testing

@testable import TerminalUI

@Suite(.serialized, .enabled(if: TmuxSession.isInstalled, "tmux is not installed"))
struct TerminalTmuxTests {
    /// Built with the tests, which it lies beside.
    static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "terminal-echo").path

    static func start(
        columns: Int = 60,
        rows: Int = 15,
        environment: [String: String] = [:]
    ) async throws -> TmuxSession {
        let session = try await TmuxSession.start([program], columns: columns, rows: rows, environment: environment)
        try await session.waitFor("ready")
        return session
    }

    @Test func `a line is typed, edited and entered`() async throws {
        let session = try await Self.start()
        try await session.type("hello world")
        try await session.press("C-a", "Right", "DC", "C-e", "C-w")
        try await session.waitFor("> hllo")
        try await session.press("Enter")
        try await session.waitFor("line [hllo ]")
        try await session.press("Up", "Up")
        try await session.waitFor("> an older line")
        try await session.press("C-c")
        try await session.type("@Bo")
        try await session.press("Tab", "Tab")
        try await session.waitFor("@Bob:    @Bobby:")
        try await session.press("C-u", "C-d")
        try await session.waitFor("exit code 0")
        #expect(try await session.capture().contains("terminal as before"))
    }

    @Test func `wide characters leave the cursor where the person types`() async throws {
        let session = try await Self.start()
        let text = "héllo 日本 e\u{301} 😀x"
        try await session.type(text)
        let screen = try await session.waitFor("> " + text)
        let row = try #require(screen.firstIndex(of: "> " + text))
        let cursor = try await session.cursor()
        #expect(cursor == (2 + DisplayWidth.cells(text), row))
        for _ in 0..<4 { try await session.press("Left") }
        try await session.type("Z")
        try await session.waitFor("> héllo 日本 Ze\u{301} 😀x")
    }

    @Test func `typing while thousands of messages arrive garbles nothing and loses nothing`() async throws {
        let session = try await Self.start()
        try await session.type("/flood 20000")
        try await session.press("Enter")
        let typed = "I am writing this while they arrive: 日本"
        for word in typed.split(separator: " ", omittingEmptySubsequences: false) { try await session.type("\(word) ") }
        try await session.screen { $0.contains("flooded") }
        try await session.screen { $0.last == "> " + typed }
        let all = try await session.capture(all: true)
        let messages = all.filter { $0.hasPrefix("Bob: ") }
        #expect(messages.elementsEqual((1...20_000).map { "Bob: message \($0) 日本" }))
        #expect(all.filter { $0.contains("writing") }.count == 1)
    }

    @Test func `a resize redraws the line, narrower and wider`() async throws {
        let session = try await Self.start(columns: 60)
        let text = "a line that is longer than the window will be soon, END"
        try await session.type(text)
        try await session.waitFor("> " + text)
        try await session.resize(columns: 30, rows: 15)
        try await session.screen { $0.last?.hasPrefix("> ‹") == true && $0.last?.hasSuffix("END") == true }
        #expect(try await session.capture().filter { $0.contains("a line that") }.isEmpty)
        try await session.resize(columns: 100, rows: 10)
        // tmux moves rows into its history when it breaks lines anew; nothing may be missing there.
        let screen = try await session.screen(all: true) { $0.last == "> " + text }
        #expect(screen == ["ready", "> " + text])
        try await session.resize(columns: 25, rows: 10)
        try await session.screen { $0.last?.hasPrefix("> ‹") == true }
        try await session.press("C-c")
        try await session.type("/flood 2")
        try await session.press("Enter")
        let flooded = try await session.screen(all: true) { $0.contains("flooded") && $0.last == ">" }
        // Of a row broken into three, tmux moves the first ones out of reach, into its history; the screen is clean.
        #expect(try await !session.capture().contains { $0.contains("longer than") })
        #expect(
            flooded.filter { !$0.hasPrefix("> a line that") } == [
                "ready", "> /flood 2", "Bob: message 1 日本", "Bob: message 2 日本", "flooded", ">",
            ]
        )
    }

    @Test func `a paste of many lines asks before it sends`() async throws {
        let session = try await Self.start()
        let lines = (1...12).map { "line \($0)" }
        try await session.paste(lines.joined(separator: "\n") + "\n")
        try await session.waitFor("Send 12 lines? [y/N]")
        try await session.press("n")
        try await session.waitFor(">")
        try await session.paste(lines.joined(separator: "\n"))
        try await session.waitFor("Send 12 lines? [y/N]")
        try await session.press("y")
        let screen = try await session.screen { $0.contains { $0.hasPrefix("pasted 12 ") } }
        #expect(screen.filter { $0.contains("line 1|") }.count == 1)
        try await session.paste("just one\n")
        try await session.waitFor("> just one")
    }

    @Test func `Ctrl-Z gives the terminal to the shell, and fg brings the line back`() async throws {
        let session = try await TmuxSession.start(["bash", "--norc", "-i"], environment: ["PS1": "shell$ "])
        try await session.screen {
            $0.last?.hasSuffix("shell$") == true || $0.last?.hasSuffix("#") == true || $0.last?.hasSuffix("$") == true
        }
        try await session.type(Self.program)
        try await session.press("Enter")
        try await session.waitFor("ready")
        try await session.type("half a line")
        try await session.waitFor("> half a line")
        try await session.press("C-z")
        try await session.screen { $0.contains { $0.contains("Stopped") } }
        #expect(try await !session.capture().contains("> half a line"))
        try await session.type("stty -a | grep -o -e '-*icanon'")
        try await session.press("Enter")
        try await session.waitFor("icanon")
        try await session.type("fg")
        try await session.press("Enter")
        try await session.screen { $0.last == "> half a line" }
        try await session.type("!")
        try await session.press("Enter")
        try await session.waitFor("line [half a line!]")
    }

    @Test(arguments: ["/crash", "TERM", "HUP", "INT", "SEGV"])
    func `the terminal is given back however the program ends`(_ end: String) async throws {
        let session = try await Self.start(environment: ["SWIFT_BACKTRACE": "enable=no"])
        if end.hasPrefix("/") {
            try await session.type(end)
            try await session.press("Enter")
        } else {
            try await session.type("/pid")
            try await session.press("Enter")
            let screen = try await session.screen { $0.contains { $0.hasPrefix("pid ") } }
            let number = try #require(screen.first { $0.hasPrefix("pid ") }?.dropFirst(4))
            try await RunningProcess.succeed(["sh", "-c", "kill -\(end) \(number)"])
        }
        let screen = try await session.screen { $0.contains { $0.hasPrefix("exit code ") } }
        #expect(screen.contains("terminal as before") && !screen.contains("exit code 0"), "\(screen)")
    }

    @Test(arguments: [("NO_COLOR", "1", false), ("NO_COLOR", "", true)])
    func `NO_COLOR is heard`(_ name: String, _ value: String, _ hasColours: Bool) {
        let traits = TerminalTraits(
            environment: ["TERM": "xterm", name: value],
            inputIsTerminal: true,
            outputIsTerminal: true
        )
        #expect(traits.hasColours == hasColours && traits.isInteractive)
    }

    @Test func `a dumb terminal has plain lines`() async throws {
        let session = try await Self.start(environment: ["TERM": "dumb"])
        try await session.type("plain")
        try await session.press("Enter")
        try await session.waitFor("line [plain]")
        try await session.press("C-d")
        try await session.waitFor("exit code 0")
    }
}
