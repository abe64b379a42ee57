// GET /changes: who comes and goes, as it happens.

import HTTP

extension RegistryResponder {
    /// `?since=REV`, or Last-Event-ID, or from now on; `&kinds=join,leave,expire` leaves renewals out.
    func watch(_ query: Query, _ request: Request) async throws -> Response {
        var kinds = EventKinds.all
        if let list = try query.value("kinds") {
            guard let some = EventKinds(parsing: list) else {
                throw Refusal(400, "kinds is not a list of join, renew, leave and expire")
            }
            kinds = some
        }
        let asked = try since(query, request)
        let life = registry.log.life
        let cursor: UInt64
        if let asked {
            if let oldest = try await registry.oldestIfGone(asked) { return RegistryResponder.gone(asked, oldest) }
            cursor = asked
        } else {
            cursor = try await registry.newestRevision()
        }
        var response = Response(status: 200)
        response.fields.append("Content-Type", "text/event-stream")
        response.fields.append("Cache-Control", "no-store")
        guard request.method != .head else {
            response.body = Body(length: nil, content: .none)
            return response
        }
        guard registry.log.open(watchersMax: configuration.watchersMax) else {
            var refused = RegistryResponder.refused(Refusal(503, "there are too many watchers: try again later"))
            refused.fields.append("Retry-After", "10")
            return refused
        }
        let stream = ChangeStream(registry: registry, after: cursor, life: life, kinds: kinds)
        response.body = Body(length: nil, content: .stream(stream))
        return response
    }

    /// After which revision; nil: from now on.
    ///
    /// What the client saw last (Last-Event-ID, HTML Living Standard section 9.2.4) is newer than the URL it began with.
    private func since(_ query: Query, _ request: Request) throws(Refusal) -> UInt64? {
        if let last = try onlyValue("Last-Event-ID", of: request.fields), !last.isEmpty {
            guard let revision = last.span.decimal else { throw Refusal(400, "Last-Event-ID is no revision") }
            return UInt64(revision)
        }
        guard let text = try query.value("since") else { return nil }
        guard let revision = text.span.decimal else { throw Refusal(400, "since is no revision") }
        return UInt64(revision)
    }

    private static func gone(_ revision: UInt64, _ oldest: UInt64) -> Response {
        var json: [UInt8] = []
        json.append(text: "{\"error\":\"revision ")
        json.append(decimal: Int64(clamping: revision))
        json.append(text: " is no longer held\",\"oldest\":")
        json.append(decimal: Int64(clamping: oldest))
        json.append(text: "}\n")
        let fields: Fields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
        return Response(status: 410, fields: fields, body: Body(json))
    }
}
