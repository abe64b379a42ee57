// Sync and chord tables shared by nodes of ours and of py2p, as processes.

import Foundation
import TestSupport
import Testing

/// Tables that both implementations keep together.
@Suite(.enabled(if: RunningPeer.isPy2pInstalled, "py2p is not installed: ./waystation test does it"))
struct PeerTableTests {
    private static func flags(_ kind: RunningPeer.Kind, _ more: String...) -> [String] {
        (kind == .py2p ? ["--no-compression"] : []) + more
    }

    /// The key as this implementation tells it.
    static func key(_ name: String, _ peer: RunningPeer) -> String { peer.kind == .py2p ? "b:" + name : name }

    static func expect(_ peer: RunningPeer, _ name: String, _ value: String) async throws {
        let key = key(name, peer)
        try await peer.event("update") { $0.text("key") == key && $0.json("value") == value }
    }

    /// Returns when the clock shows another second, also the coarse one that Python reads: changes are ordered by it.
    static func nextSecond() async {
        let rest = 1.05 - Date().timeIntervalSince1970.truncatingRemainder(dividingBy: 1)
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + rest) { continuation.resume() }
        }
    }

    @Test(arguments: [RunningPeer.Kind.ours, .py2p])
    func `a sync table is the same at both, for what is set, changed, deleted and handed over`(
        _ first: RunningPeer.Kind
    ) async throws {
        let second: RunningPeer.Kind = first == .ours ? .py2p : .ours
        let a = try await RunningPeer.start(first, "sync", Self.flags(first))
        _ = try await a.answer("set before there")
        let b = try await RunningPeer.start(second, "sync", Self.flags(second, "--connect", a.place))
        try await Self.expect(b, "before", "\"there\"")
        for (one, other) in [(a, b), (b, a)] {
            let name = one.kind.rawValue
            _ = try await one.answer("set \(name) j:{\"a\":1}")
            try await Self.expect(other, name, "{\"a\":1}")
            _ = try await one.answer("delta \(name) {\"b\":2}")
            try await Self.expect(other, name, "{\"a\":1,\"b\":2}")
            // It is the other's for an hour; in the same second it would be the smaller id's.
            await Self.nextSecond()
            #expect(try await other.answer("set \(name) mine").name == "error")
            #expect(try await other.answer("get \(name)").json("value").contains("\"b\":2"))
            _ = try await one.answer("del \(name)")
            let key = Self.key(name, other)
            try await other.event("delete") { $0.text("key") == key }
        }
        #expect(try await b.answer("keys").json("value") == "[\"\(Self.key("before", b))\"]")
    }

    @Test func `without leases the later of two values counts, whoever set it`() async throws {
        let a = try await RunningPeer.start(.ours, "sync", ["--no-lease"])
        let b = try await RunningPeer.start(.py2p, "sync", ["--no-compression", "--no-lease", "--connect", a.place])
        try await a.event("connect")
        try await b.event("connect")
        _ = try await a.answer("set k first")
        try await Self.expect(b, "k", "\"first\"")
        // A value of the same second would be the smaller id's.
        await Self.nextSecond()
        _ = try await b.answer("set k second")
        try await Self.expect(a, "k", "\"second\"")
    }

    @Test func `a table with leases and one without have nothing in common`() async throws {
        let a = try await RunningPeer.start(.ours, "sync")
        let b = try await RunningPeer.start(.py2p, "sync", ["--no-compression", "--no-lease"])
        _ = try await a.answer("connect 127.0.0.1 \(b.port)")
        try await a.event("error")
        #expect(!a.events.contains { $0.name == "connect" })
    }

    /// What is set or handed on is there a moment later: asked for until it is, at most ten times.
    static func expectAll(_ peer: RunningPeer, _ keys: [String]) async throws {
        #expect(try await finds(peer, keys))
    }

    /// Whether the values are found within ten times of asking.
    static func finds(_ peer: RunningPeer, _ keys: [String]) async throws -> Bool {
        let expected = keys.map { "v-" + $0 }
        var values: [String] = []
        for _ in 0..<10 where values != expected { values = try await self.values(peer, keys) }
        return values == expected
    }

    static func values(_ peer: RunningPeer, _ keys: [String]) async throws -> [String] {
        var values: [String] = []
        for key in keys {
            let line = peer.kind == .py2p ? "get \(key) 5" : "get \(key)"
            let value = try await peer.answer(line).members["value"] as? [String: Any]
            values.append(value?["value"] as? String ?? "nothing")
        }
        return values
    }

    @Test(arguments: [RunningPeer.Kind.ours, .py2p])
    func `a chord table is found from both, moves to who joins, and back from who unjoins`(
        _ first: RunningPeer.Kind
    ) async throws {
        let second: RunningPeer.Kind = first == .ours ? .py2p : .ours
        let a = try await RunningPeer.start(first, "chord", Self.flags(first, "--join"))
        let b = try await RunningPeer.start(second, "chord", Self.flags(second, "--connect", a.place))
        try await a.event("connect")
        try await b.event("connect")
        _ = try await b.answer("join")
        let keys = (0..<6).map { "\(a.kind.rawValue)\($0)" } + (0..<6).map { "\(b.kind.rawValue)\($0)" }
        for key in keys { _ = try await (key.hasPrefix(a.kind.rawValue) ? a : b).answer("set \(key) v-\(key)") }
        try await Self.expectAll(a, keys)
        try await Self.expectAll(b, keys)
        let c = try await RunningPeer.start(.ours, "chord", ["--connect", a.place])
        try await c.event("connect")
        for key in keys { try await c.event("add") { $0.text("key") == key } }
        // It holds nothing yet, and finds everything.
        try await Self.expectAll(c, keys)
        _ = try await b.answer("unjoin")
        try await Self.expectAll(a, keys)
        _ = try await a.answer("del \(keys[0])")
        try await c.event("delete") { $0.text("key") == keys[0] }
    }
}
