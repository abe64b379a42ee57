// Answers to requests for ranges: which octets are meant, one part or several, and what to ask the origin for meanwhile.

import HTTP
import Synchronization

extension CachingResponder {
    // MARK: What is meant

    /// The ranges that a GET asks for; nil if it asks for the whole.
    ///
    /// What only some other representation could match in If-Range is not there (RFC 9110 section 13.1.5).
    func rangeSpecs(of request: Request) -> [RangeSpec]? {
        guard request.method == .get, request.fields.contains(.range) else { return nil }
        if request.fields.contains(.ifRange), !Preconditions.mayApplyRange(request.fields, now: now()) { return nil }
        return ByteRange.parse(request.fields, specsMax: configuration.rangeSpecsMax)
    }

    /// What a request is to get of a stored response; nil if only the origin can tell.
    func parts(
        of stored: StoredResponse,
        _ head: HeadSnapshot,
        _ request: Request,
        _ standIn: ReaderID?
    ) -> ByteRange.Resolution? {
        let (length, lengthMin, isOpenEnded, isEndComing, arrived) = stored.withBody { body in
            (body.length, body.lengthMin, body.isOpenEnded, body.isEndComing, standIn.flatMap { body.range(of: $0) })
        }
        guard head.metadata.status == 200, let specs = rangeSpecs(of: request),
            Preconditions.rangeApplies(request.fields, stored: head.validators, now: now())
        else { return length == nil && isOpenEnded ? nil : .whole }
        let rangesMax = isInParts(head) ? configuration.rangesMax : 1
        if let length { return ByteRange.resolve(specs, length: length, rangesMax: rangesMax) }
        if let known = ByteRange.resolve(specs, lengthMin: lengthMin, rangesMax: rangesMax),
            !isEndComing || isHeld(known, stored)
        {
            return known
        }
        // The origin has just said what it has, if not how much that leaves.
        if let arrived, specs.count == 1, let spec = specs.first, let range = spec.upTo(arrived) {
            return .ranges([range])
        }
        return isOpenEnded ? nil : .whole
    }

    /// Whether several ranges of it may go into one answer: its Content-Encoding would be that of the parts, and there is no
    /// field to say so.
    private func isInParts(_ head: HeadSnapshot) -> Bool {
        !head.metadata.fields.contains(.contentEncoding)
    }

    private func isHeld(_ resolution: ByteRange.Resolution, _ stored: StoredResponse) -> Bool {
        guard case .ranges(let ranges) = resolution else { return false }
        return stored.withBody { body in ranges.allSatisfy { body.extents.contains($0) } }
    }

    // MARK: What is sent

    /// The answer with some ranges of a stored response: one as such, several as parts; nil if they cannot be had.
    func serve(
        _ ranges: [Range<Int64>],
        _ answer: Answer,
        _ cache: CacheStatus,
        registered: () -> Void
    ) async throws -> Response? {
        guard let first = ranges.first, let status = await statusOfServing(ranges, answer, cache) else { return nil }
        let length = answer.stored.withBody { $0.length }
        var fields = answer.head.outgoingFields
        fields.remove(.contentRange)
        guard ranges.count > 1 else {
            let reader = reader(of: first, answer)
            registered()
            try await reader.waitForFirst()
            countHit(status)
            fields.append("Content-Range", ContentRange(range: first, completeLength: length).text)
            let body = Body(length: Int64(first.count), content: .stream(reader))
            return self.answer(answer.head, status: 206, fields, body, status)
        }
        var generator = SystemRandomNumberGenerator()
        let message = MultipartByteRanges(
            ranges: ranges,
            completeLength: length,
            partType: fields[.contentType],
            using: &generator
        )
        guard let message else { return try await serveWhole(answer, cache, registered: registered) }
        // Readers of what cannot be fetched once more are there from the beginning, so that nothing is given up.
        let isLasting = answer.stored.withBody { $0.isResumable && $0.retirement == nil }
        let waiting = isLasting ? [] : ranges.map { reader(of: $0, answer) }
        let body = MultipartBody(message) { index in
            index < waiting.count ? waiting[index] : self.reader(of: ranges[index], answer)
        }
        if !waiting.isEmpty { registered() }
        try await body.waitForFirst()
        countHit(status)
        fields.remove(.contentType)
        fields.append("Content-Type", message.contentType)
        return self.answer(
            answer.head,
            status: 206,
            fields,
            Body(length: message.length, content: .stream(body)),
            status
        )
    }

    /// What Cache-Status says of an answer with these ranges; nil if they cannot be had.
    ///
    /// Who has just had the origin asked for one range gets what there is of it, and a broken end if that is not all.
    func statusOfServing(_ ranges: [Range<Int64>], _ answer: Answer, _ cache: CacheStatus) async -> CacheStatus? {
        // After a power loss: so much of it is checked first, the rest as it is read.
        for range in ranges {
            await answer.stored.check(range.lowerBound..<min(range.upperBound, range.lowerBound + Self.checkBytes))
        }
        if answer.stored.withBody({ $0.isInFiles }) {
            await withTaskExecutorPreference(configuration.diskExecutor) {
                for range in ranges { answer.stored.checkFiles(of: range) }
            }
        }
        let (worst, isOwn) = answer.stored.withBody { body in
            let worst = ranges.map { body.availability(of: $0) }.min() ?? .none
            guard let standIn = answer.standIn, ranges.count == 1, let range = ranges.first else {
                return (worst, false)
            }
            // Others who waited for the same answer may want what is not in it.
            let arrived = body.range(of: standIn)
            return (worst, arrived.map { $0.clamped(to: range) == range } ?? true)
        }
        if worst == .none, !isOwn { return nil }
        if worst < .held, isOnlyIfCached(answer.request) { return nil }
        guard cache.forward == nil, worst < .held else { return cache }
        var status = cache
        status.forward = .partial
        status.isCollapsed = worst == .coming
        return status
    }

    /// Whether the client wants nothing from the origin (RFC 9111 section 5.2.1.7).
    func isOnlyIfCached(_ request: Request) -> Bool {
        !configuration.ignoresClientCacheControl && CacheControl.parse(request.fields).onlyIfCached
    }

    func countHit(_ status: CacheStatus) {
        if status.forward == nil { metrics.hits.add(1, ordering: .relaxed) }
    }

    /// A reader of some octets, or without a range of all to the end, wherever that is.
    func reader(of range: Range<Int64>?, _ answer: Answer) -> BodyReader {
        let (stored, target, request) = (answer.stored, answer.target, answer.request)
        return BodyReader(
            stored,
            from: range?.lowerBound ?? 0,
            to: range?.upperBound,
            segmentBytes: configuration.body.segmentBytes,
            after: answer.standIn
        ) { [coordinator] fill in
            coordinator.startFill(fill, of: stored, target: target, for: request)
        }
    }

    // MARK: What the origin is asked for

    /// Whether a stored response would answer `request` once it has been validated.
    func isOfUse(_ stored: StoredResponse, to request: Request) -> Bool {
        let specs = rangeSpecs(of: request)
        return stored.withBody { body in
            if body.isComplete || body.isFilling { return true }
            if body.isResumable { return body.length != nil || !body.extents.ranges.isEmpty }
            guard let length = body.length, let specs,
                case .ranges(let ranges) = ByteRange.resolve(specs, length: length, rangesMax: .max)
            else { return false }
            return ranges.allSatisfy { body.extents.contains($0) }
        }
    }

    /// Whether several ranges are wanted of what may not be put together of parts: the origin does that for this client.
    func isForOriginAlone(_ request: Request, _ stored: StoredResponse?) -> Bool {
        guard let stored, let specs = rangeSpecs(of: request), specs.count > 1 else { return false }
        return stored.withBody { !$0.isResumable || $0.length == nil }
    }

    /// Whether a 206 or 416 that only this client may have is about the representation that its If-Range names, if it does.
    func isUnderItsCondition(_ response: Response, _ request: Request) -> Bool {
        guard request.fields.contains(.ifRange) else { return true }
        return Preconditions.rangeApplies(
            request.fields,
            stored: Validators(response.fields, received: now()),
            now: now()
        )
    }

    /// A response from the origin as it is passed on, a 206 with the length that it claims; nil if that is not what it is.
    func sound(_ response: Response, for request: Request) -> Response? {
        guard response.status == 206, request.method == .get || request.method == .head else { return response }
        let asked =
            request.method == .get ? ByteRange.parse(request.fields, specsMax: configuration.rangeSpecsMax) : nil
        let hasRange = request.method == .get && request.fields.contains(.range)
        var response = response
        switch PartialContent(response, asked: asked ?? [], hasRange: hasRange) {
        case .asked(let range, _), .lesser(let range): response.body.length = Int64(range.count)
        case .opaque: break
        case .unsound: return nil
        }
        return response
    }

    /// The range to ask the origin for, and the stored response that it goes on from, if it is not the client's own.
    func asking(
        _ request: Request,
        _ stored: StoredResponse?,
        attempt: Int,
        mayContinue: Bool
    ) -> (range: RangeSpec?, continued: StoredResponse?) {
        // What came of the range was of another representation than If-Range names.
        if attempt > 0, stored == nil, request.fields.contains(.ifRange) { return (nil, nil) }
        let specs = rangeSpecs(of: request)
        let own = specs.flatMap { ByteRange.leading($0) }
        guard mayContinue, attempt < 2, let stored, stored.withBody({ $0.isOpenEnded }), specs?.count ?? 1 == 1 else {
            return (own, nil)
        }
        // How long it is nobody knows: what is asked for is what is not held, and shows the end.
        let lengthMin = stored.withBody { $0.lengthMin }
        switch own {
        case nil: return (.from(lengthMin), stored)
        case .from(let first) where first < lengthMin: return (.from(lengthMin), stored)
        case .closed(let first, let last) where first < lengthMin && last >= lengthMin:
            return (.closed(lengthMin, last), stored)
        default: return (own, nil)
        }
    }
}

extension RangeSpec {
    /// What was asked for, as far as it goes, if `arrived` is the last that there is of it for now; nil if it is not.
    fileprivate func upTo(_ arrived: Range<Int64>) -> Range<Int64>? {
        switch self {
        case .from(let first) where first <= arrived.lowerBound: first..<arrived.upperBound
        case .closed(let first, let last) where first <= arrived.lowerBound && arrived.upperBound - 1 <= last:
            first..<arrived.upperBound
        default: nil
        }
    }
}
