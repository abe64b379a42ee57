// What somebody sees who looks at a network from outside: a simulation, a status.

extension ChordRules {
    /// Whether it has a link to a member of the ring.
    package var isOnRing: Bool { !ring.members.isEmpty }

    /// The next node behind it on the ring, as far as it knows.
    package var successor: NodeID? { ring.table.successors.first?.id }

    /// Whether it has the value of `key` in the table of SHA-256.
    package func holds(_ key: [UInt8]) -> Bool {
        let slot = ChordSlot(table: .sha256, position: ChordTable.sha256.position(of: key))
        return ring.store[slot].map { $0.value != .null } ?? false
    }

    /// Orders nodes as they are on the ring.
    package static func isBefore(_ a: NodeID, _ b: NodeID) -> Bool {
        guard let a = RingMember(a, nil), let b = RingMember(b, nil) else { return false }
        return a.place < b.place
    }
}
