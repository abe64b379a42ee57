// The client's side of the protocol against the registry itself, in one process and in virtual time.

import Chat
import HTTP
import PeerIdentity
import PeerRegistry
import Synchronization
import TestSupport
import Testing

struct RegistryInProcessTests {
    /// A registry, running while `body` runs; what it is asked is counted.
    private func withRegistry(
        isOpen: Bool = false,
        isPublic: Bool = false,
        _ body: @Sendable (DirectoryFixture, MemoryPeerStore) async throws -> Void
    ) async throws {
        let clock = DirectoryTestClock()
        var configuration = RegistryConfiguration()
        (configuration.isOpen, configuration.isPublic) = (isOpen, isPublic)
        let store = MemoryPeerStore(secret: [UInt8](repeating: 5, count: 32))
        let registry = Registry(store: store, configuration: configuration, clock: clock) { clock.timestamp }
        let fixture = try await DirectoryFixture(clock: clock, registry: scripted(registry))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            try await body(fixture, store)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// The registry below the path that the fixture's URL has.
    private func scripted(_ registry: Registry) -> ScriptedRegistry {
        let responder = RegistryResponder(registry)
        return ScriptedRegistry { request in
            var request = request
            request.target = Array(request.target.dropFirst("/sub".utf8.count))
            return try await responder.respond(to: request)
        }
    }

    private func running(_ fixture: DirectoryFixture, _ peer: TestPeer) throws -> RegistrationTests.Running {
        try RegistrationTests.Running(fixture, as: peer)
    }

    @Test func `a peer registers, is found, renews and leaves`() async throws {
        try await withRegistry { fixture, _ in
            let running = try running(fixture, try TestPeer("Alice", xWing: true))
            let peer = running.alice.identifier
            try await running.run {
                await fixture.clock.sleeper(for: .seconds(10))
                let found = try await fixture.client.lookUp(peer)
                #expect(found.entry == running.registration.record.map { .signed($0) })
                #expect(found.maxAgeSeconds == 30)
                #expect(try await fixture.client.urls(of: [peer]) == ["alice": running.alice.url])
                for count in 1...4 {
                    await fixture.clock.pass(.seconds(10))
                    await fixture.registry.asked(3 + count)
                    await fixture.clock.sleeper(for: .seconds(10))
                }
                #expect(running.registration.isRegistered)
                #expect(try await fixture.client.lookUp(peer).entry != nil)
            }
            #expect(try await fixture.client.lookUp(peer).entry == nil)
            let puts = fixture.registry.asked.filter { $0.method == "PUT" }
            #expect(puts.filter { $0.fields["Peer-Renew"] != nil }.count == 4 && puts.count == 5)
        }
    }

    @Test func `a name stays its first key's, and says so to another`() async throws {
        try await withRegistry { fixture, _ in
            let first = try running(fixture, try TestPeer("Alice"))
            try await first.run { await fixture.clock.sleeper(for: .seconds(10)) }
            let second = try running(fixture, try TestPeer("alice"))
            let error = await #expect(throws: ChatError.self) { try await second.registration.run() }
            #expect(error?.code == .nameTaken)
        }
    }

    @Test func `a peer whose clock went back, and which left, returns with a higher seq`() async throws {
        try await withRegistry { fixture, _ in
            let alice = try TestPeer("Alice")
            let far = UInt64(fixture.now.seconds) * 1_000 + 5_000_000
            let record = try alice.record(far, at: fixture.now)
            #expect(try await fixture.client.register(record) != .recordWanted)
            let again = try running(fixture, alice)
            try await again.run { await fixture.clock.sleeper(for: .seconds(10)) }
            #expect(again.registration.record.map { $0.record.sequence > far } == true)
            // It left; its next start at the same time of day needs a number of its own.
            let third = try running(fixture, alice)
            try await third.run {
                await fixture.clock.sleeper(for: .seconds(10))
                #expect(third.registration.isRegistered)
            }
        }
    }

    @Test func `a lease that ran out is registered again by the record`() async throws {
        try await withRegistry { fixture, _ in
            let running = try running(fixture, try TestPeer("Alice"))
            try await running.run {
                await fixture.clock.sleeper(for: .seconds(10))
                // As after a sleep of the machine: the lease is over.
                fixture.clock.advance(by: .seconds(40))
                await fixture.registry.asked(3)
                await fixture.clock.sleeper(for: .seconds(10))
                let found = try await fixture.client.lookUp(running.alice.identifier)
                #expect(running.registration.isRegistered && found.entry != nil)
            }
        }
    }

    @Test func `who joins and leaves is told, and a registry that forgot is listed anew`() async throws {
        try await withRegistry { fixture, _ in
            let joined = PresenceTests.Joined()
            let presence = Presence(client: fixture.client, random: { 0 }) { joined.append($0.text) }
            let (alice, bob) = (try TestPeer("Alice"), try TestPeer("Bob"))
            _ = try await fixture.client.register(try alice.record(1, at: fixture.now))
            let task = Task { await presence.run() }
            await joined.count(1)
            _ = try await fixture.client.register(try bob.record(1, at: fixture.now))
            // The registry tells in batches, after a pause.
            while joined.names.count < 2 {
                fixture.clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            #expect(joined.names == ["Alice", "Bob"])
            // Nobody gave a sign of life: both leases run out.
            fixture.clock.advance(by: .seconds(31))
            while !presence.names().isEmpty {
                fixture.clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            task.cancel()
            await task.value
        }
    }

    @Test func `a watch from a revision that the registry never had says gone`() async throws {
        try await withRegistry { fixture, _ in
            let end = try await fixture.client.watch(since: 1_000_000, receive: { _ in })
            #expect(end == .gone)
        }
    }

    @Test func `an open registry's plain peer is found, and a public one lists nobody`() async throws {
        try await withRegistry(isOpen: true, isPublic: true) { fixture, _ in
            let url = "http://carol.example.org:9999"
            let put = Request(
                method: .put,
                target: Array("/sub/peers/Carol".utf8),
                fields: ["Content-Type": "text/plain"],
                body: Body(url + "\n")
            )
            #expect(try await fixture.registry.respond(to: put).status == 201)
            let found = try await fixture.client.lookUp(try PeerIdentifier("carol"))
            #expect(found.entry == .plain(try PeerURL(url)) && fixture.registry.asked.count == 2)
            #expect(try await fixture.client.page(after: nil) == nil)
            let refused = try await fixture.client.register(try TestPeer("Alice").record(1, at: fixture.now))
            guard case .refused(let reason) = refused else {
                Issue.record("\(refused)")
                return
            }
            #expect(reason.contains("loopback"))
        }
    }

    @Test func `a takeover by the old key's word is accepted by both sides`() async throws {
        try await withRegistry { fixture, _ in
            let (old, new) = (try TestPeer("Alice"), try TestPeer("Alice"))
            let reader = try await DirectoryFixture(clock: fixture.clock, registry: fixture.registry)
            let record = try old.record(1, at: fixture.now)
            _ = try await fixture.client.register(record)
            _ = try await reader.directory.destination(of: old.identifier, refreshing: false)
            let handover = try PeerHandover(identifier: old.identifier, sequence: 2, newKey: new.identity.publicKey)
                .signed(by: old.identity)
            let running = try RegistrationTests.Running(fixture, as: new, handover: handover)
            try await running.run {
                await fixture.clock.sleeper(for: .seconds(10))
                let found = try await reader.directory.destination(of: old.identifier, refreshing: true)
                #expect(found.sealing?.key == new.identity.publicKey)
            }
            #expect(reader.told.events == [.handedOver(old.identifier)])
        }
    }
}
