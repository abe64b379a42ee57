// One look-up of a name at a time.

import TestSupport
import Testing

@testable import Chat

struct LookUpFlightsTests {
    @Test func `the first leads, the others land with it`() async {
        let flights = LookUpFlights(waitersMax: 10)
        #expect(await flights.enter("alice") == .lead)
        #expect(await flights.enter("bob") == .lead)
        let others = (0..<5).map { _ in Task { await flights.enter("alice") } }
        while flights.waiting(for: "alice") < 5 { await Task.yield() }
        flights.leave("alice", hasLanded: true)
        for task in others { #expect(await task.value == .landed) }
        #expect(await flights.enter("alice") == .lead)
    }

    @Test func `as many as allowed wait, one more is refused`() async {
        let flights = LookUpFlights(waitersMax: 2)
        #expect(await flights.enter("alice") == .lead)
        let others = (0..<2).map { _ in Task { await flights.enter("alice") } }
        while flights.waiting(for: "alice") < 2 { await Task.yield() }
        #expect(await flights.enter("alice") == .full)
        flights.leave("alice", hasLanded: false)
        for task in others { #expect(await task.value == .abandoned) }
    }

    @Test func `who is cancelled waits no longer and leaves no trace`() async {
        let flights = LookUpFlights(waitersMax: 2)
        #expect(await flights.enter("alice") == .lead)
        let waiter = Task { await flights.enter("alice") }
        while flights.waiting(for: "alice") < 1 { await Task.yield() }
        waiter.cancel()
        #expect(await waiter.value == .abandoned)
        #expect(flights.waiting(for: "alice") == 0)
    }
}
