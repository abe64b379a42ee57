// Peers that lie, stall or come in thousands: the honest ones notice nothing, and nothing grows.

import PeerTCP
import Synchronization
import TestSupport
import Testing

@testable import PeerNetwork

@Suite(.timeLimit(.minutes(5))) struct HostilePeerTests {
    /// A mesh node on a port of its own, and an honest neighbour.
    private struct Pair {
        let node: MeshNode
        let port: UInt16
        let neighbour: MeshNode
        let heard: Heard
        let told: Heard
        private let listening: [Task<Void, Never>]

        init(_ configuration: NodeConfiguration = NodeConfiguration(), _ limits: TCPLimits = TCPLimits()) async throws {
            let transport = try await TCPTransport.listen(host: "127.0.0.1", port: 0, limits: limits)
            port = UInt16(transport.port)
            node = Self.node("node", transport, configuration)
            let other = try await TCPTransport.listen(host: "127.0.0.1", port: 0)
            neighbour = Self.node("neighbour", other, NodeConfiguration())
            let heard = Heard()
            self.heard = heard
            let told = Heard()
            self.told = told
            let (events, own) = (neighbour.events, node.events)
            listening = [
                Task { for await event in events { heard.note(event) } },
                Task { for await event in own { told.note(event) } },
            ]
            node.start()
            neighbour.start()
            neighbour.connect(to: try #require(PeerAddress(host: "127.0.0.1", port: transport.port)))
            try await heard.connected.reach(1)
        }

        private static func node(
            _ name: String,
            _ transport: TCPTransport,
            _ configuration: NodeConfiguration
        ) -> MeshNode {
            MeshNode(.named(name, port: transport.port), configuration, over: transport, seed: 1) { 1_800_000_000 }
        }

        /// A message still gets from the node to its neighbour.
        func expectSound() async throws {
            let before = heard.messages.count
            try await node.broadcast("still here")
            try await heard.messages.reach(before + 1)
            #expect(heard.lost.count == 0)
        }

        func stop() {
            node.stop()
            neighbour.stop()
            for task in listening { task.cancel() }
        }
    }

    private final class Heard: Sendable {
        let connected = Tally("links")
        let messages = Tally("messages")
        let lost = Tally("lost links")

        func note(_ event: NodeEvent) {
            switch event {
            case .connected: connected.advance()
            case .message: messages.advance()
            case .disconnected: lost.advance()
            default: break
            }
        }
    }

    private static func handshake(_ name: String) -> [UInt8] {
        FrameReader.frame(PeerMessage.handshake(of: name).body)
    }

    /// What a hostile peer sends, and what that is.
    static let lies: [(String, [UInt8])] = [
        ("a length of 4 GiB", [0xff, 0xff, 0xff, 0xff]),
        ("a length above a stranger's", [0, 1, 0, 1]),
        ("an empty frame", [0, 0, 0, 0]),
        ("a wrong checksum", FrameReader.frame([UInt8](repeating: 7, count: 60))),
        ("what is no message", FrameReader.frame(MessageID(ofPacked: [0xc0]).octets + [0xc0])),
        ("another network's handshake", FrameReader.frame(PeerMessage.handshake(of: "x", subnet: "y").body)),
        ("a wrong checksum behind a handshake", handshake("x") + FrameReader.frame([UInt8](repeating: 7, count: 60))),
        ("a length of 17 MiB behind a handshake", handshake("x") + [1, 16, 0, 1]),
    ]

    @Test(arguments: lies.indices)
    func `who lies is let go, and the others notice nothing`(_ index: Int) async throws {
        let pair = try await Pair()
        defer { pair.stop() }
        let liar = try RawConnection(port: pair.port)
        _ = await liar.send(Self.lies[index].1)
        #expect(await liar.receive().end != .silent, "\(Self.lies[index].0)")
        try await pair.expectSound()
    }

    @Test func `who begins a frame and does not end it is let go in time`() async throws {
        var limits = TCPLimits()
        limits.frameSeconds = 1
        let pair = try await Pair(NodeConfiguration(), limits)
        defer { pair.stop() }
        let liar = try RawConnection(port: pair.port)
        _ = await liar.send(Self.handshake("x") + [0, 0, 1, 0, 1, 2, 3])
        #expect(await liar.receive().end != .silent)
        try await pair.expectSound()
    }

    @Test func `of two thousand that come as many stay as may, and the others notice nothing`() async throws {
        var configuration = NodeConfiguration()
        configuration.incomingMax = 100
        let pair = try await Pair(configuration)
        defer { pair.stop() }
        var crowd: [RawConnection] = []
        for number in 0..<2000 {
            let one = try RawConnection(port: pair.port)
            _ = await one.send(Self.handshake("crowd\(number)"))
            // The first stay; of the rest each is closed at once, so that they are not all open here.
            if number < 150 { crowd.append(one) } else { #expect(await one.receive().end != .silent) }
        }
        #expect(pair.node.neighbours.count <= 100)
        #expect(pair.node.neighbours.contains { $0.id == NodeID("neighbour") })
        try await pair.expectSound()
    }

    @Test func `of many who do not read those go for whom most waits, and the others have heard everything`()
        async throws
    {
        var limits = TCPLimits()
        (limits.queueBytesMax, limits.queuesBytesMax, limits.stallSeconds) = (8 << 20, 16 << 20, 3)
        let pair = try await Pair(NodeConfiguration(), limits)
        defer { pair.stop() }
        var deaf: [RawConnection] = []
        for number in 0..<20 {
            deaf.append(try RawConnection(port: pair.port))
            _ = await deaf[number].send(Self.handshake("deaf\(number)"))
        }
        try await pair.told.connected.reach(21)
        let talker = try RawConnection(port: pair.port)
        _ = await talker.send(Self.handshake("talker"))
        // What is relayed waits for nobody; what the node says itself would.
        let text = MessageValue.text(String(repeating: "x", count: 100_000))
        for number in 0..<100 as Range<Int64> {
            let message = PeerMessage(0, 0, from: NodeID("talker"), at: 1_800_000_000, [text, .integer(number)])
            _ = await talker.send(FrameReader.frame(message.body))
        }
        try await pair.heard.messages.reach(100)
        // Each has been told 10 MB, of which its system holds a part.
        #expect(pair.told.lost.count > 1)
        try await pair.expectSound()
    }

    @Test func `who does not read is let go, and the others have heard everything`() async throws {
        var limits = TCPLimits()
        limits.queueBytesMax = 4 << 20
        limits.stallSeconds = 3
        let pair = try await Pair(NodeConfiguration(), limits)
        defer { pair.stop() }
        let deaf = try RawConnection(port: pair.port)
        _ = await deaf.send(Self.handshake("deaf"))
        try await pair.told.connected.reach(2)
        let text = MessageValue.text(String(repeating: "x", count: 100_000))
        for number in 0..<200 as Range<Int64> { try await pair.node.broadcast([text, .integer(number)]) }
        try await pair.heard.messages.reach(200)
        try await pair.told.lost.reach(1)
        try await pair.expectSound()
    }

    @Test func `what came before a peer went is told when the user takes it, and then that it went`() async throws {
        let transport = try await TCPTransport.listen(host: "127.0.0.1", port: 0)
        let rules = MeshRules(MeshStateMachine(.named("node", port: transport.port), NodeConfiguration(), seed: 1))
        let driver = NodeDriver(rules, over: transport, compressor: PlainFrames(), eventsMax: 10) { 1_800_000_000 }
        let node = MeshNode(driver)
        defer { node.stop() }
        // Somebody who takes them, and is slow.
        var events = node.events.makeAsyncIterator()
        node.start()
        let peer = try RawConnection(port: UInt16(transport.port))
        _ = await peer.send(Self.handshake("peer"))
        let text = MessageValue.text(String(repeating: "x", count: 100_000))
        for number in 0..<30 as Range<Int64> {
            let message = PeerMessage(0, 0, from: NodeID("peer"), at: 1_800_000_000, [.integer(number), text])
            _ = await peer.send(FrameReader.frame(message.body))
        }
        // Not closed, as what it has not read itself would have the system throw away what we have not.
        peer.endSending()
        var told: [NodeEvent] = []
        while let event = await events.next() {
            told.append(event)
            if case .disconnected = event { break }
        }
        let numbers = told.compactMap { if case .message(let message, _) = $0 { message.payload[0].int } else { nil } }
        #expect(numbers == Array(0..<30))
    }
}
