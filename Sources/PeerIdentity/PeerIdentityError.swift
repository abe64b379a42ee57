// What can be wrong with an identifier, a URL, a key or a record.

/// Why something a peer sent is not what it should be.
package struct PeerIdentityError: Error, Sendable, CustomStringConvertible {
    /// Which rule was broken.
    package enum Code: String, Sendable, CaseIterable {
        case badIdentifier
        case badURL
        case badKey
        case malformed
        case notCanonical
        case tooLarge
        case expired
        case notYetValid
        case wrongSubject
        case badSignature
    }

    package let code: Code
    /// For people: what was wrong with which part.
    package let message: String

    package init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    package var description: String { message }
}
