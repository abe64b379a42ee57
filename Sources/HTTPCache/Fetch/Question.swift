// What the origin is to be asked, and for whom.

import HTTP

extension FetchCoordinator {
    /// A question for the origin about `key`; a class, as it is handed on often and has much in it.
    final class Question: Sendable {
        let key: CacheKey
        let target: [UInt8]
        let request: Request
        /// The octets asked for, if the client wants only some and nothing is known yet.
        let range: RangeSpec?
        let validating: StoredResponse?
        /// What the octets asked for go on from: its length is not known, and the range is not the client's own.
        let continued: StoredResponse?
        /// The heads that were in the table when it was decided to ask.
        let seen: [HeadSnapshot]
        /// What may stand in if the origin fails.
        let fallback: StoredResponse?
        /// When it may.
        let standsIn: Reuse.Fallback
        /// The selecting values, if the names in Vary are known.
        let selecting: VaryKey?

        init(
            key: CacheKey,
            target: [UInt8],
            request: Request,
            range: RangeSpec?,
            validating: StoredResponse?,
            continued: StoredResponse?,
            seen: [HeadSnapshot],
            fallback: StoredResponse?,
            standsIn: Reuse.Fallback,
            selecting: VaryKey?
        ) {
            self.key = key
            self.target = target
            self.request = request
            self.range = range
            self.validating = validating
            self.continued = continued
            self.seen = seen
            self.fallback = fallback
            self.standsIn = standsIn
            self.selecting = selecting
        }
    }
}
