// What follows from the octets that a body holds.

extension BodyStateMachine {
    /// Whether what is held is of no use to those who come later: it is not all, and the rest cannot be had.
    package var isUseless: Bool {
        !isComplete && !isFilling && suspects.ranges.isEmpty && (isBroken || length == nil || !isResumable)
    }

    /// Whether nothing is held, nor may be once it was checked.
    package var isEmpty: Bool { extents.ranges.isEmpty && suspects.ranges.isEmpty }

    /// Whether the length is known and every octet held.
    package var isComplete: Bool {
        guard let length else { return false }
        return extents.contains(0..<length)
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

    /// All of an inline body, if it is complete.
    package var completeInline: [UInt8]? {
        guard case .inline(let bytes) = storage, isComplete else { return nil }
        return bytes
    }
}
