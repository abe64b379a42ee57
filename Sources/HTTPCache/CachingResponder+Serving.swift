// Answers made of a stored response: whole, a range, or 304.

import HTTP
import Synchronization

extension CachingResponder {
    /// The answer to `request` from `stored`; nil if what it asks for is neither held nor to be had for this response.
    ///
    /// Returns when the first octet is there, so that what fails before it is an error and not a broken body; `registered`
    /// is called before that wait, once nobody needs to stand in for this client any more.
    func serve(
        _ stored: StoredResponse,
        _ request: Request,
        _ target: [UInt8],
        _ status: CacheStatus,
        after standIn: ReaderID? = nil,
        registered: () -> Void = {}
    ) async throws -> Response? {
        stored.markUsed()
        let head = stored.currentHead
        let metadata = head.metadata
        let outcome = Preconditions.evaluate(
            request.fields,
            status: metadata.status,
            stored: head.validators,
            now: now()
        )
        if outcome == .notModified {
            return answer(head, status: 304, head.outgoingFieldsNotModified, Body(length: nil, content: .none), status)
        }
        guard outcome != .forward || Preconditions.holds(request.fields, stored: head.validators, now: now()) else {
            // It held for what was stored before, and the origin has another representation now.
            return finished(Response(status: 412, text: "The representation is another one now."), status)
        }
        let length = stored.withBody { $0.length }
        var wanted: Range<Int64>?
        switch resolvedRange(request, head, length) {
        case .whole: break
        case .unsatisfiable:
            return unsatisfiable(length ?? 0, status)
        case .ranges(let ranges):
            wanted = ranges.first
        }
        let all = wanted ?? length.map { 0..<$0 }
        // Of what was asked for just now the client gets what there is, and a broken end if that is not all.
        let (isHeld, isComing, isHad) = availability(stored, all)
        guard isHad || standIn != nil else { return nil }
        let reader = BodyReader(
            stored,
            from: wanted?.lowerBound ?? 0,
            to: wanted?.upperBound,
            segmentBytes: configuration.body.segmentBytes,
            after: standIn
        ) { [coordinator] fill in
            coordinator.startFill(fill, of: stored, target: target, for: request)
        }
        registered()
        try await reader.waitForFirst()
        var status = status
        if status.forward == nil, !isHeld {
            status.forward = .partial
            status.isCollapsed = isComing
        }
        if status.forward == nil { metrics.hits.add(1, ordering: .relaxed) }
        let body = Body(length: all.map { Int64($0.count) }, content: all?.isEmpty == true ? .none : .stream(reader))
        guard let wanted, let length else {
            return answer(head, status: metadata.status, head.outgoingFields, body, status)
        }
        var fields = head.outgoingFields
        fields.remove(.contentRange)
        fields.append("Content-Range", ContentRange(range: wanted, completeLength: length).text)
        return answer(head, status: 206, fields, body, status)
    }

    /// The head of `stored` as the answer to a HEAD.
    func serveHead(_ stored: StoredResponse, _ request: Request, _ status: CacheStatus) -> Response {
        stored.markUsed()
        let head = stored.currentHead
        let outcome = Preconditions.evaluate(
            request.fields,
            status: head.metadata.status,
            stored: head.validators,
            now: now()
        )
        if outcome == .notModified {
            return answer(head, status: 304, head.outgoingFieldsNotModified, Body(length: nil, content: .none), status)
        }
        let length = stored.withBody { $0.length }
        return answer(
            head,
            status: head.metadata.status,
            head.outgoingFields,
            Body(length: length, content: .none),
            status
        )
    }

    /// A stale response in place of an error, if the response and the request allow it (RFC 5861 section 4).
    func serveStale(_ question: FetchCoordinator.Question, _ failure: Failure) async throws -> Response? {
        guard let stored = question.fallback, case .ask(let fallback) = decide(stored, question.request) else {
            return nil
        }
        switch failure {
        case .unreachable: guard fallback.onConnectionFailure || fallback.onServerError else { return nil }
        case .status(let status):
            guard fallback.onServerError, Reuse.Fallback.isServerError(status) else { return nil }
        }
        var status = CacheStatus(forward: .stale)
        if case .status(let code) = failure { status.forwardStatus = code }
        status.ttl = stored.currentHead.freshness.remaining(at: now())
        return try await serve(stored, question.request, question.target, status)
    }

    /// What went wrong at the origin.
    enum Failure {
        case unreachable
        case status(Int)
    }

    private func resolvedRange(_ request: Request, _ head: HeadSnapshot, _ length: Int64?) -> ByteRange.Resolution {
        guard head.metadata.status == 200, let length,
            let specs = ByteRange.parse(request.fields, specsMax: 16),
            Preconditions.rangeApplies(request.fields, stored: head.validators, now: now())
        else { return .whole }
        return ByteRange.resolve(specs, length: length, rangesMax: 1)
    }

    /// Whether all of `range` is held, whether what is not is coming already, and whether it can be had at all.
    private func availability(
        _ stored: StoredResponse,
        _ range: Range<Int64>?
    ) -> (isHeld: Bool, isComing: Bool, isHad: Bool) {
        stored.withBody { body in
            let range = range ?? 0..<(body.length ?? .max)
            if body.extents.contains(range) { return (true, false, true) }
            if body.isHeldOrComing(range) { return (false, true, true) }
            return (false, false, body.isResumable && body.length != nil && body.retirement == nil)
        }
    }

    private func unsatisfiable(_ length: Int64, _ status: CacheStatus) -> Response {
        var response = Response(status: 416, text: "The range lies behind the end.")
        response.fields.append("Content-Range", ContentRange(unsatisfiedOf: length).text)
        return finished(response, status)
    }

    private func answer(
        _ head: HeadSnapshot,
        status: Int,
        _ fields: Fields,
        _ body: Body,
        _ cache: CacheStatus
    ) -> Response {
        var fields = fields
        fields.append("Age", String(head.freshness.age(at: now())))
        return finished(Response(status: status, fields: fields, body: body), cache)
    }

    /// Adds what the cache says about itself.
    func finished(_ response: Response, _ status: CacheStatus) -> Response {
        var response = response
        if !response.fields.contains(.age) { response.fields.append("Age", "0") }
        response.fields.append("Via", "1.1 \(configuration.name)")
        response.fields.append("Cache-Status", status.value(name: configuration.name))
        return response
    }
}
