// Who knows which name to show for the key that signed a message.

package import PeerIdentity

/// The name to show for a sender.
package struct SenderName: Sendable, Hashable {
    /// As its peer writes it; letters, digits, `-`, `_`, `.` and inner spaces only.
    package var name: String
    /// Whether the key is the one that the name is pinned to; if not, the name is a claim: `Alice (unchecked)`.
    package var isChecked: Bool
    /// Whether the person does not want to hear of this key or name.
    package var isBlocked: Bool

    package init(name: String, isChecked: Bool, isBlocked: Bool) {
        (self.name, self.isChecked, self.isBlocked) = (name, isChecked, isBlocked)
    }

    /// The name with what is to be known about it.
    package var shown: String { isChecked ? name : "\(name) (unchecked)" }
}

/// Asked by the listener once a body's signature was verified.
package protocol SenderNames: Sendable {
    /// The name to show for `key`.
    ///
    /// May ask the registry, within a bound of time and rate; never fails: who cannot be confirmed is unchecked.
    ///
    /// - Parameters:
    ///   - key: Whose signature was verified.
    ///   - claimed: The name that the body gives.
    ///   - record: The sender's own record, if the body carries one; not yet checked.
    /// - Returns: What to show.
    func name(of key: PeerKey, claimed: PeerIdentifier, record: [UInt8]?) async -> SenderName
}
