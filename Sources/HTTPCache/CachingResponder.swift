// The cache as a responder in front of another: which requests it answers, and from what.

package import HTTP
import Synchronization

/// A shared HTTP cache in front of an origin (RFC 9111).
///
/// The way of a request: the express lane (``respondImmediately(to:in:into:)``) answers hits that are held whole. Else
/// ``respond(to:)`` looks the key up, decides whether what is stored may be reused, asks the origin if it may not, and
/// reads the body from what is held and what is coming. ``run()`` must be running: it owns all that goes to the origin.
package final class CachingResponder: Responder {
    let configuration: HTTPCacheConfiguration
    let upstream: Upstream
    let table: ObjectTable
    let coordinator: FetchCoordinator
    let requests: OriginRequest
    /// What the cache has counted since its start.
    package let metrics = HTTPCacheMetrics()
    let now: @Sendable () -> Timestamp
    let origin: any Responder
    private let store: any CacheStore
    private let overflow: any CacheStore
    /// What is added to Via.
    let via: String
    /// What every hit ends with, up to the seconds of freshness left.
    let hitFields: [UInt8]
    /// Request fields whose handling takes the long way.
    let longWay: KnownFieldSet
    /// Request fields whose answers are not the same for all who send them.
    let unprepared: KnownFieldSet = [.ifNoneMatch, .ifModifiedSince, .range, .ifRange]
    /// Keys whose last answer was not stored: nobody waits for another's answer to these.
    private let unshared = Mutex<[UInt64: Timestamp]>([:])

    private static let unsharedMax = 4096
    private static let unsharedSeconds: Int64 = 60
    private static let attemptsMax = 4

    /// A cache of what `origin` has at `upstream`.
    ///
    /// Stored responses are kept in `store`; bodies go to `overflow`, for their present readers alone, when that fails: `onStoreFailure`
    /// is told so, once a minute at most. `now` is the wall clock.
    package init(
        origin: any Responder,
        upstream: OriginMap,
        store: any CacheStore,
        overflow: any CacheStore,
        configuration: HTTPCacheConfiguration = HTTPCacheConfiguration(),
        onStoreFailure: @escaping @Sendable (any Error) -> Void = { _ in },
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.origin = origin
        self.upstream = Upstream(upstream)
        self.overflow = overflow
        var configuration = configuration
        // What nobody reads must not drive out what is read.
        configuration.body.finishUnseekableBytesMax = min(
            configuration.body.finishUnseekableBytesMax,
            configuration.storeBytesMax / 4
        )
        self.configuration = configuration
        self.now = now
        via = "1.1 \(configuration.name)"
        hitFields = Array("\r\nVia: 1.1 \(configuration.name)\r\nCache-Status: \(configuration.name); hit; ttl=".utf8)
        var longWay: KnownFieldSet = [.ifMatch, .ifUnmodifiedSince, .cdnLoop, .expect]
        if !configuration.ignoresClientCacheControl { longWay.insert(.cacheControl) }
        self.longWay = longWay
        table = ObjectTable(bytesMax: configuration.memoryBytesMax)
        requests = OriginRequest(
            scheme: upstream.scheme,
            authority: upstream.authority,
            name: configuration.name,
            node: String(UInt64.random(in: .min ... .max), radix: 16),
            ignoresClientCacheControl: configuration.ignoresClientCacheControl
        )
        let evictor = Evictor(
            store: store,
            table: table,
            bytesMax: configuration.storeBytesMax,
            unitsMax: configuration.storeUnitsMax,
            metrics: metrics
        )
        self.store = EvictingStore(store, evictor: evictor)
        coordinator = FetchCoordinator(
            origin: origin,
            store: self.store,
            overflow: overflow,
            table: table,
            evictor: evictor,
            requests: requests,
            upstream: self.upstream,
            configuration: configuration,
            metrics: metrics,
            onStoreFailure: onStoreFailure,
            now: now
        )
    }

    deinit {
        table.clear()
    }

    /// Runs what goes to the origin until the task is cancelled; meanwhile learns what the store has, for eviction.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.coordinator.evictor.load() }
            await coordinator.run()
            group.cancelAll()
        }
    }

    /// Tells the store what was used lately, for its order of eviction, evicts what was in use when there was too much, and
    /// looks who has others wait; to be called every few seconds.
    package func recordUse() async {
        await touchUsed()
        await coordinator.evictor.evictIfNeeded()
        coordinator.relieveReaders()
    }

    private func touchUsed() async {
        let used = table.takeUsed()
        guard !used.isEmpty else { return }
        // An order of use that the store could not keep costs a worse choice at eviction, nothing else.
        try? await store.commit([.touch(used)])
    }

    // MARK: Responder

    package func respond(to client: Request) async throws -> Response {
        var request = client
        // What belongs to the connection neither selects a stored response nor reaches the origin.
        request.fields.removeHopByHop()
        // RFC 9110 section 14.2: Range is defined for GET alone.
        if request.method == .head {
            request.fields.removeLines { line, _ in line.known == .range || line.known == .ifRange }
        }
        if let answer = ownAnswer(to: request) { return answer }
        do {
            guard request.method == .get || request.method == .head, request.body.length == 0 else {
                return try await passOn(request, as: .method)
            }
            guard await mayAnswer(request) else { return try await passOn(request, as: .bypass) }
            return request.method == .get ? try await answerGet(request) : try await answerHead(request)
        } catch {
            return try gatewayAnswer(to: error)
        }
    }

    /// Whether If-Match and If-Unmodified-Since, if they are there, hold for what is stored; else the origin is to say.
    private func mayAnswer(_ request: Request) async -> Bool {
        guard request.fields.contains(.ifMatch) || request.fields.contains(.ifUnmodifiedSince) else { return true }
        let variants = await coordinator.variants(of: upstream.key(of: request.target.span))
        guard let stored = selected(from: variants, by: request) else { return false }
        return Preconditions.holds(request.fields, stored: stored.currentHead.validators, now: now())
    }

    // MARK: GET

    private func answerGet(_ request: Request) async throws -> Response {
        let target = upstream.map.originTarget(for: request.target.span)
        let key = upstream.key(of: request.target.span)
        var lastFailure: any Error = HTTPCacheError(.changed, "the origin's representation keeps changing")
        var mayJoin = !request.fields.contains(.authorization)
        var mayValidate = true
        // What was asked of the origin for this client; nil: nothing yet.
        var asked: CacheStatus?
        for attempt in 0..<Self.attemptsMax {
            let variants = await coordinator.variants(of: key)
            let stored = selected(from: variants, by: request)
            let decision = decide(stored, request)
            var standsIn = Reuse.Fallback.none
            switch decision {
            case .serve(let stored, let status):
                // RFC 9211 section 2.1: what took a request to the origin is no hit, whoever's answer it is in the end.
                if let response = try await serveUnlessChanged(stored, request, target, asked ?? status) {
                    return response
                }
            case .serveAndValidate(let stored, let status):
                let asking = asking(request, stored, attempt: attempt, mayContinue: false)
                coordinator.askInBackground(
                    question(key, target, request, validating: stored, variants, .none, asking: asking)
                )
                if let response = try await serveUnlessChanged(stored, request, target, asked ?? status) {
                    return response
                }
            case .onlyIfCached:
                return nothingStored()
            case .bypass:
                return try await passOn(request, as: .bypass)
            case .ask(let fallback):
                standsIn = fallback
            }
            if isOnlyIfCached(request) { return nothingStored() }
            // What could not be served must be asked for, and so must what may not. What cannot answer this request is not
            // validated: that would lead nowhere.
            metrics.misses.add(1, ordering: .relaxed)
            if case .serve = decision { mayValidate = false }
            if case .serveAndValidate = decision { mayValidate = false }
            if !mayValidate, isForOriginAlone(request, stored) { return try await passOn(request, as: .partial) }
            let question = question(
                key,
                target,
                request,
                validating: mayValidate ? stored : nil,
                variants,
                standsIn,
                asking: asking(request, stored, attempt: attempt, mayContinue: !mayValidate)
            )
            let forward = forwardReason(decision, stored, variants)
            do {
                switch try await ask(question, forward, mayJoin: mayJoin) {
                case .answered(let response): return response
                case .again(let status): asked = status ?? asked
                }
                if attempt > 0 { (mayJoin, mayValidate) = (false, false) }
            } catch let error as HTTPCacheError where error.mayAskAnew {
                asked = CacheStatus(forward: forward)
                lastFailure = error
            }
        }
        throw lastFailure
    }

    /// The answer from a stored response; nil if it cannot be had, or proves to be another now, or was just dropped.
    private func serveUnlessChanged(
        _ stored: StoredResponse,
        _ request: Request,
        _ target: [UInt8],
        _ status: CacheStatus
    ) async throws -> Response? {
        do {
            return try await serve(stored, request, target, status)
        } catch let error as HTTPCacheError where error.mayAskAnew || stored.isPassing {
            return nil
        }
    }

    /// What came of asking the origin.
    private enum Asked {
        case answered(Response)
        /// Nothing that fits: what is stored by now is to be looked at again. What was asked; nil if nothing was.
        case again(CacheStatus?)
    }

    /// Asks the origin and answers with what comes back, unless it was another's and does not fit.
    private func ask(
        _ question: FetchCoordinator.Question,
        _ forward: CacheStatus.Forward,
        mayJoin: Bool
    ) async throws -> Asked {
        guard let (flight, seat, isJoined) = join(question, mayJoin: mayJoin) else { return .again(nil) }
        guard let seat, let outcome = await flight.outcome(for: seat) else {
            try Task.checkCancellation()
            return .again(nil)
        }
        defer { flight.leave(seat) }
        var status = CacheStatus(forward: forward)
        status.isCollapsed = isJoined
        let response = try await response(to: question, from: flight, seat, outcome, isJoined: isJoined, &status)
        return response.map { .answered($0) } ?? .again(status)
    }

    /// The answer that an outcome gives to the one in `seat`, nil if it does not fit, and what is to be said of it.
    private func response(
        to question: FetchCoordinator.Question,
        from flight: Flight,
        _ seat: Flight.Seat,
        _ outcome: Flight.Outcome,
        isJoined: Bool,
        _ status: inout CacheStatus
    ) async throws -> Response? {
        switch outcome {
        case .validated(let stored):
            // Whose request it was that the origin answered, it is for that one, whatever Vary says by now.
            status.forwardStatus = 304
            guard !isJoined || stored.currentHead.isSelected(by: question.request.fields) else { return nil }
            guard !isJoined else { return try await serve(stored, question.request, question.target, status) }
            let ownHead = flight.takeOwnHead()
            let response = try await serve(stored, question.request, question.target, status, with: ownHead)
            return response?.with(flight.takeWithheldFields())
        case .stored(let stored, let standIn):
            guard !isJoined || stored.currentHead.isSelected(by: question.request.fields) else { return nil }
            status.isStored = true
            let withheld = isJoined ? nil : flight.takeWithheldFields()
            let response = try await serve(stored, question.request, question.target, status, after: standIn) {
                // A body that waits for its slowest reader must not wait for the one that stands in for us.
                flight.leave(seat)
            }
            return withheld.map { response?.with($0) } ?? response
        case .notShared(let code):
            if let code, let stale = try await serveStale(question, .status(code)) {
                if !isJoined { flight.takePrivateResponse()?.body.cancel() }
                return stale
            }
            return try await privateResponse(to: question, from: flight, code, isJoined: isJoined, &status)
        case .failed(let error):
            if let stale = try await serveStale(question, .unreachable) { return stale }
            throw error
        }
    }

    /// The answer that is not stored, for the one alone whose request was sent; nil if it does not fit.
    private func privateResponse(
        to question: FetchCoordinator.Question,
        from flight: Flight,
        _ code: Int?,
        isJoined: Bool,
        _ status: inout CacheStatus
    ) async throws -> Response? {
        // A part says nothing about what others would get, and an error nothing about who may share what comes after it.
        let isAboutRange = code == 206 || code == 416
        if let code, !isAboutRange, code < 500 { rememberUnshared(question.key) }
        // Only the one whose request was sent may have it.
        guard !isJoined, let response = flight.takePrivateResponse() else {
            // It was about what is stored, not for this client.
            if !isJoined { status.forwardStatus = code }
            return nil
        }
        // It is about this range, under this condition.
        guard !isAboutRange || isUnderItsCondition(response, question.request) else {
            response.body.cancel()
            status.forwardStatus = code
            return nil
        }
        if response.status == 206, rangeSpecs(of: question.request)?.count ?? 1 > 1 {
            response.body.cancel()
            return try await passOn(question.request, as: .partial)
        }
        return passed(response, status, for: question.request)
    }

    private func join(_ question: FetchCoordinator.Question, mayJoin: Bool) -> (Flight, Flight.Seat?, isJoined: Bool)? {
        let isShared = unshared.withLock { unshared in
            guard let since = unshared[question.key.hash] else { return true }
            return now().secondsSince(since) >= Self.unsharedSeconds
        }
        guard mayJoin, isShared else {
            let (flight, seat) = coordinator.askAlone(question)
            return (flight, seat, false)
        }
        return coordinator.ask(question).map { ($0.flight, $0.seat, $0.isJoined) }
    }

    private func rememberUnshared(_ key: CacheKey) {
        let now = now()
        unshared.withLock { unshared in
            if unshared.count >= Self.unsharedMax { unshared.removeAll(keepingCapacity: true) }
            unshared[key.hash] = now
        }
    }

    private func question(
        _ key: CacheKey,
        _ target: [UInt8],
        _ request: Request,
        validating stored: StoredResponse?,
        _ variants: [StoredResponse],
        _ standsIn: Reuse.Fallback,
        asking: (range: RangeSpec?, continued: StoredResponse?)
    ) -> FetchCoordinator.Question {
        var selecting: VaryKey?
        if case .names(let names)? = variants.first?.currentHead.vary, !names.isEmpty {
            selecting = VaryKey.make(names: names, request: request.fields)
        }
        // Only what has a validator and is not broken can be validated.
        let validated = stored.flatMap { stored in
            stored.currentHead.validators.isEmpty || !isOfUse(stored, to: request) ? nil : stored
        }
        return FetchCoordinator.Question(
            key: key,
            target: target,
            request: request,
            range: asking.range,
            validating: validated,
            continued: asking.continued,
            seen: variants.map(\.currentHead),
            fallback: stored,
            standsIn: standsIn,
            selecting: selecting
        )
    }
}
