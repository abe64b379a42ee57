// The exchange in every order of its events, without threads: waiters are numbers.

import HTTP
import TestSupport
import Testing

@testable import HTTPClient

@Suite struct ExchangeStateMachineTests {
    private typealias Machine = ExchangeStateMachine<Int, Int>

    private static let failure = HTTPClientError(.truncated, "cut")
    private static let givenUp = HTTPClientError(.cancelled, "given up")
    private static let head = ResponseHead(
        status: 200,
        fields: ["A": "b"],
        declaredLength: nil,
        coding: .chunked,
        majorVersion: 1
    )

    private func machine(queueBytesMax: Int = 10, mayBeWhole: Bool = true) -> Machine {
        Machine(queueBytesMax: queueBytesMax) { _ in mayBeWhole }
    }

    /// What a pull gave, as text: octets, "end", an error's code, or "later"; "+" if it resumes.
    private func describe(_ pull: Machine.Pull) -> String {
        guard case .now(let outcome, let resumes) = pull else { return "later" }
        return describe(outcome) + (resumes ? "+" : "")
    }

    private func describe(_ outcome: Machine.BodyOutcome?) -> String {
        switch outcome {
        case nil: "nothing"
        case .success(nil): "end"
        case .success(let chunk?): "\(chunk.count)"
        case .failure(let error): "\(error.code)"
        }
    }

    @Test func `a head that comes first is kept for its waiter`() {
        var machine = machine()
        #expect(machine.deliver(head: Self.head, octets: [], end: nil).head == nil)
        #expect(machine.awaitHead(1) == .success(ExchangeHead(head: Self.head)))
    }

    @Test func `a waiter that comes first is given back with the head`() {
        var machine = machine()
        #expect(machine.awaitHead(7) == nil)
        let actions = machine.deliver(head: Self.head, octets: [1], end: nil)
        #expect(actions.head?.waiter == 7)
        #expect(actions.head?.outcome == .success(ExchangeHead(head: Self.head)))
        #expect(describe(machine.pull()) == "1")
    }

    @Test(arguments: [true, false])
    func `a body complete with its head is handed over whole if it may be`(mayBeWhole: Bool) {
        var machine = machine(mayBeWhole: mayBeWhole)
        _ = machine.deliver(head: Self.head, octets: [1, 2], end: .complete)
        let outcome = machine.awaitHead(1)
        #expect(outcome == .success(ExchangeHead(head: Self.head, whole: mayBeWhole ? [1, 2] : nil)))
        #expect(describe(machine.pull()) == (mayBeWhole ? "end" : "2"))
    }

    @Test func `a failure with the head does not make the head fail`() {
        var machine = machine()
        _ = machine.deliver(head: Self.head, octets: [1], end: .failed(Self.failure))
        #expect(machine.awaitHead(1) == .success(ExchangeHead(head: Self.head)))
        #expect(describe(machine.pull()) == "1")
        #expect(describe(machine.pull()) == "truncated")
        #expect(describe(machine.pull()) == "truncated")
    }

    @Test func `a failure without a head fails the waiter, before and after it comes`() {
        var first = machine()
        #expect(first.awaitHead(3) == nil)
        let actions = first.deliver(head: nil, octets: [], end: .failed(Self.failure))
        #expect(actions.head?.outcome == .failure(Self.failure))
        var second = machine()
        _ = second.deliver(head: nil, octets: [], end: .failed(Self.failure))
        #expect(second.awaitHead(3) == .failure(Self.failure))
    }

    @Test func `a reader that waits is given octets, then the end`() {
        var machine = machine()
        _ = machine.deliver(head: Self.head, octets: [], end: nil)
        #expect(describe(machine.pull(5)) == "later")
        let octets = machine.deliver(head: nil, octets: [1, 2, 3], end: nil)
        #expect(octets.body?.waiter == 5)
        #expect(describe(octets.body?.outcome) == "3")
        #expect(describe(machine.pull(6)) == "later")
        let end = machine.deliver(head: nil, octets: [], end: .complete)
        #expect(end.body?.waiter == 6)
        #expect(describe(end.body?.outcome) == "end")
    }

    @Test(arguments: [(9, false), (10, true), (11, true)])
    func `the queue pauses at its limit, once`(count: Int, pauses: Bool) {
        var machine = machine()
        #expect(machine.deliver(head: Self.head, octets: Array(repeating: 0, count: count), end: nil).pauses == pauses)
        #expect(!machine.deliver(head: nil, octets: [], end: nil).pauses)
    }

    @Test func `the queue resumes at half, once, and not after the end`() {
        var machine = machine(queueBytesMax: 200_000)
        let chunk = [UInt8](repeating: 0, count: 70_000)
        _ = machine.deliver(head: Self.head, octets: chunk, end: nil)
        _ = machine.deliver(head: nil, octets: chunk, end: nil)
        #expect(machine.deliver(head: nil, octets: chunk, end: nil).pauses)
        #expect(describe(machine.pull()) == "70000")
        #expect(describe(machine.pull()) == "70000+")
        #expect(describe(machine.pull()) == "70000")
        #expect(machine.deliver(head: nil, octets: chunk + chunk + chunk, end: nil).pauses)
        _ = machine.deliver(head: nil, octets: [], end: .complete)
        #expect(describe(machine.pull()) == "210000")
        #expect(describe(machine.pull()) == "end")
    }

    @Test func `a share of the queue that is smaller pauses it sooner, and resumes it at half of that`() {
        var machine = machine(queueBytesMax: 300_000)
        let chunk = [UInt8](repeating: 0, count: 70_000)
        #expect(!machine.deliver(head: Self.head, octets: chunk, end: nil, share: 140_000).pauses)
        #expect(machine.deliver(head: nil, octets: chunk, end: nil, share: 140_000).pauses)
        #expect(describe(machine.pull()) == "70000+")
        // Alone again: all of it, and never more.
        #expect(!machine.deliver(head: nil, octets: chunk + chunk, end: nil).pauses)
        #expect(machine.deliver(head: nil, octets: chunk + chunk, end: nil, share: 1 << 30).pauses)
    }

    @Test func `a trickle is gathered into few chunks`() {
        var machine = machine(queueBytesMax: 1 << 20)
        for _ in 0..<1000 { _ = machine.deliver(head: nil, octets: [1], end: nil) }
        #expect(describe(machine.pull()) == "1000")
    }

    @Test func `giving up returns every waiter, drops the queue and aborts`() {
        var waiting = machine()
        #expect(waiting.awaitHead(1) == nil)
        #expect(waiting.cancel(Self.givenUp).head == 1)
        var reading = machine()
        _ = reading.deliver(head: Self.head, octets: [], end: nil)
        #expect(describe(reading.pull(2)) == "later")
        let actions = reading.cancel(Self.givenUp)
        #expect(actions.body == 2)
        #expect(actions.aborts)
        #expect(!reading.cancel(Self.givenUp).aborts)
        #expect(describe(reading.pull()) == "cancelled")
        #expect(reading.deliver(head: nil, octets: [1], end: .complete).body == nil)
        #expect(describe(reading.pull()) == "cancelled")
    }

    @Test func `giving up before the head is asked for fails it`() {
        var machine = machine()
        _ = machine.cancel(Self.givenUp)
        #expect(machine.awaitHead(1) == .failure(Self.givenUp))
    }

    @Test func `giving up after the end aborts nothing`() {
        var machine = machine()
        _ = machine.deliver(head: Self.head, octets: [1], end: .complete)
        #expect(!machine.cancel(Self.givenUp).aborts)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `in any order every octet arrives once and in order, and the end after them`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var machine = machine(queueBytesMax: Int.random(in: 1...40, using: &generator), mayBeWhole: false)
            let total = Int.random(in: 0...300, using: &generator)
            var sent = 0
            var got: [UInt8] = []
            var isPaused = false
            var hasEnded = false
            var isWaiting = false
            var hasSeenEnd = false
            func take(_ outcome: Machine.BodyOutcome) {
                guard case .success(let chunk) = outcome else { return }
                if let chunk { got += chunk } else { hasSeenEnd = true }
            }
            for _ in 0..<5000 where !hasSeenEnd {
                if Bool.random(using: &generator), !isPaused, !hasEnded {
                    let end = min(total, sent + Int.random(in: 0...20, using: &generator))
                    let octets = (sent..<end).map { UInt8(truncatingIfNeeded: $0) }
                    hasEnded = end == total
                    let head = sent == 0 ? Self.head : nil
                    let actions = machine.deliver(head: head, octets: octets, end: hasEnded ? .complete : nil)
                    sent = end
                    isPaused = actions.pauses
                    if let body = actions.body {
                        isWaiting = false
                        take(body.outcome)
                    }
                } else if !isWaiting {
                    switch machine.pull(0) {
                    case .now(let outcome, let resumes):
                        if resumes { isPaused = false }
                        take(outcome)
                    case .later: isWaiting = true
                    }
                }
            }
            #expect(hasSeenEnd, "seed \(seed)")
            #expect(got == (0..<total).map { UInt8(truncatingIfNeeded: $0) }, "seed \(seed)")
        }
    }
}
