// The Max-Forwards field: how far TRACE and OPTIONS may go (RFC 9110 section 7.6.2).

/// What an intermediary does about Max-Forwards.
package enum MaxForwards: Sendable, Equatable {
    /// There is none, it means nothing for this method, or it is no number: forward as it is.
    case unlimited
    /// Answer, do not forward.
    case exhausted
    /// Forward with this value in its place.
    case remaining(Int64)

    /// What to do with a request of that method.
    package static func decide(_ method: Method, _ fields: Fields) -> MaxForwards {
        guard method == .options || method == .trace else { return .unlimited }
        let name = Array("max-forwards".utf8)
        let lines = fields.values(named: name.span)
        // More than one line is no number; nothing is lost by going on.
        guard lines.count == 1, let line = lines.first, let count = line.span.saturatingDecimal else {
            return .unlimited
        }
        return count == 0 ? .exhausted : .remaining(count - 1)
    }
}
