// What can go wrong in the registry itself.

/// An error of the registry: what was attempted, on what, what went wrong.
package struct RegistryError: Error, Sendable, CustomStringConvertible {
    /// The kind of error; may grow.
    package struct Code: Sendable, Hashable {
        private enum Kind: Sendable { case storeFailed, contended, badSecret }
        private let kind: Kind

        /// The store could not read or write.
        package static let storeFailed = Code(kind: .storeFailed)
        /// An entry was changed by others each time that it was to be changed.
        package static let contended = Code(kind: .contended)
        /// The store's secret is not 32 octets.
        package static let badSecret = Code(kind: .badSecret)
    }

    package let code: Code
    /// For people: one line.
    package let message: String
    package let underlying: (any Error)?

    package init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        (self.code, self.message, self.underlying) = (code, message, underlying)
    }

    package var description: String {
        underlying.map { "\(message): \($0)" } ?? message
    }
}
