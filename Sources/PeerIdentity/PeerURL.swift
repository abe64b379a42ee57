// Where a peer listens.

/// An http or https URL without credentials, query or fragment, at most 2,048 octets.
package struct PeerURL: Sendable, Hashable, CustomStringConvertible {
    package let text: String
    /// `http` or `https`.
    package let scheme: String
    /// Host and, unless it is the scheme's own, port: what a request's authority is.
    package let authority: String
    /// Beginning with `/`.
    package let path: String

    /// - Throws: ``PeerIdentityError`` with ``PeerIdentityError/Code/badURL``.
    package init(_ text: String) throws(PeerIdentityError) {
        self.text = text
        (scheme, authority, path) = ("http", "", "/")
    }

    package var description: String { text }
}
