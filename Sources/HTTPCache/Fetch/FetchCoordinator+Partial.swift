// Partial responses: what is asked of the origin by range, and how a part joins what is held (RFC 9111 section 3.4).

import HTTP
import Synchronization

extension FetchCoordinator {
    /// What the origin is asked on behalf of everybody who waits for the answer to `question`.
    func originRequest(_ question: Question) -> Request {
        if let continued = question.continued {
            return requests.continuation(
                question.request,
                target: question.target,
                range: question.range,
                entityTag: continued.currentHead.validators.entityTag
            )
        }
        return requests.cacheable(
            question.request,
            target: question.target,
            range: question.range,
            validating: question.validating?.currentHead.metadata.fields
        )
    }

    /// Takes in what adds to a stored response instead of taking its place; false if this does not.
    func receivePart(
        _ arrival: Arrival,
        _ flight: Flight,
        _ place: FillTurns.Place,
        landed: @Sendable () -> Void
    ) async -> Bool {
        let question = arrival.question
        // What the store has of the key is to be in the table, or it would outlive what replaces it.
        let stored = await variants(of: question.key).first { $0.currentHead.isSelected(by: question.request.fields) }
        if arrival.response.status == 206, let stored, await join(stored, arrival, flight, place, landed: landed) {
            return true
        }
        if let continued = question.continued, arrival.response.status == 206 || arrival.response.status == 416 {
            // It answers a question that no client has asked, so no client gets it.
            arrival.response.body.cancel()
            if !learnEnd(of: continued, from: arrival.response), !isOf(continued, arrival) {
                await drop(continued, HTTPCacheError(.changed, "the origin has another representation"))
            }
            await replaceHead(of: continued, continued.currentHead.metadata)
            landed()
            flight.settle(.notShared(status: arrival.response.status))
            return true
        }
        guard let stored, isCoveredAlready(stored, arrival) else { return false }
        return settleCovered(stored, arrival, flight, landed: landed)
    }

    /// The part that a 206 holds, if it is what was asked for and may be stored.
    func part(of arrival: Arrival) -> (range: Range<Int64>, completeLength: Int64?)? {
        let asked = arrival.question.range.map { [$0] } ?? []
        let part = PartialContent(arrival.response, asked: asked, hasRange: arrival.question.range != nil)
        guard case .asked(let range, let completeLength) = part else { return nil }
        // Without the right to combine, what is behind an unknown end is never learnt.
        let isStrong = Validators(arrival.response.fields, received: arrival.responseTime).strongEntityTag != nil
        return isStrong || completeLength != nil ? (range, completeLength) : nil
    }

    /// Whether a 200 shows that the origin ignores Range: some send that where all was asked for by range.
    func isRangeIgnored(_ arrival: Arrival) -> Bool {
        guard arrival.response.status == 200, let asked = arrival.question.range else { return false }
        guard let length = arrival.response.body.length else { return asked != .from(0) }
        return asked.resolve(length: length) != 0..<length
    }

    /// What was to end a body, or one whose length has been told twice, and differently: neither may stay.
    func contradiction(_ stored: StoredResponse) async -> HTTPCacheError {
        let error = HTTPCacheError(.fillFailed, "the origin's body is not as long as its head says")
        await drop(stored, error)
        return error
    }

    // MARK: Private

    /// RFC 9110 section 15.3.7.3: parts with the same strong validator are parts of one representation, and the newer head
    /// counts.
    private func join(
        _ stored: StoredResponse,
        _ arrival: Arrival,
        _ flight: Flight,
        _ place: FillTurns.Place,
        landed: @Sendable () -> Void
    ) async -> Bool {
        guard FillAnswer.isSame(arrival.response.fields, stored.currentHead.metadata.fields),
            let part = part(of: arrival),
            refusal(arrival, .get, status: 206, fields: arrival.response.fields) == nil
        else { return false }
        let joined: (fill: FillID, standIn: ReaderID)? = stored.withBody { body in
            guard body.retirement == nil, body.isResumable, part.completeLength.map({ body.learn(length: $0) }) ?? true,
                part.range.upperBound <= body.length ?? .max
            else { return nil }
            let fill = body.addFill(from: part.range.lowerBound, to: part.range.upperBound)
            return (fill, body.addReader(from: part.range.lowerBound, to: part.range.upperBound))
        }
        guard let joined else { return false }
        var metadata = stored.currentHead.metadata
        metadata.fields = HeadUpdate.updated(
            metadata.fields,
            by: arrival.response.fields,
            received: arrival.responseTime
        )
        (metadata.requestTime, metadata.responseTime) = (arrival.requestTime, arrival.responseTime)
        stored.replaceHead(metadata)
        landed()
        flight.settle(
            .stored(stored, standIn: joined.standIn),
            withheld: StoredHead.withheld(from: arrival.response.fields)
        ) { stored.removeReader(joined.standIn) }
        await replaceHead(of: stored, metadata)
        var writer = FillWriter(
            response: stored,
            fill: joined.fill,
            store: store,
            configuration: configuration,
            now: now
        )
        await pump(arrival.response.body, into: &writer, place)
        return true
    }

    /// Whether a 416 to a request for all behind what is held says that this is all there is.
    private func learnEnd(of stored: StoredResponse, from response: Response) -> Bool {
        guard response.status == 416, let told = ContentRange.parse(response.fields), told.range == nil,
            let length = told.completeLength
        else { return false }
        return stored.withBody { $0.lengthMin == length && $0.learn(length: length) }
    }

    /// Whether a part is of the representation that is stored, whatever part it is.
    private func isOf(_ stored: StoredResponse, _ arrival: Arrival) -> Bool {
        arrival.response.status == 206
            && FillAnswer.isSame(arrival.response.fields, stored.currentHead.metadata.fields)
    }

    /// Whether what has arrived is part of what is stored under the same validator, weak though that is, so that the longer
    /// of the two is to stay: a new piece beside it, or all of it in answer to a request for a range.
    private func isCoveredAlready(_ stored: StoredResponse, _ arrival: Arrival) -> Bool {
        let head = stored.currentHead
        let new = Validators(arrival.response.fields, received: arrival.responseTime)
        guard new.tellNoDifference(from: head.validators), arrival.question.range != nil,
            arrival.question.validating == nil, head.freshness.isFresh(at: arrival.responseTime)
        else { return false }
        let isWhole = isRangeIgnored(arrival)
        let part = arrival.response.status == 206 ? part(of: arrival) : nil
        let length = isWhole ? arrival.response.body.length : part?.completeLength
        return stored.withBody { body in
            guard body.retirement == nil, let length, body.length == length, !body.isBroken else { return false }
            if isWhole { return body.isHeldOrComing(0..<length) }
            guard let part, !body.isResumable else { return false }
            return body.heldOrComing.count >= part.range.upperBound - part.range.lowerBound
        }
    }

    /// A new piece goes to its client alone; where the whole was sent, the one on its way is enough for all.
    private func settleCovered(
        _ stored: StoredResponse,
        _ arrival: Arrival,
        _ flight: Flight,
        landed: @Sendable () -> Void
    ) -> Bool {
        guard arrival.response.status == 200 else {
            landed()
            flight.settle(.notShared(status: arrival.response.status), response: arrival.response)
            return true
        }
        arrival.response.body.cancel()
        let standIn = stored.withBody { body in
            body.noteRangesIgnored()
            let wanted = arrival.question.range?.resolve(length: body.length ?? 0)
            return body.addReader(from: wanted?.lowerBound ?? 0, to: wanted?.upperBound)
        }
        landed()
        flight.settle(.stored(stored, standIn: standIn)) { stored.removeReader(standIn) }
        return true
    }
}

extension Validators {
    /// Whether the origin says the same of both representations, weak though that may be.
    func tellNoDifference(from other: Validators) -> Bool {
        entityTag.isEmpty && other.entityTag.isEmpty
            ? lastModified != nil && lastModified == other.lastModified
            : entityTag == other.entityTag
    }
}
