// What can go wrong for the user of a node.

/// An error of a peer network: what was attempted, and why it is not done.
public struct PeerNetworkError: Error, Sendable, CustomStringConvertible {
    /// The kind of error; may grow.
    public struct Code: Sendable, Hashable {
        private enum Kind: Sendable { case leased, missing, notMap, full, tooLarge, key, timeout, again, listening }
        private let kind: Kind

        /// Another node has the lease of that key.
        public static let leased = Code(kind: .leased)
        /// There is no such key.
        public static let missing = Code(kind: .missing)
        /// Only a map can be changed in part.
        public static let notMap = Code(kind: .notMap)
        /// There is no room.
        public static let full = Code(kind: .full)
        /// It is larger, or has more in it, than others would take.
        public static let tooLarge = Code(kind: .tooLarge)
        /// It cannot be a key.
        public static let key = Code(kind: .key)
        /// Too few answers came in time.
        public static let timeout = Code(kind: .timeout)
        /// Not now, but later: the same was said too often to be told apart from what was said before, or a key was set by a
        /// clock that is far ahead.
        public static let again = Code(kind: .again)
        /// It is not possible to listen there.
        public static let listening = Code(kind: .listening)
    }

    /// The kind of error.
    public let code: Code
    /// For people: one line.
    public let message: String

    package init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    /// The message.
    public var description: String { message }
}
