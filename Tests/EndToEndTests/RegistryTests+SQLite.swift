// A registry on an SQLite file loses nothing that it acknowledged, and goes on where it ended.

import Glibc
import HTTP
import HTTPClient
import PeerIdentity
import Synchronization
import TestSupport
import Testing

/// Many registrations at a time by the package's own client, until they fail or all are made.
private final class Storm: Sendable {
    /// The records that were acknowledged, by name.
    let taken = Mutex<[String: SignedPeerRecord]>([:])
    let acknowledged = Tally("registrations acknowledged")
    /// Those that ended otherwise than by 201.
    let failed = Tally("registrations that failed")
    private let authority: String
    private let client: CurlClient

    init(_ registry: RunningRegistry, _ client: CurlClient) {
        (authority, self.client) = (String(registry.base.dropFirst("http://".count)), client)
    }

    /// Registers one new name after the other until that fails.
    func run(_ worker: Int, namesMax: Int) async throws {
        for number in 0..<namesMax {
            let record = try SignedPeer("peer-\(worker)-\(number)").record(1)
            guard await register(record) else { return failed.advance() }
            taken.withLock { $0[record.record.identifier.text] = record }
            acknowledged.advance()
        }
    }

    private func register(_ record: SignedPeerRecord) async -> Bool {
        let request = Request(
            method: .put,
            authority: authority,
            target: Array("/peers/\(record.record.identifier.pathSegment)".utf8),
            fields: ["Content-Type": "application/jwt"],
            body: Body(record.compact)
        )
        // Without a whole answer it was not acknowledged.
        guard let response = try? await client.respond(to: request), response.status == 201 else { return false }
        return (try? await response.body.collect(upTo: 4_096)) != nil
    }

    /// The record that a registry gives out for `name`.
    static func record(of name: String, at registry: RunningRegistry, _ client: CurlClient) async throws -> [UInt8] {
        let authority = String(registry.base.dropFirst("http://".count))
        let target = Array("/peers/\(name)".utf8)
        let request = Request(authority: authority, target: target, fields: ["Accept": "application/jwt"])
        return try await client.respond(to: request).body.collect(upTo: 16_384)
    }
}

extension RegistryTests {
    private var store: [String] { ["--store", "sqlite:\(home.file("registry.sqlite"))"] }

    @Test func `kill -9 in the middle of a storm of registrations loses none that was acknowledged`() async throws {
        let registry = try await RunningRegistry.start(flags: store)
        let client = CurlClient(configuration: HTTPClientConfiguration())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let storm = Storm(registry, client)
            try await withThrowingTaskGroup(of: Void.self) { workers in
                for worker in 0..<16 { workers.addTask { try await storm.run(worker, namesMax: 10_000) } }
                try await storm.acknowledged.reach(300, within: .seconds(120))
                try await registry.stop(by: SIGKILL)
                try await workers.waitForAll()
            }
            #expect(storm.failed.count == 16, "the storm was over before the end")
            let again = try await RunningRegistry.start(flags: self.store)
            var lost: [String] = []
            for (name, record) in storm.taken.withLock({ $0 }) {
                let held = try await Storm.record(of: name, at: again, client)
                if !held.elementsEqual(record.compact) { lost.append(name) }
            }
            #expect(lost.isEmpty)
            client.shutdown()
            try await group.waitForAll()
        }
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `a restart keeps names, leases and revisions`(signal: Int32) async throws {
        let (dora, emil) = (try SignedPeer("Dora"), try SignedPeer("Emil"))
        let before = try await RunningRegistry.start(flags: store)
        let watch = try await ChangesWatch.open(before.base)
        let record = try dora.record(5)
        let lease = try #require(Base64URL.decode(try await SignedPeer.put(record, at: before.base).lease.utf8))
        let joined = try await watch.told("join", of: "Dora")
        #expect(try await SignedPeer.put(try emil.record(1), at: before.base).status == 201)
        #expect(try await watch.told("join", of: "Emil").revision == joined.revision + 1)
        try await before.stop(by: signal)

        let after = try await RunningRegistry.start(flags: store)
        #expect(try await SignedPeer.captured("Dora", at: after.base).utf8.elementsEqual(record.compact))
        let renewal = PeerRenewal.make(leaseKey: lease, identifier: dora.identifier, sequence: 5, counter: 1)
        let renewed = try await CurlAnswer.of(
            "-X",
            "PUT",
            "-H",
            "Peer-Renew: \(renewal.fieldValue)",
            "\(after.base)/peers/Dora"
        )
        #expect(renewed.status == 200, "\(renewed)")
        #expect(try await SignedPeer.put(try SignedPeer("Dora").record(6), at: after.base).status == 409)
        #expect(try await SignedPeer.put(try dora.record(4), at: after.base).status == 409)
        // A watcher that saw Dora join misses nothing: neither what came before the end nor what comes now.
        let resumed = try await ChangesWatch.open(after.base, since: joined.revision)
        #expect(try await SignedPeer.put(try SignedPeer("Fritz").record(1), at: after.base).status == 201)
        try await resumed.told("join", of: "Fritz")
        let changes = resumed.changes
        #expect(changes.filter { $0.kind == "join" }.map(\.name) == ["Emil", "Fritz"], "\(changes)")
        #expect(changes.map(\.revision) == changes.map(\.revision).sorted())
        #expect(try await after.stop().status == 0)
    }

    @Test func `clients are still there after a restart, with the record that they had, and go on`() async throws {
        let before = try await RunningRegistry.start(flags: store)
        let alice = try await client("Alice", before)
        let record = try await SignedPeer.captured("Alice", at: before.base)
        try await before.stop(by: SIGKILL)
        let after = try await RunningRegistry.start(port: before.port, flags: store)
        #expect(try await SignedPeer.captured("Alice", at: after.base) == record)
        let bob = try await client("Bob", after)
        try bob.type("@Alice: still there?")
        try await alice.shown { $0 == "Bob: still there?" }
        for client in [bob, alice] { #expect(try await client.finish().status == 0) }
    }

    @Test func `a second registry on the same file says so and exits, and the first goes on`() async throws {
        let first = try await RunningRegistry.start(flags: store)
        let second = try await RunningProcess.run([Product.path("registry"), "--port", "0"] + store)
        #expect(second.status == 73, "\(second)")
        let lines = second.errors.split(separator: "\n")
        #expect(lines.count == 1 && second.errors.contains("is in use by another registry"), "\(second)")
        #expect(try await SignedPeer.put(try SignedPeer("Dora").record(1), at: first.base).status == 201)
        #expect(try await first.stop().status == 0)
    }

    @Test func `a registry that forgot everything tells a returning watcher which revision is the oldest`() async throws
    {
        let before = try await RunningRegistry.start()
        let watch = try await ChangesWatch.open(before.base)
        #expect(try await SignedPeer.put(try SignedPeer("Dora").record(1), at: before.base).status == 201)
        let revision = try await watch.told("join", of: "Dora").revision
        try await before.stop(by: SIGKILL)
        let after = try await RunningRegistry.start()
        let answer = try await CurlAnswer.of("\(after.base)/changes?since=\(revision)")
        #expect(answer.status == 410 && answer.body.contains("\"oldest\":"), "\(answer)")
    }
}
