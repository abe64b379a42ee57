// Registry and listeners over TLS, with an authority that clients are told to trust.

import TestSupport
import Testing

extension RegistryTests {
    @Test(.enabled(if: LocalCertificates.canBeMade, "openssl is not installed"))
    func `registry and clients talk over TLS with certificates of an authority given by --ca`() async throws {
        let certificates = try await LocalCertificates()
        let trust = ["--cacert", certificates.authority]
        let registry = try await RunningRegistry.start(flags: certificates.flags)
        #expect(registry.base.hasPrefix("https://"))
        let flags = certificates.flags + ["--ca", certificates.authority]
        var clients: [RunningClient] = []
        for name in ["Alice", "Bob"] {
            clients.append(try await .start(name, registry: registry.base, home: home.path, flags: flags))
            try await ChangesWatch.untilPresent(name, at: registry.base, flags: trust)
        }
        let (alice, bob) = (clients[0], clients[1])
        #expect(alice.base.hasPrefix("https://"))
        let url = try await CurlAnswer.of(trust + ["\(registry.base)/peers/Alice"])
        #expect(url.body.hasPrefix("https://"), "\(url)")
        try bob.type("@Alice: over TLS")
        try await alice.shown { $0 == "Bob: over TLS" }
        let plain = trust + ["-d", "hi", "-H", "Content-Type: text/plain", alice.base]
        #expect(try await CurlAnswer.of(plain).status == 200)
        try await alice.shown { $0.hasPrefix("(not encrypted)") && $0.hasSuffix(": hi") }
        for client in [bob, alice] { #expect(try await client.finish().status == 0) }
        #expect(try await registry.stop().status == 0)
    }

    @Test(.enabled(if: LocalCertificates.canBeMade, "openssl is not installed"))
    func `a registry whose certificate nobody vouches for is not asked anything`() async throws {
        let certificates = try await LocalCertificates()
        let registry = try await RunningRegistry.start(flags: certificates.flags + ["--admin-port", "0"])
        #expect(try await CurlAnswer.of("\(registry.base)/peers").status == 0)
        let bob = try await RunningClient.start(
            "Bob",
            registry: registry.base,
            home: home.path,
            flags: ["--wait", "1"]
        )
        try bob.type("@Alice: hello?")
        let outcome = try await bob.finish()
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("cannot be asked"), "\(outcome.errors)")
        #expect(try await Self.metric("registry_registrations_total", of: registry) == 0)
        #expect(try await Self.metric("registry_lookups_total", of: registry) == 0)
    }

    @Test(.enabled(if: LocalCertificates.canBeMade, "openssl is not installed"))
    func `a message is not sent over TLS to a listener that nobody vouches for, and is kept`() async throws {
        let (trusted, other) = (try await LocalCertificates(), try await LocalCertificates())
        let registry = try await RunningRegistry.start()
        // Alice takes herself for fine; Bob trusts another authority than hers.
        let alice = try await RunningClient.start("Alice", registry: registry.base, home: home.path, flags: other.flags)
        try await ChangesWatch.untilPresent("Alice", at: registry.base)
        let bob = try await client("Bob", registry, "--ca", trusted.authority, "--wait", "1")
        try bob.type("@Alice: hello?")
        let outcome = try await bob.finish()
        #expect(outcome.status == 75 && outcome.errors.contains("1 for Alice"), "\(outcome.errors)")
        #expect(alice.lines.isEmpty)
        // Told whom to trust, the next start delivers it.
        let again = try await client("Bob", registry, "--ca", other.authority)
        try await alice.shown { $0 == "Bob: hello?" }
        for client in [again, alice] { #expect(try await client.finish().status == 0) }
    }
}
