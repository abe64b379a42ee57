// How long a frame may take to come, by ticks that a test gives.

import NIOCore
import NIOEmbedded
import Testing

@testable import PeerNetwork
@testable import PeerTCP

@Suite struct FrameTimeTests {
    /// Sends nothing.
    private final class NoTransport: PeerTransport {
        func start(_ node: any TransportDelegate) {}
        func dial(_ link: LinkID, to address: PeerAddress) {}
        func send(_ payloads: [[UInt8]], on link: LinkID) {}
        func hurry(_ link: LinkID) {}
        func close(_ link: LinkID) {}
        func setReading(_ isReading: Bool) {}
        func stop(_ whenDone: @escaping @Sendable () -> Void) { whenDone() }
    }

    /// A connection that has come in at a node that gives a frame a second.
    private struct Subject {
        let links: TCPLinks
        let driver: NodeDriver<MeshRules>
        let channel = EmbeddedChannel()

        init() throws {
            var limits = TCPLimits()
            limits.frameSeconds = 1
            links = TCPLinks(limits, nil)
            let rules = MeshRules(MeshStateMachine(.named("node"), NodeConfiguration(), seed: 1))
            driver = NodeDriver(rules, over: NoTransport(), compressor: PlainFrames()) { 1_800_000_000 }
            links.start(driver)
            try links.accept(channel).wait()
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func receive(_ octets: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: octets)) }

        /// Whether the connection stands a second later.
        func stands() -> Bool {
            for _ in 0..<4 { links.tick() }
            channel.embeddedEventLoop.run()
            return channel.isActive
        }
    }

    private static func frame(_ number: Int64) -> [UInt8] {
        FrameReader.frame(PeerMessage.broadcast(.integer(number), from: "talker").body)
    }

    @Test func `who is in the middle of another frame each time stays, and who ends none is let go`() throws {
        let subject = try Subject()
        try subject.receive(FrameReader.frame(PeerMessage.handshake(of: "talker").body))
        var rest: [UInt8] = []
        for number in 0..<20 as Range<Int64> {
            let frame = Self.frame(number)
            try subject.receive(rest + frame.prefix(10))
            #expect(subject.stands(), "\(number)")
            rest = Array(frame.dropFirst(10))
        }
        // A little more of it is not the end of it.
        try subject.receive(Array(rest.prefix(2)))
        #expect(!subject.stands())
    }

    @Test func `between frames a peer has all the time there is`() throws {
        let subject = try Subject()
        try subject.receive(FrameReader.frame(PeerMessage.handshake(of: "talker").body) + Self.frame(1))
        for _ in 0..<100 { #expect(subject.stands()) }
    }
}
