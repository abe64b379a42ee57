// The seam to whatever keeps a person's conversations: what is to be sent, what came, whom a name belongs to.

package import PeerIdentity

/// What is known of a name at one registry: kept from the first contact that the registry's record confirmed.
package struct Pin: Sendable, Hashable {
    package var identifier: PeerIdentifier
    package var key: PeerKey
    /// The newest record seen, to reach the peer by when the registry is away.
    package var record: SignedPeerRecord?
    /// The highest `seq` seen; a lower one is refused.
    package var sequence: UInt64
    /// The best suite the key ever offered; never less from then on.
    package var suite: UInt8
    package var isBlocked: Bool
    /// Whether the person said `/plain NAME`.
    package var allowsPlain: Bool
    /// Whether the person compared the safety words.
    package var isVerified: Bool

    package init(identifier: PeerIdentifier, key: PeerKey, record: SignedPeerRecord?, sequence: UInt64, suite: UInt8) {
        (self.identifier, self.key, self.record) = (identifier, key, record)
        (self.sequence, self.suite) = (sequence, suite)
        (isBlocked, allowsPlain, isVerified) = (false, false, false)
    }
}

/// A message on its way to one recipient.
package struct OutgoingMessage: Sendable, Hashable {
    package enum State: UInt8, Sendable, Hashable {
        case queued = 0
        case delivered
        case failed
    }

    package var to: PeerIdentifier
    package var message: ChatMessage
    package var state: State
    /// Why, if it failed or is late; how, if it was delivered in the clear.
    package var reason: String?
    /// In which stream its number counts; zero in what is made only to be shown.
    package var stream: StreamID

    package init(
        to: PeerIdentifier,
        message: ChatMessage,
        state: State = .queued,
        reason: String? = nil,
        stream: StreamID = StreamID(high: 0, low: 0)
    ) {
        (self.to, self.message, self.state, self.reason, self.stream) = (to, message, state, reason, stream)
    }
}

/// A text as it was written, before it has a number.
package struct Draft: Sendable, Hashable {
    package var text: String
    /// One message is made for each.
    package var recipients: [PeerIdentifier]
    package var writtenAtMilliseconds: UInt64

    package init(text: String, recipients: [PeerIdentifier], writtenAtMilliseconds: UInt64) {
        (self.text, self.recipients, self.writtenAtMilliseconds) = (text, recipients, writtenAtMilliseconds)
    }
}

/// A verified body as it is to be stored.
package struct IncomingBody: Sendable, Hashable {
    package var sender: PeerKey
    /// What the body claims.
    package var from: PeerIdentifier
    package var stream: StreamID
    package var messages: [ChatMessage]
    /// Under which name the history is to have it: a claim must not stand there as if it had been checked.
    package var shownAs: String

    /// A body whose history has the claimed name if `shownAs` is nil.
    package init(
        sender: PeerKey,
        from: PeerIdentifier,
        stream: StreamID,
        messages: [ChatMessage],
        shownAs: String? = nil
    ) {
        (self.sender, self.from, self.stream, self.messages) = (sender, from, stream, messages)
        self.shownAs = shownAs ?? from.text
    }
}

/// What storing a body came to.
package struct StoredBody: Sendable, Hashable {
    /// The highest sequence stored of that stream: what the receipt says.
    package var highest: UInt64
    /// Those that had not been stored before, in order: to be shown.
    package var new: [ChatMessage]
    /// How many numbers were skipped in front of the first new one; 0: none.
    package var missing: UInt64

    package init(highest: UInt64, new: [ChatMessage], missing: UInt64) {
        (self.highest, self.new, self.missing) = (highest, new, missing)
    }
}

/// A line of the history, oldest first.
package struct HistoryLine: Sendable, Hashable {
    package var isOutgoing: Bool
    /// Whom it was to or from, as shown then.
    package var peer: String
    package var atMilliseconds: UInt64
    package var text: String
    package var isSealed: Bool

    package init(isOutgoing: Bool, peer: String, atMilliseconds: UInt64, text: String, isSealed: Bool) {
        (self.isOutgoing, self.peer, self.atMilliseconds) = (isOutgoing, peer, atMilliseconds)
        (self.text, self.isSealed) = (text, isSealed)
    }
}

/// Keeps one person's outbox, inbox, pins and history.
///
/// When a method returns, a kill of the process loses nothing of it.
package protocol ChatStore: Sendable {
    /// Numbers and queues drafts in their order, all or none: a message for each recipient of each, returned in that order.
    ///
    /// Each recipient has a stream of its own, made at random with its first message, and anew if the store cannot be
    /// sure that it knows the last number given out: else a number could be given twice, and its message be taken for
    /// a duplicate.
    func enqueue(_ drafts: [Draft]) async throws -> [OutgoingMessage]

    /// What is queued, by recipient and stream in order of number; the older stream of a recipient first.
    func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])]

    /// Marks what is queued for `to` in `stream` up to `sequence` as delivered, or as failed with a reason.
    func settle(
        _ to: PeerIdentifier,
        stream: StreamID,
        upTo sequence: UInt64,
        as state: OutgoingMessage.State,
        reason: String?
    )
        async throws

    /// Stores the new messages of each body and the stream's highest number in one transaction (8 streams a key).
    func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody]

    /// All pins of one registry; with `changing`, after storing those.
    func pins(of registry: String, changing: [Pin]) async throws -> [Pin]

    /// The last `limit` lines, with `adding` (plain messages, notices) stored before.
    func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine]
}

extension ChatStore {
    /// Numbers and queues one text.
    package func enqueue(
        _ text: String,
        to recipients: [PeerIdentifier],
        atMilliseconds: UInt64
    ) async throws -> [OutgoingMessage] {
        try await enqueue([Draft(text: text, recipients: recipients, writtenAtMilliseconds: atMilliseconds)])
    }
}

/// Remembers what was stored and perhaps not shown: a kill between the two must not hide a message for ever.
package protocol UnshownMessages: Sendable {
    /// What was received and not marked as shown, oldest first: to be shown when a client starts, before it listens.
    func unshown() async throws -> [IncomingBody]

    /// Notes that a stream's messages were shown up to `sequence`; until then they are kept even without a history.
    func markShown(from sender: PeerKey, stream: StreamID, upTo sequence: UInt64) async throws
}
