// What waits for one recipient, and what happened to it so far.

import PeerIdentity

/// The messages for one recipient in order, and where their delivery stands.
struct DeliveryLane: Sendable {
    enum Phase: Sendable, Equatable {
        /// Nothing waits.
        case idle
        /// May be tried as soon as there is room.
        case ready
        /// A body is on its way, or what came of it is being written down.
        case busy
        /// To be tried at that time, on the courier's clock.
        case delayed(until: Duration)
        /// As delayed, but nothing is to be hoped for before a person decides.
        case stopped(until: Duration)
    }

    let to: PeerIdentifier
    /// In order of number; the front of it is what a busy lane sends.
    var waiting: ArraySlice<OutgoingMessage> = []
    var phase = Phase.idle
    /// The phase after ``Phase/busy``, once what came of the attempt was written down.
    var next = Phase.idle
    var preparation = DeliveryPreparation.remembered
    /// In a row.
    var failures = 0
    /// In a row.
    var reseals = 0
    /// Whether the body was refused since the recipient was last looked up.
    var wasRefused = false
    /// How many messages the next body may hold at most.
    var countMax: Int
    /// Why it is late, as last told.
    var reason: String?
    /// Whether the recipient acknowledged anything in this run.
    var isIntroduced = false

    init(to: PeerIdentifier, countMax: Int) {
        (self.to, self.countMax) = (to, countMax)
    }

    /// When to try again, if it waits for that.
    var deadline: Duration? {
        switch phase {
        case .delayed(let until), .stopped(let until): until
        case .idle, .ready, .busy: nil
        }
    }

    /// The highest number that is known of `stream`.
    func lastNumber(of stream: StreamID) -> UInt64 {
        waiting.last { $0.stream == stream }?.message.sequence ?? 0
    }

    /// Takes what is at the front up to `sequence` of `stream` out.
    mutating func take(upTo sequence: UInt64, of stream: StreamID) -> ArraySlice<OutgoingMessage> {
        let taken = waiting.prefix { $0.stream == stream && $0.message.sequence <= sequence }
        waiting = waiting.dropFirst(taken.count)
        return taken
    }
}
