// What somebody between two clients gets to see, and what can be done with it.

import Foundation
import PeerIdentity
import TestSupport
import Testing

extension RegistryTests {
    private static let sealed = "Content-Type: application/vnd.waystation.sealed"

    @Test func `a capture of the wire shows no plaintext, and sent again or altered it shows nothing new`() async throws
    {
        let registry = try await RunningRegistry.start()
        // Her next sign of life, which would bring her own record back, comes long after.
        let alice = try await client("Alice", registry, "--ttl", "3600")
        // Alice's own key says that she listens at a tap, which keeps what comes and delivers nothing.
        let tap = try ScriptedOrigin { _ in .response(503, reason: "Service Unavailable") }
        defer { tap.stop() }
        let compact = try await SignedPeer.captured("Alice", at: registry.base)
        let known = try SignedPeerRecord(parsing: Array(compact.utf8)).record
        let tapped = try SignedPeer("Alice", stateIn: home.path)
            .record(known.sequence + 1, url: tap.url + "/", keys: known.sealingKeys)
        #expect(try await SignedPeer.put(tapped, at: registry.base).status == 200)

        let bob = try await client("Bob", registry, "--wait", "1")
        let text = "Attack at dawn, by the old mill"
        try bob.type("@Alice: \(text)")
        let request = try #require(try await tap.requests(count: 1).first)
        let wire = Array(request.rawLines.joined(separator: "\r\n").utf8) + request.body
        for secret in [text, "Attack", "old mill", "Bob", "bob"] {
            #expect(wire.firstRange(of: Array(secret.utf8)) == nil, "\(secret) can be read")
        }
        // Version 1, suite 2: both have X-Wing keys.
        #expect(request.body.prefix(2).elementsEqual([1, 2]))

        func post(_ octets: [UInt8]) async throws -> Int {
            let file = try home.write(octets, to: "captured")
            return try await CurlAnswer.of(
                "--data-binary",
                "@\(file)",
                "-H",
                Self.sealed,
                "-o",
                "/dev/null",
                alice.base
            )
            .status
        }
        var altered = request.body
        for index in [0, 1, 5, 100, altered.count - 1] {
            altered[index] ^= 1
            #expect([400, 409, 415].contains(try await post(altered)), "octet \(index)")
            altered[index] ^= 1
        }
        #expect(try await post(Array(altered.dropLast())) == 400)
        // What was captured is what she can read; a second time it is known already.
        #expect(try await post(altered) == 200)
        try await alice.shown { $0 == "Bob: \(text)" }
        #expect(try await post(altered) == 200)
        #expect(try await bob.finish().status == 75)
        try await alice.stop()
        #expect(alice.lines == ["Bob: \(text)"])
    }
}
