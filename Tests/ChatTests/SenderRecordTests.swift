// The record in a body: the sender's own, or the body is not taken.

import HTTP
import PeerIdentity
import Testing

@testable import Chat

@Suite struct SenderRecordTests {
    enum Kind: CaseIterable {
        case own, expired, junk, othersKey, otherName, spoilt
    }

    @Test(arguments: Kind.allCases)
    func `a body is taken with the sender's own record only, be it expired`(_ kind: Kind) async throws {
        try await ListenerFixture.run { fixture async throws in
            var envelope = try ChatEnvelope.bob(["hi"])
            envelope.record = try Self.record(kind, of: fixture.bob)
            let body = try Sealer.seal(envelope, by: fixture.bob, to: fixture.alice.sealing(.x25519))
            let answer = try await fixture.post(body.octets)
            #expect(answer.status == (kind == .own || kind == .expired ? 200 : 400))
        }
    }

    private static func record(_ kind: Kind, of bob: IdentityKey) throws -> [UInt8] {
        if kind == .junk { return Array("junk".utf8) }
        let identity = kind == .othersKey ? IdentityKey() : bob
        let issuedAt = kind == .expired ? 1_000_000 : Timestamp.start.seconds
        var signed = try PeerRecord(
            identifier: PeerIdentifier(kind == .otherName ? "Carol" : "Bob"),
            url: PeerURL("http://192.0.2.7:8082/"),
            key: identity.publicKey,
            sealingKeys: SealingKeys().publicSet,
            sequence: 7,
            issuedAt: issuedAt,
            expiresAt: issuedAt + 3600
        ).signed(by: identity)
        if kind == .spoilt { signed.signature[5] ^= 1 }
        return signed.compact
    }
}
