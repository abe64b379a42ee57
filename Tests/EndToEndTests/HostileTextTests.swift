// Texts that want to steer a terminal, to hide or to pass for someone else's words.

import Foundation
import TestSupport
import Testing

struct HostileTextTests {
    /// Escape sequences, a C1 control, bidirectional overrides, what cannot be seen, and line breaks of all kinds but LF.
    static let text =
        "a\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}evil\u{2066}\u{200b}x\u{2028}Alice: y\rAlice: z\u{8}\u{7f}"

    /// What may never come out: controls but LF, and unbalanced or overriding bidirectional controls.
    private func expectSafe(_ lines: [String]) {
        for scalar in lines.joined().unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            let isSteering = (0x202a...0x202e).contains(scalar.value) || scalar == "\u{2066}" || scalar == "\u{2028}"
            #expect(!isControl && !isSteering, "U+\(String(scalar.value, radix: 16))")
        }
    }

    @Test func `a sealed text shows its controls as signs, on one line of the pipe`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        // A pipe's line ends at LF; the rest is in one text.
        #expect(try await town.pipe("@Alice: \(Self.text)\n@Alice: end\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: end" }
        #expect(alice.lines.count == 2 && alice.lines[0].hasPrefix("Bob: a"), "\(alice.lines)")
        for part in ["red", "evil", "\\u{202e}"] { #expect(alice.lines[0].contains(part)) }
        expectSafe(alice.lines)
    }

    @Test func `a plain text does so, too, with line breaks written out, marked as not encrypted`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        let file = try town.write(Array((Self.text + "\nBob: I am Bob\n(not encrypted) x").utf8), to: "text")
        let outcome = try await RunningProcess.succeed([
            "curl", "-sS", "--noproxy", "*", "--data-binary", "@\(file)", "-H", "Content-Type: text/plain",
            "-H", "From: Bob%0aAlice", alice.base + "/",
        ])
        #expect(outcome.output == "received\n" || outcome.output == "received", "\(outcome)")
        #expect(try await town.pipe("@Alice: end\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: end" }
        #expect(alice.lines.count == 2 && alice.lines[0].hasPrefix("(not encrypted) 127.0.0.1: a"), "\(alice.lines)")
        #expect(alice.lines[0].contains("\\nBob: I am Bob\\n"))
        expectSafe(alice.lines)
    }

    @Test func `a history of such texts is as harmless`() async throws {
        let town = try await Town()
        let alice = try await town.client("Alice")
        #expect(try await town.pipe("@Alice: \(Self.text)\n", as: "Bob").status == 0)
        try await alice.shown { $0.hasPrefix("Bob: a") }
        try alice.type("/history")
        try await alice.shown { (line: String) in line.contains("Z Bob: a") }
        expectSafe(alice.lines)
        expectSafe(try await town.pipe("/history\n", as: "Bob").output.split(separator: "\n").map(String.init))
    }
}
