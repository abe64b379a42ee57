// A body's state machine as the tests drive it: waiters are names, limits are small, steps are text.

import HTTP

@testable import HTTPCache

/// One body's state, held by reference so that it can be asked within an expectation.
final class BodyMachine {
    typealias State = BodyStateMachine<String>

    private(set) var state: State

    init(_ state: State) {
        self.state = state
    }

    /// A body of which `held` is held.
    static func body(
        of length: Int64?,
        held: [Range<Int64>] = [],
        isResumable: Bool = true,
        limits: BodyLimits = .small
    ) -> BodyMachine {
        BodyMachine(State(length: length, isResumable: isResumable, limits: limits, extents: ExtentMap(held)))
    }

    /// The same state, that goes its own way.
    func copy() -> BodyMachine { BodyMachine(state) }

    // MARK: Readers

    func addReader(from start: Int64, to end: Int64?) -> ReaderID { state.addReader(from: start, to: end) }

    func removeReader(_ reader: ReaderID) -> [String] { state.removeReader(reader) }

    /// What the reader does next.
    func take(_ reader: ReaderID) -> State.ReaderStep { state.take(reader).step }

    /// What the reader does next, as text.
    func next(_ reader: ReaderID) -> String { take(reader).text }

    func peek(_ reader: ReaderID) -> String { state.peek(reader).step.text }

    /// Who is woken by what the reader does next.
    func wokenByNext(_ reader: ReaderID) -> [String] { state.take(reader).wake }

    /// What the reader does once it has read all that is held.
    func drain(_ reader: ReaderID) -> String {
        while true {
            let step = next(reader)
            if !step.hasPrefix("held"), !step.hasPrefix("bytes") { return step }
        }
    }

    func park(_ reader: ReaderID, _ name: String) -> Bool { state.park(reader, name) }

    func lose(_ range: Range<Int64>, at position: Int64, for reader: ReaderID) {
        state.lose(range, at: position, for: reader)
    }

    // MARK: Fills

    func addFill(from start: Int64, to end: Int64?) -> FillID { state.addFill(from: start, to: end) }

    func begin(_ fill: FillID, atMost most: Int64?) -> Range<Int64>? { state.begin(fill, atMost: most) }

    func giveUpIfIdle(_ fill: FillID, unlessWithin rest: Int64 = 0) -> Bool {
        state.giveUpIfIdle(fill, unlessWithin: rest).isGivenUp
    }

    func noteFullStore(_ isFull: Bool) -> [String] { state.noteFullStore(isFull) }

    func relieve(at seconds: Int64) -> [String] { state.relieve(at: Timestamp(seconds: seconds)) }

    /// The segments that may not be evicted, of the first ten.
    var pinned: [Int] { (0..<10).filter { state.isPinned(state.range(ofSegment: $0)) } }

    func detach() { state.isDetached = true }

    func advance(_ fill: FillID, by count: Int, since evictions: Int) -> [String]? {
        state.advance(fill, by: count, rate: 0, since: evictions)
    }

    func pace(_ fill: FillID) -> State.FillStep { state.pace(fill) }

    func park(_ fill: FillID, _ name: String) -> Bool { state.park(fill, name) }

    func claim(_ fill: FillID, count: Int) -> (offset: Int64, count: Int) { state.claim(fill, count: count) }

    func appendInline(_ fill: FillID, _ bytes: ArraySlice<UInt8>) -> Bool { state.appendInline(fill, bytes) }

    func spill(count: Int) -> Bool { state.spill(count: count) }

    /// `count` octets arrive; who is woken.
    @discardableResult
    func bring(_ count: Int, _ fill: FillID, rate: Double = 0) -> [String] {
        state.advance(fill, by: count, rate: rate)
    }

    /// The origin has ended the body.
    @discardableResult
    func finish(_ fill: FillID) -> (isWhole: Bool, wake: [String]) { state.finish(fill) }

    /// The fill breaks off; who is woken.
    @discardableResult
    func breakOff(_ fill: FillID, _ code: HTTPCacheError.Code = .fillFailed) -> [String] {
        state.fail(fill, HTTPCacheError(code, "broken"))
    }

    func retire(_ code: HTTPCacheError.Code) { state.retire(HTTPCacheError(code, "retired")) }

    func giveUpAbandonedFills() -> [FillID] { state.giveUpAbandonedFills() }

    func evict(segment index: Int) { state.evict(state.range(ofSegment: index)) }
}

extension BodyLimits {
    /// Limits that a table can name: chunk 10, read-ahead 40, finish 30, join 5, segment 100, inline 8.
    static var small: BodyLimits {
        var limits = BodyLimits()
        limits.chunkBytesMax = 10
        limits.readAheadBytesMax = 40
        limits.finishBytesMax = 30
        limits.joinBytesMax = 5
        limits.segmentBytes = 100
        limits.inlineBytesMax = 8
        return limits
    }
}

extension BodyStateMachine.ReaderStep {
    /// `held 0..<10`, `bytes 1 2`, `end`, `wait`, `fill 0..<10`, `failed fillFailed`.
    var text: String {
        switch self {
        case .bytes(let bytes): "bytes " + bytes.map(String.init).joined(separator: " ")
        case .held(let offset, let count): "held \(offset)..<\(offset + count)"
        case .end: "end"
        case .wait: "wait"
        case .startFill(_, let range): "fill \(range)"
        case .failed(let error): "failed \(error.code.name)"
        }
    }

    /// The fill that is to be started, if one is.
    var fill: FillID? {
        if case .startFill(let fill, _) = self { fill } else { nil }
    }
}

extension HTTPCacheError.Code {
    var name: String {
        switch self {
        case .segmentMissing: "segmentMissing"
        case .storeFailed: "storeFailed"
        case .fillFailed: "fillFailed"
        case .unavailable: "unavailable"
        case .changed: "changed"
        case .abandoned: "abandoned"
        default: "unknown"
        }
    }
}
