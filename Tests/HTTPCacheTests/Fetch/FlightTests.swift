// One question and those who wait for its answer: orders of joining, leaving, settling and cancelling.

import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct FlightTests {
    private func name(_ outcome: Flight.Outcome?) -> String {
        switch outcome {
        case .stored: "stored"
        case .validated: "validated"
        case .notShared: "notShared"
        case .failed: "failed"
        case nil: "nothing"
        }
    }

    private let stored = StoredResponse.made(CacheKey("http://o/a"), id: 1)

    private var standIn: ReaderID { stored.withBody { $0.addReader(from: 0, to: nil) } }

    @Test func `everybody who waits gets the outcome, and so does who comes later`() async {
        let flight = SeatedFlight(isBackground: false)
        let left = Counter()
        let names = await withTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { await name(flight.join()) } }
            group.addTask {
                flight.settle(.stored(stored, standIn: standIn)) { left.add() }
                return "settled"
            }
            var names: [String: Int] = [:]
            for await name in group { names[name, default: 0] += 1 }
            return names
        }
        #expect(names == ["stored": 20, "settled": 1])
        #expect(name(await flight.join()) == "stored")
        // Some joined before and some after: the last of those who were there at any moment has told.
        for _ in 0..<21 { flight.leave() }
        #expect(left.count == 1)
    }

    @Test func `nobody is kept waiting for a flight that settled before it was joined, and leaving tells once`() async {
        let flight = SeatedFlight(isBackground: false)
        let left = Counter()
        flight.settle(.validated(stored)) { left.add() }
        #expect(left.count == 1)
        #expect(name(await flight.join()) == "validated")
        flight.leave()
        #expect(left.count == 1)
    }

    @Test func `a response that is not shared goes to one, and to the origin's body if to nobody`() async {
        let body = FedBody()
        let response = Response(status: 200, body: Body(length: nil, content: .stream(body)))
        let shared = SeatedFlight(isBackground: false)
        async let outcome = shared.join()
        await shared.isJoined()
        shared.settle(.notShared(status: 200), response: response)
        #expect(name(await outcome) == "notShared")
        #expect(shared.takePrivateResponse() != nil)
        #expect(shared.takePrivateResponse() == nil)
        #expect(!body.isCancelled)
        let unwanted = SeatedFlight(isBackground: false)
        unwanted.settle(.notShared(status: 200), response: response)
        #expect(unwanted.takePrivateResponse() == nil)
        #expect(body.isCancelled)
    }

    @Test func `a flight in the background gives up a response that nobody can take`() {
        let body = FedBody()
        let flight = SeatedFlight(isBackground: true)
        flight.settle(
            .notShared(status: 200),
            response: Response(status: 200, body: Body(length: nil, content: .stream(body)))
        )
        #expect(body.isCancelled)
    }

    @Test func `a flight is abandoned when the last of those who wait is cancelled, and not before`() async {
        let flight = SeatedFlight(isBackground: false)
        let abandonments = Counter()
        flight.watchAbandonment { abandonments.add() }
        let first = Task { await name(flight.join()) }
        let second = Task { await name(flight.join()) }
        await flight.isJoined(by: 2)
        first.cancel()
        #expect(await first.value == "nothing")
        #expect(!flight.isAbandoned)
        #expect(abandonments.count == 0)
        second.cancel()
        #expect(await second.value == "nothing")
        #expect(abandonments.count == 1)
        #expect(name(await flight.join()) == "nothing")
    }

    @Test func `a flight in the background is not abandoned when a client that joined leaves`() async {
        let flight = SeatedFlight(isBackground: true)
        let client = Task { await name(flight.join()) }
        await flight.isJoined()
        client.cancel()
        #expect(await client.value == "nothing")
        #expect(!flight.isAbandoned)
        flight.settle(.stored(stored, standIn: standIn))
        #expect(name(await flight.join()) == "stored")
    }

    @Test func `who is cancelled before joining gets nothing, and the flight knows that nobody waits`() async {
        let flight = SeatedFlight(isBackground: false)
        let client = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await name(flight.join())
        }
        #expect(await client.value == "nothing")
        #expect(flight.isAbandoned)
    }

    @Test func `who watches a flight that was abandoned before is told at once`() async {
        let flight = SeatedFlight(isBackground: false)
        let client = Task { await name(flight.join()) }
        await flight.isJoined()
        client.cancel()
        #expect(await client.value == "nothing")
        let abandonments = Counter()
        flight.watchAbandonment { abandonments.add() }
        #expect(abandonments.count == 1)
    }

    @Test func `a flight that has settled is not abandoned any more`() async {
        let flight = SeatedFlight(isBackground: false)
        let abandonments = Counter()
        flight.watchAbandonment { abandonments.add() }
        async let outcome = flight.join()
        await flight.isJoined()
        flight.settle(.failed(BodyError.truncated))
        #expect(name(await outcome) == "failed")
        flight.leave()
        #expect(abandonments.count == 0)
        #expect(!flight.isAbandoned)
    }

    @Test func `those who are cancelled while it settles do not speak for those who stay`() async {
        for round in 0..<300 {
            let flight = SeatedFlight(isBackground: false)
            let left = Counter()
            let stayer = Task { await name(flight.join()) }
            await flight.isJoined()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    let client = Task { if await flight.join() != nil { flight.leave() } }
                    group.addTask { client.cancel() }
                    group.addTask { await client.value }
                }
                group.addTask { flight.settle(.stored(stored, standIn: standIn)) { left.add() } }
            }
            #expect(await stayer.value == "stored")
            #expect(left.count == 0, "round \(round)")
            flight.leave()
            #expect(left.count == 1, "round \(round)")
        }
    }
}

/// A flight with the seats of those who have its outcome.
private final class SeatedFlight: Sendable {
    private let flight: Flight
    private let seats = Mutex<[Flight.Seat]>([])

    init(isBackground: Bool) {
        flight = Flight(isBackground: isBackground)
    }

    var isAbandoned: Bool { flight.isAbandoned }

    /// Enters and waits; keeps the seat if there is an outcome.
    func join() async -> Flight.Outcome? {
        guard let seat = flight.enter(), let outcome = await flight.outcome(for: seat) else { return nil }
        seats.withLock { $0.append(seat) }
        return outcome
    }

    /// Leaves one of the seats.
    func leave() {
        if let seat = seats.withLock({ $0.popLast() }) { flight.leave(seat) }
    }

    func settle(_ outcome: Flight.Outcome, response: Response? = nil, whenLeft: (@Sendable () -> Void)? = nil) {
        flight.settle(outcome, response: response, whenLeft: whenLeft)
    }

    func takePrivateResponse() -> Response? { flight.takePrivateResponse() }

    func watchAbandonment(_ abandoned: @escaping @Sendable () -> Void) { flight.watchAbandonment(abandoned) }

    /// Returns when as many have a seat.
    func isJoined(by count: Int = 1) async {
        while flight.seatCount < count { await Task.yield() }
    }
}

/// Counts, from any thread.
final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
