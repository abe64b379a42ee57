// Nodes that know nothing but a registry: they find each other, and live on without it.

import Foundation
import TestSupport
import Testing

/// `--registry` of `peer`, with the real `registry`.
@Suite struct PeerMeetingTests {
    private static func node(_ base: String, _ flags: String...) async throws -> RunningPeer {
        try await RunningPeer.start(.ours, "mesh", ["--registry", base] + flags)
    }

    private static func isFound(_ peer: RunningPeer, within bound: Duration = .seconds(30)) async throws -> String {
        try await peer.event("registry", within: bound) { !$0.text("name").isEmpty }.text("name")
    }

    /// Each says something that all others hear.
    private static func expectAllHear(_ peers: [RunningPeer], _ word: String) async throws {
        for speaker in peers {
            _ = try await speaker.answer("send \(word)-\(speaker.port)")
            for hearer in peers where hearer.port != speaker.port {
                try await hearer.event("message") { $0.json("packets") == "[0,\"\(word)-\(speaker.port)\"]" }
            }
        }
    }

    /// Waits until each has a link.
    private static func link(_ peers: [RunningPeer]) async throws {
        for peer in peers { try await peer.event("connect") }
    }

    /// What the registry says of who is there.
    private static func listed(_ registry: RunningRegistry) async throws -> String {
        try await RunningProcess.succeed(["curl", "-sS", "\(registry.base)/peers"]).output
    }

    @Test func `three nodes that know nothing but the registry hear each other`() async throws {
        let registry = try await RunningRegistry.start()
        let peers = [
            try await Self.node(registry.base), try await Self.node(registry.base), try await Self.node(registry.base),
        ]
        try await Self.link(peers)
        // One of another subnet is there too, and is left alone.
        let stranger = try await Self.node(registry.base, "--subnet", "other")
        let name = try await Self.isFound(stranger)
        #expect(name.hasPrefix("mesh.other."))
        // Two links suffice for three, whichever they are.
        try await Self.expectAllHear(peers, "hello")
        #expect(!stranger.events.contains { $0.name == "connect" || $0.name == "message" })
    }

    @Test func `a node has its name as long as its key, and the name is gone when it has left`() async throws {
        let directory = try TemporaryDirectory()
        let registry = try await RunningRegistry.start()
        for _ in 0..<2 {
            let node = try await Self.node(registry.base, "--name", "Alice", "--key", directory.file("key"))
            #expect(try await Self.isFound(node) == "mesh.mesh.Alice")
            #expect(try await Self.listed(registry).contains("mesh.mesh.Alice"))
            let url = try await RunningProcess.succeed(["curl", "-sS", "\(registry.base)/peers/mesh.mesh.alice"]).output
            #expect(url.hasPrefix("http://\(node.place)/p2p/"))
            try node.type("quit")
            #expect(try await node.outcome().status == 0)
            #expect(try await !Self.listed(registry).contains("Alice"))
        }
        // The name is another key's now: the node says so, goes on, and finds others.
        let other = try await Self.node(registry.base)
        let thief = try await Self.node(registry.base, "--name", "Alice", "--key", directory.file("other"))
        try await thief.event("registry") { $0.text("text").contains("--key") }
        try await Self.link([other, thief])
        try await Self.expectAllHear([other, thief], "hello")
    }

    @Test func `a registry that is away at the start or later stops no node, and is found when it is back`()
        async throws
    {
        let first = try await RunningRegistry.start()
        let (base, port) = (first.base, first.port)
        try await first.stop()
        let a = try await Self.node(base)
        try await a.event("registry") { $0.text("text").contains("cannot be asked") }
        let second = try await RunningRegistry.start(port: port)
        let b = try await Self.node(base)
        _ = try await Self.isFound(a)
        try await Self.link([a, b])
        try await Self.expectAllHear([a, b], "second")
        try await second.stop(by: SIGKILL)
        try await b.event("registry") { $0.text("text").contains("cannot be asked") }
        try await Self.expectAllHear([a, b], "alone")
        let third = try await RunningRegistry.start(port: port)
        // It has forgotten all, and is told again.
        let c = try await Self.node(base)
        try await Self.link([c])
        try await Self.expectAllHear([a, b, c], "third")
        for peer in [a, b, c] {
            try peer.type("quit")
            #expect(try await peer.outcome().status == 0)
        }
        #expect(try await !Self.listed(third).contains("mesh."))
        // Said once for each time.
        #expect(a.events.filter { $0.text("text").contains("cannot be asked") }.count <= 2)
    }

    @Test func `a node whose registry is away leaves at once`() async throws {
        let nobody = try ClosedPort()
        let node = try await Self.node("http://\(nobody.authority)")
        try await node.event("registry") { $0.text("text").contains("cannot be asked") }
        node.send(SIGTERM)
        #expect(try await node.outcome().status == 0)
    }
}
