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
                flight.settle(.notShared(status: nil))
                return
            }
            await validate(stored, arrival, flight, landed: landed)
            return
        }
        let isAboutRanges = arrival.response.status == 206 || arrival.question.range != nil
        if isAboutRanges, await receivePart(arrival, flight, place, landed: landed) { return }
        let question = arrival.question
        let status = arrival.response.status
        // RFC 5861 section 4: what stands in for an error is not replaced by it, whatever lifetime the error has.
        let isStoodInFor = Reuse.Fallback.isServerError(status) && question.standsIn.onServerError
        guard !isStoodInFor, let new = newResponse(arrival) else {
            landed()
            flight.settle(.notShared(status: status), response: arrival.response)
            return
        }
        // What the store has of the key is to be in the table, or it would outlive what replaces it.
        if !isAboutRanges { _ = await variants(of: question.key) }
        let replaced = table.add(
            new.stored,
            replacing: { $0 === question.validating || $0.currentHead.isSelected(by: question.request.fields) },
            variantsMax: configuration.variantsMax
        )
        let outdated = hold(replaced, until: new.stored)
        landed()
        // Those who waited are still on their way to read: until they do, this one stands in for them.
        flight.settle(
            .stored(new.stored, standIn: new.standIn),
            withheld: StoredHead.withheld(from: arrival.response.fields)
        ) { new.stored.removeReader(new.standIn) }
        await forget(outdated)
        guard let fill = new.fill else {
            await commitWhole(new.stored, place)
            return await forget(new.stored.takeReplaced())
        }
        await withTaskExecutorPreference(configuration.diskExecutor) {
            var writer = FillWriter(
                response: new.stored,
                fill: fill,
                store: store,
                configuration: configuration,
                now: now
            )
            await pump(arrival.response.body, into: &writer, place)
        }
        await forget(new.stored.takeReplaced())
    }

    /// Leaves what the origin has not changed a fact until `new` is one: a kill before that would leave neither.
    ///
    /// - Returns: The rest, which is not to be a fact any more.
    private func hold(_ replaced: [StoredResponse], until new: StoredResponse) -> [StoredResponse] {
        guard !replaced.isEmpty else { return [] }
        let validators = new.currentHead.validators
        let lasting = replaced.filter { $0.currentHead.validators.tellNoDifference(from: validators) }
        for response in lasting {
            response.withBody { $0.retire(HTTPCacheError(.changed, "a newer response took its place")) }
        }
        new.holdReplaced(lasting)
        return replaced.filter { response in !lasting.contains { $0 === response } }
    }

    /// Makes a fact of a response that came whole and is kept in memory; its place goes to another meanwhile.
    private func commitWhole(_ stored: StoredResponse, _ place: FillTurns.Place) async {
        if commitsWaiting.wrappingAdd(1, ordering: .relaxed).newValue <= configuration.commitsWaitingMax {
            turns.leave(place)
        }
        defer { commitsWaiting.wrappingSubtract(1, ordering: .relaxed) }
        do {
            try await stored.recording { try await store.commit([.put(stored.record())]) }
            stored.isRecorded = true
        } catch {
            noteStoreFailure(error)
            await drop(stored, HTTPCacheError(.storeFailed, "the store failed", underlying: error))
        }
        guard evictor.isNeeded else { return }
        await withTaskExecutorPreference(configuration.diskExecutor) { await evictor.evictIfNeeded() }
    }

    /// The variants of a key, from memory or the store.
    func variants(of key: CacheKey) async -> [StoredResponse] {
        let variants = await loadedVariants(of: key)
        for response in variants where response.isSuspect.load(ordering: .relaxed) {
            // What cannot be completed is of use whole or not at all; the rest is checked where it is read.
            let whole = response.withBody { $0.isResumable ? nil : $0.length.map { 0..<$0 } }
            if let whole { await response.check(whole) }
        }
        return variants
    }

    private func loadedVariants(of key: CacheKey) async -> [StoredResponse] {
        if let variants = table.variants(of: key) { return variants }
        let records: [StoredRecord]
        do {
            records = try await store.records(for: key)
        } catch {
            // A store that cannot be read is an empty one; the origin has it all.
            noteStoreFailure(error)
            return []
        }
        guard !records.isEmpty else { return [] }
        let loaded = records.compactMap { record in
            StoredResponse(record, limits: configuration.body, store: store, overflow: overflow)
        }
        let newestFirst = loaded.sorted { a, b in
            a.currentHead.metadata.responseTime > b.currentHead.metadata.responseTime
        }
        return table.load(key, inOrder(newestFirst))
    }

    /// Puts what a kill has left unfinished behind what it was to replace, which is as good and was a fact before.
    private func inOrder(_ newestFirst: [StoredResponse]) -> [StoredResponse] {
        var ordered: [StoredResponse] = []
        for response in newestFirst {
            let head = response.currentHead
            let isEmpty = response.withBody { $0.isEmpty }
            let place = ordered.firstIndex { newer in
                let newerHead = newer.currentHead
                return !isEmpty && newer.withBody { $0.isFragment }
                    && head.isSelected(by: newerHead.metadata.selecting)
                    && head.validators.tellNoDifference(from: newerHead.validators)
            }
            ordered.insert(response, at: place ?? ordered.endIndex)
        }
        return ordered
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

    /// A stored response made of what arrived, with its first fill registered unless it is small and has come whole; nil if
    /// it is not to be stored.
    private func newResponse(_ arrival: Arrival) -> (stored: StoredResponse, fill: FillID?, standIn: ReaderID)? {
        let response = arrival.response
        guard isStorable(arrival, status: response.status, fields: response.fields), isEndTold(response) else {
            return nil
        }
        var fields = StoredHead.make(from: response.fields, received: arrival.responseTime)
        var range: Range<Int64>?
        var length = response.body.length
        var status = response.status
        if status == 206 {
            guard let part = part(of: arrival) else { return nil }
            (range, length, status) = (part.range, part.completeLength, 200)
            fields.remove(.contentRange)
        }
        guard case .names(let names) = Vary.selecting(fields) else { return nil }
        let metadata = ResponseMetadata(
            status: status,
            fields: fields,
            selecting: selectingFields(names, of: arrival.question.request.fields),
            requestTime: arrival.requestTime,
            responseTime: arrival.responseTime
        )
        let limits = configuration.body
        let isWhole = range == nil || range == length.map { 0..<$0 }
        let whole = range == nil ? smallBody(response.body) : nil
        metrics.originBodyBytes.add(whole?.count ?? 0, ordering: .relaxed)
        let isStrong = Validators(fields, received: arrival.responseTime).strongEntityTag != nil
        var body = StoredResponse.Body(
            length: length,
            isResumable: status == 200 && isStrong,
            limits: limits,
            inline: whole ?? (isWhole ? [] : nil),
            piece: isWhole ? nil : range
        )
        if range == nil, isRangeIgnored(arrival) { body.noteRangesIgnored() }
        let fill = whole == nil ? body.addFill(from: range?.lowerBound ?? 0, to: range?.upperBound ?? length) : nil
        let standIn = body.addReader(from: range?.lowerBound ?? 0, to: range?.upperBound)
        let stored = StoredResponse(
            id: numbers.take(),
            key: arrival.question.key,
            metadata: metadata,
            body: body,
            store: store,
            overflow: overflow
        )
        return (stored, fill, standIn)
    }

    /// The octets of a body that has come whole, if it is small enough to be kept in memory; nil for all others.
    private func smallBody(_ body: Body) -> [UInt8]? {
        switch body.content {
        case .none where body.length == 0: []
        case .bytes(let bytes)
        where bytes.count <= configuration.body.inlineBytesMax && body.length == Int64(bytes.count):
            Array(bytes)
        case .none, .bytes, .file, .stream: nil
        }
    }

    private func isEndTold(_ response: Response) -> Bool {
        guard case .stream(let source) = response.body.content, source.isCloseDelimited else { return true }
        return configuration.storesCloseDelimited
    }

    /// Whether what arrived may be stored, and could ever be used.
    func isStorable(_ arrival: Arrival, status: Int, fields: Fields) -> Bool {
        refusal(arrival, arrival.question.request.method, status: status, fields: fields) == nil
            && isUsable(
                status: status,
                fields: fields,
                requested: arrival.requestTime,
                received: arrival.responseTime
            )
    }

    /// Why the rules forbid to store what arrived, or the stored response that it updates; nil if they do not.
    func refusal(
        _ arrival: Arrival,
        _ method: Method,
        status: Int,
        fields: Fields
    ) -> Storability.Reason? {
        refusal(arrival.question.request, method, target: arrival.question.target, status: status, fields: fields)
    }

    /// Why the rules forbid to store an answer to `request`; nil if they do not.
    func refusal(
        _ request: Request,
        _ method: Method,
        target: [UInt8],
        status: Int,
        fields: Fields
    ) -> Storability.Reason? {
        var options = Storability.Options()
        options.storeSetCookie = configuration.storesSetCookie
        options.ignoreClientCacheControl = configuration.ignoresClientCacheControl
        let decision = Storability.decide(
            method: method,
            uri: TargetURI(scheme: requests.scheme, authority: requests.authority, target: target),
            request: request.fields,
            status: status,
            response: fields,
            options: options
        )
        guard case .refused(let reason) = decision else { return nil }
        return reason
    }

    /// Whether a stored response with this head could ever be used.
    func isUsable(_ metadata: ResponseMetadata) -> Bool {
        isUsable(
            status: metadata.status,
            fields: metadata.fields,
            requested: metadata.requestTime,
            received: metadata.responseTime
        )
    }

    /// Whether it could ever be used: without a lifetime and without a validator it could not.
    private func isUsable(status: Int, fields: Fields, requested: Timestamp, received: Timestamp) -> Bool {
        let freshness = Freshness(status: status, fields: fields, requested: requested, received: received)
        return freshness.lifetimeSeconds > 0 && !freshness.flags.contains(.alwaysValidate)
            || freshness.staleWhileRevalidateSeconds > 0 || !Validators(fields, received: received).isEmpty
    }

    /// The lines of a request that select among responses which vary by `names`.
    func selectingFields(_ names: [[UInt8]], of request: Fields) -> Fields {
        var selecting = Fields()
        for line in request.lines {
            let name = request.name(of: line)
            if names.contains(where: { name.span.equalsIgnoringCase($0.span) }) { selecting.append(line, of: request) }
        }
        return selecting
    }
}
