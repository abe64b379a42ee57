// Tests of records: written, read, refused.

import PeerIdentity
import Testing

@Suite struct SignedPeerRecordTests {
    @Test func `a record is read back as it was signed`() throws {
        for record in [try RecordFixture.record(), try RecordFixture.fullRecord()] {
            let signed = try record.signed(by: RecordFixture.identity())
            let read = try SignedPeerRecord(parsing: signed.compact)
            #expect(read == signed)
            #expect(read.isSignatureValid)
            try read.check(at: RecordFixture.issuedAt, for: PeerIdentifier("aLICE"))
        }
    }
}

extension SignedPeerRecordTests {
    private static let now = RecordFixture.issuedAt

    @Test(
        arguments: [
            (now, nil), (now - 60, nil), (now - 61, .notYetValid), (now + 3_599, nil), (now + 3_600, .expired),
            (Int64.max, .expired), (0, .notYetValid),
        ] as [(Int64, PeerIdentityError.Code?)]
    )
    func `a record holds from a minute before iat until exp`(now: Int64, code: PeerIdentityError.Code?) throws {
        let signed = try RecordFixture.record().signed(by: RecordFixture.identity())
        #expect(PeerIdentityError.code { try signed.check(at: now, for: nil) } == code)
    }

    @Test func `a record is of its subject only, compared folded`() throws {
        let signed = try RecordFixture.record().signed(by: RecordFixture.identity())
        try signed.check(at: Self.now, for: PeerIdentifier("ALICE"))
        let code = PeerIdentityError.code { try signed.check(at: Self.now, for: PeerIdentifier("Bob")) }
        #expect(code == .wrongSubject)
    }

    @Test(
        arguments: [
            (now, "alice", nil), (now + 59, "Alice", nil), (now + 60, "Alice", .expired), (now, "Bob", .wrongSubject),
            (now - 86_400, "Alice", nil), (now - 86_401, "Alice", .notYetValid),
        ] as [(Int64, String, PeerIdentityError.Code?)]
    )
    func `a leave holds until exp, at most a day`(now: Int64, name: String, code: PeerIdentityError.Code?) throws {
        let leave = PeerLeave(identifier: try PeerIdentifier("Alice"), sequence: 7, expiresAt: Self.now + 60)
        #expect(PeerIdentityError.code { try leave.check(at: now, for: PeerIdentifier(name)) } == code)
    }

    @Test func `what breaks a rule is not signed`() throws {
        let identity = try RecordFixture.identity()
        let changes: [(inout PeerRecord) throws -> Void] = [
            { $0.ttlSeconds = 1 }, { $0.ttlSeconds = 3_601 }, { $0.sequence = 1 << 53 }, { $0.issuedAt = -1 },
            { $0.expiresAt = $0.issuedAt }, { $0.expiresAt = $0.issuedAt + 86_401 }, { $0.expiresAt = .max },
            { $0.issuedAt = .min }, { $0.sealingKeys.x25519 = [] },
            { $0.sealingKeys.x25519 = [UInt8](repeating: 0, count: 32) },
            { $0.sealingKeys.xWing = [1] }, { $0.handover = "x" }, { $0.key = try RecordFixture.identity(1).publicKey },
            { $0.identifier = try PeerIdentifier("Bob") },
        ]
        for (index, change) in changes.enumerated() {
            var record = try RecordFixture.fullRecord()
            try change(&record)
            #expect(throws: PeerIdentityError.self, "change \(index)") { try record.signed(by: identity) }
        }
        let identifier = try PeerIdentifier("Alice")
        for leave in [
            PeerLeave(identifier: identifier, sequence: 1 << 53, expiresAt: 1),
            PeerLeave(identifier: identifier, sequence: 1, expiresAt: -1),
            PeerLeave(identifier: identifier, sequence: 1, expiresAt: .max),
        ] { #expect(throws: PeerIdentityError.self) { try leave.signed(by: identity) } }
        let handover = PeerHandover(identifier: identifier, sequence: 1 << 53, newKey: identity.publicKey)
        #expect(throws: PeerIdentityError.self) { try handover.signed(by: identity) }
    }
}
