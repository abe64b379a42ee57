// Registries on one Redis are one registry; while Redis is away they say so, and come back by themselves.

import Glibc
import PeerIdentity
import TestSupport
import Testing

extension RegistryTests {
    @Test(.enabled(if: RedisServer.isInstalled, "redis-server is not installed"))
    func `two registries on one Redis serve one population`() async throws {
        let redis = try await RedisServer.start()
        let store = ["--store", "redis://127.0.0.1:\(redis.port)"]
        let here = try await RunningRegistry.start(flags: store)
        let there = try await RunningRegistry.start(flags: store)
        let watch = try await ChangesWatch.open(there.base)
        let alice = try await RunningClient.start("Alice", registry: here.base, home: home.path)
        let joined = try await watch.told("join", of: "Alice")
        let record = try await SignedPeer.captured("Alice", at: here.base)
        #expect(try await SignedPeer.captured("Alice", at: there.base) == record)
        #expect(try await SignedPeer.put(try SignedPeer("Alice").record(1 << 52), at: there.base).status == 409)
        #expect(try await CurlAnswer.of("\(there.base)/peers").body.contains("\"Alice\""))

        let bob = try await client("Bob", there)
        try bob.type("@Alice: across")
        try await alice.shown { $0 == "Bob: across" }
        try alice.type("@Bob: and back")
        try await bob.shown { $0 == "Alice: and back" }
        #expect(try await bob.finish().status == 0)
        // Revisions are the same at both: a watcher may change over without a gap.
        let other = try await ChangesWatch.open(here.base, since: joined.revision)
        let left = try await watch.told("leave", of: "Bob")
        #expect(try await other.told("leave", of: "Bob") == left)
        #expect(try await other.told("join", of: "Bob") == watch.told("join", of: "Bob"))
        try await here.stop(by: SIGKILL)
        #expect(try await SignedPeer.captured("Alice", at: there.base) == record)
        #expect(try await alice.stop(by: SIGKILL).status == 128 + SIGKILL)
        #expect(try await there.stop().status == 0)
    }

    @Test(.enabled(if: RedisServer.isInstalled, "redis-server is not installed"))
    func `while Redis is away requests are answered 503, and it is found again without help`() async throws {
        let redis = try await RedisServer.start(isDurable: true)
        let store = ["--store", "redis://127.0.0.1:\(redis.port)"]
        let registry = try await RunningRegistry.start(flags: store + ["--admin-port", "0"])
        let admin = try #require(registry.adminBase)
        let dora = try SignedPeer("Dora")
        let record = try dora.record(1)
        let url = "\(registry.base)/peers/Dora"
        #expect(try await SignedPeer.put(record, at: registry.base).status == 201)
        let watch = try await ChangesWatch.open(registry.base)
        #expect(try await CurlAnswer.of("\(admin)/health").status == 200)

        try await redis.stop(by: SIGKILL)
        #expect(try await CurlAnswer.of(url).status == 503)
        #expect(try await SignedPeer.put(try SignedPeer("Emil").record(1), at: registry.base).status == 503)
        #expect(try await CurlAnswer.of("\(registry.base)/peers").status == 503)
        let health = try await CurlAnswer.of("\(admin)/health")
        #expect(health.status == 503 && health.body.contains("store"), "\(health)")

        let again = try await redis.restarted(isDurable: true)
        // curl asks again as long as it is told 503.
        let retries = ["--retry", "100", "--retry-delay", "1", "--retry-max-time", "90"]
        #expect(try await CurlAnswer.of(retries + ["\(admin)/health"]).status == 200)
        #expect(try await SignedPeer.captured("Dora", at: registry.base).utf8.elementsEqual(record.compact))
        #expect(try await SignedPeer.put(try SignedPeer("Emil").record(1), at: registry.base).status == 201)
        try await watch.told("join", of: "Emil")
        #expect(try await registry.stop().status == 0)
        try await again.stop()
    }

    @Test func `a registry whose Redis is not there says so in one line and exits with 69`() async throws {
        let port = try freePort()
        let outcome = try await RunningProcess.run([
            Product.path("registry"), "--port", "0", "--store", "redis://:secret@127.0.0.1:\(port)",
        ])
        #expect(outcome.status == 69, "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("registry: ") && !outcome.errors.contains("secret"), "\(outcome.errors)")
    }
}
