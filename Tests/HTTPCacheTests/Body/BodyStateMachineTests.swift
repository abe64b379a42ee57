// Readers and fills of one body, by schedule: who waits, who fetches, who fails, who is woken.

import TestSupport
import Testing

@testable import HTTPCache

@Suite struct BodyStateMachineTests {
    // MARK: Reading what is held

    @Test func `held octets come in chunks that end at the chunk's size, the segment, the hole and the reader's end`() {
        let body = BodyMachine.body(of: 200, held: [0..<15, 95..<200])
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.next(reader) == "held 0..<10")
        #expect(body.next(reader) == "held 10..<15")
        #expect(body.next(reader) == "fill 15..<95")
        let other = body.addReader(from: 95, to: 103)
        #expect(body.next(other) == "held 95..<100")
        #expect(body.next(other) == "held 100..<103")
        #expect(body.next(other) == "end")
        #expect(body.next(other) == "end")
    }

    @Test func `peeking counts nothing as read`() {
        let body = BodyMachine.body(of: 20, held: [0..<20])
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.peek(reader) == "held 0..<10")
        #expect(body.peek(reader) == "held 0..<10")
        #expect(body.next(reader) == "held 0..<10")
        #expect(body.next(reader) == "held 10..<20")
        // Where it is at is what it was handed last.
        #expect(body.state.lowestReaderPosition == 10)
    }

    @Test func `a reader that has left gets nothing`() {
        let body = BodyMachine.body(of: 20, held: [0..<20])
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.removeReader(reader) == [])
        #expect(body.next(reader) == "failed abandoned")
        #expect(!body.park(reader, "r"))
        #expect(!body.state.isBusy)
    }

    @Test func `an empty body is complete and ends at once`() {
        let body = BodyMachine.body(of: 0)
        #expect(body.state.isComplete)
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.next(reader) == "end")
    }

    @Test func `octets that the store has lost are fetched again from where they were missed`() {
        let body = BodyMachine.body(of: 20, held: [0..<20])
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.next(reader) == "held 0..<10")
        body.lose(0..<100, at: 0, for: reader)
        #expect(!body.state.isComplete)
        #expect(body.next(reader) == "fill 0..<20")
    }

    // MARK: Joining

    @Test(arguments: [(5, "wait"), (6, "fill 6..<200")] as [(Int64, String)])
    func `a reader joins a fill that is joinBytesMax behind it, and opens another beyond`(
        _ distance: Int64,
        _ expected: String
    ) {
        let body = BodyMachine.body(of: 200)
        _ = body.addFill(from: 0, to: 200)
        let reader = body.addReader(from: distance, to: nil)
        #expect(body.next(reader) == expected)
    }

    @Test(arguments: [(30, "wait"), (31, "fill 25..<31")] as [(Int64, String)])
    func `a reader joins a fill that would finish unread, whatever the distance`(_ end: Int64, _ expected: String) {
        let body = BodyMachine.body(of: 200)
        _ = body.addFill(from: 0, to: end)
        let reader = body.addReader(from: 25, to: end)
        #expect(body.next(reader) == expected)
    }

    @Test(arguments: [(90.0, "wait"), (89.0, "fill 100..<200"), (0.0, "fill 100..<200")])
    func `a reader joins a fill that will be there within a second`(_ rate: Double, _ expected: String) {
        let body = BodyMachine.body(of: 200)
        let fill = body.addFill(from: 0, to: 200)
        body.bring(10, fill, rate: rate)
        let reader = body.addReader(from: 100, to: nil)
        #expect(body.next(reader) == expected)
    }

    @Test func `what cannot be asked for by range is waited for, however far`() {
        for isResumable in [false, true] {
            let body = BodyMachine.body(of: isResumable ? nil : 10_000, isResumable: isResumable)
            _ = body.addFill(from: 0, to: isResumable ? nil : 10_000)
            let reader = body.addReader(from: 9000, to: nil)
            #expect(body.next(reader) == "wait")
        }
    }

    @Test func `what is retired is waited for while it comes, and not fetched any more`() {
        let body = BodyMachine.body(of: 200)
        let fill = body.addFill(from: 0, to: 100)
        body.retire(.changed)
        body.retire(.abandoned)
        let near = body.addReader(from: 90, to: nil)
        let far = body.addReader(from: 150, to: nil)
        #expect(body.next(near) == "wait")
        #expect(body.next(far) == "failed changed")
        #expect(body.park(near, "near"))
        #expect(body.bring(100, fill) == ["near"])
        #expect(body.drain(near) == "failed changed")
    }

    // MARK: Starting fills

    @Test func `a fill goes up to the reader's end, the next held octet, or the next fill`() {
        let body = BodyMachine.body(of: 1000, held: [300..<400])
        let reader = body.addReader(from: 0, to: 50)
        #expect(body.next(reader) == "fill 0..<50")
        let second = body.addReader(from: 200, to: nil)
        #expect(body.next(second) == "fill 200..<300")
        let third = body.addReader(from: 100, to: nil)
        #expect(body.next(third) == "fill 100..<200")
        let last = body.addReader(from: 400, to: nil)
        #expect(body.next(last) == "fill 400..<1000")
    }

    @Test func `a new fill takes over the tail of a running one`() {
        let body = BodyMachine.body(of: 1000)
        let first = body.addFill(from: 0, to: 1000)
        let front = body.addReader(from: 0, to: nil)
        let back = body.addReader(from: 500, to: nil)
        let step = body.take(back)
        #expect(step.text == "fill 500..<1000")
        guard let second = step.fill else { return }
        #expect(body.claim(first, count: 600).count == 500)
        body.bring(500, first)
        #expect(body.pace(first) == .finished)
        #expect(body.claim(first, count: 100).count == 0)
        #expect(body.finish(first).isWhole)
        #expect(!body.state.isComplete)
        #expect(body.drain(front) == "wait")
        #expect(body.park(front, "front"))
        #expect(body.bring(500, second).contains("front"))
        #expect(body.finish(second).isWhole)
        #expect(body.state.isComplete)
        #expect(body.drain(front) == "end")
    }

    @Test func `a reader that waited for a tail which nobody brings any more fetches it itself`() {
        let body = BodyMachine.body(of: 1000)
        let first = body.addFill(from: 0, to: 1000)
        let front = body.addReader(from: 0, to: nil)
        body.bring(1, first, rate: 1000)
        let far = body.addReader(from: 900, to: nil)
        #expect(body.next(far) == "wait")
        #expect(body.park(far, "far"))
        body.bring(1, first, rate: 1)
        let between = body.addReader(from: 500, to: 600)
        let step = body.take(between)
        #expect(step.text == "fill 500..<600")
        guard let second = step.fill else { return }
        body.bring(498, first)
        #expect(body.finish(first).wake == ["far"])
        #expect(body.next(far) == "fill 900..<1000")
        _ = (second, front)
    }

    @Test func `without a length or a strong validator the rest cannot be asked for`() {
        for (length, isResumable) in [(nil, true), (100, false)] as [(Int64?, Bool)] {
            let body = BodyMachine.body(of: length, held: [0..<10], isResumable: isResumable)
            let reader = body.addReader(from: 0, to: nil)
            #expect(body.drain(reader) == "failed unavailable")
        }
    }

    // MARK: Waking

    @Test func `waking is not lost when the event comes between taking and parking`() {
        struct Event: Sendable {
            let name: String
            let happen: @Sendable (BodyMachine, FillID) -> Void
        }
        let events = [
            Event(name: "the octet comes") { body, fill in body.bring(1, fill) },
            Event(name: "the fill breaks off") { body, fill in body.breakOff(fill) },
            Event(name: "the fill is given up") { body, fill in body.breakOff(fill, .abandoned) },
            Event(name: "the fill ends short") { body, fill in _ = body.finish(fill) },
        ]
        for event in events {
            let body = BodyMachine.body(of: 20)
            let fill = body.addFill(from: 0, to: 20)
            let reader = body.addReader(from: 0, to: nil)
            #expect(body.next(reader) == "wait")
            event.happen(body, fill)
            #expect(!body.park(reader, "r"), "\(event.name)")
        }
    }

    @Test func `a body without a length that ends between taking and parking does not leave its reader`() {
        let body = BodyMachine.body(of: nil)
        let fill = body.addFill(from: 0, to: nil)
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.next(reader) == "wait")
        #expect(body.finish(fill).isWhole)
        #expect(!body.park(reader, "r"))
        #expect(body.next(reader) == "end")
    }

    @Test func `only readers that can go on are woken by octets, and each once`() {
        let body = BodyMachine.body(of: 100)
        let fill = body.addFill(from: 0, to: 100)
        let near = body.addReader(from: 0, to: nil)
        let far = body.addReader(from: 4, to: nil)
        for (reader, name) in [(near, "near"), (far, "far")] {
            #expect(body.next(reader) == "wait")
            #expect(body.park(reader, name))
        }
        #expect(body.bring(4, fill) == ["near"])
        #expect(body.bring(1, fill) == ["far"])
        #expect(body.bring(1, fill) == [])
        #expect(body.bring(0, fill) == [])
    }

    @Test func `a parked reader that leaves is woken`() {
        let body = BodyMachine.body(of: 100)
        _ = body.addFill(from: 0, to: 100)
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.park(reader, "r"))
        #expect(body.removeReader(reader) == ["r"])
        #expect(body.removeReader(reader) == [])
    }
}
