// Who waits for whom when the store is full of what cannot be asked for again and was not read yet.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct BodyFullStoreTests {
    /// Segments of 100, read ahead 40; held up to 500, where the fill is and `ahead` waits; `behind` has read 110.
    private static func body(
        of length: Int64? = 1000,
        isResumable: Bool = false
    ) -> (
        body: BodyMachine, fill: FillID, ahead: ReaderID, behind: ReaderID
    ) {
        let body = BodyMachine.body(of: length, isResumable: isResumable)
        let fill = body.addFill(from: 0, to: length)
        let (ahead, behind) = (body.addReader(from: 0, to: nil), body.addReader(from: 0, to: nil))
        body.bring(110, fill)
        #expect(body.drain(behind) == "wait")
        body.bring(390, fill)
        #expect(body.drain(ahead) == "wait")
        return (body, fill, ahead, behind)
    }

    @Test(arguments: [true, false])
    func `octets that a reader was handed stay until it asks for more`(_ isResumable: Bool) {
        let body = BodyMachine.body(of: 1000, held: [0..<1000], isResumable: isResumable)
        let reader = body.addReader(from: 95, to: 105)
        #expect(body.next(reader) == "held 95..<100")
        #expect(body.pinned.contains(0))
        #expect(body.next(reader) == "held 100..<105")
        #expect(body.pinned == [1])
        #expect(body.next(reader) == "end")
        #expect(body.pinned == [])
    }

    @Test func `with room in the store the one ahead goes on`() {
        let (body, fill, _, _) = Self.body()
        #expect(body.pace(fill) == .proceed)
    }

    @Test(arguments: [(1000, false), (nil, false), (nil, true)] as [(Int64?, Bool)])
    func `without room the one ahead waits until the one behind has left a segment`(
        _ length: Int64?,
        _ isResumable: Bool
    ) {
        let (body, fill, _, behind) = Self.body(of: length, isResumable: isResumable)
        #expect(body.noteFullStore(true) == [])
        #expect(body.pace(fill) == .wait)
        #expect(body.park(fill, "f"))
        for _ in 0..<9 { #expect(body.wokenByNext(behind) == []) }
        #expect(body.next(behind) == "held 200..<210")
        #expect(body.pace(fill) == .proceed)
        #expect(!body.pinned.contains(1))
        // Full once more.
        _ = body.noteFullStore(true)
        #expect(body.pace(fill) == .wait)
    }

    @Test func `who waits is woken by the segment that is left, by room, and by the other's going`() {
        for way in 0..<3 {
            let (body, fill, _, behind) = Self.body()
            _ = body.noteFullStore(true)
            #expect(body.park(fill, "f"))
            switch way {
            case 0:
                var woken: [String] = []
                for _ in 0..<10 { woken += body.wokenByNext(behind) }
                #expect(woken == ["f"])
            case 1: #expect(body.noteFullStore(false) == ["f"])
            default: #expect(body.removeReader(behind) == ["f"])
            }
        }
    }

    @Test func `what can be asked for again waits for nobody behind`() {
        let (body, fill, _, _) = Self.body(isResumable: true)
        _ = body.noteFullStore(true)
        #expect(body.pace(fill) == .proceed)
    }

    @Test func `a reader alone is never left behind`() {
        let (body, fill, ahead, _) = Self.body()
        _ = body.removeReader(ahead)
        _ = body.noteFullStore(true)
        #expect(body.park(fill, "f"))
        for seconds in 0..<1000 { #expect(body.relieve(at: Int64(seconds)) == []) }
        #expect(body.pinned.contains(1))
    }

    @Test(arguments: [(29, false), (30, true)] as [(Int64, Bool)])
    func `who has others wait for too long is left behind`(_ seconds: Int64, _ isLeft: Bool) {
        let (body, fill, ahead, behind) = Self.body()
        _ = body.noteFullStore(true)
        #expect(body.park(fill, "f"))
        #expect(body.relieve(at: 1000) == [])
        #expect(body.relieve(at: 1015) == [])
        #expect(body.relieve(at: 1000 + seconds) == (isLeft ? ["f"] : []))
        #expect(body.pinned.contains(1) != isLeft)
        guard isLeft else { return }
        // Even when it is full again.
        _ = body.noteFullStore(true)
        #expect(body.pace(fill) == .proceed)
        #expect(body.next(behind) == "held 110..<120")
        body.evict(segment: 1)
        #expect(body.next(behind) == "failed unavailable")
        body.bring(500, fill)
        body.finish(fill)
        #expect(body.drain(ahead) == "end")
    }

    @Test func `who was left behind has the rest fetched once the whole is known to be so long`() {
        let (body, fill, _, behind) = Self.body(of: nil, isResumable: true)
        _ = body.noteFullStore(true)
        #expect(body.park(fill, "f"))
        for seconds in [0, 15, 30] { _ = body.relieve(at: Int64(seconds)) }
        #expect(body.state.readers[behind]?.isLeftBehind == true)
        body.evict(segment: 1)
        body.bring(500, fill)
        body.finish(fill)
        guard case .startFill(let second, 110..<200) = body.take(behind) else { Issue.record("no fill"); return }
        #expect(body.begin(second, atMost: nil) == 110..<200)
    }

    @Test func `who was left behind is waited for when those ahead need no more`() {
        let body = BodyMachine.body(of: 1000, isResumable: false)
        let fill = body.addFill(from: 0, to: 1000)
        let (ahead, behind) = (body.addReader(from: 0, to: 600), body.addReader(from: 0, to: nil))
        body.bring(500, fill)
        _ = body.drain(ahead)
        _ = body.noteFullStore(true)
        #expect(body.park(fill, "f"))
        for seconds in [0, 15, 30] { _ = body.relieve(at: Int64(seconds)) }
        #expect(body.state.readers[behind]?.isLeftBehind == true)
        body.bring(100, fill)
        #expect(body.drain(ahead) == "end")
        #expect(body.pace(fill) == .wait)
    }

    @Test func `time counts only while somebody waits, and a clock that is set is not a long wait`() {
        let (body, fill, _, _) = Self.body()
        _ = body.relieve(at: 0)
        _ = body.relieve(at: 100)
        _ = body.noteFullStore(true)
        #expect(body.park(fill, "f"))
        #expect(body.relieve(at: 200) == [])
        #expect(body.relieve(at: 1_000_000) == [])
        #expect(body.relieve(at: 1_000_014) == [])
        #expect(body.relieve(at: 1_000_015) == ["f"])
    }

    @Test func `who was left behind is the one that counts when the others have gone, or once it has caught up`() {
        for isCatchingUp in [true, false] {
            let (body, fill, ahead, behind) = Self.body()
            _ = body.noteFullStore(true)
            #expect(body.park(fill, "f"))
            for seconds in [0, 15, 30] { _ = body.relieve(at: Int64(seconds)) }
            #expect(!body.pinned.contains(1))
            if isCatchingUp { #expect(body.drain(behind) == "wait") } else { _ = body.removeReader(ahead) }
            #expect(body.pinned.contains(isCatchingUp ? 5 : 1))
            #expect(body.pace(fill) == (isCatchingUp ? .proceed : .wait))
        }
    }
}
