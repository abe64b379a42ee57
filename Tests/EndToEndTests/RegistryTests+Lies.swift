// A registry that lies is not believed: what it tells of a known peer is checked against that peer's key.

import PeerIdentity
import TestSupport
import Testing

/// What a registry tells of Alice instead of her record.
enum RegistryLie: String, CaseIterable, Sendable {
    case otherKey, olderRecord, forgedURL, otherName, plainURL

    /// Whether messages still reach Alice where the registry told it: else they wait for a person.
    var isOvercome: Bool { self != .otherKey }

    /// The lie, leading to `trap` where a lie can.
    func told(old: [UInt8], new: [UInt8], trap: String) throws -> PretendRegistry.Lie {
        switch self {
        case .otherKey: return .init(body: try SignedPeer("Alice").record(1 << 52, url: trap).compact)
        case .olderRecord: return .init(body: old)
        case .forgedURL:
            var signed = try SignedPeerRecord(parsing: new)
            signed.record.url = try PeerURL(trap)
            return .init(body: signed.compact)
        case .otherName: return .init(body: try SignedPeer("Mallory").record(1 << 52, url: trap).compact)
        case .plainURL: return .init(contentType: "text/plain", body: Array(trap.utf8))
        }
    }
}

extension RegistryTests {
    private func bob(_ registry: PretendRegistry, says line: String) async throws -> RunningProcess.Outcome {
        let flags = ["--wait", "2"]
        let bob = try await RunningClient.start("Bob", registry: registry.url, home: home.path, flags: flags)
        try bob.type(line)
        return try await bob.finish()
    }

    @Test(arguments: RegistryLie.allCases)
    func `a registry that lies about a known peer leads no message astray`(lie: RegistryLie) async throws {
        let registry = try PretendRegistry()
        defer { registry.stop() }
        let trap = try ScriptedOrigin { _ in .response(200) }
        defer { trap.stop() }
        var alice = try await RunningClient.start("Alice", registry: registry.url, home: home.path)
        try await registry.registrations(1)
        let old = try #require(registry.record(of: "Alice"))
        try await alice.finish()
        alice = try await RunningClient.start("Alice", registry: registry.url, home: home.path)
        try await registry.registrations(2)
        let new = try #require(registry.record(of: "Alice"))
        #expect(old != new)
        let before = try await bob(registry, says: "@Alice: one")
        #expect(before.status == 0, "\(before.errors)")
        try await alice.shown { $0 == "Bob: one" }

        registry.tell(try lie.told(old: old, new: new, trap: trap.url + "/"), about: "Alice")
        let after = try await bob(registry, says: "@Alice: two")
        if lie.isOvercome {
            #expect(after.status == 0, "\(after.errors)")
            try await alice.shown { $0 == "Bob: two" }
        } else {
            #expect(after.status == 75, "\(after.errors)")
            #expect(after.errors.contains("Alice has another key now"), "\(after.errors)")
            #expect(alice.lines == ["Bob: one"])
        }
        #expect(trap.requests.isEmpty)
    }

    @Test(arguments: [RegistryLie.forgedURL, .otherName])
    func `at first contact a record that its key did not sign for that name is not used`(
        lie: RegistryLie
    ) async throws {
        let registry = try PretendRegistry()
        defer { registry.stop() }
        let trap = try ScriptedOrigin { _ in .response(200) }
        defer { trap.stop() }
        let record = try SignedPeer("Alice").record(1).compact
        registry.tell(try lie.told(old: record, new: record, trap: trap.url + "/"), about: "Alice")
        let outcome = try await bob(registry, says: "@Alice: one")
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("is not to be believed"), "\(outcome.errors)")
        #expect(trap.requests.isEmpty)
    }

    @Test func `at first contact a record that has expired is not used`() async throws {
        let registry = try PretendRegistry()
        defer { registry.stop() }
        let trap = try ScriptedOrigin { _ in .response(200) }
        defer { trap.stop() }
        let record = try SignedPeer("Alice").record(1, url: trap.url + "/", issuedAgo: 7_200)
        registry.tell(.init(body: record.compact), about: "Alice")
        let outcome = try await bob(registry, says: "@Alice: one")
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("expired"), "\(outcome.errors)")
        #expect(trap.requests.isEmpty)
    }
}
