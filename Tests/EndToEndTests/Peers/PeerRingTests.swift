// A chord table of many nodes of ours as processes: nothing is lost when half of them are killed, and py2p finds everything.

import Dispatch
import TestSupport
import Testing

@Suite struct PeerRingTests {
    private static let count = 10
    private static let keys = (0..<12).map { "key\($0)" }

    /// So many members, each told of one that came before it.
    private static func ring() async throws -> [RunningPeer] {
        var peers: [RunningPeer] = []
        for number in 0..<count {
            let flags = number == 0 ? [] : ["--connect", peers[number / 2].place]
            let peer = try await RunningPeer.start(.ours, "chord", ["--join"] + flags)
            if number > 0 { try await peer.event("connect") }
            peers.append(peer)
        }
        // In a ring of ten everybody has links to all others.
        for peer in peers { try await expect(peer, "peers", Self.count - 1) }
        return peers
    }

    /// Returns when a number in a node's status is at least `count`; looks ten times a second, for half a minute at most.
    private static func expect(_ peer: RunningPeer, _ name: String, _ count: Int) async throws {
        var found = 0
        for _ in 0..<300 {
            let status = try await peer.answer("status").members["value"] as? [String: Any]
            found = status?[name] as? Int ?? 0
            if found >= count { return }
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.1) { continuation.resume() }
            }
        }
        Issue.record("\(name): \(found) instead of \(count)")
    }

    private static func fill(_ peers: [RunningPeer]) async throws {
        for (number, key) in keys.enumerated() {
            let answer = try await peers[number % peers.count].answer("set \(key) v-\(key)")
            #expect(answer.name == "result", "\(answer.members)")
        }
    }

    private static func expectAll(_ peer: RunningPeer) async throws {
        var wrong = keys
        // While a ring mends itself a look-up may be in vain.
        for _ in 0..<3 where !wrong.isEmpty {
            var left: [String] = []
            for key in wrong {
                let line = peer.kind == .py2p ? "get \(key) 5" : "get \(key)"
                let value = try await peer.answer(line).members["value"] as? [String: Any]
                if value?["value"] as? String != "v-" + key { left.append(key) }
            }
            wrong = left
        }
        #expect(wrong == [], "at \(peer.kind)")
    }

    @Test func `half of the nodes are killed, and every value is found from all that are left`() async throws {
        let peers = try await Self.ring()
        try await Self.fill(peers)
        // Each of the sixty entries is at eight of the ten.
        for peer in peers { try await Self.expect(peer, "held", 1) }
        try await Self.expectCopies(peers, 8 * 5 * Self.keys.count)
        let owners = try await Self.owners(asking: peers[1])
        for peer in peers[..<(Self.count / 2)] { peer.send(9) }
        for peer in peers[(Self.count / 2)...] { try await Self.expectAll(peer) }
        #expect(owners.count > 1)
        #expect(try await Self.owners(asking: peers[Self.count - 1]).count > 1)
    }

    /// Returns when so many copies are held by all together: ranges are compared every five seconds.
    private static func expectCopies(_ peers: [RunningPeer], _ count: Int) async throws {
        var held = 0
        for _ in 0..<100 {
            held = 0
            for peer in peers {
                let status = try await peer.answer("status").members["value"] as? [String: Any]
                held += status?["held"] as? Int ?? 0
            }
            if held >= count { return }
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.3) { continuation.resume() }
            }
        }
        Issue.record("\(held) copies instead of \(count)")
    }

    /// Who has which keys, as one node finds out.
    private static func owners(asking peer: RunningPeer) async throws -> Set<String> {
        var owners: Set<String> = []
        for key in keys {
            let value = try await peer.answer("locate \(key)").members["value"] as? [String: Any]
            owners.insert(try #require(value?["owner"] as? String))
        }
        return owners
    }

    @Test func `who leaves hands its part on, and takes it again when it comes back`() async throws {
        let peers = try await Self.ring()
        try await Self.fill(peers)
        for peer in peers[1..<4] { _ = try await peer.answer("unjoin") }
        for peer in [peers[0], peers[2], peers[9]] { try await Self.expectAll(peer) }
        #expect(try await peers[1].answer("status").json("value").contains("\"held\":0"))
        for peer in peers[1..<4] { _ = try await peer.answer("join") }
        for peer in [peers[1], peers[5]] { try await Self.expectAll(peer) }
    }

    @Test(.enabled(if: RunningPeer.isPy2pInstalled, "py2p is not installed: ./waystation test does it"))
    func `a node of py2p that knows one of ours finds what any of them was told, and is found`() async throws {
        let peers = try await Self.ring()
        try await Self.fill(peers)
        let old = try await RunningPeer.start(.py2p, "chord", ["--no-compression"])
        _ = try await peers[9].answer("connect 127.0.0.1 \(old.port)")
        try await old.event("connect")
        try await Self.expectAll(old)
        _ = try await old.answer("set theirs v-theirs")
        for peer in [peers[0], peers[7], peers[9]] {
            try await peer.event("add") { $0.text("key") == "theirs" }
            var value: String?
            for _ in 0..<5 where value == nil {
                let answer = try await peer.answer("get theirs").members["value"] as? [String: Any]
                value = answer?["value"] as? String
            }
            #expect(value == "v-theirs")
        }
    }
}
