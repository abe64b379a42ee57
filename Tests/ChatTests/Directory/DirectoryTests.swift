// Look-ups, what is remembered, and whom a name belongs to.

import Chat
import HTTP
import PeerIdentity
import TestSupport
import Testing

struct DirectoryTests {
    @Test func `a thousand messages to one peer make one look-up`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice", xWing: true)
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask { _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false) }
            }
        }
        for _ in 0..<500 { _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false) }
        #expect(fixture.registry.asked.count == 1)
        let found = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(found.url == alice.url && found.sealing?.key == alice.identity.publicKey)
        #expect(found.sealing?.keys == alice.keys && found.sealing?.suiteMin == 2)
    }

    @Test func `a record is asked for again when it ends, and after a failure`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        fixture.clock.advance(by: .seconds(3_599))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(fixture.registry.asked.count == 1)
        fixture.registry.hold(try alice.record(8, at: fixture.now))
        fixture.clock.advance(by: .seconds(1))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(fixture.registry.asked.count == 2)
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: true)
        #expect(fixture.registry.asked.count == 3)
        fixture.directory.forget(alice.identifier)
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(fixture.registry.asked.count == 4)
    }

    @Test func `who comes during a look-up joins it, and takes over if it is given up`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        let record = try alice.record(7, at: fixture.now)
        let gate = Gate()
        fixture.registry.answer { _ in
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                gate.open()
            }
            try Task.checkCancellation()
            return ScriptedRegistry.found(record)
        }
        let (directory, peer) = (fixture.directory, alice.identifier)
        let leader = Task { try await directory.destination(of: peer, refreshing: true) }
        await fixture.registry.asked(1)
        let joiner = Task { try await directory.destination(of: peer, refreshing: true) }
        fixture.registry.hold(record)
        leader.cancel()
        await #expect(throws: ChatError.self) { try await leader.value }
        #expect(try await joiner.value.sealing?.key == alice.identity.publicKey)
        #expect(fixture.registry.asked.count == 2)
    }

    @Test func `the pin is stored before the first message goes, and known after a restart`() async throws {
        let store = PinStore()
        let fixture = try await DirectoryFixture(store: store)
        let alice = try TestPeer("Alice")
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        store.fail(true)
        #expect(await fixture.code(of: alice.identifier) == .storeFailed)
        #expect(await fixture.code(of: alice.identifier) == .storeFailed)
        store.fail(false)
        #expect(await fixture.code(of: alice.identifier) == nil)
        #expect(try await store.stored("alice")?.key == alice.identity.publicKey)
        #expect(fixture.registry.asked.count == 1)

        let mallory = try TestPeer("Alice")
        let second = try await DirectoryFixture(store: store)
        second.registry.hold(try mallory.record(99, at: second.now))
        #expect(await second.code(of: alice.identifier) == .keyChanged)
    }

    @Test func `known peers are found while the registry is away or knows nothing, for days`() async throws {
        let fixture = try await DirectoryFixture()
        let (alice, bob) = (try TestPeer("Alice"), try TestPeer("Bob"))
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        fixture.clock.advance(by: .seconds(86_400))
        fixture.registry.answer { _ in throw ScriptedRegistry.Unreachable() }
        #expect(await fixture.code(of: alice.identifier) == nil)
        #expect(await fixture.code(of: bob.identifier) == .registryAway)
        fixture.clock.advance(by: .seconds(10))
        fixture.registry.hold()
        #expect(await fixture.code(of: alice.identifier) == nil)
        #expect(await fixture.code(of: bob.identifier) == .unknownPeer)
        fixture.clock.advance(by: .seconds(10))
        // Expired, but signed by the pinned key: the key authenticates.
        fixture.registry.hold(try alice.record(8, at: fixture.now.advanced(bySeconds: -50_000)))
        #expect(await fixture.code(of: alice.identifier) == nil)
        #expect(fixture.directory.pin(of: alice.identifier)?.sequence == 8)
    }

    @Test func `a registry that is away is not asked for each message`() async throws {
        let fixture = try await DirectoryFixture()
        let bob = try PeerIdentifier("Bob")
        for _ in 0..<100 { #expect(await fixture.code(of: bob) == .registryAway) }
        #expect(fixture.registry.asked.count == 1)
        fixture.registry.hold()
        fixture.clock.advance(by: .seconds(2))
        for _ in 0..<100 { #expect(await fixture.code(of: bob) == .unknownPeer) }
        #expect(fixture.registry.asked.count == 2)
        let bobs = try TestPeer("Bob").record(1, at: fixture.now)
        fixture.registry.hold(bobs)
        fixture.clock.advance(by: .seconds(5))
        #expect(await fixture.code(of: bob) == nil)
    }

    @Test func `an older record than seen before is not used`() async throws {
        let fixture = try await DirectoryFixture()
        var alice = try TestPeer("Alice")
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        let first = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        alice.url = try PeerURL("http://old.test")
        fixture.registry.hold(try alice.record(6, at: fixture.now))
        #expect(try await fixture.directory.destination(of: alice.identifier, refreshing: true) == first)
        #expect(fixture.directory.pin(of: alice.identifier)?.sequence == 7)
    }

    // MARK: Keys that change

    @Test func `a changed key stops delivery and is told once, until it is trusted`() async throws {
        let fixture = try await DirectoryFixture()
        let (alice, other) = (try TestPeer("Alice"), try TestPeer("Alice"))
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        try await fixture.directory.setVerified(true, alice.identifier)
        fixture.registry.hold(try other.record(3, at: fixture.now))
        for _ in 0..<3 { #expect(await fixture.code(of: alice.identifier, refreshing: true) == .keyChanged) }
        #expect(fixture.told.events == [.keyChanged(alice.identifier)])
        // A registry that goes away does not make it well.
        fixture.registry.answer { _ in throw ScriptedRegistry.Unreachable() }
        #expect(await fixture.code(of: alice.identifier, refreshing: true) == .keyChanged)
        #expect(fixture.directory.announcedKey(of: alice.identifier) == other.identity.publicKey)

        try await fixture.directory.trust(alice.identifier)
        let found = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(found.sealing?.key == other.identity.publicKey)
        #expect(try await fixture.store.stored("alice")?.key == other.identity.publicKey)
        #expect(fixture.directory.pin(of: alice.identifier)?.isVerified == false)
        await #expect(throws: ChatError.self) { try await fixture.directory.trust(alice.identifier) }
    }

    @Test func `delivery goes on when the registry shows the pinned key again`() async throws {
        let fixture = try await DirectoryFixture()
        let (alice, other) = (try TestPeer("Alice"), try TestPeer("Alice"))
        let record = try alice.record(7, at: fixture.now)
        fixture.registry.hold(record)
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        fixture.registry.hold(try other.record(8, at: fixture.now))
        #expect(await fixture.code(of: alice.identifier, refreshing: true) == .keyChanged)
        fixture.registry.hold(record)
        #expect(await fixture.code(of: alice.identifier, refreshing: true) == nil)
    }

    @Test func `a handover by the pinned key moves the pin and is told`() async throws {
        let fixture = try await DirectoryFixture()
        let (alice, new) = (try TestPeer("Alice"), try TestPeer("Alice"))
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        let handover = try PeerHandover(identifier: alice.identifier, sequence: 8, newKey: new.identity.publicKey)
            .signed(by: alice.identity)
        fixture.registry.hold(try new.record(9, at: fixture.now, handover: handover))
        let found = try await fixture.directory.destination(of: alice.identifier, refreshing: true)
        #expect(found.sealing?.key == new.identity.publicKey)
        #expect(fixture.told.events == [.handedOver(alice.identifier)])
        #expect(try await fixture.store.stored("alice")?.key == new.identity.publicKey)
        // The old key is now another one.
        fixture.registry.hold(try alice.record(10, at: fixture.now))
        #expect(await fixture.code(of: alice.identifier, refreshing: true) == .keyChanged)
    }

    @Test func `a listener's record is taken from the pinned key only, and not if it is older`() async throws {
        let fixture = try await DirectoryFixture()
        var alice = try TestPeer("Alice")
        let (peer, other) = (alice.identifier, try TestPeer("Alice"))
        let fresh = try alice.record(8, at: fixture.now).compact
        await #expect(throws: ChatError.self) { try await fixture.directory.learn(fresh, of: peer) }
        fixture.registry.hold(try alice.record(7, at: fixture.now))
        _ = try await fixture.directory.destination(of: peer, refreshing: false)
        alice.keys = try TestPeer.keys()
        let record = try alice.record(9, at: fixture.now)
        #expect(try await fixture.directory.learn(record.compact, of: peer).sealing?.keys == alice.keys)
        #expect(try await fixture.store.stored("alice")?.record == record)
        for octets in [fresh, try other.record(99, at: fixture.now).compact, Array("nonsense".utf8)] {
            let error = await #expect(throws: ChatError.self) { try await fixture.directory.learn(octets, of: peer) }
            #expect(error?.code == .badAnswer)
        }
        // A stranger at the peer's address must not be able to stop delivery.
        #expect(fixture.told.events.isEmpty && fixture.registry.asked.count == 1)
        #expect(await fixture.code(of: peer) == nil)
    }

    // MARK: Plain peers

    @Test func `plain needs permission, and is over once a key was seen`() async throws {
        let fixture = try await DirectoryFixture()
        let carol = try TestPeer("Carol")
        fixture.registry.answer { _ in ScriptedRegistry.plain("http://localhost:9999") }
        #expect(await fixture.code(of: carol.identifier) == .plainOnly)
        try fixture.directory.allowPlain(carol.identifier)
        let found = try await fixture.directory.destination(of: carol.identifier, refreshing: false)
        #expect(found.sealing == nil && found.url.text == "http://localhost:9999")
        #expect(fixture.registry.asked.count == 1)
        fixture.registry.hold(try carol.record(1, at: fixture.now))
        #expect(try await fixture.directory.destination(of: carol.identifier, refreshing: true).sealing != nil)
        fixture.registry.answer { _ in ScriptedRegistry.plain("http://localhost:9999") }
        #expect(try await fixture.directory.destination(of: carol.identifier, refreshing: true).sealing != nil)
        #expect(throws: ChatError.self) { try fixture.directory.allowPlain(carol.identifier) }
    }

    @Test func `--no-seal permits plain peers, but not to leave out the seal of others`() async throws {
        var configuration = DirectoryConfiguration()
        configuration.allowsPlain = true
        let fixture = try await DirectoryFixture(configuration: configuration)
        let alice = try TestPeer("Alice")
        fixture.registry.answer { _ in ScriptedRegistry.plain("http://localhost:9999") }
        #expect(try await fixture.directory.destination(of: alice.identifier, refreshing: false).sealing == nil)
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        #expect(try await fixture.directory.destination(of: alice.identifier, refreshing: true).sealing != nil)
        fixture.registry.answer { _ in ScriptedRegistry.plain("http://localhost:9999") }
        #expect(try await fixture.directory.destination(of: alice.identifier, refreshing: true).sealing != nil)
    }

    // MARK: Bounds and choices

    @Test func `answers and pins are bounded`() async throws {
        var configuration = DirectoryConfiguration()
        (configuration.answersMax, configuration.pinsMax) = (2, 2)
        let fixture = try await DirectoryFixture(configuration: configuration)
        let peers = try ["A", "B", "C"].map { try TestPeer($0) }
        let records = try peers.map { try $0.record(1, at: fixture.now) }
        fixture.registry.hold(records[0], records[1], records[2])
        #expect(await fixture.code(of: peers[0].identifier) == nil)
        #expect(await fixture.code(of: peers[1].identifier) == nil)
        #expect(await fixture.code(of: peers[2].identifier) == .storeFailed)
        #expect(fixture.directory.pins().map(\.identifier.text) == ["A", "B"])
        #expect(fixture.registry.asked.count == 3)
    }

    @Test func `blocks and verified marks are kept`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        await #expect(throws: ChatError.self) { try await fixture.directory.setVerified(true, alice.identifier) }
        await #expect(throws: ChatError.self) { try await fixture.directory.setBlocked(true, alice.identifier) }
        fixture.clock.advance(by: .seconds(10))
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        try await fixture.directory.setBlocked(true, alice.identifier)
        try await fixture.directory.setVerified(true, alice.identifier)
        let second = try await DirectoryFixture(store: fixture.store)
        let pin = try #require(second.directory.pin(of: alice.identifier))
        #expect(pin.isBlocked && pin.isVerified)
    }
}
