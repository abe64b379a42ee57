// The fills of one body, by schedule: pace, end, failure, retirement, eviction, and bodies kept in memory.

import TestSupport
import Testing

@testable import HTTPCache

@Suite struct BodyFillTests {
    // MARK: Pace

    @Test(arguments: [(39, BodyMachine.State.FillStep.proceed), (40, .wait)])
    func `a fill waits when it is readAheadBytesMax ahead of the reader that is furthest along`(
        _ ahead: Int,
        _ expected: BodyMachine.State.FillStep
    ) {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        _ = body.addReader(from: 0, to: 1)
        body.bring(10 + ahead, fill)
        #expect(body.next(reader) == "held 0..<10")
        #expect(body.pace(fill) == expected)
        #expect(body.park(fill, "f") == (expected == .wait))
    }

    @Test func `a fill that was held back is woken when its reader comes nearer, once`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(55, fill)
        #expect(body.park(fill, "f"))
        #expect(body.wokenByNext(reader) == [])
        #expect(body.wokenByNext(reader) == ["f"])
        #expect(body.wokenByNext(reader) == [])
    }

    @Test func `a fill is not parked when its reader has come nearer in between`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(45, fill)
        #expect(body.pace(fill) == .wait)
        _ = body.next(reader)
        #expect(!body.park(fill, "f"))
        #expect(body.pace(fill) == .proceed)
    }

    @Test func `a fill that was held back is woken when a reader comes who needs what it brings next`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        _ = body.addReader(from: 0, to: nil)
        body.bring(50, fill)
        #expect(body.park(fill, "f"))
        let near = body.addReader(from: 50, to: nil)
        #expect(body.wokenByNext(near) == ["f"])
    }

    @Test func `a fill that was held back is woken when its last reader leaves`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(50, fill)
        #expect(body.park(fill, "f"))
        #expect(body.removeReader(reader) == ["f"])
        #expect(body.pace(fill) == .abandoned)
        #expect(body.giveUpAbandonedFills() == [fill])
    }

    @Test(arguments: [(159, BodyMachine.State.FillStep.wait), (160, .abandoned)])
    func `a fill whose only readers are far behind gives up, as it can be resumed`(
        _ ahead: Int,
        _ expected: BodyMachine.State.FillStep
    ) {
        for isResumable in [true, false] {
            let body = BodyMachine.body(of: 1000, isResumable: isResumable)
            let fill = body.addFill(from: 0, to: 1000)
            _ = body.addReader(from: 0, to: nil)
            body.bring(ahead, fill)
            #expect(body.pace(fill) == (isResumable ? expected : .wait))
        }
    }

    @Test(arguments: [(70, BodyMachine.State.FillStep.proceed), (69, .abandoned)])
    func `a fill that nobody reads goes on if no more than finishBytesMax is missing`(
        _ frontier: Int,
        _ expected: BodyMachine.State.FillStep
    ) {
        let body = BodyMachine.body(of: 100)
        let fill = body.addFill(from: 0, to: 100)
        body.bring(frontier, fill)
        #expect(body.pace(fill) == expected)
    }

    @Test func `a fill without an end that nobody reads goes on for finishBytesMax, and anew after a reader`() {
        let body = BodyMachine.body(of: nil)
        let fill = body.addFill(from: 0, to: nil)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(10, fill)
        _ = body.removeReader(reader)
        body.bring(29, fill)
        #expect(body.pace(fill) == .proceed)
        body.bring(1, fill)
        #expect(body.pace(fill) == .abandoned)
        let next = body.addReader(from: 30, to: nil)
        #expect(body.pace(fill) == .proceed)
        _ = body.removeReader(next)
        #expect(body.pace(fill) == .proceed)
    }

    @Test func `a fill is finished at its end, and one that is not known is abandoned`() {
        let body = BodyMachine.body(of: 10)
        let fill = body.addFill(from: 0, to: 10)
        body.bring(10, fill)
        #expect(body.pace(fill) == .finished)
        #expect(body.finish(fill).isWhole)
        #expect(body.pace(fill) == .abandoned)
        #expect(body.claim(fill, count: 5).count == 0)
        #expect(!body.park(fill, "f"))
        #expect(body.breakOff(fill) == [])
    }

    // MARK: Ends

    @Test func `a fill that ends short fails those who need the rest, and nobody else`() {
        let body = BodyMachine.body(of: 100)
        let fill = body.addFill(from: 0, to: 100)
        let held = body.addReader(from: 0, to: 50)
        let needy = body.addReader(from: 0, to: 51)
        body.bring(50, fill)
        #expect(!body.finish(fill).isWhole)
        #expect(body.drain(held) == "end")
        #expect(body.drain(needy) == "failed fillFailed")
        #expect(!body.state.isComplete)
        #expect(!body.state.isBroken)
        let later = body.addReader(from: 0, to: nil)
        #expect(body.drain(later) == "fill 50..<100")
    }

    @Test func `a failing fill fails exactly those who need what it was to bring`() {
        let body = BodyMachine.body(of: 1000, held: [0..<100])
        let first = body.addFill(from: 100, to: 500)
        let second = body.addFill(from: 500, to: 1000)
        let before = body.addReader(from: 0, to: 100)
        let within = body.addReader(from: 50, to: 200)
        let through = body.addReader(from: 0, to: nil)
        let behind = body.addReader(from: 500, to: nil)
        #expect(body.park(behind, "behind"))
        #expect(body.breakOff(first) == ["behind"])
        #expect(body.drain(before) == "end")
        #expect(body.drain(within) == "failed fillFailed")
        #expect(body.drain(through) == "failed fillFailed")
        #expect(body.drain(behind) == "wait")
        body.bring(500, second)
        #expect(body.drain(behind) == "end")
    }

    @Test func `a fill that broke off after it was held back is resumed by its readers`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(50, fill)
        #expect(body.park(fill, "f"))
        #expect(body.breakOff(fill) == ["f"])
        #expect(body.drain(reader) == "fill 50..<1000")
    }

    @Test func `a fill that has brought something since it was held back fails its readers`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(50, fill)
        #expect(body.park(fill, "f"))
        #expect(body.wokenByNext(reader) == [])
        #expect(body.wokenByNext(reader) == ["f"])
        body.bring(1, fill)
        body.breakOff(fill)
        #expect(body.drain(reader) == "failed fillFailed")
    }

    @Test func `a body that cannot be resumed is broken when its fill breaks off, for whatever reason`() {
        for code in [HTTPCacheError.Code.fillFailed, .abandoned] {
            let body = BodyMachine.body(of: 1000, isResumable: false)
            let fill = body.addFill(from: 0, to: 1000)
            let reader = body.addReader(from: 0, to: nil)
            body.bring(50, fill)
            body.breakOff(fill, code)
            #expect(body.state.isBroken)
            #expect(body.drain(reader) == "failed \(code.name)")
        }
    }

    @Test func `a length that nobody declared is a fact at the end, and not at a break`() {
        let body = BodyMachine.body(of: nil)
        let fill = body.addFill(from: 0, to: nil)
        body.bring(50, fill)
        #expect(!body.state.isComplete)
        let broken = body.copy()
        broken.breakOff(fill)
        #expect(broken.state.length == nil)
        #expect(!broken.state.isComplete)
        #expect(body.finish(fill).isWhole)
        #expect(body.state.length == 50)
        #expect(body.state.isComplete)
    }

    // MARK: Retirement and eviction

    @Test func `a fill of a retired body goes on for its readers and stops without them`() {
        let body = BodyMachine.body(of: 100)
        let fill = body.addFill(from: 0, to: 100)
        let reader = body.addReader(from: 0, to: nil)
        body.bring(90, fill)
        body.retire(.changed)
        _ = body.next(reader)
        _ = body.drain(reader)
        #expect(body.pace(fill) == .proceed)
        _ = body.removeReader(reader)
        #expect(body.pace(fill) == .abandoned)
    }

    @Test func `octets placed while something was evicted are not held, and are placed once more`() {
        let body = BodyMachine.body(of: 250)
        let fill = body.addFill(from: 0, to: 250)
        let before = body.state.evictions
        body.evict(segment: 1)
        #expect(body.advance(fill, by: 10, since: before) == nil)
        #expect(body.state.extents.count == 0)
        #expect(body.claim(fill, count: 10).offset == 0)
        #expect(body.advance(fill, by: 10, since: body.state.evictions) != nil)
        #expect(body.state.extents.count == 10)
    }

    @Test func `a fill of a detached body goes on when the reader that held it back has left`() {
        let body = BodyMachine.body(of: 100, isResumable: false)
        body.detach()
        let fill = body.addFill(from: 0, to: 100)
        let slow = body.addReader(from: 0, to: nil)
        let fast = body.addReader(from: 0, to: nil)
        body.bring(40, fill)
        _ = body.drain(fast)
        #expect(body.park(fast, "fast"))
        #expect(body.park(fill, "fill"))
        #expect(body.removeReader(slow) == ["fill"])
        #expect(body.pace(fill) == .proceed)
    }

    @Test func `a reader far ahead of another has octets of a detached body fetched that can be asked for again`() {
        let body = BodyMachine.body(of: 1000)
        body.detach()
        let slow = body.addReader(from: 0, to: nil)
        let first = body.addFill(from: 0, to: 1000)
        let fast = body.addReader(from: 500, to: nil)
        guard case .startFill(let second, 500..<1000) = body.take(fast) else { Issue.record("no fill"); return }
        #expect(body.begin(second, atMost: nil) == 500..<1000)
        body.bring(100, second)
        _ = body.drain(fast)
        #expect(body.pace(second) == .proceed)
        // And is kept for who needs it soon alone.
        body.bring(40, first)
        #expect(body.pinned == [0, 1, 2, 3, 4, 6, 7, 8, 9])
        body.finish(second)
        #expect(body.pinned == [0, 1, 2, 3, 4, 6])
        #expect(body.next(slow) == "held 0..<10")
    }

    @Test func `octets evicted under a reader are fetched again, and the body is not complete`() {
        let body = BodyMachine.body(of: 250, held: [0..<250])
        let reader = body.addReader(from: 0, to: nil)
        #expect(body.next(reader) == "held 0..<10")
        body.evict(segment: 0)
        #expect(!body.state.isComplete)
        #expect(body.state.extents(ofSegment: 0) == [])
        #expect(body.state.extents(ofSegment: 2) == [200..<250])
        #expect(body.next(reader) == "fill 10..<100")
    }

    @Test func `octets evicted behind a running fill are fetched by another, which ends where the first began`() {
        let body = BodyMachine.body(of: 1000)
        let fill = body.addFill(from: 0, to: 1000)
        let front = body.addReader(from: 140, to: nil)
        body.bring(150, fill)
        body.evict(segment: 0)
        body.evict(segment: 1)
        let reader = body.addReader(from: 20, to: nil)
        #expect(body.next(reader) == "fill 20..<150")
        #expect(body.next(front) == "fill 140..<150")
    }

    @Test func `octets evicted under a retired body fail the reader with the reason`() {
        let body = BodyMachine.body(of: 100, held: [0..<100])
        let reader = body.addReader(from: 0, to: nil)
        body.retire(.changed)
        body.evict(segment: 0)
        #expect(body.drain(reader) == "failed changed")
    }

    @Test func `what is held or coming counts fills without an end`() {
        let body = BodyMachine.body(of: nil, held: [0..<10])
        #expect(body.state.isHeldOrComing(5..<10))
        #expect(!body.state.isHeldOrComing(5..<11))
        _ = body.addFill(from: 10, to: nil)
        #expect(body.state.isHeldOrComing(5..<100_000))
    }

    @Test func `octets that a fill writes among, or a reader is about to need, are pinned`() {
        let body = BodyMachine.body(of: 1000, held: [0..<350, 900..<1000])
        _ = body.addFill(from: 350, to: 400)
        let pinned = { (0..<10).filter { body.state.isPinned(body.state.range(ofSegment: $0)) } }
        #expect(pinned() == [3])
        let reader = body.addReader(from: 150, to: nil)
        #expect(pinned() == [1, 3])
        let near = body.addReader(from: 161, to: nil)
        #expect(pinned() == [1, 2, 3])
        _ = body.removeReader(near)
        // What cannot be fetched again stays for whoever is on the way to it.
        body.retire(.changed)
        #expect(pinned() == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        _ = body.removeReader(reader)
        _ = body.addReader(from: 150, to: 250)
        #expect(pinned() == [1, 2, 3])
    }

    // MARK: Bodies in memory

    @Test func `a small body is read from memory, and spilled when it grows over the limit`() {
        let body = BodyMachine(.init(length: nil, isResumable: true, limits: .small, inline: []))
        let fill = body.addFill(from: 0, to: nil)
        let reader = body.addReader(from: 0, to: nil)
        let octets: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        #expect(body.appendInline(fill, octets[0..<3]))
        body.bring(3, fill)
        #expect(body.next(reader) == "bytes 1 2 3")
        #expect(body.state.completeInline == nil)
        #expect(body.appendInline(fill, octets[3..<8]))
        body.bring(5, fill)
        #expect(!body.appendInline(fill, octets[8..<9]))
        #expect(!body.spill(count: 7))
        #expect(body.spill(count: 8))
        body.bring(1, fill)
        #expect(body.next(reader) == "held 3..<9")
        #expect(body.finish(fill).isWhole)
        #expect(body.state.isComplete)
        #expect(body.state.completeInline == nil)
        #expect(body.next(reader) == "end")
    }

    @Test func `octets that do not follow those in memory are not put behind them`() {
        let body = BodyMachine(.init(length: 8, isResumable: true, limits: .small, inline: []))
        let first = body.addFill(from: 0, to: 8)
        #expect(body.appendInline(first, [1, 2]))
        body.bring(2, first)
        body.breakOff(first)
        let reader = body.addReader(from: 6, to: nil)
        guard let second = body.take(reader).fill else {
            Issue.record("nothing is fetched")
            return
        }
        #expect(!body.appendInline(second, [7, 8]))
        #expect(body.spill(count: 2))
        body.bring(2, second)
        #expect(body.next(reader) == "held 6..<8")
    }

    @Test func `a small body that ended is complete in memory`() {
        let body = BodyMachine(.init(length: 8, isResumable: false, limits: .small, inline: []))
        let fill = body.addFill(from: 0, to: 8)
        #expect(body.appendInline(fill, [1, 2, 3, 4, 5, 6, 7, 8]))
        body.bring(8, fill)
        _ = body.finish(fill)
        #expect(body.state.completeInline == [1, 2, 3, 4, 5, 6, 7, 8])
        let reader = body.addReader(from: 6, to: nil)
        #expect(body.next(reader) == "bytes 7 8")
    }
}
