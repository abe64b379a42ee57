// The life of one stored body: which octets are held, who fetches the missing ones, who reads; pure, no clock, no I/O.
// Above 400 lines: one machine whose states make sense only together.

import HTTP

/// Identifies one fill of one body.
package struct FillID: Sendable, Hashable {
    let rawValue: Int
}

/// Identifies one reader of one body.
package struct ReaderID: Sendable, Hashable {
    let rawValue: Int
}

/// What one stored body holds, the fills that add to it and the readers that wait for them.
///
/// Every octet is fetched once: a missing extent belongs to at most one fill, everybody else joins it. Complete is a
/// fact, never inferred: the length is known, and every octet up to it is held. `Waiter` is whatever the owner resumes
/// after it has let go of its lock.
package struct BodyStateMachine<Waiter: Sendable>: Sendable {
    /// Where the held octets are.
    package enum Storage: Sendable {
        case inline([UInt8])
        case segments
    }

    struct Fill: Sendable {
        /// The next octet that it brings.
        var frontier: Int64
        /// Where it ends; nil: where the origin ends.
        var end: Int64?
        /// Where the origin said that it ends, should it not have to go so far.
        var promisedEnd: Int64?
        /// The origin has been asked; before, nothing is lost if nobody wants it any more.
        var hasBegun = true
        /// Where it stood when the last reader left.
        var abandonedAt: Int64?
        /// It was made to wait since it last brought something: if the origin hangs up on it, that is our doing.
        var wasHeldBack = false
        /// Nobody wanted the rest, so it is ending: nobody joins it.
        var isGivenUp = false
        /// The origin sends the whole body, octets that are held already among it.
        var bringsAll = false
        /// Octets a second, as far as can be told.
        var rate: Double = 0
        var waiter: Waiter?
    }

    struct Reader: Sendable {
        var position: Int64
        /// Where the octets begin that it was handed last: until it asks for more they are being looked up and sent.
        var sending: Int64
        /// Where it ends; nil: at the body's end, wherever that is.
        var end: Int64?
        var failure: HTTPCacheError?
        var waiter: Waiter?
        /// For how long others had to wait for it, as far as was seen, while the store was full.
        var heldBackNanoseconds: Int64 = 0
        /// It held others back for too long: nothing is kept for it, and nobody waits for it.
        var isLeftBehind = false
    }

    /// What a reader does next.
    package enum ReaderStep: Sendable {
        /// Octets from memory.
        case bytes(ArraySlice<UInt8>)
        /// Octets in one segment, from `offset` in the body.
        case held(offset: Int64, count: Int64)
        /// All was read.
        case end
        /// Park until woken.
        case wait
        /// Start this fill, which is already registered, then take again.
        case startFill(FillID, Range<Int64>)
        case failed(HTTPCacheError)
    }

    /// What a fill does next.
    package enum FillStep: Equatable {
        case proceed
        /// Park until woken.
        case wait
        /// Stop: it has brought all it was to bring.
        case finished
        /// Stop: nobody wants the rest.
        case abandoned
    }

    package let limits: BodyLimits
    /// Once it is known for a fact.
    package private(set) var length: Int64?
    package private(set) var extents = ExtentMap()
    /// What the store holds but the system's going down may have spoilt: not held until it was checked.
    package private(set) var suspects = ExtentMap()
    package private(set) var storage: Storage
    /// Whether more octets may be asked for and combined with those held: the validator is strong.
    package let isResumable: Bool
    /// What the one 206 held that this is made of; nil if the body is more than one piece, or was meant to be whole.
    package let piece: Range<Int64>?
    /// False once the origin has sent the whole although it was asked for a range.
    package private(set) var servesRanges = true
    /// The store has failed: memory is what it takes, so no reader may fall far behind.
    package var isDetached = false
    /// The store has no room but for what readers of this body have not read yet: see ``noteFullStore(_:)``.
    package internal(set) var isStoreFull = false
    /// When somebody was last seen to wait for another reader.
    var sampledAt: Timestamp?
    /// Why nothing more is fetched for it: it was replaced, or the origin changed.
    package private(set) var retirement: HTTPCacheError?
    /// How often octets were evicted: who looks at a file needs to know that none were while it looked.
    package private(set) var evictions = 0
    /// Whether a fill broke off and left a body that cannot be resumed.
    package private(set) var isBroken = false

    var fills: [FillID: Fill] = [:]
    var readers: [ReaderID: Reader] = [:]
    private var lastID = 0

    /// A body of which nothing is held yet, or what the store says is held.
    package init(
        length: Int64?,
        isResumable: Bool,
        limits: BodyLimits,
        inline: [UInt8]? = nil,
        extents: ExtentMap = ExtentMap(),
        suspects: ExtentMap = ExtentMap(),
        piece: Range<Int64>? = nil
    ) {
        self.suspects = suspects
        self.length = length
        self.isResumable = isResumable
        self.piece = piece
        self.limits = limits
        self.extents = extents
        if let inline {
            storage = .inline(inline)
            self.extents.insert(0..<Int64(inline.count))
        } else {
            storage = .segments
        }
    }

    // MARK: What is learnt on the way

    /// Says how long the whole is, which nobody had told; false if that contradicts what is held or known.
    package mutating func learn(length new: Int64) -> Bool {
        guard new >= lengthMin, length ?? new == new else { return false }
        length = new
        return true
    }

    /// Says that the origin sends the whole when asked for a range.
    package mutating func noteRangesIgnored() {
        servesRanges = false
    }

    /// Says that the origin sends the whole body in answer to the fill `id`, which so begins anew, with the first octet.
    ///
    /// False, and the fill is gone, if another one brings the whole already, or nobody knows `id`: this answer is not needed.
    package mutating func beginAnew(_ id: FillID) -> (isNeeded: Bool, wake: [Waiter]) {
        servesRanges = false
        guard let fill = fills[id] else { return (false, []) }
        let isBrought = fills.contains { other, state in
            other != id && state.bringsAll && !state.isGivenUp && state.frontier <= fill.frontier
        }
        if isBrought {
            fills[id] = nil
            return (false, wakeReaders { _ in true } + wakeHeldBackFills())
        }
        // Another one that is further on brings the rest.
        let others = fills.filter { $0.key != id && $0.value.bringsAll && !$0.value.isGivenUp }
        fills[id]?.frontier = 0
        fills[id]?.end = others.values.map(\.frontier).min() ?? length
        fills[id]?.promisedEnd = length
        fills[id]?.bringsAll = true
        return (true, [])
    }

    /// Moves a fill past octets that are held already; how many of `count` these are.
    package mutating func passHeld(_ id: FillID, count: Int) -> Int {
        guard let fill = fills[id], !fill.isGivenUp, let held = extents.end(of: fill.frontier) else { return 0 }
        let passed = max(0, min(Int64(count), min(held, fill.end ?? held) - fill.frontier))
        fills[id]?.frontier = fill.frontier + passed
        return Int(passed)
    }

    /// How far a fill is, and who wants what it brings; nil once it is over.
    package func progress(of id: FillID) -> (next: Int64, end: Int64?, readers: Int, waiting: Int)? {
        guard let fill = fills[id] else { return nil }
        let wanting = readers.values.filter { wants($0, fill) }
        return (fill.frontier, fill.end, wanting.count, wanting.count { $0.waiter != nil })
    }

    /// Whether it is too large to be in the page cache for good; if nobody knows its length, by what came before `offset`.
    package func isLarge(at offset: Int64) -> Bool {
        max(length ?? 0, offset) > limits.cachedBytesMax
    }

    // MARK: Readers

    /// Whether what is read at `offset` is of a large body, and there is one reader alone.
    package func isReadOnce(at offset: Int64) -> Bool {
        readers.count == 1 && isLarge(at: offset)
    }

    /// Registers a reader of `start ..< end`.
    ///
    /// It fails where `standIn` does, which read from the start for those who were still on their way.
    package mutating func addReader(from start: Int64, to end: Int64?, after standIn: ReaderID? = nil) -> ReaderID {
        lastID += 1
        let id = ReaderID(rawValue: lastID)
        readers[id] = Reader(
            position: start,
            sending: start,
            end: end,
            failure: standIn.flatMap { readers[$0]?.failure }
        )
        for (fill, state) in fills where hasReaders(of: state) { fills[fill]?.abandonedAt = nil }
        return id
    }

    /// What `id` does next; octets that are returned count as read.
    package mutating func take(_ id: ReaderID) -> (step: ReaderStep, wake: [Waiter]) {
        guard let reader = readers[id] else {
            return (.failed(HTTPCacheError(.abandoned, "the reader has gone")), [])
        }
        let position = reader.position
        noteSent(id)
        if let end = reader.end ?? length, position >= end { return (.end, []) }
        if let held = extents.end(of: position) {
            let segmentEnd = (position / limits.segmentBytes + 1) * limits.segmentBytes
            let end = min(held, reader.end ?? length ?? held, position + limits.chunkBytesMax, segmentEnd)
            readers[id]?.position = end
            let wake = wakeHeldBackFills()
            switch storage {
            case .inline(let bytes): return (.bytes(bytes[Int(position)..<Int(end)]), wake)
            case .segments: return (.held(offset: position, count: end - position), wake)
            }
        }
        if let failure = reader.failure { return (.failed(failure), []) }
        if isJoinable(at: position) { return (.wait, wakeHeldBackFills()) }
        // Else a fill that it has to itself would have nobody to bring anything to, and be begun again for ever.
        readers[id]?.isLeftBehind = false
        return (startFill(at: position, end: reader.end), [])
    }

    /// What ``take(_:)`` would say, with nothing counted as read.
    package mutating func peek(_ id: ReaderID) -> (step: ReaderStep, wake: [Waiter]) {
        let before = readers[id]
        let result = take(id)
        if let before { readers[id]?.position = before.position }
        return result
    }

    /// Octets that could not be read from the store are not held after all: the reader is put back to `position`.
    package mutating func lose(_ range: Range<Int64>, at position: Int64, for id: ReaderID) {
        evict(range)
        readers[id]?.position = position
    }

    /// Of the octets that a reader was handed last it takes only those before `position` for now.
    package mutating func putBack(_ id: ReaderID, to position: Int64) {
        guard let reader = readers[id], (reader.sending...reader.position).contains(position) else { return }
        readers[id]?.position = position
    }

    /// What was suspect has been checked: it is held, or was spoilt.
    package mutating func settle(_ range: Range<Int64>, isSound: Bool) {
        // Evicted meanwhile, it is neither.
        guard suspects.contains(range) else { return }
        suspects.remove(range)
        if isSound { extents.insert(range) }
    }

    /// The suspect octets from where `id` reads, until the next that are none; nil if it can go on.
    package func suspectRange(for id: ReaderID) -> Range<Int64>? {
        guard let position = readers[id]?.position, let end = suspects.end(of: position) else { return nil }
        return position..<min(end, readers[id]?.end ?? end)
    }

    /// Remembers whom to wake when `id` can go on; false if it can already.
    package mutating func park(_ id: ReaderID, _ waiter: Waiter) -> Bool {
        guard let reader = readers[id], reader.failure == nil, extents.end(of: reader.position) == nil else {
            return false
        }
        if let end = reader.end ?? length, reader.position >= end { return false }
        guard coveringFill(reader.position) != nil else { return false }
        readers[id]?.waiter = waiter
        return true
    }

    /// Forgets a reader; whoever is to be woken is returned.
    package mutating func removeReader(_ id: ReaderID) -> [Waiter] {
        let gone = readers.removeValue(forKey: id)
        noteLeft()
        var wake = gone?.waiter.map { [$0] } ?? []
        for (fill, state) in fills where !hasReaders(of: state) {
            if state.abandonedAt == nil { fills[fill]?.abandonedAt = state.frontier }
            if let waiter = state.waiter {
                wake.append(waiter)
                fills[fill]?.waiter = nil
            }
        }
        // The one that left may have been the one that others waited for.
        return wake + wakeHeldBackFills()
    }

    // MARK: Fills

    /// Registers the fill of a response that has begun to arrive.
    package mutating func addFill(from start: Int64, to end: Int64?) -> FillID {
        lastID += 1
        let id = FillID(rawValue: lastID)
        fills[id] = Fill(frontier: start, end: end, promisedEnd: end)
        return id
    }

    /// The octets to ask for at the start of a fill that waited for its turn; nil if nobody wants it any more.
    ///
    /// With `most` it is to bring no more than that for now.
    package mutating func begin(_ id: FillID, atMost most: Int64?) -> Range<Int64>? {
        guard let fill = fills[id], let end = fill.end, fill.frontier < end, pace(id) != .abandoned else { return nil }
        let stop = most.map { min(end, fill.frontier + max(1, $0)) } ?? end
        fills[id]?.hasBegun = true
        fills[id]?.end = stop
        return fill.frontier..<stop
    }

    /// The fills that go on although nobody reads them.
    package var unreadFills: [FillID] { fills.filter { !$0.value.isGivenUp && !hasReaders(of: $0.value) }.map(\.key) }

    /// Whether `id` may end for now, as more than `rest` octets of it are missing and can be asked for later.
    package func mayRest(_ id: FillID, unlessWithin rest: Int64) -> Bool {
        guard isResumable, retirement == nil, let length, let fill = fills[id] else { return false }
        return (fill.end ?? length) - fill.frontier > rest
    }

    /// Whether anybody reads what `id` brings.
    package func isRead(_ id: FillID) -> Bool { fills[id].map { hasReaders(of: $0) } ?? false }

    /// Gives `id` up if nobody reads it, unless it lacks no more than `rest`, or if its readers have enough for now and the
    /// rest can be asked for later.
    package mutating func giveUpIfIdle(_ id: FillID, unlessWithin rest: Int64) -> (isGivenUp: Bool, wake: [Waiter]) {
        guard let fill = fills[id] else { return (true, []) }
        let canWait = isResumable && length != nil && pace(id) == .wait
        let isNearlyDone = fill.end.map { $0 - fill.frontier <= rest } ?? false
        guard fill.isGivenUp || canWait || !hasReaders(of: fill) && !isNearlyDone else { return (false, []) }
        fills[id]?.isGivenUp = true
        fills[id]?.waiter = nil
        return (true, fill.waiter.map { [$0] } ?? [])
    }

    /// Where `id` writes next, and how much of `count` octets it still may bring.
    package func claim(_ id: FillID, count: Int) -> (offset: Int64, count: Int) {
        guard let fill = fills[id] else { return (0, 0) }
        guard !fill.isGivenUp else { return (fill.frontier, 0) }
        guard let end = fill.end else { return (fill.frontier, count) }
        return (fill.frontier, Int(min(Int64(count), max(0, end - fill.frontier))))
    }

    /// How many octets `id` can append to an inline body; 0 if it is none, or if they would not follow.
    package func inlineRoom(_ id: FillID) -> Int {
        guard case .inline(let held) = storage, fills[id]?.frontier == Int64(held.count) else { return 0 }
        return max(0, limits.inlineBytesMax - held.count)
    }

    /// Appends octets to an inline body; false if they do not fit or follow, so that it must be spilled first.
    package mutating func appendInline(_ id: FillID, _ bytes: ArraySlice<UInt8>) -> Bool {
        guard case .inline(var held) = storage, fills[id]?.frontier == Int64(held.count),
            held.count + bytes.count <= limits.inlineBytesMax
        else { return false }
        storage = .segments
        held.append(contentsOf: bytes)
        storage = .inline(held)
        return true
    }

    /// Says that an inline body's first `count` octets stand in segments from now on; false if it has grown meanwhile.
    package mutating func spill(count: Int) -> Bool {
        if case .inline(let held) = storage, held.count > count { return false }
        storage = .segments
        return true
    }

    /// Says that `count` octets at the frontier of `id` are in the store; `rate` is its speed so far, octets a second.
    ///
    /// Nil if something was evicted since ``evictions`` was read: they may be in a file that is gone, and are to be written
    /// once more.
    package mutating func advance(_ id: FillID, by count: Int, rate: Double, since evictions: Int) -> [Waiter]? {
        evictions == self.evictions ? advance(id, by: count, rate: rate) : nil
    }

    /// Says that `count` octets at the frontier of `id` are held; `rate` is its speed so far, octets a second.
    package mutating func advance(_ id: FillID, by count: Int, rate: Double) -> [Waiter] {
        guard let fill = fills[id], count > 0 else { return [] }
        let end = fill.frontier + Int64(count)
        extents.insert(fill.frontier..<end)
        fills[id]?.frontier = end
        fills[id]?.wasHeldBack = false
        fills[id]?.rate = rate
        let held = extents
        return wakeReaders { held.end(of: $0.position) != nil }
    }

    /// Marks the fills that nobody wants any more, so that nobody joins them, and returns them.
    package mutating func giveUpAbandonedFills() -> [FillID] {
        let abandoned = fills.keys.filter { pace($0) == .abandoned }
        for fill in abandoned { giveUp(fill) }
        return abandoned
    }

    /// Marks a fill that ends before its end because nobody wants the rest.
    package mutating func giveUp(_ id: FillID) {
        fills[id]?.isGivenUp = true
    }

    /// What `id` does before it asks the origin for more.
    package func pace(_ id: FillID) -> FillStep {
        guard let fill = fills[id], !fill.isGivenUp else { return .abandoned }
        if let end = fill.end, fill.frontier >= end { return .finished }
        if retirement != nil, readers.isEmpty { return .abandoned }
        // What can be asked for again is dropped for who is far behind; only what cannot be has to wait for everybody.
        let waitsForAll = !isFetchable && (isDetached || isStoreFull)
        let wanting = readers.values.lazy.filter { self.wants($0, fill) }
        let kept = wanting.filter { !$0.isLeftBehind }.map { fill.frontier - $0.position }
        // Those who were left behind count again where nobody else wants it.
        let distance = (waitsForAll ? kept.max() : kept.min()) ?? wanting.map { fill.frontier - $0.position }.min()
        guard let behind = distance else { return paceAbandoned(fill) }
        guard behind >= limits.readAheadBytesMax else { return .proceed }
        if isFetchable, behind >= 4 * limits.readAheadBytesMax { return .abandoned }
        return .wait
    }

    /// Remembers whom to wake when `id` may go on; false if it may already.
    package mutating func park(_ id: FillID, _ waiter: Waiter) -> Bool {
        guard pace(id) == .wait else { return false }
        fills[id]?.wasHeldBack = true
        fills[id]?.waiter = waiter
        return true
    }

    /// The origin has ended the body where it was declared to end; returns false if that is short of what it promised.
    package mutating func finish(_ id: FillID) -> (isWhole: Bool, wake: [Waiter]) {
        guard let fill = fills[id] else { return (true, []) }
        if let end = fill.end {
            guard fill.frontier >= end else {
                let error = HTTPCacheError(.fillFailed, "the origin sent \(fill.frontier) octets of \(end)")
                return (false, fail(id, error))
            }
        } else if length == nil {
            // No length was declared, and the origin closed or sent the last chunk: now it is a fact.
            length = fill.frontier
        }
        fills[id] = nil
        return (true, wakeReaders { _ in true })
    }

    /// The fill has ended early: readers that need what it was to bring fail, unless it ended because of ourselves.
    package mutating func fail(_ id: FillID, _ error: HTTPCacheError) -> [Waiter] {
        guard let fill = fills.removeValue(forKey: id) else { return [] }
        // Of a body whose length nobody told, nobody can tell its readers what is missing; the next request finds out.
        let canGoOn = isResumable && length != nil
        let isOurDoing = canGoOn && (fill.wasHeldBack || fill.isGivenUp || error.code == .abandoned)
        if !isResumable { isBroken = true }
        if !isOurDoing {
            for (reader, state) in readers where wants(state, fill) { readers[reader]?.failure = error }
        }
        return wakeReaders { _ in true } + (fill.waiter.map { [$0] } ?? [])
    }

    /// Nothing more is fetched: readers get what is held and what is coming, new ones are not sent here.
    package mutating func retire(_ reason: HTTPCacheError) {
        if retirement == nil { retirement = reason }
    }

    /// Octets were evicted from the store.
    package mutating func evict(_ range: Range<Int64>) {
        evictions += 1
        extents.remove(range)
        suspects.remove(range)
    }

    /// Whether octets of `range` must stay: a fill writes among them, or a reader needs them and cannot or should not have
    /// them fetched once more.
    package func isPinned(_ range: Range<Int64>) -> Bool {
        if fills.values.contains(where: { $0.frontier < range.upperBound && $0.end ?? .max > range.lowerBound }) {
            return true
        }
        return readers.values.contains { reader in
            needs(reader, range) && (!isFetchable || range.lowerBound - reader.position < limits.readAheadBytesMax)
        }
    }

    /// Whether what is not held may be asked for as part of this body.
    var isFetchable: Bool { isResumable && retirement == nil && length != nil }

    // MARK: Private

    func wants(_ reader: Reader, _ fill: Fill) -> Bool {
        reader.position < fill.end ?? .max && reader.end ?? .max > fill.frontier
    }

    private func hasReaders(of fill: Fill) -> Bool {
        readers.values.contains { wants($0, fill) }
    }

    private func paceAbandoned(_ fill: Fill) -> FillStep {
        guard fill.hasBegun else { return .abandoned }
        if let end = fill.end {
            // Where every range is fetched from the first octet on, what was fetched is worth more.
            let bytesMax = servesRanges ? limits.finishBytesMax : limits.finishUnseekableBytesMax
            return end - fill.frontier <= bytesMax ? .proceed : .abandoned
        }
        // Without a declared end nobody knows whether it is nearly done: it gets as much again.
        return fill.frontier - (fill.abandonedAt ?? fill.frontier) < limits.finishBytesMax ? .proceed : .abandoned
    }

    func coveringFill(_ position: Int64) -> Fill? {
        fills.values.filter { !$0.isGivenUp && $0.frontier <= position && position < $0.end ?? .max }.max {
            $0.frontier < $1.frontier
        }
    }

    /// Whether a running fill will be at `position` soon enough to wait for it.
    private func isJoinable(at position: Int64) -> Bool {
        guard let fill = coveringFill(position) else { return false }
        guard isFetchable, servesRanges else { return true }
        return isNear(position, fill)
    }

    private mutating func startFill(at position: Int64, end: Int64?) -> ReaderStep {
        if let retirement { return .failed(retirement) }
        guard isResumable, let last = end ?? length else {
            return .failed(HTTPCacheError(.unavailable, "the rest of the body cannot be asked for"))
        }
        var stop = min(last, extents.nextStart(after: position) ?? last)
        stop = min(stop, suspects.nextStart(after: position) ?? stop)
        for fill in fills.values where fill.frontier > position { stop = min(stop, fill.frontier) }
        for (id, fill) in fills where fill.frontier <= position && position < fill.end ?? .max {
            fills[id]?.end = position
        }
        let id = addFill(from: position, to: stop)
        fills[id]?.hasBegun = false
        return .startFill(id, position..<stop)
    }

    private mutating func wakeReaders(where canGoOn: (Reader) -> Bool) -> [Waiter] {
        var wake: [Waiter] = []
        for (id, reader) in readers {
            guard let waiter = reader.waiter, canGoOn(reader) else { continue }
            wake.append(waiter)
            readers[id]?.waiter = nil
        }
        return wake
    }

    mutating func wakeHeldBackFills() -> [Waiter] {
        var wake: [Waiter] = []
        for (id, fill) in fills {
            guard let waiter = fill.waiter, pace(id) != .wait else { continue }
            wake.append(waiter)
            fills[id]?.waiter = nil
        }
        return wake
    }
}
