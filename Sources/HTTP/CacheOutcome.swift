// How a cache came by a response, in one octet: for logs and counters, where Cache-Status would be too long.

/// What the last cache says in Cache-Status (RFC 9211 section 2), without its details.
package enum CacheOutcome: UInt8, Sendable, CaseIterable {
    /// No cache said anything.
    case none
    case hit
    case uriMiss
    case varyMiss
    case miss
    case request
    case stale
    case partial
    case bypass
    case method

    /// The RFC's word; `-` for none.
    package var text: StaticString {
        switch self {
        case .none: "-"
        case .hit: "hit"
        case .uriMiss: "uri-miss"
        case .varyMiss: "vary-miss"
        case .miss: "miss"
        case .request: "request"
        case .stale: "stale"
        case .partial: "partial"
        case .bypass: "bypass"
        case .method: "method"
        }
    }

    /// What the Cache-Status of `fields` says: its last member, which is the cache nearest to the client.
    package init(_ fields: Fields) {
        self = .none
        guard let line = fields.values(.cacheStatus).last else { return }
        // A comma within a string only hides what is before it.
        let member = line.split(separator: 0x2c, omittingEmptySubsequences: false).last ?? line
        for parameter in member.split(separator: 0x3b).dropFirst() {
            let span = parameter.span
            let word = span.extracting(span.trimmingWhitespace(0..<span.count))
            if word.equals("hit".utf8.span) {
                self = .hit
            } else if word.count > 4, word.extracting(..<4).equals("fwd=".utf8.span) {
                let reason = word.extracting(4...)
                let known = CacheOutcome.allCases.first { outcome in
                    outcome != .none && outcome != .hit && reason.equalsIgnoringCase(outcome.text)
                }
                if let known { self = known }
            }
        }
    }
}
