// Requests that the cache hands on: other methods, HEAD that is not answered here, and what failed.

import HTTP
import Synchronization

extension CachingResponder {
    /// Hands a request on as it is and its answer back; an unsafe one that succeeds makes stored responses invalid.
    func passOn(_ request: Request, as reason: CacheStatus.Forward) async throws -> Response {
        let target = upstream.map.originTarget(for: request.target.span)
        let isHead = request.method == .head
        let forwarded = isHead ? requests.head(request, target: target) : requests.forwarded(request, target: target)
        metrics.misses.add(1, ordering: .relaxed)
        metrics.originRequests.add(1, ordering: .relaxed)
        let sent = now()
        let arrived = try await origin.respond(to: forwarded)
        let received = now()
        let response = coordinator.normalized(arrived, at: received)
        let uri = TargetURI(scheme: forwarded.scheme, authority: forwarded.authority, target: target)
        let invalid = Invalidation.uris(
            method: request.method,
            uri: uri,
            status: response.status,
            response: response.fields
        )
        for uri in invalid { await invalidate(upstream.key(ofOriginTarget: uri.target)) }
        if Self.mayServeLaterGets(request, response) {
            return try await takenIn(arrived, for: request, target, sent: sent, received: received)
        }
        return passed(upstream.localized(response, to: target), CacheStatus(forward: reason), for: request)
    }

    /// Whether the answer to a POST is perhaps what a GET of its target would be given (RFC 9110 section 9.3.3); the rules
    /// of storing say the rest.
    ///
    /// As this request went out with all its fields, it must have none that could change the answer unseen.
    private static func mayServeLaterGets(_ request: Request, _ response: Response) -> Bool {
        request.method == .post && response.fields.contains(.contentLocation) && !UnkeyedFields.areIn(request.fields)
    }

    /// Stores the answer to a POST if the rules allow it, and gives it to who sent the POST.
    private func takenIn(
        _ arrived: Response,
        for post: Request,
        _ target: [UInt8],
        sent: Timestamp,
        received: Timestamp
    ) async throws -> Response {
        var request = post
        request.body = .empty
        let question = FetchCoordinator.Question(
            key: upstream.key(of: request.target.span),
            target: target,
            request: request,
            range: nil,
            validating: nil,
            continued: nil,
            seen: [],
            fallback: nil,
            standsIn: .none,
            selecting: nil
        )
        let arrival = Arrival(question: question, response: arrived, requestTime: sent, responseTime: received)
        let (flight, seat) = coordinator.takeIn(arrival)
        guard let seat, let outcome = await flight.outcome(for: seat) else {
            try Task.checkCancellation()
            throw HTTPCacheError(.abandoned, "the cache stops")
        }
        defer { flight.leave(seat) }
        var status = CacheStatus(forward: .method)
        if case .stored(let stored, let standIn) = outcome {
            status.isStored = true
            let response = try await serve(stored, request, target, status, after: standIn)
            if let response { return response.with(flight.takeWithheldFields()) }
        }
        guard let response = flight.takePrivateResponse() else {
            throw HTTPCacheError(.changed, "another answer took its place")
        }
        return passed(response, status, for: request)
    }

    /// What the cache says itself of a request that must not go on; nil if it may.
    func ownAnswer(to request: Request) -> Response? {
        if requests.isLoop(request) {
            var response = Response(status: 508, text: "This request has come back to where it was.")
            response.fields.append("Proxy-Status", "\(configuration.name); error=proxy_loop_detected")
            return finished(response, .none)
        }
        if let refusal = upstream.map.refusal(of: request.target.span) {
            return finished(Response(status: 400, text: "400 Bad Request: \(refusal.rawValue)"), .none)
        }
        // RFC 9110 section 9.3.8: what comes back would show the client what only the origin is to see, credentials of
        // the URL among it.
        if request.method == .trace {
            var response = Response(status: 405, text: "TRACE is not answered here.")
            response.fields.append("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
            return finished(response, .none)
        }
        // RFC 9110 section 7.6.2.
        guard MaxForwards.decide(request.method, request.fields) == .exhausted else { return nil }
        return finished(Response(status: 204, fields: ["Allow": "GET, HEAD, POST, PUT, DELETE, OPTIONS"]), .none)
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
        let stored = selected(from: variants, by: request)
        let sent = now()
        let decision = decide(stored, request)
        switch decision {
        case .serve(let stored, let status), .serveAndValidate(let stored, let status):
            metrics.hits.add(1, ordering: .relaxed)
            return serveHead(stored, request, status)
        case .onlyIfCached:
            return nothingStored()
        case .ask, .bypass:
            let response: Response
            do {
                response = try await passOn(request, as: forwardReason(decision, stored, variants))
            } catch {
                guard let stored, case .ask(let fallback) = decision, fallback.onConnectionFailure else {
                    throw error
                }
                return serveHead(stored, request, CacheStatus(forward: .stale))
            }
            if let stored { await coordinator.freshen(stored, by: response, to: request, sent: sent) }
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
        var response = Response(status: 504, text: "The request asks for stored responses only, and none is.")
        response.fields.append("Proxy-Status", "\(configuration.name); error=proxy_internal_response")
        return finished(response, .none)
    }

    /// The answer for an error at the origin: 502 or 504 that says what happened (RFC 9209).
    func gatewayAnswer(to error: any Error) throws -> Response {
        if error is CancellationError { throw error }
        let failure = error as? any GatewayFailure ?? (error as? HTTPCacheError)?.underlying as? any GatewayFailure
        let status = failure?.gatewayStatus ?? 502
        let type = failure?.proxyStatusError ?? "http_response_incomplete"
        let text =
            switch status {
            case 504: "The origin did not answer in time."
            case 503: "Too much is asked of the origin already."
            case 400..<500: "The request cannot be sent on as it is."
            default: "The origin could not be reached, or broke off."
            }
        var response = Response(status: status, text: text)
        response.fields.append("Proxy-Status", "\(configuration.name); error=\(type)")
        return finished(response, CacheStatus(forward: .miss))
    }
}

extension Response {
    /// This response and `fields`, which are not stored with it.
    func with(_ fields: Fields) -> Response {
        guard !fields.isEmpty else { return self }
        var response = self
        for line in fields.lines { response.fields.append(line, of: fields) }
        return response
    }
}
