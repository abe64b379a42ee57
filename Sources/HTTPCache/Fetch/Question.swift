// What the origin is to be asked, and for whom.

import HTTP

extension FetchCoordinator {
    /// A question for the origin about `key`.
    struct Question: Sendable {
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
    }
}
