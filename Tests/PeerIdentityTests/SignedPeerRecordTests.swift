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
