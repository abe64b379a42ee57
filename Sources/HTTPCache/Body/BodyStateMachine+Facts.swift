// What follows from the octets that a body holds.

extension BodyStateMachine {
    /// Whether what is held is of no use to those who come later: it is not all, and the rest cannot be had.
    ///
    /// One whole piece is of use without a rest (RFC 9111 section 3.3).
    package var isUseless: Bool {
        guard !isComplete, !isFilling, suspects.ranges.isEmpty else { return false }
        if let piece, !isResumable { return !extents.contains(piece) }
        return isBroken || !isResumable || length == nil && extents.ranges.isEmpty
    }

    /// Whether anybody reads or fills it.
    package var isBusy: Bool { !fills.isEmpty || !readers.isEmpty }

    /// Whether a fill is running that may be joined.
    package var isFilling: Bool { fills.values.contains { !$0.isGivenUp } }

    /// Where the octets begin that the reader furthest behind is at; nil if there is none.
    package var lowestReaderPosition: Int64? { readers.values.map(\.sending).min() }

    /// Whether a fill has brought all that the origin promised, so that its body has to end here.
    package func isAtPromisedEnd(_ id: FillID) -> Bool {
        guard let fill = fills[id] else { return false }
        return fill.frontier == fill.promisedEnd
    }

    /// What a reader is there for: from where it stands to its end, if that is known; nil if there is no such reader.
    package func range(of id: ReaderID) -> Range<Int64>? {
        guard let reader = readers[id], let end = reader.end ?? length, end >= reader.position else { return nil }
        return reader.position..<end
    }

    /// How many octets the whole has at least, by what is held and what the origin has announced.
    package var lengthMin: Int64 {
        fills.values.reduce(extents.ranges.last?.upperBound ?? 0) { max($0, $1.end ?? $1.frontier) }
    }

    /// Whether the length is not known but will be, at the end of a fill.
    package var isEndComing: Bool {
        length == nil && fills.values.contains { $0.end == nil && !$0.isGivenUp }
    }

    /// Whether the rest may be asked for although nobody knows how much that is.
    package var isOpenEnded: Bool {
        length == nil && isResumable && retirement == nil && !isEndComing && !extents.ranges.isEmpty
    }

    /// Every octet that is held or being fetched.
    package var heldOrComing: ExtentMap {
        var all = extents
        for fill in fills.values where !fill.isGivenUp {
            all.insert(fill.frontier..<max(fill.frontier, fill.end ?? .max))
        }
        return all
    }

    /// Whether every octet of `range` is held or being fetched.
    package func isHeldOrComing(_ range: Range<Int64>) -> Bool {
        heldOrComing.contains(range)
    }

    /// How the octets of `range` are to be had.
    package func availability(of range: Range<Int64>) -> Availability {
        if isHeldOrSuspect(range) { return .held }
        let isEndKnown = length != nil || range.upperBound <= lengthMin
        if isResumable, isEndKnown, retirement == nil { return isHeldOrComing(range) ? .coming : .fetchable }
        guard isHeldOrComing(range) else { return .none }
        // Without the right to combine, the origin may be quicker to ask for this range alone.
        let missing = extents.end(of: range.lowerBound) ?? range.lowerBound
        guard !isResumable, servesRanges, let fill = coveringFill(missing) else { return .coming }
        return isNear(missing, fill) ? .coming : .none
    }

    /// Whether a fill will be at `position` soon enough to wait for it.
    func isNear(_ position: Int64, _ fill: Fill) -> Bool {
        let distance = position - fill.frontier
        if distance <= limits.joinBytesMax { return true }
        // What a fill would finish with nobody reading it is not worth a second request.
        if let end = fill.end, end - fill.frontier <= limits.finishBytesMax { return true }
        return fill.rate > 0 && Double(distance) / fill.rate <= 1
    }

    /// Whether nothing is held, nor may be once it was checked.
    package var isEmpty: Bool { extents.ranges.isEmpty && suspects.ranges.isEmpty }

    /// Whether the length is known and every octet held.
    package var isComplete: Bool {
        guard let length else { return false }
        return extents.contains(0..<length)
    }

    /// Whether it is not all, by the facts too, and the rest cannot be had.
    package var isFragment: Bool {
        guard !isResumable, let length else { return false }
        return !isHeldOrSuspect(0..<length)
    }

    /// Whether every octet of `range` is held, or a fact that is not checked yet.
    package func isHeldOrSuspect(_ range: Range<Int64>) -> Bool {
        var facts = extents
        for suspect in suspects.intersection(range) { facts.insert(suspect) }
        return facts.contains(range)
    }

    /// The held octets of one segment, as offsets within the body.
    package func extents(ofSegment index: Int) -> [Range<Int64>] {
        extents.intersection(range(ofSegment: index))
    }

    /// The octets of one segment that are held, or are facts and not checked yet.
    package func facts(ofSegment index: Int) -> [Range<Int64>] {
        extents(ofSegment: index) + suspects.intersection(range(ofSegment: index))
    }

    /// The octets that one segment may hold.
    package func range(ofSegment index: Int) -> Range<Int64> {
        Int64(index) * limits.segmentBytes..<(Int64(index) + 1) * limits.segmentBytes
    }

    /// Whether octets that are held are in files.
    var isInFiles: Bool {
        if case .segments = storage { !extents.ranges.isEmpty } else { false }
    }

    /// All of an inline body, if it is complete.
    package var completeInline: [UInt8]? {
        guard case .inline(let bytes) = storage, isComplete else { return nil }
        return bytes
    }
}

/// How octets of a stored body are to be had.
package enum Availability: Sendable, Comparable {
    /// Neither held nor coming, and not to be asked for as part of this body.
    case none
    /// To be asked for.
    case fetchable
    /// On their way.
    case coming
    case held
}
