// Whether what is stored answers a request, and what to say of it: the decision in front of every answer.

import HTTP

extension CachingResponder {
    /// What becomes of a GET or HEAD.
    enum Decision {
        /// The stored response answers it.
        case serve(StoredResponse, CacheStatus)
        /// The stored response answers it, and is validated behind the client's back (RFC 5861 section 3).
        case serveAndValidate(StoredResponse, CacheStatus)
        /// The origin is asked; whether the stored response may stand in if that fails.
        case ask(Reuse.Fallback)
        /// The origin is asked for this client alone (request `no-store`).
        case bypass
        /// Nothing may be served, and the origin may not be asked (RFC 9111 section 5.2.1.7).
        case onlyIfCached
    }

    /// The stored response that `request` selects: one whose selecting fields are equal, else a fresh one in the language
    /// that the client wants above all others.
    func selected(from variants: [StoredResponse], by request: Request) -> StoredResponse? {
        if let exact = variants.first(where: { $0.currentHead.isSelected(by: request.fields) }) { return exact }
        return variants.first { stored in
            guard stored.currentHead.isSelectedByLanguage(of: request.fields) else { return false }
            if case .serve = decide(stored, request) { return stored.currentHead.freshness.isFresh(at: now()) }
            return false
        }
    }

    /// The decision for `request` when `stored` is what it selects.
    func decide(_ stored: StoredResponse?, _ request: Request) -> Decision {
        let directives = CacheControl.parse(request.fields)
        guard let stored else {
            guard !configuration.ignoresClientCacheControl else { return .ask(.none) }
            if directives.onlyIfCached { return .onlyIfCached }
            return directives.noStore ? .bypass : .ask(.none)
        }
        let now = now()
        let freshness = stored.currentHead.freshness
        var options = Reuse.Options()
        options.ignoreClientCacheControl = configuration.ignoresClientCacheControl
        var status = CacheStatus()
        status.ttl = freshness.remaining(at: now)
        switch Reuse.decide(freshness, request: directives, now: now, options: options) {
        case .fresh, .staleAcceptedByClient: return .serve(stored, status)
        case .staleWhileRevalidate: return .serveAndValidate(stored, status)
        case .validate(let fallback): return .ask(fallback)
        case .bypass: return .bypass
        case .gatewayTimeout: return .onlyIfCached
        }
    }

    /// Why the origin is asked (RFC 9211 section 2.2).
    func forwardReason(
        _ decision: Decision,
        _ stored: StoredResponse?,
        _ variants: [StoredResponse]
    )
        -> CacheStatus.Forward
    {
        switch decision {
        case .bypass: return .bypass
        case .serve, .serveAndValidate: return .partial
        case .ask, .onlyIfCached:
            guard let stored else { return variants.isEmpty ? .uriMiss : .varyMiss }
            let freshness = stored.currentHead.freshness
            // What must be validated each time is as good as stale: it was not the request that asked for it.
            return freshness.isFresh(at: now()) && !freshness.flags.contains(.alwaysValidate) ? .request : .stale
        }
    }
}
