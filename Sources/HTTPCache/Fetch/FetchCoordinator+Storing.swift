// What becomes of a response that has arrived: it validates a stored one, becomes one, or is passed on.

import HTTP
import Synchronization

/// A response whose head has come, with what it answers.
struct Arrival: Sendable {
    let question: FetchCoordinator.Question
    var response: Response
    let requestTime: Timestamp
    let responseTime: Timestamp
}

extension FetchCoordinator {
    /// Decides about a response, tells who waits, and takes its body in.
    func receive(
        _ arrival: Arrival,
        _ flight: Flight,
        _ place: FillTurns.Place,
        landed: @Sendable () -> Void
    ) async {
        var arrival = arrival
        arrival.response = upstream.localized(
            normalized(arrival.response, at: arrival.responseTime),
            to: arrival.question.target
        )
        if arrival.response.status == 304, let stored = arrival.question.validating {
            guard isAbout(stored, arrival) else {
                // It validates something else: without the stored response the next question is unconditional.
                await drop(stored, HTTPCacheError(.changed, "the origin validated another representation"))
                landed()
                flight.settle(.notShared)
                return
            }
            await validate(stored, arrival, flight, landed: landed)
            return
        }
        guard let new = newResponse(arrival) else {
            landed()
            flight.settle(.notShared, response: arrival.response)
            return
        }
        let question = arrival.question
        // What the store has of the key is to be in the table, or it would outlive what replaces it.
        _ = await variants(of: question.key)
        let replaced = table.add(
            new.stored,
            replacing: { $0 === question.validating || $0.currentHead.isSelected(by: question.request.fields) },
            variantsMax: configuration.variantsMax
        )
        landed()
        // Those who waited are still on their way to read: until they do, this one stands in for them.
        flight.settle(.stored(new.stored, standIn: new.standIn)) { new.stored.removeReader(new.standIn) }
        await forget(replaced)
        var writer = FillWriter(
            response: new.stored,
            fill: new.fill,
            store: store,
            configuration: configuration,
            now: now
        )
        await pump(arrival.response.body, into: &writer, place)
    }

    /// The variants of a key, from memory or the store.
    func variants(of key: CacheKey) async -> [StoredResponse] {
        if let variants = table.variants(of: key) { return variants }
        let records: [StoredRecord]
        do {
            records = try await store.records(for: key)
        } catch {
            // A store that cannot be read is an empty one; the origin has it all.
            metrics.storeFailures.add(1, ordering: .relaxed)
            return []
        }
        guard !records.isEmpty else { return [] }
        let loaded = records.compactMap { record in
            StoredResponse(record, limits: configuration.body, store: store, overflow: overflow)
        }
        let newestFirst = loaded.sorted { a, b in
            a.currentHead.metadata.responseTime > b.currentHead.metadata.responseTime
        }
        return table.load(key, newestFirst)
    }

    /// What arrives, as it is stored and passed on: without the fields of one connection, with a Date.
    func normalized(_ response: Response, at time: Timestamp) -> Response {
        var response = response
        response.fields.removeHopByHop()
        if !response.fields.contains(.date) {
            response.fields.append(name: "Date".utf8, value: HTTPDate.format(time))
        }
        return response
    }

    private func isAbout(_ stored: StoredResponse, _ arrival: Arrival) -> Bool {
        HeadUpdate.isAbout(
            stored.currentHead.metadata.fields,
            notModified: arrival.response.fields,
            received: arrival.responseTime
        )
    }

    /// RFC 9111 section 4.3.4.
    private func validate(
        _ stored: StoredResponse,
        _ arrival: Arrival,
        _ flight: Flight,
        landed: @Sendable () -> Void
    ) async {
        arrival.response.body.cancel()
        guard stored.withBody({ $0.retirement == nil }) else {
            // It was invalidated or replaced while it was validated.
            landed()
            flight.settle(.notShared)
            return
        }
        var metadata = stored.currentHead.metadata
        metadata.fields = HeadUpdate.updated(
            metadata.fields,
            by: arrival.response.fields,
            received: arrival.responseTime
        )
        metadata.requestTime = arrival.requestTime
        metadata.responseTime = arrival.responseTime
        stored.replaceHead(metadata)
        let mayStay = isStorable(arrival, status: metadata.status, fields: metadata.fields)
        // Those who asked may have it; who comes later must not.
        if !mayStay { _ = table.remove(stored.key) { $0 === stored } }
        landed()
        flight.settle(.validated(stored))
        if mayStay { await replaceHead(of: stored, metadata) } else { await forget([stored]) }
    }

    /// What the answer to a HEAD says about a stored response to GET (RFC 9111 section 4.3.5).
    func freshen(_ stored: StoredResponse, by head: Response, sent: Timestamp) async {
        let received = now()
        var metadata = stored.currentHead.metadata
        let outcome = HeadUpdate.outcome(
            status: head.status,
            head: head.fields,
            headLength: head.body.length,
            stored: metadata.fields,
            storedLength: stored.withBody { $0.length },
            received: received
        )
        switch outcome {
        case .ignore: return
        case .invalidate: await drop(stored, HTTPCacheError(.changed, "the origin has another representation"))
        case .refresh:
            metadata.fields = HeadUpdate.updated(metadata.fields, by: head.fields, received: received)
            (metadata.requestTime, metadata.responseTime) = (sent, received)
            await replaceHead(of: stored, metadata)
        }
    }

    /// Gives a stored response a new head, in memory and in the store.
    private func replaceHead(of stored: StoredResponse, _ metadata: ResponseMetadata) async {
        stored.replaceHead(metadata)
        do {
            try await stored.recording { try await store.commit([.put(stored.record())]) }
            if stored.withBody({ $0.retirement != nil }) { try await store.commit([.remove(stored.id)]) }
        } catch {
            // In memory it is validated; after a restart it is validated once more.
            metrics.storeFailures.add(1, ordering: .relaxed)
        }
    }

    /// A stored response made of what arrived, with its first fill registered; nil if it is not to be stored.
    private func newResponse(_ arrival: Arrival) -> (stored: StoredResponse, fill: FillID, standIn: ReaderID)? {
        let response = arrival.response
        guard isStorable(arrival, status: response.status, fields: response.fields), isEndTold(response) else {
            return nil
        }
        var fields = StoredHead.make(from: response.fields, received: arrival.responseTime)
        var range: Range<Int64>?
        var length = response.body.length
        var status = response.status
        if status == 206 {
            guard let piece = partialContent(arrival) else { return nil }
            (range, length, status) = (piece.range, piece.length, 200)
            fields.remove(.contentRange)
        }
        let vary = Vary.parse(fields)
        guard case .names(let names) = vary else { return nil }
        let metadata = ResponseMetadata(
            status: status,
            fields: fields,
            selecting: selectingFields(names, of: arrival.question.request.fields),
            requestTime: arrival.requestTime,
            responseTime: arrival.responseTime
        )
        let limits = configuration.body
        let isWhole = range == nil || range == length.map { 0..<$0 }
        let isStrong = Validators(fields, received: arrival.responseTime).strongEntityTag != nil
        var body = StoredResponse.Body(
            length: length,
            isResumable: status == 200 && isStrong,
            limits: limits,
            inline: isWhole ? [] : nil
        )
        let fill = body.addFill(from: range?.lowerBound ?? 0, to: range?.upperBound ?? length)
        let standIn = body.addReader(from: range?.lowerBound ?? 0, to: range?.upperBound)
        var generator = SystemRandomNumberGenerator()
        let stored = StoredResponse(
            id: ResponseID(using: &generator),
            key: arrival.question.key,
            metadata: metadata,
            body: body,
            store: store,
            overflow: overflow
        )
        return (stored, fill, standIn)
    }

    private func isEndTold(_ response: Response) -> Bool {
        guard case .stream(let source) = response.body.content, source.isCloseDelimited else { return true }
        return configuration.storesCloseDelimited
    }

    private func isStorable(_ arrival: Arrival, status: Int, fields: Fields) -> Bool {
        var options = Storability.Options()
        options.storeSetCookie = configuration.storesSetCookie
        options.ignoreClientCacheControl = configuration.ignoresClientCacheControl
        let decision = Storability.decide(
            method: .get,
            uri: TargetURI(scheme: requests.scheme, authority: requests.authority, target: arrival.question.target),
            request: arrival.question.request.fields,
            status: status,
            response: fields,
            options: options
        )
        if case .refused = decision { return false }
        // Without a lifetime and without a validator it could never be used again.
        let freshness = Freshness(
            status: status,
            fields: fields,
            requested: arrival.requestTime,
            received: arrival.responseTime
        )
        let isUsable = freshness.lifetimeSeconds > 0 && !freshness.flags.contains(.alwaysValidate)
        return isUsable || freshness.staleWhileRevalidateSeconds > 0
            || !Validators(fields, received: arrival.responseTime).isEmpty
    }

    /// What a 206 holds, if it is what was asked for and can be combined with more of the same (RFC 9111 section 3.3, 3.4).
    private func partialContent(_ arrival: Arrival) -> (range: Range<Int64>, length: Int64)? {
        let response = arrival.response
        guard let asked = arrival.question.range, let content = ContentRange.parse(response.fields),
            let range = content.range, let length = content.completeLength, asked.resolve(length: length) == range,
            response.body.length == nil || response.body.length == Int64(range.count),
            Validators(response.fields, received: arrival.responseTime).strongEntityTag != nil
        else { return nil }
        return (range, length)
    }

    private func selectingFields(_ names: [[UInt8]], of request: Fields) -> Fields {
        var selecting = Fields()
        for line in request.lines {
            let name = request.name(of: line)
            if names.contains(where: { name.span.equalsIgnoringCase($0.span) }) { selecting.append(line, of: request) }
        }
        return selecting
    }
}
