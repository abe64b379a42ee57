// Records are looked up once and then used: talking costs the registry next to nothing.

import Foundation
import TestSupport
import Testing

extension RegistryTests {
    /// A figure of `/metrics`.
    static func metric(_ name: String, of registry: RunningRegistry) async throws -> Int {
        let admin = try #require(registry.adminBase)
        let text = try await CurlAnswer.of("\(admin)/metrics").body
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        return try #require(line?.split(separator: " ").last.flatMap { Int($0) }, "\(name) is not in:\n\(text)")
    }

    /// Counted is every look-up that the registry answers from when both are registered until all is shown: that of the
    /// recipient by the sender, and that by which the recipient confirms the sender's name.
    @Test func `1,000 messages from one client to another cost at most 2 look-ups, both sides together`() async throws {
        let registry = try await RunningRegistry.start("--admin-port", "0")
        let alice = try await client("Alice", registry)
        let bob = try await client("Bob", registry)
        let before = try await Self.metric("registry_lookups_total", of: registry)
        try bob.type("@Alice: number 1")
        // The first is shown before the next is typed, so that they are not all one body.
        try await alice.shown { $0 == "Bob: number 1" }
        for number in 2...1_000 { try bob.type("@Alice: number \(number)") }
        try await alice.shown(within: .seconds(120), until: { $0.count >= 1_000 })
        #expect(alice.lines == (1...1_000).map { "Bob: number \($0)" })
        let after = try await Self.metric("registry_lookups_total", of: registry)
        #expect((1...2).contains(after - before), "\(after - before) look-ups")
        #expect(try await bob.finish().status == 0)
        #expect(try await alice.finish().status == 0)
    }

    @Test func `a listing, a batch and a look-up by curl tell the same of who is present`() async throws {
        let registry = try await RunningRegistry.start()
        for name in ["Dora", "Emil", "Fritz"] {
            let record = try SignedPeer(name).record(1, url: "http://127.0.0.1:9/\(name)")
            #expect(try await SignedPeer.put(record, at: registry.base).status == 201)
        }
        let batch = try await CurlAnswer.of("\(registry.base)/peers?ids=Emil,Nobody,dora")
        #expect(batch.contentType == "application/json")
        let urls = try JSONDecoder().decode([String: String].self, from: Data(batch.body.utf8))
        #expect(urls == ["Emil": "http://127.0.0.1:9/Emil", "dora": "http://127.0.0.1:9/Dora"])
        let page = try await CurlAnswer.of("\(registry.base)/peers?after=Dora&limit=1")
        #expect(page.body.contains("\"Emil\"") && !page.body.contains("\"Fritz\""), "\(page)")
        #expect(try await CurlAnswer.of("\(registry.base)/peers/emil").body.contains("http://127.0.0.1:9/Emil"))
        let missing = try await CurlAnswer.of("\(registry.base)/peers/Emi")
        #expect(missing.status == 404 && missing.body.contains("nearest: Emil"), "\(missing)")
    }
}
