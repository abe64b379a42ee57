// How often a client asks the registry: a relay between them sees each request.

import Foundation
import TestSupport
import Testing

struct LookUpTests {
    /// Requests for the record of a name that went through the relay.
    private func lookUps(of name: String, through relay: TCPRelay) -> Int {
        let text = String(decoding: relay.recorded(.up).joined(), as: Unicode.UTF8.self)
        return text.split(separator: "GET /peers/\(name) ", omittingEmptySubsequences: false).count - 1
    }

    @Test func `1,000 messages to one peer make at most 2 look-ups`() async throws {
        let town = try await Town()
        let relay = try TCPRelay()
        relay.connect(to: town.registry.port)
        let alice = try await town.client("Alice")
        let bob = try await RunningClient.start("Bob", registry: relay.url, home: town.home)
        try bob.type(text: lines(1...1_000, to: "Alice"))
        #expect(try await bob.finish().status == 0)
        try await alice.shown { $0 == "Bob: line 1000" }
        #expect(numbers(alice.lines, from: "Bob").elementsEqual(1...1_000))
        #expect((1...2).contains(lookUps(of: "Alice", through: relay)), "\(lookUps(of: "Alice", through: relay))")
    }

    @Test func `a peer that moved is looked up again, once it does not answer where it was`() async throws {
        let town = try await Town()
        let relay = try TCPRelay()
        relay.connect(to: town.registry.port)
        let before = try await town.client("Alice")
        let bob = try await RunningClient.start("Bob", registry: relay.url, home: town.home)
        try bob.type("@Alice: here?")
        try await before.shown { $0 == "Bob: here?" }
        try await before.stop(by: SIGKILL)
        let after = try await town.client("Alice")
        #expect(after.port != before.port)
        try bob.type("@Alice: and here?")
        try await after.shown { $0 == "Bob: and here?" }
        #expect((2...4).contains(lookUps(of: "Alice", through: relay)), "\(lookUps(of: "Alice", through: relay))")
    }
}
