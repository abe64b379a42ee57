// What a body learns on the way: its length, that its origin ignores ranges, and how octets are to be had.

import Testing

@testable import HTTPCache

@Suite struct BodyRangesTests {
    private func state(
        _ length: Int64?,
        held: [Range<Int64>] = [],
        isResumable: Bool = true,
        piece: Range<Int64>? = nil
    ) -> BodyMachine.State {
        .init(length: length, isResumable: isResumable, limits: .small, extents: ExtentMap(held), piece: piece)
    }

    /// What a change comes to: an expectation cannot change what it is about.
    private func after<Result>(_ body: inout BodyMachine.State, _ change: (inout BodyMachine.State) -> Result) -> Result
    {
        change(&body)
    }

    @Test func `a length is learnt once, and not if octets behind it are held or announced`() {
        var body = state(nil, held: [0..<10])
        #expect(body.lengthMin == 10)
        #expect(body.isOpenEnded)
        _ = body.addFill(from: 20, to: 30)
        #expect(body.lengthMin == 30)
        #expect(!after(&body) { $0.learn(length: 29) })
        #expect(body.length == nil)
        #expect(after(&body) { $0.learn(length: 30) })
        #expect(after(&body) { $0.learn(length: 30) })
        #expect(!after(&body) { $0.learn(length: 31) })
        #expect(body.length == 30)
        #expect(!body.isOpenEnded)
    }

    @Test func `an end that is coming is waited for, one that is not may be asked for`() {
        var body = state(nil, held: [0..<10])
        let fill = body.addFill(from: 10, to: nil)
        #expect(body.isEndComing && !body.isOpenEnded)
        body.giveUp(fill)
        #expect(!body.isEndComing && body.isOpenEnded)
        #expect(!state(nil).isOpenEnded)
        #expect(!state(nil, held: [0..<10], isResumable: false).isOpenEnded)
        body.retire(HTTPCacheError(.changed, "test"))
        #expect(!body.isOpenEnded)
    }

    @Test func `octets are held, coming, to be fetched, or not to be had`() {
        var body = state(1000, held: [0..<100])
        #expect(body.availability(of: 50..<100) == .held)
        #expect(body.availability(of: 50..<101) == .fetchable)
        _ = body.addFill(from: 100, to: 200)
        #expect(body.availability(of: 50..<200) == .coming)
        body.retire(HTTPCacheError(.changed, "test"))
        #expect(body.availability(of: 50..<200) == .coming)
        #expect(body.availability(of: 50..<201) == .none)

        let open = state(nil, held: [0..<100, 300..<400])
        #expect(open.availability(of: 50..<400) == .fetchable)
        #expect(open.availability(of: 50..<401) == .none)
    }

    @Test func `without a strong validator only what is near is waited for, unless the origin ignores ranges`() {
        var body = state(1000, held: [0..<100], isResumable: false)
        #expect(body.availability(of: 100..<101) == .none)
        _ = body.addFill(from: 100, to: 1000)
        let far = 100 + body.limits.joinBytesMax
        #expect(body.availability(of: 50..<200) == .coming)
        #expect(body.availability(of: far..<far + 1) == .coming)
        #expect(body.availability(of: far + 1..<far + 2) == .none)
        body.noteRangesIgnored()
        #expect(body.availability(of: far + 1..<1000) == .coming)
    }

    @Test func `a fill that gets the whole begins anew, passes what is held, and spares others that`() {
        var body = state(1000, held: [100..<200])
        let first = body.addFill(from: 500, to: 600)
        #expect(after(&body) { $0.beginAnew(first).isNeeded })
        #expect(body.claim(first, count: 5000) == (0, 1000))
        #expect(after(&body) { $0.passHeld(first, count: 10) } == 0)
        _ = body.advance(first, by: 100, rate: 1)
        #expect(after(&body) { $0.passHeld(first, count: 60) } == 60)
        #expect(after(&body) { $0.passHeld(first, count: 60) } == 40)
        #expect(after(&body) { $0.passHeld(first, count: 60) } == 0)
        #expect(body.claim(first, count: 5000) == (200, 800))
        // It will be there; what is behind it needs one more, up to where it was.
        let second = body.addFill(from: 700, to: 800)
        #expect(!after(&body) { $0.beginAnew(second).isNeeded })
        body.evict(0..<50)
        let third = body.addFill(from: 0, to: 50)
        #expect(after(&body) { $0.beginAnew(third).isNeeded })
        #expect(body.claim(third, count: 5000) == (0, 200))
        #expect(!after(&body) { $0.beginAnew(second).isNeeded })
    }

    @Test func `a reader that is told to wait for the whole is woken when the other fill goes`() {
        var body = state(1000)
        let first = body.addFill(from: 500, to: 600)
        let second = body.addFill(from: 700, to: 800)
        let reader = body.addReader(from: 700, to: 800)
        #expect(after(&body) { $0.park(reader, "r") })
        #expect(after(&body) { $0.beginAnew(first).isNeeded })
        let (isNeeded, wake) = body.beginAnew(second)
        #expect(!isNeeded && wake == ["r"])
        #expect(after(&body) { $0.take(reader).step.text } == "wait")
    }

    @Test func `one whole piece is of use without a rest, and a part of it is not`() {
        #expect(!state(1000, held: [100..<200], isResumable: false, piece: 100..<200).isUseless)
        #expect(state(1000, held: [100..<199], isResumable: false, piece: 100..<200).isUseless)
        #expect(state(1000, held: [100..<200], isResumable: false).isUseless)
        #expect(!state(1000, held: [100..<200]).isUseless)
        #expect(!state(nil, held: [100..<200]).isUseless)
        #expect(state(nil).isUseless)
    }

    @Test func `a fill that others took over from is not at the end that the origin promised`() {
        var body = state(1000)
        let first = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 600, to: 1000)
        #expect(after(&body) { $0.take(reader).step.text } == "fill 600..<1000")
        _ = body.advance(first, by: 600, rate: 1)
        #expect(body.pace(first) == .finished)
        #expect(!body.isAtPromisedEnd(first))
        let last = body.addFill(from: 0, to: 600)
        _ = body.advance(last, by: 600, rate: 1)
        #expect(body.isAtPromisedEnd(last))
    }
}
