// Fills in their turn: what they begin with, and when they make room for others.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct BodyTurnTests {
    @Test func `a fill that waited for its turn asks for what is missing then, or for a part of it`() {
        let body = BodyMachine.body(of: 1000)
        let reader = body.addReader(from: 100, to: nil)
        guard let fill = body.take(reader).fill else { return }
        #expect(body.begin(fill, atMost: 300) == 100..<400)
        #expect(body.claim(fill, count: 1000).count == 300)
        let other = BodyMachine.body(of: 1000)
        let waiting = other.addReader(from: 100, to: nil)
        guard let late = other.take(waiting).fill else { return }
        #expect(other.begin(late, atMost: nil) == 100..<1000)
    }

    @Test func `a fill whose readers have left before its turn is not begun`() {
        let body = BodyMachine.body(of: 20)
        let reader = body.addReader(from: 0, to: nil)
        guard let fill = body.take(reader).fill else { return }
        _ = body.removeReader(reader)
        // Once begun it would be finished, as so little is missing.
        #expect(body.begin(fill, atMost: nil) == nil)
        #expect(body.giveUpAbandonedFills() == [fill])
    }

    @Test func `a fill makes room if it is held back or unread, and only then`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(30, fill)
        #expect(!body.giveUpIfIdle(fill))
        body.bring(20, fill)
        #expect(body.copy().giveUpIfIdle(fill))
        #expect(body.drain(reader) == "wait")
        #expect(!body.giveUpIfIdle(fill))
        _ = body.removeReader(reader)
        #expect(!body.copy().giveUpIfIdle(fill, unlessWithin: 950))
        #expect(body.copy().giveUpIfIdle(fill, unlessWithin: 949))
        #expect(body.giveUpIfIdle(fill))
        // What it does not bring any more, its next reader asks for.
        #expect(body.drain(body.addReader(from: 40, to: 60)) == "fill 50..<60")
    }

    @Test func `a fill that cannot be resumed does not make room for readers that are slow`() {
        let body = BodyMachine.body(of: 1000, isResumable: false)
        let fill = body.addFill(from: 0, to: 1000)
        _ = body.addReader(from: 0, to: nil)
        body.bring(50, fill)
        #expect(body.pace(fill) == .wait)
        #expect(!body.giveUpIfIdle(fill))
    }
}
