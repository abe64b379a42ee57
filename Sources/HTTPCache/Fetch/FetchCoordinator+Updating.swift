// What an answer changes in stored responses that it is about: a 304, or the answer to a HEAD.

import HTTP
import Synchronization

extension FetchCoordinator {
    /// Whether a 304 is about the stored response that was validated.
    func isAbout(_ stored: StoredResponse, _ arrival: Arrival) -> Bool {
        HeadUpdate.isAbout(
            stored.currentHead.metadata.fields,
            notModified: arrival.response.fields,
            received: arrival.responseTime
        )
    }

    /// RFC 9111 section 4.3.4.
    func validate(
        _ stored: StoredResponse,
        _ arrival: Arrival,
        _ flight: Flight,
        landed: @Sendable () -> Void
    ) async {
        arrival.response.body.cancel()
        guard stored.withBody({ $0.retirement == nil }) else {
            // It was invalidated or replaced while it was validated.
            landed()
            flight.settle(.notShared(status: nil))
            return
        }
        let metadata = updated(stored.currentHead.metadata, by: arrival)
        let refusal = refusal(arrival, .get, status: metadata.status, fields: metadata.fields)
        if refusal == .authorization {
            // What the origin said to this one is not for others, and no reason to take from them what they have.
            landed()
            flight.settle(
                .validated(stored),
                withheld: StoredHead.withheld(from: arrival.response.fields),
                ownHead: HeadSnapshot(metadata)
            )
            return
        }
        stored.replaceHead(metadata)
        let mayStay = refusal == nil && isUsable(metadata)
        // Those who asked may have it; who comes later must not.
        if !mayStay { _ = table.remove(stored.key) { $0 === stored } }
        landed()
        flight.settle(.validated(stored), withheld: StoredHead.withheld(from: arrival.response.fields))
        if mayStay { await replaceHead(of: stored, metadata) } else { await forget([stored]) }
        await freshenEquals(of: stored, arrival)
    }

    /// RFC 9111 section 4.3.4: a strong tag in a 304 is about every stored response of the target that has it.
    private func freshenEquals(of stored: StoredResponse, _ arrival: Arrival) async {
        let received = arrival.responseTime
        guard let tag = Validators(arrival.response.fields, received: received).strongEntityTag else { return }
        for other in table.variants(of: stored.key) ?? [] where other !== stored {
            let before = other.currentHead
            guard before.validators.strongEntityTag == tag, other.withBody({ $0.retirement == nil }) else { continue }
            var metadata = before.metadata
            metadata.fields = HeadUpdate.updated(metadata.fields, by: arrival.response.fields, received: received)
            (metadata.requestTime, metadata.responseTime) = (arrival.requestTime, received)
            // Of a field that Vary names only now it is not known what selected the other one.
            let isSelectable = Vary.selecting(metadata.fields) == before.vary
            let refusal = refusal(arrival, .get, status: metadata.status, fields: metadata.fields)
            if isSelectable, refusal == nil, isUsable(metadata) {
                await replaceHead(of: other, metadata)
            } else {
                await drop(other, HTTPCacheError(.changed, "the origin no longer lets it be stored"))
            }
        }
    }

    /// The head after an update; what selects it is what the request said, if other fields do so now.
    private func updated(_ before: ResponseMetadata, by arrival: Arrival) -> ResponseMetadata {
        var metadata = before
        metadata.fields = HeadUpdate.updated(
            metadata.fields,
            by: arrival.response.fields,
            received: arrival.responseTime
        )
        (metadata.requestTime, metadata.responseTime) = (arrival.requestTime, arrival.responseTime)
        let vary = Vary.selecting(metadata.fields)
        if case .names(let names) = vary, vary != Vary.selecting(before.fields) {
            metadata.selecting = selectingFields(names, of: arrival.question.request.fields)
        }
        return metadata
    }

    /// What the answer to a HEAD says about a stored response to GET (RFC 9111 section 4.3.5).
    ///
    /// It may come with less than a GET would, but not make public what a GET would not.
    func freshen(_ stored: StoredResponse, by head: Response, to request: Request, sent: Timestamp) async {
        let received = now()
        var metadata = stored.currentHead.metadata
        let target = upstream.map.originTarget(for: request.target.span)
        switch refusal(request, .get, target: target, status: metadata.status, fields: metadata.fields) {
        // What such a client is told may be about something that others do not get to see.
        case .authorization, .requestNoStore: return
        default: break
        }
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
            let vary = stored.currentHead.vary
            metadata.fields = HeadUpdate.updated(metadata.fields, by: head.fields, received: received)
            (metadata.requestTime, metadata.responseTime) = (sent, received)
            switch refusal(request, .get, target: target, status: metadata.status, fields: metadata.fields) {
            case .authorization, .requestNoStore: return
            case nil where Vary.selecting(metadata.fields) == vary: await replaceHead(of: stored, metadata)
            default: await drop(stored, HTTPCacheError(.changed, "the origin no longer lets it be stored"))
            }
        }
    }

    /// Gives a stored response a new head, in memory and in the store.
    func replaceHead(of stored: StoredResponse, _ metadata: ResponseMetadata) async {
        stored.replaceHead(metadata)
        do {
            try await stored.recording { try await store.commit([.put(stored.record())]) }
            if stored.withBody({ $0.retirement != nil }) { try await store.commit([.remove(stored.id)]) }
        } catch {
            // In memory it is validated; after a restart it is validated once more.
            noteStoreFailure(error)
        }
    }
}
