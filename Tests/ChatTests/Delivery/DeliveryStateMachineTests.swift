// What an outcome leads to: when a recipient is tried again, and with what.

import PeerIdentity
import Testing

@testable import Chat

@Suite struct DeliveryStateMachineTests {
    private let alice: PeerIdentifier
    private var configuration = CourierConfiguration()

    init() throws {
        alice = try PeerIdentifier("Alice")
    }

    private func machine(messages: Int = 1) -> DeliveryStateMachine {
        var machine = DeliveryStateMachine(configuration: configuration, fromBytes: 3)
        machine.add(
            (1...messages).map {
                OutgoingMessage(
                    to: alice,
                    message: ChatMessage(sequence: UInt64($0), sentAtMilliseconds: 1, text: "x"),
                    stream: StreamID(high: 1, low: 1)
                )
            }
        )
        return machine
    }

    /// Makes the next attempt and has it come to `outcome`; returns how it was prepared.
    private func attempt(
        _ machine: inout DeliveryStateMachine,
        _ outcome: DeliveryOutcome,
        at now: Duration
    ) throws -> DeliveryPreparation {
        let attempt = try #require(machine.takeReady(at: now).first)
        _ = machine.finish(attempt, with: outcome, at: now, random: 0.5)
        machine.release(alice)
        return attempt.preparation
    }

    @Test(arguments: [
        (Duration.seconds(1), Duration.seconds(1)), (.seconds(59), .seconds(59)), (.seconds(60), .seconds(60)),
        (.seconds(61), .seconds(60)), (.seconds(999_999_999), .seconds(60)), (.zero, .milliseconds(250)),
        (.seconds(-5), .milliseconds(250)),
    ])
    func `what a peer asks for by Retry-After is waited for, a minute at most, the back-off at least`(
        _ asked: Duration,
        _ waited: Duration
    ) throws {
        for outcome in [DeliveryOutcome.busy("busy", after: asked), .later("away", after: asked)] {
            var machine = machine()
            _ = try attempt(&machine, outcome, at: .seconds(7))
            #expect(machine.nextDeadline == .seconds(7) + waited)
        }
    }

    @Test func `a peer that is busy is not looked up anew, unless it is that time and again`() throws {
        var machine = machine()
        var preparations: [DeliveryPreparation] = []
        for _ in 0..<6 {
            let now = machine.nextDeadline ?? .zero
            preparations.append(try attempt(&machine, .busy("busy", after: nil), at: now))
        }
        #expect(preparations == [.remembered, .remembered, .remembered, .remembered, .refreshed, .refreshed])
    }

    @Test func `a body is sealed anew so often at once, then after a wait`() throws {
        var machine = machine()
        for number in 0...configuration.resealsMax {
            #expect(machine.nextDeadline == nil)
            let preparation = try attempt(&machine, .keyUnknown(record: [7]), at: .zero)
            #expect(preparation == (number == 0 ? .remembered : .learned([7])))
        }
        #expect(machine.takeReady(at: .zero) == [])
        let deadline = try #require(machine.nextDeadline)
        #expect(deadline > .zero)
        // After the wait it is looked up, and counted from the beginning.
        #expect(try attempt(&machine, .keyUnknown(record: [8]), at: deadline) == .refreshed)
        #expect(machine.takeReady(at: deadline).first?.preparation == .learned([8]))
    }
}
