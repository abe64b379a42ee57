// What a record means for a name, given what is pinned of it: the rules of trust, without state or time of their own.

import HTTP
import PeerIdentity

/// What a record whose signature was verified comes to.
enum PinVerdict: Sendable, Hashable {
    /// No key was known: this is the first contact.
    case first(Pin)
    /// The pinned key's record, as new as the last one or newer.
    case same(Pin)
    /// The pinned key handed the name over to the record's.
    case handedOver(Pin)
    /// Another key than the pinned one.
    case changed
    /// Not to be used; says why.
    case refused(String)
}

enum PinRules {
    /// Judges `signed`, whose signature the caller has verified and whose name is the pin's.
    ///
    /// The time counts at first contact and for a new key only: later the pinned key authenticates, and `exp` rules
    /// presence alone.
    static func judge(_ signed: SignedPeerRecord, against pin: Pin?, at now: Timestamp) -> PinVerdict {
        let record = signed.record
        guard let pin else {
            if let reason = untimely(signed, at: now) { return .refused(reason) }
            return .first(pinned(signed))
        }
        guard record.identifier == pin.identifier else { return .refused("the record is another name's") }
        guard record.key == pin.key else {
            guard isHandedOver(signed, by: pin) else { return .changed }
            if let reason = untimely(signed, at: now) { return .refused(reason) }
            var moved = pinned(signed)
            (moved.isBlocked, moved.allowsPlain) = (pin.isBlocked, pin.allowsPlain)
            return .handedOver(moved)
        }
        guard record.sequence >= pin.sequence else {
            return .refused("the record is older (seq \(record.sequence)) than one seen before (\(pin.sequence))")
        }
        if record.sequence == pin.sequence, let known = pin.record, known != signed {
            return .refused("there are two records with seq \(record.sequence)")
        }
        guard record.suite >= pin.suite else {
            return .refused("the record offers weaker sealing (suite \(record.suite)) than before (\(pin.suite))")
        }
        var renewed = pin
        (renewed.record, renewed.sequence, renewed.suite) = (signed, record.sequence, record.suite)
        return .same(renewed)
    }

    /// The pin of a key that begins with this record.
    static func pinned(_ signed: SignedPeerRecord) -> Pin {
        let record = signed.record
        return Pin(
            identifier: record.identifier,
            key: record.key,
            record: signed,
            sequence: record.sequence,
            suite: record.suite
        )
    }

    /// Why a record is not to be used now, by its times.
    static func untimely(_ signed: SignedPeerRecord, at now: Timestamp) -> String? {
        do throws(PeerIdentityError) {
            try signed.check(at: now.seconds, for: signed.record.identifier)
            return nil
        } catch {
            return "\(error.message) (if that is wrong, check this machine's clock)"
        }
    }

    /// Whether `prev` is the pinned key's word that the name is now the record's key's, not older than what is pinned.
    private static func isHandedOver(_ signed: SignedPeerRecord, by pin: Pin) -> Bool {
        guard let compact = signed.record.handover else { return false }
        // A handover that cannot be read is none.
        guard let handover = try? PeerHandover.parse(Array(compact.utf8)) else { return false }
        let word = handover.payload
        return word.identifier == pin.identifier && word.newKey == signed.record.key
            && word.sequence >= pin.sequence && signed.record.sequence >= word.sequence
            && handover.isSignatureValid(by: pin.key)
    }
}

extension PeerRecord {
    /// The best suite that it offers keys for.
    var suite: UInt8 { sealingKeys.xWing == nil ? 1 : 2 }
}
