// Nodes inside a program: two of each kind, with what a program outside of this package can see.

import PeerNetwork
import Peers
import Testing

@Suite(.timeLimit(.minutes(5))) struct ListeningTests {
    private static func linked(_ one: MeshNode, to other: MeshNode) async throws {
        one.connect(to: try #require(other.address))
        for await event in one.events { if case .connected = event { return } }
    }

    @Test(arguments: [(false, false), (true, false), (false, true)])
    func `what one says the other hears, plain, over TLS and signed`(_ usesTLS: Bool, _ isSigning: Bool) async throws {
        var settings = PeerSettings()
        (settings.usesTLS, settings.isSigning) = (usesTLS, isSigning)
        let (a, b) = (try await MeshNode.listening(settings), try await MeshNode.listening(settings))
        try await Self.linked(a, to: b)
        let said = try await a.broadcast("hello", 7)
        for await message in b.messages {
            #expect(message.id == said.id && message.payload == ["hello", 7] && message.sender == a.id)
            #expect(message.isSigned == isSigning)
            break
        }
        a.stop()
        b.stop()
        // There will be no more.
        for await _ in b.messages {}
    }

    @Test func `what is set at one is in the table of the other`() async throws {
        let nodes = [try await SyncNode.listening(), try await SyncNode.listening()]
        // Of two who set a key within one second the one with the smaller id has it.
        let (a, b) = nodes[0].mesh.id < nodes[1].mesh.id ? (nodes[0], nodes[1]) : (nodes[1], nodes[0])
        try await Self.linked(a.mesh, to: b.mesh)
        try await a.set("key", to: "value")
        for await event in b.mesh.events { if case .updated = event { break } }
        #expect(b["key"] == "value" && b.keys == [Array("key".utf8)])
        let error = await #expect(throws: PeerNetworkError.self) { try await b.set("key", to: "other") }
        #expect(error?.code == .leased)
        for node in nodes { node.mesh.stop() }
    }

    @Test func `what one stores the other finds`() async throws {
        let (a, b) = (try await ChordNode.listening(), try await ChordNode.listening())
        a.join()
        try await Self.linked(a.mesh, to: b.mesh)
        try await a.set("key", to: "value")
        for await event in b.mesh.events { if case .added = event { break } }
        #expect(await b.value(for: "key") == "value")
        for node in [a, b] { node.mesh.stop() }
    }

    @Test func `a port that is taken is an error that says which`() async throws {
        let node = try await MeshNode.listening()
        var settings = PeerSettings()
        settings.port = try #require(node.address?.port)
        let error = await #expect(throws: PeerNetworkError.self) { _ = try await MeshNode.listening(settings) }
        #expect(error?.code == .listening && error?.message.contains("port \(settings.port)") == true)
        node.stop()
    }

    @Test func `who listens everywhere has to say where others reach it`() async throws {
        var settings = PeerSettings()
        settings.host = "0.0.0.0"
        let error = await #expect(throws: PeerNetworkError.self) { _ = try await MeshNode.listening(settings) }
        #expect(error?.code == .listening && error?.message.contains("PeerSettings.address") == true)
        settings.address = PeerAddress("127.0.0.1:4444")
        let node = try await MeshNode.listening(settings)
        #expect(node.address == settings.address)
        node.stop()
    }

    @Test func `a node that was stopped links to nobody, and its port can be had again`() async throws {
        let (a, b) = (try await MeshNode.listening(), try await MeshNode.listening())
        try await Self.linked(a, to: b)
        for await event in b.events { if case .connected = event { break } }
        a.stop()
        a.stop()
        a.connect(to: try #require(b.address))
        a.visit(try #require(b.address))
        #expect(a.unreached.isEmpty && a.neighbours.isEmpty)
        for await event in b.events { if case .disconnected = event { break } }
        var settings = PeerSettings()
        settings.port = try #require(a.address?.port)
        for await _ in a.events {}
        let again = try await MeshNode.listening(settings)
        #expect(again.address == a.address)
        for node in [b, again] { node.stop() }
    }

    @Test func `a table fills although nobody asks for events, and a loop that begins then is told so`() async throws {
        let (a, b) = (try await SyncNode.listening(), try await SyncNode.listening())
        try await Self.linked(a.mesh, to: b.mesh)
        let count = 70_000
        for number in 0..<count { try await a.set("k\(number)", to: "v") }
        while b.keys.count < count { await Task.yield() }
        for await event in b.mesh.events {
            guard case .trouble(let text) = event else { throw CancellationError() }
            #expect(text.contains("events were dropped"))
            break
        }
        for node in [a, b] { node.mesh.stop() }
    }
}
