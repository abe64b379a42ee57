// Nodes of the mesh, ours and py2p's, as processes: whoever dials whom, whatever the compression.

import Foundation
import TestSupport
import Testing

/// Nodes of both implementations in one network.
@Suite(.enabled(if: RunningPeer.isPy2pInstalled, "py2p is not installed: ./waystation test does it"))
struct PeerMeshTests {
    /// How py2p is told which methods to use, and whether messages then are compressed.
    static let compressions = [
        ["--no-compression"], ["--compression", "0x13"], ["--compression", "0x11"], ["--compression", "0x10"],
        ["--compression", "0x12"], [],
    ]

    /// A second node that has dialled the first, both linked.
    private static func pair(
        _ first: RunningPeer.Kind,
        _ second: RunningPeer.Kind,
        _ compression: [String]
    ) async throws -> (RunningPeer, RunningPeer) {
        let a = try await RunningPeer.start(first, "mesh", first == .py2p ? compression : [])
        let b = try await RunningPeer.start(
            second,
            "mesh",
            (second == .py2p ? compression : []) + ["--connect", a.place]
        )
        try await a.event("connect")
        try await b.event("connect")
        return (a, b)
    }

    private static func expect(_ peer: RunningPeer, hears text: String, _ packets: String) async throws {
        let event = try await peer.event("message") { $0.json("packets").contains(text) }
        #expect(event.json("packets") == packets)
    }

    @Test(arguments: compressions, [true, false])
    func `what one says the other hears, to all, to neighbours and in reply, with every compression`(
        _ compression: [String],
        _ isOursFirst: Bool
    ) async throws {
        let (a, b) = try await Self.pair(isOursFirst ? .ours : .py2p, isOursFirst ? .py2p : .ours, compression)
        for (speaker, hearer) in [(a, b), (b, a)] {
            let from = speaker.kind.rawValue
            let octets = hearer.kind == .ours ? "b:00ff" : "x:00ff"
            _ = try await speaker.answer("send hello-\(from) b:00ff j:[1,-2,3.5,null,true,{\"a\":\"b\"}]")
            try await Self.expect(
                hearer,
                hears: "hello-\(from)",
                "[0,\"hello-\(from)\",\"\(octets)\",[1,-2,3.5,null,true,{\"a\":\"b\"}]]"
            )
            _ = try await speaker.answer("whisper psst-\(from)")
            try await Self.expect(hearer, hears: "psst-\(from)", "[2,\"psst-\(from)\"]")
            _ = try await hearer.answer("reply back-to-\(from)")
            try await Self.expect(speaker, hears: "back-to-\(from)", "[2,\"back-to-\(from)\"]")
        }
    }

    @Test(arguments: [RunningPeer.Kind.ours, .py2p])
    func `over TLS what one says the other hears, whoever dials`(_ first: RunningPeer.Kind) async throws {
        func flags(_ kind: RunningPeer.Kind) -> [String] { kind == .ours ? ["--tls"] : ["--ssl", "--no-compression"] }
        let second: RunningPeer.Kind = first == .ours ? .py2p : .ours
        let a = try await RunningPeer.start(first, "mesh", flags(first))
        let b = try await RunningPeer.start(second, "mesh", flags(second) + ["--connect", a.place])
        try await a.event("connect")
        try await b.event("connect")
        for (speaker, hearer) in [(a, b), (b, a)] {
            for number in 0..<5 { _ = try await speaker.answer("send \(speaker.kind)-\(number)") }
            for number in 0..<5 {
                try await hearer.event("message") { $0.json("packets") == "[0,\"\(speaker.kind)-\(number)\"]" }
            }
        }
    }

    @Test(arguments: [RunningPeer.Kind.ours, .py2p])
    func `a message gets through a node in the middle, once to each`(_ middle: RunningPeer.Kind) async throws {
        let hub = try await RunningPeer.start(middle, "mesh", middle == .py2p ? ["--no-compression"] : [])
        let left = try await RunningPeer.start(.ours, "mesh", ["--connect", hub.place])
        try await left.event("connect")
        let right = try await RunningPeer.start(.py2p, "mesh", ["--no-compression", "--connect", hub.place])
        try await right.event("connect")
        // Until it knows both, it hands nothing on to the second: asked until it does, at most so often.
        var known = 0
        for _ in 0..<1000 where known < 2 {
            known = try await (hub.answer("peers").members["value"] as? [Any])?.count ?? 0
        }
        for (speaker, hearers) in [(left, [hub, right]), (right, [hub, left]), (hub, [left, right])] {
            let text = "from-\(speaker.port)"
            _ = try await speaker.answer("send \(text)")
            for hearer in hearers {
                try await hearer.event("message") { $0.json("packets") == "[0,\"\(text)\"]" }
            }
        }
        _ = try await left.answer("send last")
        for hearer in [hub, right] { try await hearer.event("message") { $0.json("packets") == "[0,\"last\"]" } }
        for peer in [hub, left, right] {
            let heard = peer.events.filter { $0.name == "message" }.map { $0.json("packets") }
            #expect(Set(heard).count == heard.count, "\(peer.kind) at \(peer.port)")
        }
    }

    @Test(arguments: [RunningPeer.Kind.ours, .py2p])
    func `who links to one node is told of the others and links to them`(_ first: RunningPeer.Kind) async throws {
        let a = try await RunningPeer.start(first, "mesh", first == .py2p ? ["--no-compression"] : [])
        let b = try await RunningPeer.start(.py2p, "mesh", ["--no-compression", "--connect", a.place])
        try await b.event("connect")
        try await a.event("connect")
        let c = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
        // One link it was told to make, the other it has heard of.
        let places = Set([a, b].map { "[\"127.0.0.1\",\($0.port)]" })
        for place in places { try await c.event("connect") { $0.json("addr") == place } }
        let status = try await c.answer("status")
        #expect(status.json("value").contains("\"peers\":2"))
    }

    @Test func `a node of another subnet is a stranger`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh", ["--subnet", "one"])
        let b = try await RunningPeer.start(.py2p, "mesh", ["--no-compression", "--subnet", "two"])
        _ = try await a.answer("connect 127.0.0.1 \(b.port)")
        try await a.event("error") { $0.text("text").contains("another network") || $0.text("text").contains("closed") }
        #expect(!a.events.contains { $0.name == "connect" })
    }

    @Test func `a link to a node that was killed is made again when another is there`() async throws {
        let a = try await RunningPeer.start(.ours, "mesh")
        let b = try await RunningPeer.start(.ours, "mesh", ["--connect", a.place])
        try await b.event("connect")
        a.kill()
        try await b.event("disconnect")
        let process = try RunningProcess(
            [Product.path("peer"), "mesh", "--json", "--port", "\(a.port)"],
            hasInput: true
        )
        _ = try await process.line(.output) { $0.contains("\"ev\":\"connect\"") }
    }
}
