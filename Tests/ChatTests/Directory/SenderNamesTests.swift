// Which name is shown for the key that signed a message.

import Chat
import HTTP
import PeerIdentity
import TestSupport
import Testing

struct SenderNamesTests {
    private let alice: TestPeer
    private let stranger: TestPeer

    init() throws {
        (alice, stranger) = (try TestPeer("Alice"), try TestPeer("Alice"))
    }

    @Test func `a pinned key is checked without a question, under the name's own spelling`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        let name = await fixture.directory.name(
            of: alice.identity.publicKey,
            claimed: try PeerIdentifier("aLICE"),
            record: nil
        )
        #expect(name == SenderName(name: "Alice", isChecked: true, isBlocked: false))
        #expect(fixture.registry.asked.count == 1)
    }

    @Test func `a first contact is checked if the registry confirms it, and pinned`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        let name = await fixture.directory.name(
            of: alice.identity.publicKey,
            claimed: alice.identifier,
            record: nil
        )
        #expect(name.isChecked)
        #expect(try await fixture.store.stored("alice")?.key == alice.identity.publicKey)
    }

    @Test func `a key that the registry does not confirm is a claim, whatever record it brings`() async throws {
        let fixture = try await DirectoryFixture()
        let record = try alice.record(1, at: fixture.now).compact
        for _ in 0..<50 {
            let name = await fixture.directory.name(
                of: alice.identity.publicKey,
                claimed: alice.identifier,
                record: record
            )
            #expect(name == SenderName(name: "Alice", isChecked: false, isBlocked: false))
        }
        #expect(fixture.registry.asked.count == 1 && fixture.directory.pins().isEmpty)
        // Once it is there, the next question after a while finds it, however often it wrote meanwhile.
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        for _ in 0..<10 {
            let key = alice.identity.publicKey
            #expect(await !fixture.directory.name(of: key, claimed: alice.identifier, record: nil).isChecked)
            fixture.clock.advance(by: .seconds(1))
        }
        let name = await fixture.directory.name(
            of: alice.identity.publicKey,
            claimed: alice.identifier,
            record: nil
        )
        #expect(name.isChecked)
    }

    @Test func `who claims a pinned name with another key stays unchecked, and does not stop delivery`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        let name = await fixture.directory.name(
            of: stranger.identity.publicKey,
            claimed: alice.identifier,
            record: try stranger.record(99, at: fixture.now).compact
        )
        #expect(!name.isChecked && fixture.told.events.isEmpty)
        #expect(await fixture.code(of: alice.identifier) == nil)
    }

    @Test func `a handover that a sender brings moves the pin without a question`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        let handover = try PeerHandover(identifier: alice.identifier, sequence: 2, newKey: stranger.identity.publicKey)
            .signed(by: alice.identity)
        let name = await fixture.directory.name(
            of: stranger.identity.publicKey,
            claimed: alice.identifier,
            record: try stranger.record(3, at: fixture.now, handover: handover).compact
        )
        #expect(name.isChecked && fixture.told.events == [.handedOver(alice.identifier)])
        #expect(fixture.registry.asked.count == 1)
    }

    @Test func `a newer record that a pinned sender brings is kept`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        var moved = alice
        moved.url = try PeerURL("http://moved.test")
        let record = try moved.record(2, at: fixture.now).compact
        _ = await fixture.directory.name(of: alice.identity.publicKey, claimed: alice.identifier, record: record)
        let found = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        #expect(found.url.text == "http://moved.test" && fixture.registry.asked.count == 1)
    }

    @Test func `a pinned key that claims a name nobody confirms is shown by the name it has`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        _ = try await fixture.directory.destination(of: alice.identifier, refreshing: false)
        let name = await fixture.directory.name(
            of: alice.identity.publicKey,
            claimed: try PeerIdentifier("Bob"),
            record: nil
        )
        #expect(name == SenderName(name: "Alice", isChecked: true, isBlocked: false))
    }

    @Test func `a blocked key is blocked under every name, without a question`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.hold(try alice.record(1, at: fixture.now))
        try await fixture.directory.setBlocked(true, alice.identifier)
        for claimed in ["Alice", "Bob", "Carol"] {
            let name = await fixture.directory.name(
                of: alice.identity.publicKey,
                claimed: try PeerIdentifier(claimed),
                record: nil
            )
            #expect(name.isBlocked)
        }
        #expect(fixture.registry.asked.count == 1)
        try await fixture.directory.setBlocked(false, alice.identifier)
        let key = alice.identity.publicKey
        #expect(await !fixture.directory.name(of: key, claimed: alice.identifier, record: nil).isBlocked)
    }

    @Test func `an unconfirmed key can be blocked by the name that it claims`() async throws {
        let fixture = try await DirectoryFixture()
        let key = stranger.identity.publicKey
        #expect(await !fixture.directory.name(of: key, claimed: alice.identifier, record: nil).isBlocked)
        try await fixture.directory.setBlocked(true, alice.identifier)
        #expect(await fixture.directory.name(of: key, claimed: try PeerIdentifier("Zed"), record: nil).isBlocked)
    }

    @Test func `strangers cannot make us ask more often than allowed`() async throws {
        var configuration = DirectoryConfiguration()
        (configuration.senderLookUpsBurst, configuration.senderLookUpsPerSecond) = (5, 2)
        let fixture = try await DirectoryFixture(configuration: configuration)
        for number in 0..<50 {
            let claimed = try PeerIdentifier("Stranger\(number)")
            _ = await fixture.directory.name(of: IdentityKey().publicKey, claimed: claimed, record: nil)
        }
        #expect(fixture.registry.asked.count == 5)
        fixture.clock.advance(by: .seconds(1))
        for number in 50..<100 {
            let claimed = try PeerIdentifier("Stranger\(number)")
            _ = await fixture.directory.name(of: IdentityKey().publicKey, claimed: claimed, record: nil)
        }
        #expect(fixture.registry.asked.count == 7)
    }

    @Test func `a message waits for its sender's name no longer than allowed`() async throws {
        let fixture = try await DirectoryFixture()
        let gate = Gate()
        fixture.registry.answer { _ in
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                gate.open()
            }
            throw CancellationError()
        }
        let (directory, peer) = (fixture.directory, alice)
        let name = Task {
            await directory.name(of: peer.identity.publicKey, claimed: peer.identifier, record: nil)
        }
        await fixture.clock.pass(.seconds(2))
        #expect(await !name.value.isChecked)
    }
}
