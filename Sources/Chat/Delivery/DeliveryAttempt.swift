// One try to deliver one body, and what can come of it.

import PeerIdentity

/// What to do before a body is sealed.
enum DeliveryPreparation: Sendable, Equatable {
    /// Take what is remembered of the recipient.
    case remembered
    /// Something failed: ask the registry.
    case refreshed
    /// The receiver answered with this record.
    case learned([UInt8])
}

/// A body to be delivered now.
struct DeliveryAttempt: Sendable, Equatable {
    var to: PeerIdentifier
    var stream: StreamID
    /// Consecutive numbers; at least one.
    var messages: [ChatMessage]
    var preparation: DeliveryPreparation
    /// The recipient has acknowledged nothing yet: it may not know us, so our record goes along.
    var introduces: Bool
}

/// What came of an attempt.
enum DeliveryOutcome: Sendable, Equatable {
    /// The receiver has everything up to that number; `note` says so if it went in the clear.
    case delivered(upTo: UInt64, note: String?)
    /// 409: it sealed to a key that the receiver does not have; sealed again with its record, it may do.
    case keyUnknown(record: [UInt8])
    /// The receiver will not take this body; `isOfSender`: whoever sends and whatever is in it, so smaller is no better.
    case refused(String, isOfSender: Bool)
    /// It may work later; `after` is what the peer asked for.
    case later(String, after: Duration?)
    /// The receiver takes no more for now; `after` is what it asked for. It is where it was, so nobody is asked.
    case busy(String, after: Duration?)
    /// It may work some day.
    case slow(String)
    /// A person has to decide first.
    case needsPerson(String, keyChanged: Bool)
    /// The courier was stopped: nothing is known.
    case abandoned
}

/// What has to be done after an attempt or a decision, in this order: settle in the store, then tell.
struct DeliveryEffects: Sendable, Equatable {
    struct Settlement: Sendable, Equatable {
        var to: PeerIdentifier
        var stream: StreamID
        var upTo: UInt64
        var state: OutgoingMessage.State
        var reason: String?
    }

    var settlements: [Settlement] = []
    var events: [ChatEvent] = []
}
