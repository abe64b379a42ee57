// Turns of fills: the limit, the line and its order, offers, leaving while waiting.

import HTTP
import TestSupport
import Testing

@testable import HTTPCache

@Suite struct FillTurnsTests {
    /// The machine with names for waiters, and a log of who came in.
    private struct Line {
        var places: FillPlaces<String>
        var held: [String: FillPlaces<String>.Place] = [:]

        init(placesMax: Int, waitingMax: Int = 10) {
            places = FillPlaces(placesMax: placesMax, waitingMax: waitingMax)
        }

        mutating func enter(_ name: String, goesOn: Bool = false) -> FillPlaces<String>.Entry {
            let place = held[name] ?? places.newPlace()
            held[name] = place
            return places.enter(place, name, goesOn: goesOn)
        }

        mutating func leave(_ name: String) -> (left: String?, entering: [String]) {
            guard let place = held[name] else { return (nil, []) }
            return places.leave(place)
        }

        mutating func offer(_ name: String) {
            if let place = held[name] { places.offer(place) }
        }

        mutating func takeOffer() -> String? {
            places.takeOffer().flatMap { place in held.first { $0.value == place }?.key }
        }
    }

    @Test func `as many as there are places come in, and one more waits`() {
        var line = Line(placesMax: 3)
        for name in ["a", "b", "c"] { #expect(line.enter(name) == .entered) }
        #expect(line.enter("d") == .waits)
        #expect(line.places.count == 3)
        #expect(line.places.waiting == 1)
    }

    @Test func `who waits comes in by the order of coming`() {
        var line = Line(placesMax: 1)
        for name in ["a", "b", "c", "d"] { _ = line.enter(name) }
        #expect(line.leave("a").entering == ["b"])
        #expect(line.leave("b").entering == ["c"])
        #expect(line.leave("d").left == "d")
        #expect(line.leave("c").entering == [])
        #expect(line.places.count == 0)
    }

    @Test func `nobody comes in past those who wait`() {
        var line = Line(placesMax: 2, waitingMax: 10)
        for name in ["a", "b", "c"] { _ = line.enter(name) }
        #expect(line.leave("a").entering == ["c"])
        #expect(line.enter("d") == .waits)
        #expect(line.enter("a") == .waits)
        #expect(line.leave("b").entering == ["d"])
    }

    @Test func `the line has a limit, which does not hold for who goes on`() {
        var line = Line(placesMax: 1, waitingMax: 2)
        _ = line.enter("a")
        #expect(line.enter("b") == .waits)
        #expect(line.enter("c") == .waits)
        #expect(line.enter("d") == .refused)
        #expect(line.enter("e", goesOn: true) == .waits)
        #expect(line.leave("a").entering == ["b"])
        #expect(line.leave("b").entering == ["c"])
        #expect(line.leave("c").entering == ["e"])
    }

    @Test func `an offered place stays taken until somebody waits, the first offered goes first`() {
        var line = Line(placesMax: 2)
        for name in ["a", "b"] { _ = line.enter(name) }
        line.offer("b")
        line.offer("a")
        #expect(line.takeOffer() == nil)
        #expect(line.places.count == 2)
        #expect(line.enter("c") == .waits)
        #expect(line.takeOffer() == "b")
        #expect(line.leave("b").entering == ["c"])
        #expect(line.takeOffer() == nil)
        // The other is needed again, without a wait.
        #expect(line.enter("a") == .entered)
        #expect(line.enter("d") == .waits)
        #expect(line.takeOffer() == nil)
    }

    @Test func `a place taken up that its owner needs after all stays its own`() {
        var line = Line(placesMax: 1)
        _ = line.enter("a")
        line.offer("a")
        _ = line.enter("b")
        #expect(line.takeOffer() == "a")
        // Its owner said no.
        #expect(line.enter("a") == .entered)
        #expect(line.places.count == 1)
        #expect(line.leave("a").entering == ["b"])
    }

    @Test(arguments: 0..<20)
    func `under random comings and goings nobody is lost and the limit holds`(round: UInt64) {
        var generator = SeededGenerator(seed: round)
        var line = Line(placesMax: 3, waitingMax: 1000)
        var inside: Set<String> = []
        var waiting: [String] = []
        for number in 0..<2000 {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                if line.enter("\(number)") == .entered {
                    inside.insert("\(number)")
                } else {
                    waiting.append("\(number)")
                }
            case 2, 3:
                let all = inside.sorted() + waiting
                guard let name = all.randomElement(using: &generator) else { continue }
                let (left, entering) = line.leave(name)
                #expect(left == (waiting.contains(name) ? name : nil))
                inside.remove(name)
                waiting.removeAll { $0 == name }
                #expect(entering == Array(waiting.prefix(entering.count)))
                waiting.removeFirst(entering.count)
                inside.formUnion(entering)
            default:
                if let name = inside.sorted().randomElement(using: &generator) { line.offer(name) }
            }
            #expect(line.places.count == inside.count && line.places.count <= 3)
            #expect(line.places.waiting == waiting.count)
            #expect(waiting.isEmpty || inside.count == 3)
        }
    }

    @Test func `who is cancelled while waiting leaves the line`() async throws {
        let turns = FillTurns(placesMax: 1, waitingMax: 10)
        let first = turns.newPlace()
        try await turns.enter(first)
        let second = turns.newPlace()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await turns.enter(second) }
            while turns.counts.waiting == 0 { await Task.yield() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(turns.counts == (1, 0))
        turns.leave(first)
        #expect(turns.counts == (0, 0))
    }

    @Test func `an offered place is asked for when somebody comes`() async throws {
        let turns = FillTurns(placesMax: 1, waitingMax: 0)
        let idle = turns.newPlace()
        try await turns.enter(idle)
        let asked = Signal()
        await #expect(throws: FillRefusal.self) { try await turns.enter(turns.newPlace()) }
        let patient = FillTurns(placesMax: 1, waitingMax: 1)
        let offered = patient.newPlace()
        try await patient.enter(offered)
        patient.offer(offered) {
            asked.fire()
            return true
        }
        try await patient.enter(patient.newPlace())
        await asked.wait()
        #expect(patient.counts == (1, 0))
    }
}
