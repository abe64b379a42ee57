// One body under random readers, fills and evictions, checked against a model at each step.

import HTTP
import TestSupport

@testable import HTTPCache

/// What a simulation has found to be wrong.
struct BodyViolation: Error, CustomStringConvertible {
    let description: String
}

/// The owner of one body's state machine, played by one random sequence of steps instead of tasks.
struct BodySimulation {
    struct Setting: Sendable, CustomStringConvertible {
        var isLengthKnown = true
        var isResumable = true
        var isInline = false
        var evicts = true
        var fails = true
        /// The store is full now and then, or has failed.
        var isTight = false
        var description: String {
            "length \(isLengthKnown), resumable \(isResumable), inline \(isInline), evicts \(evicts), fails \(fails), "
                + "tight \(isTight)"
        }
    }

    private struct Reader {
        let end: Int?
        var position: Int
        var mayFail = false
    }

    /// The origin's answer behind a fill: where it stops, and whether it says so.
    private struct Fill {
        var position: Int
        var stop: Int
        var isCut: Bool
        /// Octets of the answer that have come: its end is noticed only when it is asked for more.
        var asked: Range<Int>
        /// Its turn has come.
        var hasBegun: Bool
    }

    private let setting: Setting
    private let length: Int
    private var generator: SeededGenerator
    private var body: BodyMachine.State
    private var octets: [UInt8]
    private var held: [Bool]
    private var heldCount = 0
    private var readers: [ReaderID: Reader] = [:]
    private var fills: [FillID: Fill] = [:]
    private var parkedReaders: [String: ReaderID] = [:]
    private var parkedFills: [String: FillID] = [:]
    private var names = 0
    private var seconds: Int64 = 0
    private(set) var cleanEnds = 0
    private(set) var failures = 0
    private(set) var fillCount = 0

    init(_ setting: Setting, seed: UInt64) {
        self.setting = setting
        generator = SeededGenerator(seed: seed)
        length = Int.random(in: 0...900, using: &generator)
        var limits = BodyLimits()
        limits.chunkBytesMax = Int64.random(in: 1...64, using: &generator)
        limits.readAheadBytesMax = Int64.random(in: 1...100, using: &generator)
        limits.finishBytesMax = Int64.random(in: 0...100, using: &generator)
        limits.joinBytesMax = Int64.random(in: 0...50, using: &generator)
        limits.segmentBytes = Int64.random(in: 1...300, using: &generator)
        limits.inlineBytesMax = setting.isInline ? Int.random(in: 0...length, using: &generator) : 0
        body = BodyMachine.State(
            length: setting.isLengthKnown ? Int64(length) : nil,
            isResumable: setting.isResumable,
            limits: limits,
            inline: setting.isInline ? [] : nil
        )
        octets = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        held = Array(repeating: false, count: length)
    }

    /// Plays `steps` random steps, then lets everybody go on until nobody can.
    mutating func run(steps: Int) throws {
        let first = body.addFill(from: 0, to: body.length)
        try begin(first, 0..<length, isFirst: true)
        for _ in 0..<steps {
            try step()
            try check()
        }
        try settle()
    }

    // MARK: Steps

    private mutating func step() throws {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: addReader()
        case 1: if readers.count > 2 { leave() }
        case 2: if setting.evicts, !setting.isInline { evict() }
        case 3: giveUpIfIdle()
        case 4 where setting.isTight: tighten()
        case 4..<12:
            if let reader = readers.keys.filter(isAwake).sorted(by: { $0.rawValue < $1.rawValue })
                .randomElement(using: &generator)
            {
                try read(reader)
            }
        default:
            if let fill = fills.keys.filter(isAwake).sorted(by: { $0.rawValue < $1.rawValue })
                .randomElement(using: &generator)
            {
                try pump(fill)
            }
        }
    }

    private func isAwake(_ reader: ReaderID) -> Bool { !parkedReaders.values.contains(reader) }
    private func isAwake(_ fill: FillID) -> Bool { !parkedFills.values.contains(fill) }

    private mutating func addReader() {
        // The owner takes a broken body out of everybody's sight.
        guard readers.count < 8, !body.isBroken else { return }
        // As the owner does: without a length only whole bodies are read, and without ranges only what is coming.
        let isRange = body.length != nil && length > 0 && Bool.random(using: &generator)
        let start = isRange ? Int.random(in: 0..<length, using: &generator) : 0
        let end = isRange ? Int.random(in: start + 1...length, using: &generator) : nil
        let reader = body.addReader(from: Int64(start), to: end.map(Int64.init))
        readers[reader] = Reader(end: end, position: start)
    }

    private mutating func leave() {
        guard let reader = readers.keys.sorted(by: { $0.rawValue < $1.rawValue }).randomElement(using: &generator)
        else { return }
        readers[reader] = nil
        wake(body.removeReader(reader))
    }

    private mutating func evict() {
        let index = Int.random(in: 0...length / Int(body.limits.segmentBytes), using: &generator)
        let range = body.range(ofSegment: index)
        body.evict(range)
        for position in Int(range.lowerBound)..<min(length, Int(range.upperBound)) where held[position] {
            held[position] = false
            heldCount -= 1
        }
    }

    /// The store becomes full, has room again or fails, or somebody looks who has others wait.
    private mutating func tighten() {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: body.isDetached = true
        case 1...3: wake(body.noteFullStore(Bool.random(using: &generator)))
        default:
            seconds += Int64.random(in: 1...40, using: &generator)
            wake(body.relieve(at: Timestamp(seconds: seconds)))
        }
    }

    private mutating func read(_ id: ReaderID) throws {
        guard let reader = readers[id] else { return }
        let (step, woken) = Bool.random(using: &generator) ? body.take(id) : peekAndTake(id)
        wake(woken)
        switch step {
        case .bytes(let bytes):
            guard bytes.elementsEqual(octets[reader.position..<reader.position + bytes.count]) else {
                throw BodyViolation(description: "other octets than those at \(reader.position)")
            }
            try consume(id, reader, count: bytes.count)
        case .held(let offset, let count):
            guard Int(offset) == reader.position else {
                throw BodyViolation(description: "octets at \(offset) for a reader at \(reader.position)")
            }
            try consume(id, reader, count: Int(count))
        case .end:
            guard reader.position == reader.end ?? length else {
                throw BodyViolation(description: "an end at \(reader.position) of \(reader.end ?? length)")
            }
            cleanEnds += 1
            readers[id] = nil
            wake(body.removeReader(id))
        case .wait:
            names += 1
            if body.park(id, "\(names)") { parkedReaders["\(names)"] = id }
        case .startFill(let fill, let range):
            guard body.pace(fill) == .proceed else {
                throw BodyViolation(description: "the fill \(range) is \(body.pace(fill)) before it has begun")
            }
            try begin(fill, Int(range.lowerBound)..<Int(range.upperBound), isFirst: false)
        case .failed(let error):
            guard reader.mayFail || !setting.isResumable || body.length == nil else {
                throw BodyViolation(description: "a reader at \(reader.position) failed without cause: \(error)")
            }
            failures += 1
            readers[id] = nil
            wake(body.removeReader(id))
        }
    }

    private mutating func peekAndTake(_ id: ReaderID) -> (step: BodyMachine.State.ReaderStep, wake: [String]) {
        let first = body.peek(id)
        // What peeking starts is registered: the owner starts it, and takes later.
        if case .startFill = first.step { return first }
        let second = body.take(id)
        return (second.step, first.wake + second.wake)
    }

    private mutating func consume(_ id: ReaderID, _ reader: Reader, count: Int) throws {
        let range = reader.position..<reader.position + count
        guard count > 0, range.upperBound <= reader.end ?? length, range.allSatisfy({ held[$0] }) else {
            throw BodyViolation(description: "a reader was given \(range), which is not all held or not all its own")
        }
        readers[id]?.position = range.upperBound
    }

    // MARK: Fills

    private mutating func begin(_ id: FillID, _ range: Range<Int>, isFirst: Bool) throws {
        guard isFirst || !range.isEmpty else { throw BodyViolation(description: "an empty fill") }
        if let position = range.first(where: { held[$0] }) {
            throw BodyViolation(description: "the fill \(range) asks for \(position), which is held")
        }
        fillCount += 1
        fills[id] = Fill(
            position: range.lowerBound,
            stop: range.upperBound,
            isCut: false,
            asked: range,
            hasBegun: isFirst
        )
        if isFirst { ask(id, range) }
    }

    /// The origin is asked for `range`.
    private mutating func ask(_ id: FillID, _ range: Range<Int>) {
        // A short end that is told as the end is one, where no length was declared.
        let isEndKnown = body.length != nil
        let isCut = setting.fails && Int.random(in: 0..<4, using: &generator) == 0
        let stop = isCut ? Int.random(in: range.lowerBound...range.upperBound, using: &generator) : range.upperBound
        fills[id] = Fill(
            position: range.lowerBound,
            stop: stop,
            isCut: isCut && (!isEndKnown || Bool.random(using: &generator)),
            asked: range,
            hasBegun: true
        )
    }

    /// Its turn has come, with others in line or not.
    private mutating func beginWaiting(_ id: FillID) throws {
        let most = Bool.random(using: &generator) ? Int64.random(in: 0...200, using: &generator) : nil
        guard let range = body.begin(id, atMost: most) else {
            return breakOff(id, HTTPCacheError(.abandoned, "nobody reads it"), spares: setting.isResumable)
        }
        guard !range.isEmpty, let fill = fills[id], Int(range.lowerBound) == fill.position,
            range.upperBound <= fill.asked.upperBound
        else { throw BodyViolation(description: "a turn for \(range)") }
        ask(id, Int(range.lowerBound)..<Int(range.upperBound))
    }

    /// Another wants its place.
    private mutating func giveUpIfIdle() {
        // Else it is broken off, and the owner asks anew for who comes then.
        guard setting.fails || setting.isResumable && setting.isLengthKnown else { return }
        guard let id = fills.keys.sorted(by: { $0.rawValue < $1.rawValue }).randomElement(using: &generator)
        else { return }
        wake(body.giveUpIfIdle(id, unlessWithin: Int64.random(in: 0...50, using: &generator)).wake)
    }

    /// What the owner's loop does in one turn.
    private mutating func pump(_ id: FillID) throws {
        guard let fill = fills[id] else { return }
        guard fill.hasBegun else { return try beginWaiting(id) }
        switch body.pace(id) {
        case .wait:
            names += 1
            if body.park(id, "\(names)") { parkedFills["\(names)"] = id }
        case .finished:
            end(id)
        case .abandoned:
            breakOff(id, HTTPCacheError(.abandoned, "nobody reads it"), spares: setting.isResumable)
        case .proceed:
            guard fill.position < fill.stop else {
                if fill.isCut {
                    // Held back or not, the machine knows; the model lets those fail that needed it.
                    breakOff(id, HTTPCacheError(.fillFailed, "cut"), spares: false)
                } else {
                    end(id)
                }
                return
            }
            let chunk = min(fill.stop - fill.position, Int.random(in: 1...40, using: &generator))
            try write(id, fill.position..<fill.position + chunk)
        }
    }

    private mutating func write(_ id: FillID, _ chunk: Range<Int>) throws {
        fills[id]?.position = chunk.upperBound
        var rest = chunk
        while !rest.isEmpty {
            let (offset, count) = body.claim(id, count: rest.count)
            guard count > 0 else { return }
            guard Int(offset) == rest.lowerBound else {
                throw BodyViolation(description: "a fill at \(rest.lowerBound) is told to write at \(offset)")
            }
            let taken = rest.lowerBound..<rest.lowerBound + count
            rest = taken.upperBound..<rest.upperBound
            if let position = taken.first(where: { held[$0] }) {
                throw BodyViolation(description: "\(position) was fetched twice")
            }
            if case .inline(let inline) = body.storage, !body.appendInline(id, octets[taken]) {
                guard body.spill(count: inline.count) else { throw BodyViolation(description: "it cannot be spilled") }
            }
            for position in taken { held[position] = true }
            heldCount += count
            wake(body.advance(id, by: count, rate: Double.random(in: 0...100, using: &generator)))
        }
    }

    private mutating func end(_ id: FillID) {
        // Those who need more than it brought may fail; the model sees only whether the machine says that it is short.
        let allowed = needy(of: id)
        let (isWhole, woken) = body.finish(id)
        if !isWhole { allow(allowed) }
        forget(id, woken)
    }

    private mutating func breakOff(_ id: FillID, _ error: HTTPCacheError, spares: Bool) {
        if !spares { allow(needy(of: id)) }
        forget(id, body.fail(id, error))
    }

    private mutating func forget(_ id: FillID, _ woken: [String]) {
        fills[id] = nil
        wake(woken)
    }

    /// Readers that need octets which this fill was asked to bring, and has not brought.
    private func needy(of id: FillID) -> [ReaderID] {
        guard let fill = fills[id] else { return [] }
        return readers.filter { $0.value.position < fill.asked.upperBound && $0.value.end ?? length > fill.position }
            .map(\.key)
    }

    private mutating func allow(_ ids: [ReaderID]) {
        for id in ids { readers[id]?.mayFail = true }
    }

    private mutating func wake(_ woken: [String]) {
        for name in woken {
            parkedReaders[name] = nil
            parkedFills[name] = nil
        }
    }

    // MARK: Checks

    private func check() throws {
        guard body.extents.count == Int64(heldCount) else {
            throw BodyViolation(description: "\(body.extents.count) octets are held, and \(heldCount) came and stayed")
        }
        let isAll = body.length == Int64(length) && heldCount == length
        guard body.isComplete == isAll else {
            throw BodyViolation(description: "complete: \(body.isComplete), with \(heldCount) of \(length)")
        }
        guard body.length == nil || body.length == Int64(length) else {
            throw BodyViolation(description: "a length of \(body.length ?? -1) for \(length)")
        }
        guard !body.isFilling || !fills.isEmpty, body.isBusy == !(fills.isEmpty && readers.isEmpty) else {
            throw BodyViolation(description: "the machine knows of other fills or readers")
        }
        if fills.isEmpty, !parkedReaders.isEmpty {
            throw BodyViolation(description: "\(parkedReaders.count) readers wait and nothing is running")
        }
    }

    /// Nobody new comes, nothing is evicted: everybody must come to an end.
    private mutating func settle() throws {
        for _ in 0..<100_000 {
            let awakeReaders = readers.keys.filter(isAwake).sorted { $0.rawValue < $1.rawValue }
            let awakeFills = fills.keys.filter(isAwake).sorted { $0.rawValue < $1.rawValue }
            if awakeReaders.isEmpty, awakeFills.isEmpty {
                guard readers.isEmpty, fills.isEmpty else {
                    throw BodyViolation(description: "\(readers.count) readers and \(fills.count) fills wait for ever")
                }
                return
            }
            for reader in awakeReaders { try read(reader) }
            for fill in awakeFills { try pump(fill) }
            try check()
        }
        throw BodyViolation(description: "it does not come to an end")
    }
}
