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
    let turns: FillTurns

    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation
    private let jobsUnderWay = Atomic<Int>(0)
    /// Small responses that wait to become facts.
    let commitsWaiting = Atomic<Int>(0)
    let numbers: ResponseNumbers
    private let flights = Mutex<[FlightKey: Flight]>([:])

    typealias Job = @Sendable () async -> Void

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
        var generator = SystemRandomNumberGenerator()
        numbers = ResponseNumbers(using: &generator)
        turns = FillTurns(placesMax: configuration.fillsMax, waitingMax: configuration.fillsWaitingMax)
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

    /// Runs `job` as a child of ``run()``.
    func start(_ job: @escaping Job) {
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
        start { [self] in
            let place = turns.newPlace()
            defer { turns.leave(place) }
            await receive(arrival, flight, place) {}
        }
        return (flight, seat)
    }

    private func answer(_ question: Question, _ flight: Flight, landed: @escaping @Sendable () -> Void) async {
        let request = originRequest(question)
        let place = turns.newPlace()
        let outcome = await respondUnlessAbandoned(request, flight, place)
        switch outcome.answer {
        case .failure(let error):
            turns.leave(place)
            landed()
            flight.settle(.failed(error))
        case .success(let response):
            let arrival = Arrival(
                question: question,
                response: response,
                requestTime: outcome.requestTime,
                responseTime: now()
            )
            guard !Task.isCancelled else {
                // It came as the last of those who waited went: what becomes of it is up to a task that is not cancelled.
                return start { [self] in
                    await receive(arrival, flight, place, landed: landed)
                    turns.leave(place)
                }
            }
            await receive(arrival, flight, place, landed: landed)
            turns.leave(place)
        }
    }

    /// What came of asking the origin.
    private struct Outcome: Sendable {
        let requestTime: Timestamp
        let answer: Result<Response, any Error>
    }

    /// When the origin was asked, and its answer; the calling task is cancelled, and so the request fails, if all who waited
    /// for it go before its head comes.
    private func respondUnlessAbandoned(
        _ request: Request,
        _ flight: Flight,
        _ place: FillTurns.Place
    ) async -> Outcome {
        await TaskCanceller.provide { canceller in
            flight.watchAbandonment { canceller.cancel() }
            do {
                try await turns.enter(place)
            } catch {
                return Outcome(requestTime: now(), answer: .failure(error))
            }
            let requestTime = now()
            metrics.originRequests.add(1, ordering: .relaxed)
            do {
                return Outcome(requestTime: requestTime, answer: .success(try await origin.respond(to: request)))
            } catch {
                return Outcome(requestTime: requestTime, answer: .failure(error))
            }
        }
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

    /// Removes responses that were replaced from the store's facts, with those that they were still to replace there.
    func forget(_ responses: [StoredResponse]) async {
        let responses = responses + responses.flatMap { $0.takeReplaced() }
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
