// What a person meets: wrong flags, a port in use, help, the end.

import Foundation
import TestSupport
import Testing

/// `peer` from the outside.
@Suite struct PeerProcessTests {
    private static func run(_ words: String...) async throws -> RunningProcess.Outcome {
        try await RunningProcess.run([Product.path("peer")] + words)
    }

    @Test(arguments: [
        ["mesh", "--port", "99999"], ["ring"], [], ["mesh", "--connect", "nowhere"], ["mesh", "--compression", "zip"],
        ["mesh", "--join"], ["chord", "--no-lease"], ["mesh", "--bogus"],
        ["mesh", "--limit-frame", "0"], ["mesh", "--limit-keys", "5"],
    ])
    func `a wrong command line ends with 64 and says what to do`(_ words: [String]) async throws {
        let outcome = try await RunningProcess.run([Product.path("peer")] + words)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty && outcome.errors.hasPrefix("peer: "))
    }

    @Test func `a port in use ends with 69 and names a free one`() async throws {
        let peer = try await RunningPeer.start(.ours, "mesh")
        let outcome = try await Self.run("mesh", "--port", "\(peer.port)")
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("port \(peer.port) is taken; try --port "))
    }

    @Test func `quit and SIGTERM end it with 0, and the neighbour hears of it`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh")
        for isAsked in [true, false] {
            let b = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
            let id = try await b.event("ready").text("id")
            try await a.event("connect") { $0.text("id") == id }
            if isAsked { try b.type("quit") } else { b.send(SIGTERM) }
            #expect(try await b.outcome().status == 0)
            try await a.event("disconnect") { $0.text("id") == id }
        }
    }

    @Test func `SIGTERM ends a node whose output nobody reads`() async throws {
        let directory = try TemporaryDirectory()
        let script = """
            mkfifo "$1" && { sleep 1000 <"$1" >/dev/null 2>&1 & } && exec "$0" mesh --port 0 --json >"$1"
            """
        let words = ["/bin/sh", "-c", script, Product.path("peer"), "\(directory.path)/output"]
        let peer = try RunningProcess(words, hasInput: true)
        _ = try await peer.line { $0.hasPrefix("peer: mesh node ") }
        // Each answer says what was asked: more than the pipe holds, and the node is ready to keep.
        let long = String(repeating: "x", count: 60_000)
        for _ in 0..<20 { try peer.write("send \(long)\n") }
        peer.send(SIGTERM)
        #expect(try await peer.outcome().status == 0)
    }

    @Test func `a node whose input has ended goes on, and ends at SIGTERM without being cut off`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh")
        let b = try RunningProcess([Product.path("peer"), "mesh", "--port", "0", "--connect", a.place])
        let linked = try await a.event("connect")
        _ = try await a.answer("send hello")
        _ = try await b.line(.output) { $0.hasSuffix(": hello") }
        b.send(SIGTERM)
        let outcome = try await b.outcome()
        #expect(outcome.status == 0 && !outcome.errors.contains("Cut off"), "\(outcome.errors)")
        try await a.event("disconnect") { $0.text("id") == linked.text("id") }
    }

    @Test func `what is typed without JSON reaches everyone, and is shown as a sentence`() async throws {
        let a = try RunningProcess([Product.path("peer"), "mesh", "--port", "0"], hasInput: true)
        let ready = try await a.line { $0.hasPrefix("peer: mesh node ") }
        let place = try #require(ready.split(separator: " ").last).description
        let b = try RunningProcess([Product.path("peer"), "mesh", "--port", "0", "--connect", place], hasInput: true)
        _ = try await b.line(.output) { $0.hasPrefix("linked to ") }
        try b.write("good evening, all\u{1b}[2J\n")
        let shown = try await a.line(.output) { $0.contains("good evening") }
        #expect(shown.hasSuffix(": good evening, all [2J"))
        try b.write("help\n")
        _ = try await b.line(.output) { $0.hasPrefix("send VALUE...") }
    }

    @Test func `an unknown command of a program is an error, not a message`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh")
        let answer = try await a.answer("sned hello")
        #expect(answer.name == "error" && answer.text("text").contains("send, whisper"))
        #expect(try await a.answer("get key").text("text").contains("mesh network has no such command"))
        #expect(try await a.answer("send b:0").name == "error")
    }

    @Test func `lines that come together are carried out in turn, and none behind quit`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh")
        let b = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
        try await a.event("connect")
        try b.type("send one\nsend two\nsned wrong\nsend three\nget key\nsend four\nquit\nsend five")
        #expect(try await b.outcome().status == 0)
        let answers = b.events.filter { $0.name == "result" || $0.name == "error" }
        #expect(answers.map(\.name) == ["result", "result", "error", "result", "error", "result"], "\(answers)")
        try await a.event("disconnect")
        let heard = a.events.filter { $0.name == "message" }.map { $0.json("packets") }
        #expect(heard.count == 4 && heard.last?.contains("four") == true, "\(heard)")
    }

    @Test(arguments: [[], ["--tls"]])
    func `a node that cannot talk to another for want of TLS says so, at both ends`(_ own: [String]) async throws {
        let a = try await RunningPeer.start(.ours, "mesh", own)
        let b = try await RunningPeer.start(.ours, "mesh", (own.isEmpty ? ["--tls"] : []) + ["--connect", a.place])
        for peer in [a, b] { try await peer.event("error") { $0.text("text").contains("TLS") } }
        #expect(try await b.answer("status").json("value").contains("\"unreached\":[\"\(a.place)\"]"))
    }
}
