// Asks the origin: one question for everybody who waits for the same answer, one fill for each missing extent.

import HTTP
import Synchronization

/// Owns everything that goes to the origin on the cache's behalf; what it starts runs as children of ``run()``.
package final class FetchCoordinator: Sendable {
    let origin: any Responder
    let store: any CacheStore
    let overflow: any CacheStore
    let table: ObjectTable
    let evictor: Evictor
    let requests: OriginRequest
    let upstream: Upstream
    let configuration: HTTPCacheConfiguration
    let metrics: HTTPCacheMetrics
    let now: @Sendable () -> Timestamp

    private let failures: StoreFailures
    /// What is being fetched now.
    let fills = FillRegister()

    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation
    private let jobsUnderWay = Atomic<Int>(0)
    private let flights = Mutex<[FlightKey: Flight]>([:])

    private typealias Job = @Sendable () async -> Void

    private struct FlightKey: Hashable {
        let key: CacheKey
        let selecting: VaryKey?
        let validating: ResponseID?

        init(_ question: Question) {
            key = question.key
            selecting = question.selecting
            validating = question.validating?.id
        }
    }

    init(
        origin: any Responder,
        store: any CacheStore,
        overflow: any CacheStore,
        table: ObjectTable,
        evictor: Evictor,
        requests: OriginRequest,
        upstream: Upstream,
        configuration: HTTPCacheConfiguration,
        metrics: HTTPCacheMetrics,
        onStoreFailure: @escaping @Sendable (any Error) -> Void,
        now: @escaping @Sendable () -> Timestamp
    ) {
        failures = StoreFailures(metrics: metrics, tell: onStoreFailure, now: now)
        self.origin = origin
        self.store = store
        self.overflow = overflow
        self.table = table
        self.evictor = evictor
        self.requests = requests
        self.upstream = upstream
        self.configuration = configuration
        self.metrics = metrics
        self.now = now
        (jobs, queue) = AsyncStream.makeStream()
    }

    /// Runs what the cache asks of the origin, until the task is cancelled; then fills break off, and what they have
    /// brought is made facts.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
    }

    /// How many questions and fills have been started and are not over.
    var jobCount: Int { jobsUnderWay.load(ordering: .acquiring) }

    private func start(_ job: @escaping Job) {
        jobsUnderWay.add(1, ordering: .relaxed)
        queue.yield { [self] in
            await job()
            jobsUnderWay.subtract(1, ordering: .releasing)
        }
    }

    // MARK: Questions

    /// Asks the origin, or joins who has asked the same already.
    ///
    /// - Returns: The flight with a seat in it, and whether it was under way; nil if somebody else's answer has come since
    ///   the decision to ask, which is to be made again then.
    func ask(_ question: Question) -> (flight: Flight, seat: Flight.Seat, isJoined: Bool)? {
        while true {
            guard let (flight, isJoined) = flight(for: question, isBackground: false) else { return nil }
            if let seat = flight.enter() {
                if !isJoined { start(question, flight) }
                return (flight, seat, isJoined)
            }
            // It was given up between the two locks.
            land(flight, question)
        }
    }

    /// Asks without anybody waiting, unless the same is being asked already.
    func askInBackground(_ question: Question) {
        guard let (flight, isJoined) = flight(for: question, isBackground: true) else { return }
        if !isJoined { start(question, flight) }
    }

    private func flight(for question: Question, isBackground: Bool) -> (flight: Flight, isJoined: Bool)? {
        let flightKey = FlightKey(question)
        return flights.withLock { flights in
            if let flight = flights[flightKey] { return (flight, true) }
            // A flight lands after its answer is in the table.
            let heads = (table.variants(of: question.key) ?? []).map(\.currentHead)
            let isNew = heads.contains { head in !question.seen.contains { $0 === head } }
            guard !isNew else { return nil }
            let flight = Flight(isBackground: isBackground)
            flights[flightKey] = flight
            return (flight, false)
        }
    }

    private func start(_ question: Question, _ flight: Flight) {
        start { [self] in await answer(question, flight) { self.land(flight, question) } }
    }

    private func land(_ flight: Flight, _ question: Question) {
        let flightKey = FlightKey(question)
        flights.withLock { flights in
            if flights[flightKey] === flight { flights[flightKey] = nil }
        }
    }

    /// Questions whose answer has not begun to come, and the requests that wait for one.
    var waiting: (questions: Int, requests: Int) {
        let flights = flights.withLock { Array($0.values) }
        return (flights.count, flights.reduce(0) { $0 + $1.seatCount })
    }

    /// Asks without letting anybody join: for requests whose answer is likely theirs alone.
    func askAlone(_ question: Question) -> (flight: Flight, seat: Flight.Seat?) {
        let flight = Flight(isBackground: false)
        let seat = flight.enter()
        start { [self] in await answer(question, flight) {} }
        return (flight, seat)
    }

    /// Takes in what has arrived already, for one who waits: the answer to a POST that serves later GETs.
    func takeIn(_ arrival: Arrival) -> (flight: Flight, seat: Flight.Seat?) {
        let flight = Flight(isBackground: false)
        let seat = flight.enter()
        start { [self] in await receive(arrival, flight) {} }
        return (flight, seat)
    }

    private func answer(_ question: Question, _ flight: Flight, landed: @escaping @Sendable () -> Void) async {
        let request = originRequest(question)
        let requestTime = now()
        metrics.originRequests.add(1, ordering: .relaxed)
        switch await respondUnlessAbandoned(request, flight) {
        case .failure(let error):
            landed()
            flight.settle(.failed(error))
        case .success(let response):
            let arrival = Arrival(
                question: question,
                response: response,
                requestTime: requestTime,
                responseTime: now()
            )
            await receive(arrival, flight, landed: landed)
        }
    }

    private enum Race: Sendable {
        case answered(Result<Response, any Error>)
        case abandoned
        case settled
    }

    /// The origin's answer; the request is cancelled, and fails, if all who waited for it go before its head comes.
    private func respondUnlessAbandoned(_ request: Request, _ flight: Flight) async -> Result<Response, any Error> {
        await withTaskGroup(of: Race.self) { group in
            group.addTask { [origin] in
                do { return .answered(.success(try await origin.respond(to: request))) } catch {
                    return .answered(.failure(error))
                }
            }
            group.addTask { await flight.waitUntilAbandoned() ? .abandoned : .settled }
            var result: Result<Response, any Error> = .failure(CancellationError())
            for await race in group {
                switch race {
                case .answered(let answer):
                    result = answer
                    group.cancelAll()
                case .abandoned:
                    group.cancelAll()
                case .settled:
                    continue
                }
            }
            return result
        }
    }

    // MARK: Fills

    /// Fetches octets of a stored response that nobody else fetches; the fill is registered already.
    func startFill(
        _ fill: FillID,
        of response: StoredResponse,
        _ range: Range<Int64>,
        target: [UInt8],
        for client: Request
    ) {
        start { [self] in await fetchMissing(fill, of: response, range, target: target, for: client) }
    }

    private func fetchMissing(
        _ fill: FillID,
        of stored: StoredResponse,
        _ range: Range<Int64>,
        target: [UInt8],
        for client: Request
    ) async {
        fills.begin(fill, of: stored, first: range.lowerBound, at: now())
        defer { fills.end(fill, of: stored) }
        let head = stored.currentHead
        let request = requests.fill(
            client,
            target: target,
            range: range,
            of: stored.withBody { $0.length },
            entityTag: head.validators.entityTag
        )
        metrics.originRequests.add(1, ordering: .relaxed)
        let response: Response
        do {
            response = try await origin.respond(to: request)
        } catch {
            let failure = HTTPCacheError(
                .fillFailed,
                "the origin could not be asked for missing octets",
                underlying: error
            )
            stored.withBody { $0.fail(fill, failure) }.resume()
            return
        }
        var writer = FillWriter(
            response: stored,
            fill: fill,
            store: store,
            configuration: configuration,
            now: now
        )
        switch FillAnswer(response, range: range, length: stored.withBody { $0.length }, stored: head.metadata.fields) {
        case .asked:
            await pump(response.body, into: &writer)
        case .whole:
            // The octets before those that were asked for are as good as these.
            let (isNeeded, wake) = stored.withBody { $0.beginAnew(fill) }
            wake.resume()
            guard isNeeded else { return response.body.cancel() }
            await pump(response.body, into: &writer)
        case .changed(let why):
            response.body.cancel()
            let error = HTTPCacheError(.changed, "the origin's representation changed: \(why)")
            await drop(stored, error)
            stored.withBody { $0.fail(fill, error) }.resume()
        case .wrong(let why):
            response.body.cancel()
            stored.withBody { $0.fail(fill, HTTPCacheError(.fillFailed, "asked for missing octets: \(why)")) }.resume()
        case .refused(let status):
            response.body.cancel()
            let error = HTTPCacheError(.fillFailed, "the origin answered \(status) when asked for missing octets")
            stored.withBody { $0.fail(fill, error) }.resume()
        }
    }

    /// Moves a body's octets into the store, at the pace of those who read it, until it ends one way or another.
    func pump(_ body: Body, into writer: inout FillWriter) async {
        let stored = writer.response
        let fill = writer.fill
        stored.setSource(body, of: fill)
        fills.begin(fill, of: stored, first: stored.withBody { $0.progress(of: fill)?.next } ?? 0, at: now())
        var pending: Int64 = 0
        defer {
            stored.setSource(nil, of: fill)
            fills.end(fill, of: stored)
            evictor.addPending(-pending)
        }
        do {
            var source = BodyPuller(body)
            while true {
                let (step, isAtEnd) = stored.withBody { ($0.pace(fill), $0.isAtPromisedEnd(fill)) }
                switch step {
                case .proceed:
                    break
                case .wait:
                    await park(fill, of: stored)
                    try Task.checkCancellation()
                    continue
                case .finished where !source.isAtDeclaredEnd && !(source.isEndUndeclared && isAtEnd):
                    // A later fill took over from here on.
                    body.cancel()
                    await end(&writer)
                    return
                case .finished:
                    break
                case .abandoned:
                    stored.withBody { $0.giveUp(fill) }
                    throw HTTPCacheError(.abandoned, "nobody reads it")
                }
                guard let chunk = try await source.next() else { break }
                guard step != .finished else { throw await contradiction(stored) }
                metrics.originBodyBytes.add(chunk.count, ordering: .relaxed)
                fills.note(fill, of: stored, at: now())
                try await writer.write(chunk)
                evictor.addPending(writer.uncommittedBytes - pending)
                pending = writer.uncommittedBytes
                await evictor.evictIfNeeded()
            }
            await end(&writer)
        } catch {
            body.cancel()
            await breakOff(&writer, error)
        }
    }

    private func park(_ fill: FillID, of stored: StoredResponse) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !stored.withBody({ $0.park(fill, continuation) }) { continuation.resume() }
            }
        } onCancel: {
            stored.withBody { $0.fail(fill, HTTPCacheError(.abandoned, "the cache stops")) }.resume()
        }
    }

    private func end(_ writer: inout FillWriter) async {
        let stored = writer.response
        let fill = writer.fill
        let lengthWasKnown = stored.withBody { $0.length != nil }
        let (isWhole, wake) = stored.withBody { $0.finish(fill) }
        wake.resume()
        if !isWhole { _ = await contradiction(stored) }
        await writer.commitEnd(lengthWasKnown: lengthWasKnown)
        await settleBroken(stored)
        if isWhole {
            table.recount(stored.key)
            await evictor.evictIfNeeded()
        }
        await detachIfFailed(writer)
    }

    private func breakOff(_ writer: inout FillWriter, _ error: any Error) async {
        let stored = writer.response
        let fill = writer.fill
        let isAbandoned = stored.withBody { $0.pace(fill) } == .abandoned
        let failure =
            isAbandoned
            ? HTTPCacheError(.abandoned, "nobody reads it")
            : error as? HTTPCacheError
                ?? HTTPCacheError(.fillFailed, "the origin's body broke off", underlying: error)
        await writer.commit()
        stored.withBody { $0.fail(writer.fill, failure) }.resume()
        await settleBroken(stored)
        await detachIfFailed(writer)
        await evictor.evictIfNeeded()
    }

    /// A body that cannot be resumed and is not whole is of no use to those who come later.
    private func settleBroken(_ stored: StoredResponse) async {
        if stored.withBody({ $0.isUseless }) {
            await drop(stored, HTTPCacheError(.fillFailed, "the origin's body broke off"))
        }
    }

    private func detachIfFailed(_ writer: FillWriter) async {
        guard let failure = writer.storeFailure else { return }
        noteStoreFailure(failure)
        await drop(writer.response, HTTPCacheError(.storeFailed, "the store failed", underlying: failure))
    }

    /// Takes a response out of the table and the store; its readers go on with what is held.
    func drop(_ stored: StoredResponse, _ reason: HTTPCacheError) async {
        stored.withBody { $0.retire(reason) }
        _ = table.remove(stored.key) { $0 === stored }
        await forget([stored])
    }

    /// Counts a failure of the store, and tells of it unless that was done a moment ago.
    func noteStoreFailure(_ error: any Error) {
        failures.note(error)
    }

    /// Removes responses that were replaced from the store's facts.
    func forget(_ responses: [StoredResponse]) async {
        guard !responses.isEmpty else { return }
        for response in responses {
            response.withBody { $0.retire(HTTPCacheError(.changed, "a newer response took its place")) }
        }
        do {
            try await store.commit(responses.map { .remove($0.id) })
        } catch {
            // Facts without files heal themselves; files without facts would only take room.
            noteStoreFailure(error)
        }
        for response in responses { response.markRemoved() }
    }
}
