// Tests of what must not work twice: records, leaves and handovers that were true once.

import HTTP
import PeerIdentity
import Testing

@testable import PeerRegistry

struct RegistryReplayTests {
    private let alice: IdentityKey
    private let mallory: IdentityKey

    init() throws {
        alice = try RegistryFixture.identity(0)
        mallory = try RegistryFixture.identity(100)
    }

    private func record(_ sequence: UInt64, _ name: String = "Alice") throws -> PeerRecord {
        try RegistryFixture.record(name, by: alice, sequence: sequence)
    }

    private func put(_ compact: [UInt8], in fixture: RegistryFixture) async throws -> Answer {
        try await fixture.send(.put, "/peers/Alice", ["Content-Type": "application/jwt"], body: compact)
    }

    @Test func `a record with its name in other letters is not the same octets, whoever sends it`() async throws {
        let fixture = RegistryFixture()
        let signed = try record(1).signed(by: alice)
        #expect(try await put(signed.compact, in: fixture).status == 201)
        let forged = SignedPeerRecord(record: try record(1, "ALICE"), signature: signed.signature)
        #expect(forged != signed && !forged.isSignatureValid)
        #expect(try await put(forged.compact, in: fixture).status == 409)
        let found = try await fixture.send(.get, "/peers/alice", ["Accept": "application/jwt"])
        #expect(found.body.elementsEqual(signed.compact))
        #expect(try await put(signed.compact, in: fixture).status == 200)
    }

    @Test func `the seq of a leave counts: no record up to it comes after, and no leave is used twice`() async throws {
        let fixture = RegistryFixture()
        #expect(try await put(record(1).signed(by: alice).compact, in: fixture).status == 201)
        let leave = try PeerLeave(
            identifier: PeerIdentifier("Alice"),
            sequence: 9,
            expiresAt: RegistryFixture.start.seconds + 3_000
        ).signed(by: alice)
        let authorization: Fields = ["Authorization": "Peer \(leave)"]
        #expect(try await fixture.send(.delete, "/peers/Alice", authorization).status == 204)
        for sequence in [1, 2, 9] as [UInt64] {
            let answer = try await put(record(sequence).signed(by: alice).compact, in: fixture)
            #expect(answer.status == 409 && answer.text.contains("seq 9"))
        }
        #expect(try await put(record(10).signed(by: alice).compact, in: fixture).status == 201)
        #expect(try await fixture.send(.delete, "/peers/Alice", authorization).status == 401)
    }

    @Test(
        arguments: [(8, 10, 409), (9, 9, 409), (9, 10, 200), (11, 10, 409), (10, 10, 200)] as [(UInt64, UInt64, Int)]
    )
    func `a handover is above the leave before it, and not above the record that brings it`(
        handed: UInt64,
        sequence: UInt64,
        status: Int
    ) async throws {
        let fixture = RegistryFixture()
        _ = try await put(record(1).signed(by: alice).compact, in: fixture)
        #expect(try await fixture.leave("Alice", sequence: 9, by: alice).status == 204)
        let handover = PeerHandover(
            identifier: try PeerIdentifier("Alice"),
            sequence: handed,
            newKey: mallory.publicKey
        )
        let next = try RegistryFixture.record(by: mallory, sequence: sequence, handover: handover.signed(by: alice))
        let answer = try await fixture.register(next, by: mallory)
        #expect(answer.status / 100 == status / 100)
    }
}
