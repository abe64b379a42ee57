// What a node does that was told to take on less.

import Foundation
import TestSupport
import Testing

/// `--limit-...` of `peer`, seen from its neighbours.
@Suite struct PeerLimitTests {
    @Test func `a link beyond --limit-incoming is closed, and the one that is there stays`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh", ["--limit-incoming", "1"])
        let b = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
        try await b.event("connect")
        let c = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
        try await a.event("error") { $0.text("text").contains("too many links") }
        _ = try await b.answer("send still-here")
        try await a.event("message") { $0.json("packets") == "[0,\"still-here\"]" }
        #expect(!a.events.contains { $0.name == "disconnect" })
        #expect(!c.events.contains { $0.name == "connect" })
    }

    @Test func `a message beyond --limit-frame costs the link, one below it does not`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh", ["--limit-frame", "64KiB"])
        let b = try await RunningPeer.start(.ours, "mesh", ["--compression", "none", "--connect", a.place])
        try await a.event("connect")
        try await b.event("connect")
        let text = String(repeating: "x", count: 50_000)
        _ = try await b.answer("send \(text)")
        try await a.event("message") { $0.json("packets").contains(text) }
        _ = try await b.answer("send \(text)\(text)")
        try await a.event("error") { $0.text("text").contains("too long") }
    }

    @Test func `a table takes --limit-keys keys and says so of the next`() async throws {
        let a = try await RunningPeer.start(.ours, "sync", ["--limit-keys", "2", "--limit-key-size", "3"])
        #expect(try await a.answer("set one 1").name == "result")
        #expect(try await a.answer("set four 1").text("text").contains("1 to 3 octets"))
        #expect(try await a.answer("set two 2").name == "result")
        #expect(try await a.answer("set six 6").text("text").contains("no room"))
        #expect(try await a.answer("set two 3").name == "result")
    }
}
