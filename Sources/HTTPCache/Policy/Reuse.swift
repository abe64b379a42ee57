// Whether a stored response answers a request as it is (RFC 9111 section 4, RFC 5861, RFC 8246).

package import HTTP

/// What to do with a request for which a response is stored that matches in URI and Vary.
package enum Reuse: Sendable, Equatable {
    /// It is fresh: serve it, nothing goes to the origin.
    case fresh
    /// It is stale within the client's `max-stale`: serve it, nothing goes to the origin.
    case staleAcceptedByClient
    /// It is stale within its `stale-while-revalidate`: serve it and validate it in the background, once for all clients.
    case staleWhileRevalidate
    /// Validate it first; if that fails, the fallback says whether it may be served all the same.
    case validate(Fallback)
    /// The client said `no-store`: ask the origin for this client alone and leave the stored response as it is.
    case bypass
    /// The client said `only-if-cached` and nothing may be served without asking: answer 504.
    case gatewayTimeout

    /// When a stored response may be served although it could not be validated.
    package struct Fallback: Sendable, Equatable {
        /// The origin could not be reached, or broke off before a response (RFC 9111 section 4.2.4).
        package var onConnectionFailure: Bool
        /// The origin answered 500, 502, 503 or 504 (RFC 5861 section 4).
        package var onServerError: Bool

        package init(onConnectionFailure: Bool, onServerError: Bool) {
            self.onConnectionFailure = onConnectionFailure
            self.onServerError = onServerError
        }

        /// Never.
        package static let none = Fallback(onConnectionFailure: false, onServerError: false)

        /// Whether `status` is one of those that `stale-if-error` is about.
        package static func isServerError(_ status: Int) -> Bool {
            [500, 502, 503, 504].contains(status)
        }
    }

    /// What the person who runs the cache decided.
    package struct Options: Sendable {
        /// Do not heed Cache-Control of requests, so that clients of a public edge cannot make it ask the origin.
        package var ignoreClientCacheControl = false
        /// Serve stale when the origin cannot be reached, unless the response forbids it.
        package var staleOnConnectionFailure = true

        package init() {}
    }

    /// The decision for a GET or HEAD request with these directives.
    package static func decide(
        _ freshness: Freshness,
        request: CacheControl,
        now: Timestamp,
        options: Options = Options()
    ) -> Reuse {
        let request = options.ignoreClientCacheControl ? CacheControl() : request
        if request.noStore { return request.onlyIfCached ? .gatewayTimeout : .bypass }
        let isUsable = !freshness.flags.contains(.alwaysValidate)
        let isFresh = isUsable && freshness.isFresh(at: now)
        if !demandsValidation(request, freshness, isFresh: isFresh, now: now) {
            if isFresh { return .fresh }
            if !freshness.flags.contains(.neverStale) {
                if acceptsStale(request, freshness, now: now) { return .staleAcceptedByClient }
                if mayServeWhileRevalidating(request, freshness, now: now) { return .staleWhileRevalidate }
            }
        }
        if request.onlyIfCached { return .gatewayTimeout }
        return .validate(fallback(freshness, request, isFresh: isFresh, now: now, options: options))
    }

    /// Whether the client wants a younger one, or one that was validated just now (RFC 9111 section 5.2.1).
    private static func demandsValidation(
        _ request: CacheControl,
        _ freshness: Freshness,
        isFresh: Bool,
        now: Timestamp
    ) -> Bool {
        if isNoCache(request) { return true }
        // RFC 8246 section 2: of the ways to ask for validation only no-cache is heeded while an immutable one is fresh.
        if isFresh, freshness.flags.contains(.immutable) { return false }
        // A reload says max-age=0, and must reach the origin also within the first second.
        if let maxAge = request.maxAge, maxAge == 0 || freshness.age(at: now) > maxAge { return true }
        if let minFresh = request.minFresh, freshness.remaining(at: now) < minFresh { return true }
        return false
    }

    private static func isNoCache(_ request: CacheControl) -> Bool {
        request.noCache || !request.noCacheFields.isEmpty
    }

    private static func acceptsStale(
        _ request: CacheControl,
        _ freshness: Freshness,
        now: Timestamp
    ) -> Bool {
        switch request.maxStale {
        case nil: false
        case .any: true
        case .seconds(let seconds): freshness.isWithin(staleSeconds: seconds, at: now)
        }
    }

    private static func mayServeWhileRevalidating(
        _ request: CacheControl,
        _ freshness: Freshness,
        now: Timestamp
    ) -> Bool {
        // RFC 9111 section 5.2.1.1: who says max-age without max-stale wants nothing stale.
        guard request.maxAge == nil, request.minFresh == nil else { return false }
        return freshness.isWithin(staleSeconds: freshness.staleWhileRevalidateSeconds, at: now)
    }

    private static func fallback(
        _ freshness: Freshness,
        _ request: CacheControl,
        isFresh: Bool,
        now: Timestamp,
        options: Options
    ) -> Fallback {
        // RFC 9111 sections 5.2.1.4 and 5.2.2.4: not without successful validation.
        if isNoCache(request) || freshness.flags.contains(.alwaysValidate) { return .none }
        // What is still fresh is not served stale, whatever the client asked for.
        guard isFresh || !freshness.flags.contains(.neverStale) else { return .none }
        guard let window = largest(freshness.staleIfErrorSeconds, request.staleIfError) else {
            return Fallback(onConnectionFailure: options.staleOnConnectionFailure, onServerError: false)
        }
        let isInWindow = freshness.isWithin(staleSeconds: window, at: now)
        return Fallback(
            onConnectionFailure: isInWindow && options.staleOnConnectionFailure,
            onServerError: isInWindow
        )
    }

    private static func largest(_ a: DeltaSeconds?, _ b: DeltaSeconds?) -> DeltaSeconds? {
        guard let a, let b else { return a ?? b }
        return max(a, b)
    }
}
