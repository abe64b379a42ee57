// Signed messages between processes: through a node of py2p, and in a table.

import Foundation
import TestSupport
import Testing

/// `--sign`, `--require-signed` and `--key` of `peer`.
@Suite struct PeerSigningTests {
    @Test(.enabled(if: RunningPeer.isPy2pInstalled, "py2p is not installed: ./waystation test does it"))
    func `py2p shows and hands on what is signed, and who wants signatures takes that alone`() async throws {
        let hub = try await RunningPeer.start(.py2p, "mesh", ["--no-compression"])
        // Nothing but the old node is between them.
        let alone = ["--limit-outgoing", "0", "--connect", hub.place]
        let alice = try await RunningPeer.start(.ours, "mesh", alone + ["--sign"])
        let bob = try await RunningPeer.start(.ours, "mesh", alone + ["--require-signed"])
        let carol = try await RunningPeer.start(.ours, "mesh", alone)
        let dave = try await RunningPeer.start(.py2p, "mesh", ["--no-compression", "--connect", hub.place])
        for peer in [alice, bob, carol, dave] { try await peer.event("connect") }
        _ = try await carol.answer("send whoever")
        for hearer in [hub, alice, dave] {
            try await hearer.event("message") { $0.json("packets") == "[0,\"whoever\"]" }
        }
        let id = try await alice.event("ready").text("id")
        for text in ["one", "two"] {
            _ = try await alice.answer("send \(text)")
            for hearer in [hub, bob, carol, dave] {
                let event = try await hearer.event("message") { $0.json("packets") == "[0,\"\(text)\"]" }
                #expect(event.text("sender").hasSuffix(id))
                if hearer.kind == .ours { #expect(event.json("signed") == "true") }
            }
        }
        #expect(alice.events.first { $0.name == "message" }?.json("signed") == "false")
        #expect(
            bob.events.filter { $0.name == "message" }.map { $0.json("packets") } == ["[0,\"one\"]", "[0,\"two\"]"]
        )
        // Nothing of how it is proved is shown to people of the old protocol.
        for peer in [hub, dave] {
            let shown = peer.events.filter { $0.name == "message" }.map { $0.json("packets") }
            #expect(shown == ["[0,\"whoever\"]", "[0,\"one\"]", "[0,\"two\"]"])
            #expect(!peer.events.contains { $0.name == "disconnect" })
        }
    }

    @Test func `a whisper is signed for who hears it, and a reply too`() async throws {
        let alice = try await RunningPeer.start(.ours, "mesh", ["--sign", "--require-signed"])
        let bob = try await RunningPeer.start(.ours, "mesh", ["--sign", "--require-signed", "--connect", alice.place])
        try await alice.event("connect")
        try await bob.event("connect")
        _ = try await alice.answer("whisper psst")
        try await bob.event("message") { $0.json("packets") == "[2,\"psst\"]" && $0.json("signed") == "true" }
        _ = try await bob.answer("reply yes")
        try await alice.event("message") { $0.json("packets") == "[2,\"yes\"]" && $0.json("signed") == "true" }
        let status = try await bob.answer("status").json("value")
        #expect(status.contains("\"signing\":true") && status.contains("\"unproved\":0"))
    }

    @Test func `a table that requires signatures is handed over, and takes nothing from who does not sign`()
        async throws
    {
        let alice = try await RunningPeer.start(.ours, "sync", ["--sign"])
        _ = try await alice.answer("set early 1")
        _ = try await alice.answer("delta map {\"a\":1}")
        _ = try await alice.answer("delta map {\"b\":2}")
        let carol = try await RunningPeer.start(.ours, "sync", ["--connect", alice.place])
        try await carol.event("connect")
        _ = try await carol.answer("set unsigned 1")
        try await alice.event("update") { $0.text("key") == "unsigned" }
        // Carol hands over what is Alice's, with Alice's proof of it.
        let bob = try await RunningPeer.start(.ours, "sync", ["--require-signed", "--connect", carol.place])
        try await bob.event("update") { $0.text("key") == "early" }
        try await bob.event("update") { $0.json("value") == "{\"a\":1,\"b\":2}" }
        _ = try await alice.answer("set late 2")
        try await bob.event("update") { $0.text("key") == "late" }
        #expect(try await bob.answer("keys").json("value") == "[\"early\",\"late\",\"map\"]")
        #expect(try await !bob.answer("status").json("value").contains("\"unproved\":0"))
    }

    @Test func `a node with a key in a file is the same after a restart, and the file is its user's alone`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/key"
        var ids: [String] = []
        for _ in 0..<2 {
            let node = try await RunningPeer.start(.ours, "mesh", ["--sign", "--key", file])
            ids.append(try await node.event("ready").text("id"))
            try node.type("quit")
            #expect(try await node.outcome().status == 0)
        }
        #expect(ids[0] == ids[1])
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.hasPrefix("waystation-identity-1 "))
        try "nonsense".write(toFile: file, atomically: true, encoding: .utf8)
        let peer = Product.path("peer")
        let wrong = try await RunningProcess.run([peer, "mesh", "--port", "0", "--sign", "--key", file])
        #expect(wrong.status == 78 && wrong.errors.contains("holds no key"))
        let nowhere = directory.path + "/none/key"
        let missing = try await RunningProcess.run([peer, "mesh", "--port", "0", "--sign", "--key", nowhere])
        #expect(missing.status == 73)
    }
}
