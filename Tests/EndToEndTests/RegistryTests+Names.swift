// Names belong to keys: nobody takes one, nobody brings back an old record of one.

import PeerIdentity
import TestSupport
import Testing

extension RegistryTests {
    @Test(arguments: [true, false])
    func `a client with another key and a name that is taken says so in one line and exits with 77`(
        stays: Bool
    ) async throws {
        let registry = try await RunningRegistry.start()
        let alice = try await client("Alice", registry)
        let record = try await SignedPeer.captured("Alice", at: registry.base)
        let other = try RunningProcess(
            [Product.path("client"), "0", "ALICE", registry.base],
            environment: ["XDG_STATE_HOME": home.file("other")],
            hasInput: stays
        )
        let outcome = try await other.outcome()
        #expect(outcome.status == 77, "\(outcome)")
        let lines = Self.warnings(outcome.errors)
        #expect(lines.count == 1, "\(lines)")
        for words in ["client: ", "the name ALICE", "belongs to another key", "--identity"] {
            #expect(lines.first?.contains(words) == true, "\(lines)")
        }
        #expect(try await SignedPeer.captured("Alice", at: registry.base) == record)
        #expect(try await alice.finish().status == 0)
    }

    @Test func `a captured record is refused once a newer one of its key was taken`() async throws {
        let registry = try await RunningRegistry.start()
        let first = try await client("Alice", registry)
        let old = try await SignedPeer.captured("Alice", at: registry.base)
        #expect(try await SignedPeer.put(old, at: registry.base, as: "Alice").status == 200)
        #expect(try await first.finish().status == 0)
        // She left with it: not even now does it bring her back.
        let afterLeave = try await SignedPeer.put(old, at: registry.base, as: "Alice")
        #expect(afterLeave.status == 409 && afterLeave.body.contains("seq"), "\(afterLeave)")
        let second = try await client("Alice", registry)
        let new = try await SignedPeer.captured("Alice", at: registry.base)
        #expect(new != old)
        let answer = try await SignedPeer.put(old, at: registry.base, as: "Alice")
        #expect(answer.status == 409 && answer.body.contains("seq"), "\(answer)")
        #expect(try await SignedPeer.captured("Alice", at: registry.base) == new)
        #expect(try await second.finish().status == 0)
    }

    @Test func `only the key of a name changes it: not a forged, foreign or misplaced record`() async throws {
        let registry = try await RunningRegistry.start()
        let (dora, mallory) = (try SignedPeer("Dora"), try SignedPeer("Dora"))
        let record = try dora.record(10)
        #expect(try await SignedPeer.put(record, at: registry.base).status == 201)
        #expect(try await SignedPeer.put(try mallory.record(11), at: registry.base).status == 409)
        #expect(try await SignedPeer.put(try dora.record(9), at: registry.base).status == 409)
        #expect(try await SignedPeer.put(try dora.record(12), at: registry.base, as: "Emil").status == 400)
        var forged = try mallory.record(13)
        forged.record.key = dora.identity.publicKey
        #expect(try await SignedPeer.put(forged, at: registry.base).status == 401)
        let late = try dora.record(14, issuedAgo: 3_700)
        #expect(try await SignedPeer.put(late, at: registry.base).status == 400)
        #expect(try await SignedPeer.captured("Dora", at: registry.base).utf8.elementsEqual(record.compact))
        #expect(try await CurlAnswer.of("\(registry.base)/peers/Emil").status == 404)
    }

    @Test func `a sign of life and a leave each count once, and only from who has the lease and the key`() async throws
    {
        let registry = try await RunningRegistry.start()
        let (dora, mallory) = (try SignedPeer("Dora"), try SignedPeer("Dora"))
        let url = "\(registry.base)/peers/Dora"
        let taken = try await SignedPeer.put(try dora.record(1), at: registry.base)
        #expect(taken.status == 201)
        let lease = try #require(Base64URL.decode(taken.lease.utf8))
        func renew(_ counter: UInt64, by lease: [UInt8]) async throws -> Int {
            let renewal = PeerRenewal.make(leaseKey: lease, identifier: dora.identifier, sequence: 1, counter: counter)
            return try await CurlAnswer.of("-X", "PUT", "-H", "Peer-Renew: \(renewal.fieldValue)", url).status
        }
        #expect(try await renew(1, by: lease) == 200)
        #expect(try await renew(1, by: lease) == 401)
        #expect(try await renew(2, by: lease.reversed()) == 401)
        #expect(try await renew(2, by: lease) == 200)
        func leave(_ sequence: UInt64, by peer: SignedPeer) async throws -> Int {
            let expiry = try dora.record(1).record.expiresAt
            let leave = try PeerLeave(identifier: dora.identifier, sequence: sequence, expiresAt: expiry)
                .signed(by: peer.identity)
            return try await CurlAnswer.of("-X", "DELETE", "-H", "Authorization: Peer \(leave)", url).status
        }
        #expect(try await leave(1, by: mallory) == 401)
        #expect(try await leave(1, by: dora) == 204)
        #expect(try await renew(3, by: lease) == 401)
        #expect(try await SignedPeer.put(try dora.record(2), at: registry.base).status == 201)
        #expect(try await leave(1, by: dora) == 401)
        #expect(try await CurlAnswer.of(url).status == 200)
    }
}
