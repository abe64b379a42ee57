// What comes and goes together: many frames in one read, many messages in one call.

import PeerCompression
import Synchronization
import Testing

@testable import PeerNetwork

@Suite struct NodeDriverTests {
    /// Remembers what it was to do.
    private final class Recorder: PeerTransport {
        private struct State {
            var sent: [PeerMessage] = []
            var done: [String] = []
            var whenSending: (@Sendable () -> Void)?
        }

        private let state = Mutex(State())

        var sent: [PeerMessage] { state.withLock { $0.sent } }
        var done: [String] { state.withLock { $0.done } }

        /// Has `body` called in the middle of the next call that sends.
        func interrupt(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.whenSending = body } }

        func start(_ node: any TransportDelegate) {}
        func dial(_ link: LinkID, to address: PeerAddress) {}
        func send(_ payloads: [[UInt8]], on link: LinkID) {
            state.withLock { $0.whenSending.take() }?()
            let messages = payloads.compactMap { PeerMessage(body: $0) }
            state.withLock { state in
                state.sent += messages
                state.done += messages.filter { $0.subFlag == SubFlag.broadcast }.map(\.text)
            }
        }
        func hurry(_ link: LinkID) {}
        func close(_ link: LinkID) { state.withLock { $0.done.append("close") } }
        func setReading(_ isReading: Bool) { state.withLock { $0.done.append("reading \(isReading)") } }
        func stop(_ whenDone: @escaping @Sendable () -> Void) {
            state.withLock { $0.done.append("stop") }
            whenDone()
        }
    }

    private final class Subject {
        let recorder = Recorder()
        let driver: NodeDriver<MeshRules>
        let link: LinkID
        private var events: NodeEvents.Iterator?
        private var reader = LinkReader()

        init(
            methods: [CompressionMethod] = [],
            eventsMax: Int = 65_536,
            eventBytesMax: Int = 64 << 20,
            frameBytesMax: Int = 16 << 20
        ) {
            var configuration = NodeConfiguration()
            configuration.frameBytesMax = frameBytesMax
            let rules = MeshRules(MeshStateMachine(.named("node", methods: methods), configuration, seed: 1))
            driver = NodeDriver(
                rules,
                over: recorder,
                compressor: SystemCompressor(),
                eventsMax: eventsMax,
                eventBytesMax: eventBytesMax
            ) { 1_800_000_000 }
            link = driver.accepted { _ in }
            events = driver.events.makeAsyncIterator()
        }

        /// All of it comes in one read; false if some of it is left.
        @discardableResult
        func receive(_ payloads: [[UInt8]]) -> Bool {
            reader.append(payloads.flatMap(FrameReader.frame))
            return driver.received(&reader, on: link)
        }

        /// What it has told by now, at least one thing.
        func told() async -> [String] { await events?.nextBatch()?.map(\.text) ?? [] }

        /// Nobody takes what it tells from now on.
        func leave() { events = nil }
    }

    private static func broadcast(_ text: String) -> [UInt8] {
        PeerMessage.broadcast(.text(text), from: "peer").body
    }

    @Test func `a frame behind a handshake in the same read may be as long as a neighbour's`() async {
        let subject = Subject()
        let long = String(repeating: "x", count: 100_000)
        subject.receive([PeerMessage.handshake(of: "peer").body, Self.broadcast(long), Self.broadcast("end")])
        let told = await subject.told()
        #expect(told.count == 3 && told.last?.contains("end") == true, "\(told.map { $0.prefix(80) })")
    }

    @Test func `frames behind a change of the methods in the same read are read by the new ones`() async throws {
        let subject = Subject(methods: [.zlib, .gzip])
        let methods = MessageValue.array([.integer(CompressionMethod.gzip.rawValue)])
        let change = PeerMessage(MainFlag.renegotiate, SubFlag.compression, from: NodeID("peer"), at: 1, [methods])
        let compressed = try #require(SystemCompressor().compress(Self.broadcast("squeezed"), by: .gzip))
        subject.receive([
            PeerMessage.handshake(of: "peer").body, Self.broadcast("plain"), change.body, compressed,
            Self.broadcast("plain again"),
        ])
        let told = await subject.told()
        #expect(told.count == 4, "\(told)")
        #expect(zip(told.dropFirst(), ["plain", "squeezed", "plain again"]).allSatisfy { $0.contains($1) }, "\(told)")
    }

    @Test func `what came before a frame that is none is told, and what came behind it is not`() async {
        let subject = Subject()
        subject.receive([
            PeerMessage.handshake(of: "peer").body, Self.broadcast("before"), [UInt8](repeating: 7, count: 60),
            Self.broadcast("behind"),
        ])
        var told = await subject.told()
        while !told.contains(where: { $0.contains("what is no message") }) { told += await subject.told() }
        #expect(told.contains { $0.contains("before") })
        #expect(!told.contains { $0.contains("behind") }, "\(told)")
    }

    @Test func `what is broadcast together goes out in order, the same twice as two`() async {
        let subject = Subject()
        subject.receive([PeerMessage.handshake(of: "peer").body])
        let before = subject.recorder.sent.count
        let messages = (0..<200).map { [MessageValue.integer($0 / 2)] }
        await MeshNode(subject.driver).broadcast(each: messages)
        let sent = subject.recorder.sent.dropFirst(before)
        #expect(sent.map(\.payload) == messages)
        #expect(Set(sent.map(\.id)).count == messages.count)
    }

    @Test func `no more is taken in than the user has room for, and the rest when he has`() async {
        let subject = Subject(eventsMax: 10)
        let count = 50
        // Each is half a batch, so that a look at the user's room comes after every two.
        let long = String(repeating: "x", count: 600_000)
        let messages = (0..<count).map { Self.broadcast("\($0) \(long)") }
        #expect(!subject.receive([PeerMessage.handshake(of: "peer").body] + messages))
        #expect(subject.recorder.done.last == "reading false")
        var told = await subject.told()
        #expect(told.count <= 13, "\(told.count)")
        while told.count <= count {
            #expect(subject.recorder.done.last == "reading true")
            subject.receive([])
            told += await subject.told()
        }
        #expect(told.count == count + 1)
        #expect(told.last?.contains("\(count - 1) x") == true)
    }

    @Test func `small frames that are large when decompressed are taken as far as there is room`() async throws {
        let subject = Subject(methods: [.bzip2], eventBytesMax: 8 << 20)
        let large = String(repeating: "x", count: 3 << 20)
        let payloads = try (0..<40).map { number in
            try #require(SystemCompressor().compress(Self.broadcast("\(number) \(large)"), by: .bzip2))
        }
        #expect(payloads.reduce(0) { $0 + $1.count } < 1 << 16)
        let methods = [CompressionMethod.bzip2.rawValue]
        #expect(!subject.receive([PeerMessage.handshake(of: "peer", methods: methods).body] + payloads))
        // Each takes six mebibytes as an event: its octets, and what they say.
        #expect(await subject.told().count <= 3)
    }

    @Test func `while somebody is at work no more is decided than can be borne, and the rest then`() async throws {
        let subject = Subject(eventBytesMax: 1 << 30)
        subject.receive([PeerMessage.handshake(of: "peer").body])
        let driver = subject.driver
        let other = driver.accepted { _ in }
        let long = String(repeating: "x", count: 600_000)
        let frames =
            [PeerMessage.handshake(of: "other").body]
            + (0..<80).map { PeerMessage.broadcast(.text("\($0) \(long)"), from: "far").body }
        let reader = Mutex(LinkReader())
        subject.recorder.interrupt {
            // All of it comes while the first message is being sent: each is to be sent on to the peer.
            let isAll = reader.withLock { reader in
                reader.append(frames.flatMap(FrameReader.frame))
                return driver.received(&reader, on: other)
            }
            #expect(!isAll)
        }
        try await MeshNode(driver).broadcast("first")
        let before = subject.recorder.sent.filter { $0.sender == NodeID("far") }.count
        #expect((1..<80).contains(before), "\(before)")
        #expect(subject.recorder.done.last == "reading true")
        // What came while nothing was taken in comes behind what is left of what was taken.
        reader.withLock { $0.append(FrameReader.frame(PeerMessage.broadcast("last", from: "far").body)) }
        while !reader.withLock({ driver.received(&$0, on: other) }) {}
        #expect(subject.recorder.sent.filter { $0.sender == NodeID("far") }.count == 81)
    }

    @Test func `who waits for a peer that reads slowly goes on when cancelled, at the end, and after a while`()
        async throws
    {
        for end in ["cancel", "ticks", "stop", "free"] {
            let congestion = Congestion()
            congestion.set(true)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await congestion.waitUntilFree() }
                // Whichever comes first, the waiting or its end.
                switch end {
                case "cancel": group.cancelAll()
                case "ticks":
                    for _ in 0..<400 {
                        congestion.tick()
                        await Task.yield()
                    }
                case "stop": _ = congestion.stop()
                default: congestion.set(false)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `what was said before the end goes out before the end, whoever is at work`() async {
        let subject = Subject()
        subject.receive([PeerMessage.handshake(of: "peer").body])
        let (driver, node) = (subject.driver, MeshNode(subject.driver))
        subject.recorder.interrupt {
            // Somebody else at the same time, who finds this one at work.
            driver.performOnMesh { mesh, now, actions in _ = mesh.broadcast(["bye"], at: now, &actions) }
            node.stop()
        }
        _ = try? await node.broadcast("first")
        let done = subject.recorder.done
        #expect(done.count == 4, "\(done)")
        #expect(zip(done, ["first", "bye", "close", "stop"]).allSatisfy { $0.contains($1) }, "\(done)")
    }

    @Test func `a loop that is left takes one event, and the next loop goes on behind it`() async {
        let queue = EventQueue(countMax: 100, bytesMax: 1 << 20)
        let events = NodeEvents(intake: Intake(queue, Recorder()))
        queue.append((0..<60).map { .trouble("\($0)") })
        var told: [String] = []
        for _ in 0..<60 {
            for await event in events {
                told.append(event.text)
                break
            }
        }
        #expect(told == (0..<60).map { NodeEvent.trouble("\($0)").text })
    }

    @Test func `while nobody takes events the node goes on and keeps the latest, and says that others were dropped`()
        async
    {
        let recorder = Recorder()
        let queue = EventQueue(countMax: 10, bytesMax: 1 << 20)
        let intake = Intake(queue, recorder)
        for number in 0..<25 {
            queue.append([.trouble("\(number)")])
            intake.update()
        }
        #expect(intake.isReading && recorder.done.isEmpty)
        var told: [String] = []
        for await event in NodeEvents(intake: intake) {
            told.append(event.text)
            if told.count == 11 { break }
            // Somebody is there: now nothing may be lost.
            guard told.count == 1 else { continue }
            queue.append([.trouble("25")])
            intake.update()
            #expect(!intake.isReading)
        }
        #expect(told.first?.contains("15 events were dropped") == true)
        #expect(told.dropFirst() == ((15..<25).map { NodeEvent.trouble("\($0)").text })[...])
        #expect(intake.isReading)
    }

    @Test func `a node whose events were taken and are no more goes on`() async {
        let subject = Subject(eventsMax: 10)
        subject.receive([PeerMessage.handshake(of: "peer").body] + (0..<100).map { Self.broadcast("\($0)") })
        #expect(subject.recorder.done.last == "reading false")
        subject.leave()
        #expect(subject.recorder.done.last == "reading true")
        #expect(subject.receive((100..<200).map { Self.broadcast("\($0)") }))
    }

    @Test func `what others could not take is an error, and not sent`() async throws {
        let sizeMax = 1 << 20
        let subject = Subject(frameBytesMax: sizeMax)
        subject.receive([PeerMessage.handshake(of: "peer").body])
        let node = MeshNode(subject.driver)
        var deep = MessageValue.null
        for _ in 0...MessageReader.depthMax { deep = .array([deep]) }
        let refused: [[MessageValue]] = [
            [.binary([UInt8](repeating: 7, count: sizeMax))], [deep],
            [.array(Array(repeating: .null, count: 600_000))], Array(repeating: .null, count: 600_000),
        ]
        let before = subject.recorder.sent.count
        for values in refused {
            let errors = await [
                #expect(throws: PeerNetworkError.self) { try await node.broadcast(values) },
                #expect(throws: PeerNetworkError.self) { try await node.whisper(values) },
                #expect(throws: PeerNetworkError.self) { try await node.send(values, to: NodeID("peer")) },
            ]
            #expect(errors.allSatisfy { $0?.code == .tooLarge }, "\(errors)")
        }
        #expect(subject.recorder.sent.count == before)
        // As much as goes in is read by who takes as much.
        try await node.broadcast([.binary([UInt8](repeating: 7, count: sizeMax - 400))])
        try await node.whisper([.array(Array(repeating: .array([.null]), count: 100_000))])
        #expect(subject.recorder.sent.count == before + 2)
        #expect(subject.recorder.sent.allSatisfy { $0.body.count <= sizeMax })
    }

    @Test func `what does not get smaller by compression is sent as it is if it is large`() {
        var generator = SystemRandomNumberGenerator()
        let noise = (0..<100_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let messages: [PeerMessage] = [
            .broadcast(.binary(noise), from: "far"),
            .broadcast(.binary(Array(repeating: 7, count: 100_000)), from: "far"),
            .broadcast("short", from: "far"),
        ]
        for method in [CompressionMethod.zlib, .gzip, .bzip2, .lzma] {
            let recorder = PayloadRecorder()
            var outgoing = Outgoing(SystemCompressor())
            for message in messages { outgoing.add(message, method, on: LinkID(rawValue: 1)) }
            outgoing.send(over: recorder)
            let payloads = recorder.payloads
            #expect(payloads.count == 3 && payloads[0] == messages[0].body, "\(method)")
            #expect(payloads[1].count < 2000 && payloads[2] != messages[2].body, "\(method)")
        }
    }

    @Test func `a node that nobody leads to in time is told of`() async throws {
        let rules = MeshRules(MeshStateMachine(.named("node"), NodeConfiguration(), seed: 1))
        let node = Node(rules)
        node.perform { rules, now, actions in _ = rules.mesh.send(["hello"], to: NodeID("gone"), at: now, &actions) }
        node.pass(seconds: 60)
        #expect(node.told.isEmpty)
        node.pass(seconds: 2)
        #expect(node.told == ["! nobody has led to gone in time: what was said to it is lost"])
    }
}

/// Remembers what it was to send.
private final class PayloadRecorder: PeerTransport {
    private let state = Mutex<[[UInt8]]>([])

    var payloads: [[UInt8]] { state.withLock { $0 } }

    func start(_ node: any TransportDelegate) {}
    func dial(_ link: LinkID, to address: PeerAddress) {}
    func send(_ payloads: [[UInt8]], on link: LinkID) { state.withLock { $0 += payloads } }
    func hurry(_ link: LinkID) {}
    func close(_ link: LinkID) {}
    func setReading(_ isReading: Bool) {}
    func stop(_ whenDone: @escaping @Sendable () -> Void) { whenDone() }
}
