// Presence is true: who is killed or leaves is told, who comes back is there again, and talking needs no registry.

import Glibc
import PeerIdentity
import TestSupport
import Testing

extension RegistryTests {
    /// What a busy machine may add to any time.
    private static let slack = Duration.seconds(5)

    @Test func `a client with --ttl 2 that is killed is told as expired within 3 s`() async throws {
        let registry = try await RunningRegistry.start()
        let watch = try await ChangesWatch.open(registry.base)
        let alice = try await client("Alice", registry, "--ttl", "2")
        let start = ContinuousClock.now
        try await alice.stop(by: SIGKILL)
        try await watch.told("expire", of: "Alice")
        #expect(ContinuousClock.now - start < .seconds(3) + Self.slack)
        #expect(!watch.changes.contains { $0.kind == "leave" })
        #expect(try await CurlAnswer.of("\(registry.base)/peers/Alice").status == 404)
    }

    @Test(arguments: ["/quit", "end of input", "SIGINT", "SIGTERM"])
    func `a client that stops is told as left at once`(how: String) async throws {
        let registry = try await RunningRegistry.start()
        let watch = try await ChangesWatch.open(registry.base)
        let alice = try await client("Alice", registry)
        let start = ContinuousClock.now
        let outcome: RunningProcess.Outcome
        switch how {
        case "/quit":
            try alice.type("/quit")
            outcome = try await alice.finish()
        case "SIGINT": outcome = try await alice.stop(by: SIGINT)
        case "SIGTERM": outcome = try await alice.stop(by: SIGTERM)
        default: outcome = try await alice.finish()
        }
        try await watch.told("leave", of: "Alice")
        #expect(ContinuousClock.now - start < .seconds(1) + Self.slack)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(try await CurlAnswer.of("\(registry.base)/peers/Alice").status == 404)
    }

    @Test func `a client with --ttl 2 stays present for as long as it runs`() async throws {
        let registry = try await RunningRegistry.start("--admin-port", "0")
        let watch = try await ChangesWatch.open(registry.base)
        let alice = try await client("Alice", registry, "--ttl", "2")
        // Three leases of another peer, which nobody renews, are the clock.
        let clock = try SignedPeer("Clock")
        for lease: UInt64 in 1...3 {
            let url = try clock.record(lease, ttl: 2)
            // Opened before: a lease may be over by the time that a machine under load has opened it behind.
            let seen = try await ChangesWatch.open(registry.base)
            #expect(try await SignedPeer.put(url, at: registry.base).status == 201)
            try await seen.told("expire", of: "Clock")
        }
        #expect(!watch.changes.contains { $0.name == "Alice" && $0.kind != "join" && $0.kind != "renew" })
        #expect(try await CurlAnswer.of("\(registry.base)/peers/Alice").status == 200)
        #expect(try await alice.finish().status == 0)
    }

    @Test func `a registry that forgot everything gets its peers back by itself`() async throws {
        let before = try await RunningRegistry.start()
        let alice = try await client("Alice", before, "--ttl", "2")
        let bob = try await client("Bob", before, "--ttl", "2")
        try await before.stop(by: SIGKILL)
        try await alice.said { $0.contains("the registry") && $0.contains("cannot be asked") }
        let after = try await RunningRegistry.start(port: before.port)
        try await ChangesWatch.untilPresent("Alice", at: after.base)
        try await ChangesWatch.untilPresent("Bob", at: after.base)
        // Who is new finds those who were there before.
        let carol = try await client("Carol", after)
        try carol.type("@Alice, Bob: I am new")
        try await alice.shown { $0 == "Carol: I am new" }
        try await bob.shown { $0 == "Carol: I am new" }
        try await alice.said { $0.contains("registered again") }
        for client in [carol, bob, alice] { #expect(try await client.finish().status == 0) }
    }

    @Test func `known peers keep talking while the registry is away, and are warned once`() async throws {
        let registry = try await RunningRegistry.start()
        let alice = try await client("Alice", registry, "--ttl", "2")
        let bob = try await client("Bob", registry, "--ttl", "2")
        try bob.type("@Alice: before")
        try await alice.shown { $0 == "Bob: before" }
        try alice.type("@Bob: before")
        try await bob.shown { $0 == "Alice: before" }
        try await registry.stop(by: SIGKILL)
        let isWarning: @Sendable (String) -> Bool = { $0.contains("cannot be asked") }
        try await alice.said(isWarning)
        try await bob.said(isWarning)
        for number in 1...20 {
            try bob.type("@Alice: number \(number)")
            try await alice.shown { $0 == "Bob: number \(number)" }
            try alice.type("@Bob: number \(number)")
            try await bob.shown { $0 == "Alice: number \(number)" }
        }
        // Whoever starts anew meanwhile still knows whom it knew.
        let left = try await bob.finish()
        #expect(left.status == 0 && left.errors.split(separator: "\n").count(where: { isWarning(String($0)) }) == 1)
        let again = try await RunningClient.start("Bob", registry: registry.base, home: home.path)
        try again.type("@Alice: back")
        try await alice.shown { $0 == "Bob: back" }
        for client in [again, alice] {
            let outcome = try await client.finish()
            let warnings = outcome.errors.split(separator: "\n").count { isWarning(String($0)) }
            #expect(outcome.status == 0 && warnings == 1, "\(outcome.errors)")
        }
    }

    @Test func `a known peer whose record has expired is still written to while the registry is away`() async throws {
        let registry = try await RunningRegistry.start()
        let alice = try await client("Alice", registry, "--ttl", "3600")
        let compact = try await SignedPeer.captured("Alice", at: registry.base)
        let known = try SignedPeerRecord(parsing: Array(compact.utf8)).record
        var bob = try await client("Bob", registry)
        // Alice's own key signs a record that ends in a few seconds: what a day does to hers, without the day.
        let short = try SignedPeer("Alice", stateIn: home.path)
            .record(known.sequence + 1, url: known.url.text, keys: known.sealingKeys, lifetime: 6)
        let watch = try await ChangesWatch.open(registry.base)
        #expect(try await SignedPeer.put(short, at: registry.base).status == 200)
        try bob.type("@Alice: one")
        #expect(try await bob.finish().status == 0)
        try await alice.shown { $0 == "Bob: one" }
        try await watch.told("expire", of: "Alice")
        try await registry.stop(by: SIGKILL)
        bob = try await RunningClient.start("Bob", registry: registry.base, home: home.path)
        try bob.type("@Alice: two")
        try await alice.shown { $0 == "Bob: two" }
        #expect(try await bob.finish().status == 0)
        try await alice.stop(by: SIGKILL)
    }
}
