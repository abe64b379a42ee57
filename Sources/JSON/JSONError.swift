// Why octets are not the JSON that was asked for.

/// What is wrong with a JSON text, and where.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which rule was broken.
    package enum Code: String, Sendable, CaseIterable {
        /// An octet that cannot stand where it stands.
        case unexpectedOctet
        /// The text ends within a value.
        case unexpectedEnd
        /// Something follows the value.
        case trailingOctets
        /// A string is not UTF-8.
        case invalidUTF8
        /// An escape names half of a surrogate pair.
        case loneSurrogate
        /// A name stands twice in an object.
        case duplicateName
        /// A number that a double cannot hold, not even roughly.
        case numberOutOfRange
        /// More octets than ``JSONLimits/octetsMax``.
        case tooLarge
        /// More levels than ``JSONLimits/depthMax``.
        case tooDeep
        /// More members and elements than ``JSONLimits/membersMax``.
        case tooManyMembers
    }

    package let code: Code
    /// The octet at which it was noticed, from 0.
    package let offset: Int
    /// For people: what was wrong.
    package let message: String

    init(_ code: Code, at offset: Int, _ message: String) {
        (self.code, self.offset, self.message) = (code, offset, message)
    }

    package var description: String { "\(message) at octet \(offset)" }
}
