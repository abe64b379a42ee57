// One message of a conversation, as it is sealed and kept.

package import PeerIdentity

/// The random name of one outbox: within it messages are numbered from 1.
package struct StreamID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }
}

/// A message: its number in its stream, when it was written, what it says.
package struct ChatMessage: Sendable, Hashable {
    /// From 1, consecutive in a body.
    package var sequence: UInt64
    /// Milliseconds since 1970.
    package var sentAtMilliseconds: UInt64
    /// At most 16 KiB of UTF-8.
    package var text: String

    package init(sequence: UInt64, sentAtMilliseconds: UInt64, text: String) {
        (self.sequence, self.sentAtMilliseconds, self.text) = (sequence, sentAtMilliseconds, text)
    }
}

/// What one sealed body carries: up to 64 messages of one stream from one peer to another.
package struct ChatEnvelope: Sendable, Hashable {
    package var from: PeerIdentifier
    package var to: PeerIdentifier
    package var stream: StreamID
    /// The sender's own record in compact form, so that a stranger can be answered; nil usually.
    package var record: [UInt8]?
    /// 1 to 64.
    package var messages: [ChatMessage]

    package init(
        from: PeerIdentifier,
        to: PeerIdentifier,
        stream: StreamID,
        record: [UInt8]? = nil,
        messages: [ChatMessage]
    ) {
        (self.from, self.to, self.stream, self.record, self.messages) = (from, to, stream, record, messages)
    }
}
