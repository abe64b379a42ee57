// Whom a member of the ring knows: those behind it, the one before it, and some far away.
//
// The rules are those of Pamela Zave, "Reasoning about Identifier Spaces: How to Make Chord Correct" (IEEE Transactions on
// Software Engineering 43(12), 2017; arXiv 1610.01140, 1502.06461): a list of successors is taken as a whole from the first of
// them, which has just answered; nobody is taken into it who has not; and a predecessor gives way only to one that is nearer,
// or when it is dead. Chord itself is Stoica and others, SIGCOMM 2001.

/// Successors, predecessor and fingers of one member.
struct RingTable: Sendable {
    let me: RingMember
    /// The nearest first; empty while it is alone.
    private(set) var successors: [RingMember] = []
    private(set) var predecessor: RingMember?
    /// By exponent: the first member at or behind the place 2^exponent away.
    private(set) var fingers: [Int: RingMember] = [:]
    private let successorsMax: Int

    init(_ me: RingMember, successorsMax: Int) {
        (self.me, self.successorsMax) = (me, successorsMax)
    }

    /// Those whose links are kept.
    var contacts: Set<NodeID> {
        var ids = Set(successors.map(\.id))
        ids.formUnion(fingers.values.map(\.id))
        if let predecessor { ids.insert(predecessor.id) }
        return ids
    }

    /// What it answers for; nil while it knows nobody before it, but somebody behind it.
    var range: RingRange? {
        if let predecessor { return RingRange(start: predecessor.place, end: me.place) }
        return successors.isEmpty ? RingRange(start: me.place, end: me.place) : nil
    }

    /// Whether the successors are all others that there are.
    var isWholeRing: Bool { successors.count < successorsMax }

    /// Whether `member` would be a nearer successor than the first.
    func isNearerSuccessor(_ member: RingMember) -> Bool {
        guard member != me else { return false }
        guard let first = successors.first else { return true }
        return member != first && member.place.isWithin(after: me.place, upTo: first.place)
    }

    /// A member that may be a successor has answered with its own: it is the first from now on, and they come behind it
    /// (StabilizeFromSuccessor, StabilizeFromPredecessor); false if it is none.
    mutating func adopt(_ first: RingMember, _ others: [RingMember]) -> Bool {
        guard first == successors.first || isNearerSuccessor(first) else { return false }
        var list = [first]
        for other in others where list.count < successorsMax {
            // The list ends where the ring does.
            guard other != me, let last = list.last, other.place.isWithin(after: last.place, upTo: me.place),
                other.place != last.place
            else { break }
            list.append(other)
        }
        successors = list
        return true
    }

    /// `member` takes this one for its successor (Rectify); false if there is a nearer one.
    mutating func rectify(_ member: RingMember) -> Bool {
        guard member != me else { return false }
        if let predecessor {
            guard member != predecessor, member.place.isWithin(after: predecessor.place, upTo: me.place) else {
                return false
            }
        }
        predecessor = member
        // The second of two has the first for both.
        if successors.isEmpty { successors = [member] }
        return true
    }

    /// What is known of the member at the place 2^`exponent` away.
    mutating func setFinger(_ exponent: Int, _ member: RingMember?) {
        fingers[exponent] = member == me ? nil : member
    }

    /// A member is dead; whether anything was known of it.
    mutating func remove(_ id: NodeID) -> Bool {
        let before = (successors.count, fingers.count, predecessor)
        successors.removeAll { $0.id == id }
        fingers = fingers.filter { $0.value.id != id }
        if predecessor?.id == id { predecessor = nil }
        return before != (successors.count, fingers.count, predecessor)
    }

    /// Forgets everybody.
    mutating func clear() {
        (successors, predecessor, fingers) = ([], nil, [:])
    }
}
