// What can go wrong with Redis as a store.

/// Why Redis did not do what was asked.
package struct RedisStoreError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; may grow.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case badAddress, away, lost, timedOut, busy, refused, malformed, foreign, closed
        }

        private let kind: Kind

        /// The URL cannot be read.
        package static let badAddress = Code(kind: .badAddress)
        /// There is no connection, and nothing was sent; it is being tried again.
        package static let away = Code(kind: .away)
        /// The connection went while the answer was awaited; what was asked may have been done.
        package static let lost = Code(kind: .lost)
        /// No answer in time; what was asked may have been done.
        package static let timedOut = Code(kind: .timedOut)
        /// As many commands as may be are under way already, so nothing was sent.
        package static let busy = Code(kind: .busy)
        /// Redis answered with an error.
        package static let refused = Code(kind: .refused)
        /// Redis answered with something else than it should.
        package static let malformed = Code(kind: .malformed)
        /// The keys there are another version's, or damaged.
        package static let foreign = Code(kind: .foreign)
        /// The store was closed.
        package static let closed = Code(kind: .closed)

        package var description: String { kind.rawValue }
    }

    package let code: Code
    /// What was attempted, on what, what went wrong, what to do; without passwords.
    package let message: String

    init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    package var description: String { message }
}
