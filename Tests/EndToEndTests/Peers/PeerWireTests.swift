// Tables that nodes of ours and of py2p share over TLS, and with every compression.

import Foundation
import TestSupport
import Testing

/// The same tables, whatever carries them.
@Suite(.enabled(if: RunningPeer.isPy2pInstalled, "py2p is not installed: ./waystation test does it"))
struct PeerWireTests {
    /// How messages travel between the two.
    struct Wire: Sendable, CustomTestStringConvertible {
        let name: String
        let ours: [String]
        let py2p: [String]
        /// What a compressed frame begins with, in hexadecimal digits; nil: frames are plain.
        let mark: String?

        var testDescription: String { name }

        func flags(_ kind: RunningPeer.Kind) -> [String] { kind == .ours ? ours : py2p + ["--trace"] }
    }

    static let wires = [
        Wire(name: "TLS", ours: ["--tls"], py2p: ["--ssl", "--no-compression"], mark: nil),
        Wire(name: "zlib", ours: ["--compression", "zlib"], py2p: ["--compression", "0x13"], mark: "789c"),
        Wire(name: "gzip", ours: ["--compression", "gzip"], py2p: ["--compression", "0x11"], mark: "1f8b08"),
        Wire(name: "bz2", ours: ["--compression", "bz2"], py2p: ["--compression", "0x10"], mark: "425a68"),
        Wire(name: "lzma", ours: ["--compression", "lzma"], py2p: ["--compression", "0x12"], mark: "fd377a585a00"),
    ]

    /// One of each kind, both linked, the second by dialling the first.
    private static func pair(
        _ network: String,
        _ wire: Wire,
        _ first: RunningPeer.Kind
    ) async throws -> (RunningPeer, RunningPeer) {
        let second: RunningPeer.Kind = first == .ours ? .py2p : .ours
        // A py2p node tells of its part to who accepts it only if that one has a part already (B9).
        let more = network == "chord" ? ["--join"] : []
        let a = try await RunningPeer.start(first, network, wire.flags(first) + more)
        let b = try await RunningPeer.start(second, network, wire.flags(second) + ["--connect", a.place])
        try await a.event("connect")
        try await b.event("connect")
        return (a, b)
    }

    /// What py2p sent and what it was sent was compressed in that way, but for the handshakes.
    private static func expectCompressed(_ peers: [RunningPeer], _ wire: Wire) throws {
        guard let mark = wire.mark, let py2p = peers.first(where: { $0.kind == .py2p }) else { return }
        // Behind the length of four octets, where there is one.
        let received = py2p.events.filter { $0.name == "rx" }.map { $0.text("frame") }
        let sent = py2p.events.filter { $0.name == "tx" }.map { $0.text("frame") }
        for frames in [received, sent] {
            let compressed = frames.count { $0.hasPrefix(mark) || $0.dropFirst(8).hasPrefix(mark) }
            #expect(compressed >= frames.count / 2 && compressed > 2, "\(compressed) of \(frames.count): \(wire.name)")
        }
    }

    @Test(arguments: wires, [RunningPeer.Kind.ours, .py2p])
    func `a sync table is the same at both over TLS and with every compression`(
        _ wire: Wire,
        _ first: RunningPeer.Kind
    ) async throws {
        let (a, b) = try await Self.pair("sync", wire, first)
        for (one, other) in [(a, b), (b, a)] {
            let (name, long) = (one.kind.rawValue, String(repeating: "long ", count: 100) + "text")
            _ = try await one.answer("set \(name)-long \(long)")
            try await PeerTableTests.expect(other, "\(name)-long", "\"\(long)\"")
            _ = try await one.answer("set \(name) j:{\"a\":[1,null,2.5]}")
            _ = try await one.answer("delta \(name) {\"b\":2}")
            try await PeerTableTests.expect(other, name, "{\"a\":[1,null,2.5],\"b\":2}")
            _ = try await one.answer("del \(name)")
            let key = PeerTableTests.key(name, other)
            try await other.event("delete") { $0.text("key") == key }
        }
        try Self.expectCompressed([a, b], wire)
    }

    @Test(arguments: wires, [RunningPeer.Kind.ours, .py2p])
    func `a chord table is found from both over TLS and with every compression`(
        _ wire: Wire,
        _ first: RunningPeer.Kind
    ) async throws {
        // py2p cuts a link when a receive of its own ends with the head of a frame alone (B3), which a busy machine brings about.
        for attempt in 1...4 {
            let (a, b) = try await Self.pair("chord", wire, first)
            let isAsItMustBe = try await Self.shares(a, b, wire)
            let isCut = [a, b].contains { peer in peer.events.contains { $0.name == "disconnect" } }
            if isAsItMustBe || !isCut || attempt == 4 { return #expect(isAsItMustBe, "attempt \(attempt)") }
        }
    }

    /// Whether what both set is found from both, and by the first alone when the second holds nothing any more.
    private static func shares(_ a: RunningPeer, _ b: RunningPeer, _ wire: Wire) async throws -> Bool {
        _ = try await b.answer("join")
        let keys = (0..<3).map { "ours\($0)" } + (0..<3).map { "py2p\($0)" }
        for key in keys { _ = try await (key.hasPrefix(a.kind.rawValue) ? a : b).answer("set \(key) v-\(key)") }
        for one in [a, b] { guard try await PeerTableTests.finds(one, keys) else { return false } }
        try expectCompressed([a, b], wire)
        _ = try await b.answer("unjoin")
        return try await PeerTableTests.finds(a, keys)
    }
}
