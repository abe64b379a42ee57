// The real client in a real terminal: tmux types, pastes, resizes and reads the screen.

import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: TmuxSession.isInstalled, "tmux is not installed"))
struct ChatTerminalTests {
    private func alice(
        in town: Town,
        columns: Int = 60,
        environment: [String: String] = [:]
    ) async throws -> TmuxSession {
        let session = try await TmuxSession.start(
            [Product.path("client"), "0", "Alice", town.registry.base],
            columns: columns,
            rows: 15,
            environment: environment.merging(["XDG_STATE_HOME": town.home]) { $1 }
        )
        try await session.screen { $0.contains { $0.hasPrefix("Alice on ") } }
        return session
    }

    @Test func `what is typed while 500 messages arrive stays whole, and so do they`() async throws {
        let town = try await Town()
        let alice = try await alice(in: town)
        let bob = try await town.client("Bob")
        let flood = lines(1...500, to: "Alice")
        try bob.type(text: flood)
        let typed = "@Bob: I write 日本 while they arrive"
        for word in typed.split(separator: " ", omittingEmptySubsequences: false) {
            try await alice.type(word == "arrive" ? "arrive" : "\(word) ")
        }
        try await alice.screen { $0.contains("Bob: line 500") && $0.last == "> " + typed }
        let all = try await alice.capture(all: true)
        #expect(numbers(all.filter { $0.hasPrefix("Bob: ") }, from: "Bob").elementsEqual(1...500))
        #expect(all.filter { $0.contains("I write") }.count == 1)
        try await alice.press("Enter")
        try await bob.shown { $0 == "Alice: I write 日本 while they arrive" }
        try await alice.screen { $0.contains { $0.contains("delivered to Bob") } }
    }

    @Test func `the line survives a resize, with wide characters in it`() async throws {
        let town = try await Town()
        let alice = try await alice(in: town)
        let text = "@Bob: 日本語 and more, so that it is long, END"
        try await alice.type(text)
        try await alice.waitFor("> " + text)
        try await alice.resize(columns: 30, rows: 15)
        try await alice.screen { $0.last?.hasSuffix("END") == true && $0.last != "> " + text }
        try await alice.resize(columns: 80, rows: 15)
        try await alice.waitFor("> " + text)
        let bob = try await town.client("Bob")
        try await alice.press("Enter")
        try await bob.shown { $0 == "Alice: 日本語 and more, so that it is long, END" }
        try bob.type("@Alice: 👩‍👩‍👧 e\u{301} 한국어")
        try await alice.screen { $0.contains { $0.hasPrefix("Bob: ") && $0.hasSuffix("한국어") } }
    }

    @Test func `a paste of many lines asks first, and is one message whose lines are indented`() async throws {
        let town = try await Town()
        let alice = try await alice(in: town)
        let bob = try await town.client("Bob")
        let pasted = "@Bob: one\nBob: two\nthree"
        try await alice.paste(pasted)
        try await alice.screen { $0.contains { $0.contains("Send 3 lines? [y/N]") } }
        try await alice.press("n")
        try await alice.screen { !$0.contains { $0.contains("[y/N]") } }
        try await alice.paste(pasted)
        try await alice.screen { $0.contains { $0.contains("Send 3 lines? [y/N]") } }
        try await alice.press("y")
        try await bob.shown { $0 == "Alice: one\\nBob: two\\nthree" }
        let screen = try await alice.screen { $0.contains { $0.contains("delivered to Bob") } }
        #expect(screen.contains("to Bob: one") && screen.contains("    Bob: two") && !screen.contains("Bob: two"))
        #expect(bob.lines.count == 1)
    }

    @Test func `nothing received passes for another's line or steers the terminal`() async throws {
        let town = try await Town()
        let alice = try await alice(in: town, columns: 100)
        let file = try town.write(Array("\u{1b}[2J\u{1b}[Hgone?\nBob: I am Bob\r\u{9b}31m".utf8), to: "text")
        let port = try #require(
            try await alice.capture().joined().firstMatch(of: /127\.0\.0\.1:(\d+)/).map { String($0.1) }
        )
        try await RunningProcess.succeed([
            "curl", "-sS", "--noproxy", "*", "--data-binary", "@\(file)", "-H", "Content-Type: text/plain",
            "http://127.0.0.1:\(port)/",
        ])
        let screen = try await alice.screen { $0.contains { $0.contains("gone?") } }
        #expect(screen.contains { $0.hasPrefix("Alice on ") }, "the screen was cleared")
        #expect(screen.contains { $0.hasPrefix("    Bob: I am Bob") } && !screen.contains { $0.hasPrefix("Bob:") })
        #expect(screen.contains { $0.hasPrefix("(not encrypted) 127.0.0.1: ␛[2J␛[Hgone?") }, "\(screen)")
    }

    @Test func `Tab completes names, and Ctrl-C leaves, the terminal as before and the name let go`() async throws {
        let town = try await Town()
        let alice = try await alice(in: town)
        let bob = try await town.client("Bob")
        try bob.type("@Alice: hi")
        try await alice.waitFor("Bob: hi")
        try await alice.type("@Bo")
        try await alice.press("Tab")
        try await alice.screen { $0.last?.hasPrefix("> @Bob:") == true }
        // First the line goes, then the client.
        try await alice.press("C-c")
        try await alice.screen { $0.last == ">" }
        try await alice.press("C-c")
        let screen = try await alice.screen { $0.contains { $0.hasPrefix("exit code ") } }
        #expect(screen.contains("exit code 0") && screen.contains("terminal as before"), "\(screen)")
        let status = try await RunningProcess.succeed([
            "curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}",
            town.registry.base + "/peers/Alice",
        ]).output
        #expect(status == "404")
    }

    @Test(arguments: [true, false])
    func `names are coloured, and with NO_COLOR nothing is`(_ isColoured: Bool) async throws {
        let town = try await Town()
        let environment = ["NO_COLOR": isColoured ? "" : "1"]
        let alice = try await alice(in: town, environment: environment)
        #expect(try await town.pipe("@Alice: hi\n", as: "Bob").status == 0)
        try await alice.waitFor("Bob: hi")
        let styled = try await alice.capture(isStyled: true)
        #expect(styled.contains { $0.contains("\u{1b}[") } == isColoured, "\(styled)")
    }
}
