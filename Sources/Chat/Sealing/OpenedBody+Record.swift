// The record that a sender may put into a body, so that a stranger can be answered.

import PeerIdentity

extension OpenedBody {
    /// Checks that the record, if there is one, is one, says what the body says, and was signed by the same key.
    ///
    /// It may have expired: `exp` rules presence only. Costs a signature check, about 0.1 ms.
    ///
    /// - Throws: ``SealingError`` `malformed`.
    func checkRecord() throws(SealingError) {
        guard let record = envelope.record else { return }
        let signed: SignedPeerRecord
        do throws(PeerIdentityError) {
            signed = try SignedPeerRecord(parsing: record)
        } catch {
            throw SealingError(.malformed, "the sender's record: \(error)")
        }
        guard signed.record.key == sender, signed.record.identifier == envelope.from, signed.isSignatureValid else {
            throw SealingError(.malformed, "the record in the body is not the sender's")
        }
    }
}
