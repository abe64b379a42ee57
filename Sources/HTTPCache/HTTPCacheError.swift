// What can go wrong in the cache itself.

/// An error of the cache: what was attempted, on what, what went wrong.
package struct HTTPCacheError: Error, Sendable, CustomStringConvertible {
    /// The kind of error; may grow.
    package struct Code: Sendable, Hashable {
        private enum Kind: Sendable { case segmentMissing, storeFailed, fillFailed, changed, unavailable, abandoned }
        private let kind: Kind

        /// The file of a segment does not exist: it was evicted, or somebody deleted it.
        package static let segmentMissing = Code(kind: .segmentMissing)
        /// The store could not read or write.
        package static let storeFailed = Code(kind: .storeFailed)
        /// The origin did not deliver the octets that were asked for.
        package static let fillFailed = Code(kind: .fillFailed)
        /// The origin's representation changed while it was read.
        package static let changed = Code(kind: .changed)
        /// The octets are not held, and cannot be asked for as part of what is stored.
        package static let unavailable = Code(kind: .unavailable)
        /// The reader has gone.
        package static let abandoned = Code(kind: .abandoned)
    }

    package let code: Code
    /// For people: one line.
    package let message: String
    package let underlying: (any Error)?

    package init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// Whether the origin may have what this stored response has not, if it is asked anew.
    package var mayAskAnew: Bool { code == .changed || code == .unavailable }

    package var description: String {
        underlying.map { "\(message): \($0)" } ?? message
    }
}
