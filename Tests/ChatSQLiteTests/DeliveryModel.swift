// A sender, three receivers, a network and their accidents, in virtual time and from one seed.

import Foundation
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

/// The simulation: events in order of time; what happens at each is drawn from the seed.
final class DeliveryModel {
    private enum Event {
        case write
        case turn(incarnation: Int)
        case arrive(Flight, at: Int)
        case answer(Flight, DeliveryOutcome)
        case killSender, startSender
        case killReceiver(Int), startReceiver(Int)
    }

    /// A body on its way, and whether its sender still waits for the answer.
    private struct Flight {
        var id: Int
        var incarnation: Int
        var attempt: DeliveryAttempt
    }

    private final class Receiver {
        let name: PeerIdentifier
        let store: TestedStore
        var isUp = true
        var shown: [String] = []

        init(_ name: PeerIdentifier, _ store: TestedStore) { (self.name, self.store) = (name, store) }
    }

    private var random: SeededGenerator
    private var now = Duration.zero
    private var agenda: [(at: Duration, event: Event)] = []
    private let sender: TestedStore
    private var machine: DeliveryStateMachine?
    private var incarnation = 0
    private var flights = 0
    /// Flights whose outcome the machine has not been told.
    private var open: Set<Int> = []
    /// Times for which a turn is scheduled.
    private var alarms: Set<Duration> = []
    private let receivers: [Receiver]
    private var written: [[String]]
    private var drafts = 0
    private var bodies = 0
    /// Accidents happen until then.
    private let calm = Duration.seconds(120)
    private let senderKey: PeerKey
    private let senderName: PeerIdentifier
    private var configuration = CourierConfiguration()

    init(seed: UInt64, kind: StoreKind) throws {
        random = SeededGenerator(seed: seed)
        sender = try TestedStore(kind, seed: seed)
        (senderKey, senderName) = (try key(1), try peer("Sender"))
        receivers = try (0..<3).map { Receiver(try peer("Receiver\($0)"), try TestedStore(kind, seed: seed &+ 7)) }
        written = [[], [], []]
        configuration.recipientsAtOnce = Int.random(in: 1...3, using: &random)
        configuration.messagesPerBodyMax = [1, 3, 64].randomElement(using: &random) ?? 64
    }

    func run() async throws {
        try await startSender()
        for _ in 0..<40 { schedule(.write, in: 0...120) }
        for _ in 0..<Int.random(in: 0...6, using: &random) { schedule(.killSender, in: 0...120) }
        for index in receivers.indices {
            for _ in 0..<Int.random(in: 0...6, using: &random) { schedule(.killReceiver(index), in: 0...120) }
        }
        while let entry = agenda.popLast() {
            now = max(now, entry.at)
            try #require(now < .seconds(3600), "it does not come to an end, seed \(random.seed)")
            try await happen(entry.event)
        }
        try await check()
    }

    private func check() async throws {
        for (receiver, texts) in zip(receivers, written) {
            #expect(receiver.shown == texts, "\(receiver.name), seed \(random.seed)")
        }
        #expect(machine?.isSettled == true, "seed \(random.seed)")
        #expect(try await sender.store.outbox().isEmpty, "seed \(random.seed)")
        #expect(drafts > 0 && bodies > 0)
    }

    private func happen(_ event: Event) async throws {
        switch event {
        case .write: try await write()
        case .turn(let number): if number == incarnation { takeTurn() }
        case .arrive(let flight, let index): try await arrive(flight, at: receivers[index])
        case .answer(let flight, let outcome): try await answered(flight, outcome)
        case .killSender: try killSender()
        case .startSender: try await startSender()
        case .killReceiver(let index): try kill(receivers[index], index)
        case .startReceiver(let index): try await start(receivers[index])
        }
    }

    // MARK: The sender

    private func write() async throws {
        // A person waits for the client to be back.
        guard machine != nil else { return schedule(.write, in: 1...5) }
        let count = [1, 1, 2, 90].randomElement(using: &random) ?? 1
        let batch = (0..<count).map { _ -> Draft in
            drafts += 1
            let to = receivers.indices.filter { _ in Bool.random(using: &random) }
            for index in to { written[index].append("text \(drafts)") }
            return Draft(
                text: "text \(drafts)",
                recipients: to.map { receivers[$0].name },
                writtenAtMilliseconds: UInt64(drafts)
            )
        }
        let messages = try await sender.store.enqueue(batch)
        // Kept, but the process ends before it can do anything about it.
        if accident(1, of: 20) { return try killSender() }
        machine?.add(messages)
        takeTurn()
    }

    private func takeTurn() {
        guard let attempts = machine?.takeReady(at: now) else { return }
        for attempt in attempts { launch(attempt) }
        guard let deadline = machine?.nextDeadline, alarms.insert(deadline).inserted else { return }
        schedule(.turn(incarnation: incarnation), at: max(deadline, now))
    }

    private func launch(_ attempt: DeliveryAttempt) {
        flights += 1
        bodies += 1
        open.insert(flights)
        let flight = Flight(id: flights, incarnation: incarnation, attempt: attempt)
        #expect((1...configuration.messagesPerBodyMax).contains(attempt.messages.count))
        #expect(zip(attempt.messages, attempt.messages.dropFirst()).allSatisfy { $0.sequence + 1 == $1.sequence })
        guard let index = receivers.firstIndex(where: { $0.name == attempt.to }) else { return }
        let copies = accident(1, of: 5) ? 0 : accident(1, of: 5) ? 3 : 1
        for copy in 0..<copies { scheduleMilliseconds(.arrive(flight, at: index), in: 0...(copy == 0 ? 50 : 40_000)) }
        // A sender that hears nothing gives the attempt up, while the body may still be on its way.
        scheduleMilliseconds(.answer(flight, .later("no answer", after: nil)), in: 10_000...15_000)
    }

    private func answered(_ flight: Flight, _ outcome: DeliveryOutcome) async throws {
        guard flight.incarnation == incarnation, machine != nil, open.remove(flight.id) != nil else { return }
        let chance = Double.random(in: 0..<1, using: &random)
        guard let effects = machine?.finish(flight.attempt, with: outcome, at: now, random: chance) else { return }
        if accident(1, of: 30) { return try killSender() }
        for settlement in effects.settlements {
            #expect(settlement.state == .delivered, "seed \(random.seed)")
            try await sender.store.settle(
                settlement.to,
                stream: settlement.stream,
                upTo: settlement.upTo,
                as: settlement.state,
                reason: nil
            )
        }
        if accident(1, of: 30) { return try killSender() }
        machine?.release(flight.attempt.to)
        takeTurn()
    }

    private func killSender() throws {
        guard machine != nil else { return }
        machine = nil
        incarnation += 1
        (open, alarms) = ([], [])
        try sender.kill()
        schedule(.startSender, in: 0...10)
    }

    private func startSender() async throws {
        var machine = DeliveryStateMachine(configuration: configuration, fromBytes: 6)
        for entry in try await sender.store.outbox() { machine.add(entry.messages) }
        self.machine = machine
        takeTurn()
    }

    // MARK: The receivers

    private func arrive(_ flight: Flight, at receiver: Receiver) async throws {
        guard receiver.isUp else { return reply(flight, .later("away", after: nil)) }
        guard let index = receivers.firstIndex(where: { $0 === receiver }) else { return }
        // Killed before it stored anything.
        if accident(1, of: 40) { return try kill(receiver, index) }
        let body = IncomingBody(
            sender: senderKey,
            from: senderName,
            stream: flight.attempt.stream,
            messages: flight.attempt.messages
        )
        let stored = try await receiver.store.store.receive([body], atMilliseconds: 1)[0]
        #expect(stored.missing == 0, "seed \(random.seed)")
        // Killed after it stored and before it showed.
        if accident(1, of: 20) { return try kill(receiver, index) }
        receiver.shown += stored.new.map(\.text)
        try await receiver.store.store.markShown(from: senderKey, stream: body.stream, upTo: stored.highest)
        // Killed before it acknowledged.
        if accident(1, of: 20) { return try kill(receiver, index) }
        if !accident(1, of: 5) { reply(flight, .delivered(upTo: stored.highest, note: nil)) }
    }

    private func reply(_ flight: Flight, _ outcome: DeliveryOutcome) {
        scheduleMilliseconds(.answer(flight, outcome), in: 0...50)
    }

    private func kill(_ receiver: Receiver, _ index: Int) throws {
        guard receiver.isUp else { return }
        receiver.isUp = false
        try receiver.store.kill()
        schedule(.startReceiver(index), in: 0...30)
    }

    private func start(_ receiver: Receiver) async throws {
        receiver.isUp = true
        for body in try await receiver.store.store.unshown() {
            receiver.shown += body.messages.map(\.text)
            let last = try #require(body.messages.last?.sequence)
            try await receiver.store.store.markShown(from: body.sender, stream: body.stream, upTo: last)
        }
    }

    // MARK: Chance and time

    private func accident(_ count: Int, of all: Int) -> Bool {
        Int.random(in: 0..<all, using: &random) < count && now < calm
    }

    private func schedule(_ event: Event, in seconds: ClosedRange<Int>) {
        scheduleMilliseconds(event, in: seconds.lowerBound * 1000...seconds.upperBound * 1000)
    }

    private func scheduleMilliseconds(_ event: Event, in range: ClosedRange<Int>) {
        schedule(event, at: now + .milliseconds(Int.random(in: range, using: &random)))
    }

    private func schedule(_ event: Event, at time: Duration) {
        // The last is the next to happen; of two at the same time the one that was scheduled first.
        var (low, high) = (0, agenda.count)
        while low < high {
            let middle = (low + high) / 2
            if agenda[middle].at > time { low = middle + 1 } else { high = middle }
        }
        agenda.insert((time, event), at: low)
    }
}
