// The Cache-Status field: how each response was come by (RFC 9211).

import HTTP

/// What the cache did for one request.
struct CacheStatus: Sendable, Equatable {
    /// Why the request went to the origin (RFC 9211 section 2.2).
    enum Forward: String, Sendable {
        case bypass
        case method
        case uriMiss = "uri-miss"
        case varyMiss = "vary-miss"
        case request
        case stale
        case partial
        case miss
    }

    /// Nil: a hit, unless ``isOwn``.
    var forward: Forward?
    /// The response is the cache's own, about neither a stored nor a forwarded one.
    var isOwn = false
    /// The origin's status, if it was not that of the response.
    var forwardStatus: Int?
    /// Whether the response is stored.
    var isStored = false
    /// Whether the request waited for another's answer.
    var isCollapsed = false
    /// Seconds of freshness left; negative if stale.
    var ttl: Int64?

    /// Of a response that the cache made itself.
    static let none = CacheStatus(isOwn: true)

    /// The field's value.
    func value(name: String) -> String {
        if isOwn { return name }
        var text = name
        if let forward { text += "; fwd=\(forward.rawValue)" } else { text += "; hit" }
        if let forwardStatus { text += "; fwd-status=\(forwardStatus)" }
        if let ttl { text += "; ttl=\(ttl)" }
        if isStored { text += "; stored" }
        if isCollapsed { text += "; collapsed" }
        return text
    }
}
