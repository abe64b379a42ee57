// Requests that the cache hands on: other methods, HEAD that is not answered here, and what failed.

import HTTP
import Synchronization

extension CachingResponder {
    /// Hands a request on as it is and its answer back; an unsafe one that succeeds makes stored responses invalid.
    func passOn(_ request: Request, as reason: CacheStatus.Forward) async throws -> Response {
        let target = upstream.map.originTarget(for: request.target.span)
        let forwarded = requests.forwarded(request, target: target)
        metrics.misses.add(1, ordering: .relaxed)
        metrics.originRequests.add(1, ordering: .relaxed)
        let response = coordinator.normalized(try await origin.respond(to: forwarded), at: now())
        let uri = TargetURI(scheme: forwarded.scheme, authority: forwarded.authority, target: target)
        let invalid = Invalidation.uris(
            method: request.method,
            uri: uri,
            status: response.status,
            response: response.fields
        )
        for uri in invalid { await invalidate(upstream.key(ofOriginTarget: uri.target)) }
        return passed(upstream.localized(response, to: target), CacheStatus(forward: reason), for: request)
    }

    /// A response from the origin that is not stored, with the cache's own fields; 502 for a part that is no such part.
    func passed(_ response: Response, _ status: CacheStatus, for request: Request) -> Response {
        if let response = sound(response, for: request) { return finished(response, status) }
        response.body.cancel()
        var refusal = Response(status: 502, text: "The origin sent another part than it was asked for.")
        refusal.fields.append("Proxy-Status", "\(configuration.name); error=http_protocol_error")
        return finished(refusal, status)
    }

    /// HEAD: from a stored response that may be reused, else from the origin, which may freshen it (RFC 9111 4.3.5).
    func answerHead(_ request: Request) async throws -> Response {
        let key = upstream.key(of: request.target.span)
        let variants = await coordinator.variants(of: key)
        let stored = variants.first { $0.currentHead.isSelected(by: request.fields) }
        let sent = now()
        switch decide(stored, request) {
        case .serve(let stored, let status), .serveAndValidate(let stored, let status):
            metrics.hits.add(1, ordering: .relaxed)
            return serveHead(stored, request, status)
        case .onlyIfCached:
            return nothingStored()
        case .ask, .bypass:
            let response: Response
            do {
                response = try await passOn(request, as: stored == nil ? .uriMiss : .stale)
            } catch {
                guard let stored, case .ask(let fallback) = decide(stored, request), fallback.onConnectionFailure else {
                    throw error
                }
                return serveHead(stored, request, CacheStatus(forward: .stale))
            }
            if let stored { await coordinator.freshen(stored, by: response, sent: sent) }
            return response
        }
    }

    /// RFC 9111 section 4.4: what is stored under `key` is not used any more.
    private func invalidate(_ key: CacheKey) async {
        let variants = await coordinator.variants(of: key)
        guard !variants.isEmpty else { return }
        _ = table.remove(key) { _ in true }
        await coordinator.forget(variants)
    }

    /// The answer to `only-if-cached` (RFC 9111 section 5.2.1.7).
    func nothingStored() -> Response {
        finished(Response(status: 504, text: "The request asks for stored responses only, and none is."), .none)
    }

    /// The answer for an error at the origin: 502 or 504 that says what happened (RFC 9209).
    func gatewayAnswer(to error: any Error) throws -> Response {
        if error is CancellationError { throw error }
        let failure = error as? any GatewayFailure ?? (error as? HTTPCacheError)?.underlying as? any GatewayFailure
        let status = failure?.gatewayStatus ?? 502
        let type = failure?.proxyStatusError ?? "http_response_incomplete"
        let text =
            status == 504
            ? "The origin did not answer in time." : "The origin could not be reached, or broke off."
        var response = Response(status: status, text: text)
        response.fields.append("Proxy-Status", "\(configuration.name); error=\(type)")
        return finished(response, CacheStatus(forward: .miss))
    }
}
