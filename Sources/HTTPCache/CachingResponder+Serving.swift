// Answers made of a stored response: whole, a range, or 304.

import HTTP
import Synchronization

extension CachingResponder {
    /// The answer to `request` from `stored`; nil if what it asks for is neither held nor to be had for this response.
    ///
    /// Returns when the first octet is there, so that what fails before it is an error and not a broken body; `registered`
    /// is called before that wait, once nobody needs to stand in for this client any more. `ownHead` takes the place of the
    /// stored head, for this answer alone.
    func serve(
        _ stored: StoredResponse,
        _ request: Request,
        _ target: [UInt8],
        _ status: CacheStatus,
        after standIn: ReaderID? = nil,
        with ownHead: HeadSnapshot? = nil,
        registered: () -> Void = {}
    ) async throws -> Response? {
        // Who had it fetched, or waited for that, is why it is here, and no sign that others will come.
        if standIn == nil { stored.markUsed() }
        let head = ownHead ?? stored.currentHead
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
        guard let parts = parts(of: stored, head, request, standIn) else { return nil }
        let answer = Answer(stored: stored, head: head, request: request, target: target, standIn: standIn)
        switch parts {
        case .unsatisfiable: return unsatisfiable(stored.withBody { $0.length } ?? 0, status)
        case .whole: return try await serveWhole(answer, status, registered: registered)
        case .ranges(let ranges): return try await serve(ranges, answer, status, registered: registered)
        }
    }

    /// What an answer is made of.
    struct Answer {
        let stored: StoredResponse
        let head: HeadSnapshot
        let request: Request
        let target: [UInt8]
        let standIn: ReaderID?
    }

    func serveWhole(_ answer: Answer, _ cache: CacheStatus, registered: () -> Void) async throws -> Response? {
        let length = answer.stored.withBody { $0.length }
        let all = 0..<(length ?? .max)
        guard let status = await statusOfServing([all], answer, cache) else { return nil }
        let body: Body
        if let whole = answer.stored.withBody({ $0.completeInline }) {
            registered()
            body = Body(whole)
        } else {
            let reader = reader(of: length.map { 0..<$0 }, answer)
            registered()
            try await reader.waitForFirst()
            body = Body(length: length, content: length == 0 ? .none : .stream(reader))
        }
        countHit(status)
        return self.answer(
            answer.head,
            status: answer.head.metadata.status,
            answer.head.outgoingFields,
            body,
            status
        )
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

    /// What is checked of a body before its head is sent, when the system went down after it was stored.
    static var checkBytes: Int64 { 64 << 20 }

    /// What went wrong at the origin.
    enum Failure {
        case unreachable
        case status(Int)
    }

    private func unsatisfiable(_ length: Int64, _ status: CacheStatus) -> Response {
        var response = Response(status: 416, text: "The range lies behind the end.")
        response.fields.append("Content-Range", ContentRange(unsatisfiedOf: length).text)
        return finished(response, status)
    }

    func answer(
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
