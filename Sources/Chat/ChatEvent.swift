// What happens in a conversation, for whoever shows it.

package import PeerIdentity

/// A message to be shown.
package struct ReceivedMessage: Sendable, Hashable {
    /// The sender: a name that the key holds, or what a plain message claims; already safe to show.
    package var from: String
    /// Signed by the key that the name is pinned to; false for a first contact that no registry confirmed yet.
    package var isChecked: Bool
    /// False for a plain text/plain post, whose sender is a mere claim.
    package var isSealed: Bool
    package var text: String
    package var sentAtMilliseconds: UInt64

    package init(from: String, isChecked: Bool, isSealed: Bool, text: String, sentAtMilliseconds: UInt64) {
        (self.from, self.isChecked, self.isSealed) = (from, isChecked, isSealed)
        (self.text, self.sentAtMilliseconds) = (text, sentAtMilliseconds)
    }
}

/// One thing that a person should see.
package enum ChatEvent: Sendable, Hashable {
    case received(ReceivedMessage)
    /// Numbers were skipped in the stream of this sender: so many messages never came.
    case missing(from: String, count: UInt64)
    /// A message of ours changed its state; `reason` says why it waits or failed.
    case outgoing(OutgoingMessage)
    /// The name has another key, which the old one did not hand over to: nothing is delivered to it any more.
    case keyChanged(PeerIdentifier)
    /// The old key handed the name over to a new one.
    case handedOver(PeerIdentifier)
    /// A warning or a piece of news, as a sentence.
    case notice(String)
}

/// Why something about a conversation cannot be done.
package struct ChatError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The registry holds no such name now.
        case unknownPeer
        /// The registry cannot be reached and nothing is remembered of the peer.
        case registryAway
        /// The name belongs to another key than the one pinned.
        case keyChanged
        /// Our own name belongs to another key.
        case nameTaken
        /// The registry or a peer answered what the protocol does not allow.
        case badAnswer
        /// The peer takes plain text only, and that was not allowed.
        case plainOnly
        /// The peer cannot be reached.
        case peerAway
        /// What was to be opened is not for us, or is damaged.
        case notOpened
        /// A message is longer than 16 KiB, or empty.
        case badMessage
        /// A typed line does not say what is to be done.
        case badCommand
        /// The store failed.
        case storeFailed
    }

    package let code: Code
    /// For people: what was attempted, what went wrong, what to do.
    package let message: String

    package init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    package var description: String { message }
}
