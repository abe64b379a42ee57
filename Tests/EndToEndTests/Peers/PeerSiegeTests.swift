// Thousands who lie, stall or forge, against a node as a process: it does not grow, and honest nodes notice nothing.

import Foundation
import TestSupport
import Testing

@testable import PeerNetwork

/// A node under siege, from the outside.
@Suite(.timeLimit(.minutes(5)))
struct PeerSiegeTests {
    /// Whether this process may have so many descriptors open; the limit is raised to what is allowed.
    private static func mayOpen(_ count: UInt) -> Bool {
        var limit = rlimit()
        // The constants are of a type of their own in Glibc.
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return false }
        if limit.rlim_cur < count, limit.rlim_max >= count {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return limit.rlim_cur >= count
    }

    private static func handshake(_ name: String, _ subnet: String) -> [UInt8] {
        let network = NetworkID(subnet: subnet, isEncrypted: false)
        let place = MessageValue.array(["127.0.0.1", 9])
        return frame(2, 5, name, [.binary(Array(name.utf8)), .binary(network.octets), place, .array([])])
    }

    private static func frame(_ flag: Int64, _ sub: Int64, _ name: String, _ payload: [MessageValue]) -> [UInt8] {
        let now = Int64(Date().timeIntervalSince1970)
        return FrameReader.frame(PeerMessage(flag, sub, from: NodeID(name), at: now, payload).body)
    }

    /// What a message from one says the other hears, both ways.
    private static func expectTalk(_ a: RunningPeer, _ b: RunningPeer, _ text: String) async throws {
        for (speaker, hearer) in [(a, b), (b, a)] {
            _ = try await speaker.answer("send \(text)-\(speaker.port)")
            try await hearer.event("message") { $0.json("packets") == "[0,\"\(text)-\(speaker.port)\"]" }
        }
    }

    private static func pair(_ network: String, _ flags: [String] = []) async throws -> (RunningPeer, RunningPeer) {
        let unheard = network == "mesh" ? ["error"] : ["update", "add", "delete"]
        let node = try await RunningPeer.start(.ours, network, flags, unheard: unheard)
        let other = try await RunningPeer.start(.ours, network, flags + ["--connect", node.place], unheard: unheard)
        try await node.event("connect")
        try await other.event("connect")
        return (node, other)
    }

    /// What each of a crowd sends, and then no more.
    private static let lies: [[UInt8]] = [
        [], Array(handshake("half", "mesh").prefix(40)), FrameReader.frame([UInt8](repeating: 7, count: 60)),
        [0xff, 0xff, 0xff, 0xff], [0, 1, 0, 0, 1, 2, 3], handshake("lied", "other"),
    ]

    @Test(.enabled(if: Self.mayOpen(12_000), "12,000 open files are not allowed here: ulimit -n"))
    func `of ten thousand who lie or stall a node holds 1024, and goes on talking in at most 192 MiB`() async throws {
        let (node, other) = try await Self.pair("mesh")
        let port = try #require(UInt16(exactly: node.port))
        var crowd: [RawConnection] = []
        for number in 0..<10_000 {
            let one = try RawConnection(port: port)
            // Half of them say first who they are, so that the node trusts them with frames of 16 MiB.
            let greeting = number % 2 == 0 ? [] : Self.handshake("crowd\(number)", "mesh")
            await one.send(greeting + Self.lies[number / 2 % Self.lies.count])
            crowd.append(one)
            if number % 2500 == 2499 { try await Self.expectTalk(node, other, "after-\(number)") }
        }
        #expect(try node.residentBytesPeak() < 192 << 20)
        #expect(!other.events.contains { $0.name == "disconnect" })
        for one in crowd { one.close() }
        // There is room again once the node has heard that they are gone.
        let late = try await RunningPeer.start(.ours, "mesh", ["--connect", node.place])
        try await late.event("connect")
        try await Self.expectTalk(late, other, "late")
    }

    /// Hands over or stores what nobody has said, on a link of its own, until the node has taken all of it.
    private static func forge(
        _ node: RunningPeer,
        _ subnet: String,
        _ count: Int,
        _ frame: (Int) -> [UInt8]
    ) async throws {
        let liar = try RawConnection(port: try #require(UInt16(exactly: node.port)))
        let name = "liar\(UInt32.random(in: .min ... .max))"
        await liar.send(handshake(name, subnet))
        for number in 0..<count { await liar.send(frame(number)) }
        liar.endSending()
        // That it has gone is told behind all that came from it.
        try await node.event("disconnect") { $0.text("id") == name }
    }

    private static let long = MessageValue.text(String(repeating: "x", count: 64 << 10))

    @Test func `who hands over 80 MiB in the names of others fills a sync table, and the node stays below 512 MiB`()
        async throws
    {
        // The liars do not read what they are told, and may take their time on a busy machine.
        let (node, other) = try await Self.pair("sync", ["--limit-stall", "10m"])
        _ = try await other.answer("set honest yes")
        let now = Int64(Date().timeIntervalSince1970)
        let times: [Int64] = [now, now + 3600, now + 1_000_000, .max, 0, .min, now - 4000]
        for round in 0..<2 {
            // Each is handed over with a date of its own, many of them such that it must not count.
            try await Self.forge(node, "sync1", 1280) { number in
                let (key, time) = (MessageValue.text("key\(number)"), times[(number + round) % times.count])
                return Self.frame(2, 11, "liar", [key, Self.long, .text("owner\(number)"), .integer(time)])
            }
        }
        try await Self.forge(node, "sync1", 5000) { number in
            let key = MessageValue.binary(Array("\(number)".utf8) + [UInt8](repeating: 0, count: 4090))
            return Self.frame(2, 11, "liar", [key, 1, .binary([0xff]), .integer(times[number % times.count])])
        }
        let large = String(repeating: "x", count: 8192)
        #expect(try await node.answer("set own \(large)").name == "error", "the table is full")
        #expect(try await other.answer("set honest still").name == "result")
        // What is said comes behind what was set.
        try await Self.expectTalk(node, other, "still")
        for peer in [node, other] {
            #expect(try await peer.answer("get honest").json("value").contains("still"))
            #expect(try peer.residentBytesPeak() < 512 << 20)
        }
    }

    @Test func `who floods a chord node with places and keys that are none of its own does not stop it`() async throws {
        let (node, other) = try await Self.pair("chord", ["--join"])
        _ = try await other.answer("set honest yes")
        try await Self.forge(node, "chord", 640) { number in
            let place = MessageValue.binary(Base58.encode([UInt8](repeating: UInt8(number % 256), count: 48)))
            return Self.frame(2, 11, "liar", ["sha512", place, Self.long])
        }
        try await Self.forge(node, "chord", 2000) { number in
            Self.frame(2, 6, "liar", [.binary(Array("\(number)".utf8) + [UInt8](repeating: 0, count: 4000))])
        }
        for peer in [node, other] {
            let found = try await peer.answer("get honest")
            #expect(found.json("value").contains("yes"), "\(found.members)")
            #expect(try peer.residentBytesPeak() < 512 << 20)
        }
        try await Self.expectTalk(node, other, "still")
    }
}
