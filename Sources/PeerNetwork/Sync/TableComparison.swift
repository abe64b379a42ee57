// Whether two neighbours of our own have the same table, said in eight octets, and what follows if they have not.
//
// What is set in two halves of a network that is parted for a moment comes to the other half late: too late to be taken, or
// refused for a lease that each half has given to another. No link was lost, so nothing is handed over, and the tables would
// differ for good. So neighbours compare, and hand over what they have where that stays different.

/// What is known of the tables of the neighbours.
struct TableComparison: Sendable {
    private struct Neighbour: Sendable {
        /// What it was told last, and what it has said last.
        var told: UInt64?
        var heard: UInt64?
        /// For how many looks both have stayed as they are, and different.
        var looks = 0
        var handedOverAt: Int64 = 0
        /// In what both differed then, and how long to wait if they still do: what both take or lose does not change it.
        var difference: UInt64?
        var pause = TableComparison.handOverSeconds.lowerBound
    }

    /// How often neighbours compare, in seconds.
    static let seconds: Int64 = 4
    /// What differs for so many looks is not on its way any more.
    private static let looksMin = 2
    /// How long after a hand-over to the same neighbour there is another at the earliest, in seconds.
    ///
    /// Twice as long each time that nothing has come of it: one of the two may have to refuse what the other has.
    private static let handOverSeconds: ClosedRange<Int64> = 20...3600

    /// The sum of all keys with their values and versions: the same in whatever order they came.
    private(set) var digest: UInt64 = 0
    private var neighbours: [LinkID: Neighbour] = [:]

    /// A key has come to the table with this entry, or has gone out of it.
    mutating func toggle(_ key: [UInt8], _ entry: SyncRules.Entry) {
        var hash = ContentHash()
        for octet in key { hash.add(octet) }
        hash.add(0 as UInt8)
        for octet in entry.version.owner.octets { hash.add(octet) }
        hash.add(UInt64(bitPattern: entry.version.time))
        hash.add(UInt64(bitPattern: entry.version.number))
        hash.add(entry.digest)
        digest ^= hash.value
    }

    /// The neighbour at `link` has said what its table comes to.
    mutating func note(_ digest: UInt64, of link: LinkID) {
        var state = neighbours[link] ?? Neighbour()
        if state.heard != digest { state.looks = 0 }
        state.heard = digest
        neighbours[link] = state
    }

    /// The neighbour at `link` is handed the table over for another reason.
    mutating func noteHandOver(on link: LinkID, at now: Int64) {
        neighbours[link, default: Neighbour()].handedOverAt = now
    }

    /// Who is to be told what this table comes to, and to whom it is to be handed over; `links` are those to our own.
    mutating func look(_ links: [LinkID], at now: Int64) -> (tell: [LinkID], handOver: [LinkID]) {
        var (tell, handOver): ([LinkID], [LinkID]) = ([], [])
        var kept: [LinkID: Neighbour] = [:]
        for link in links {
            var state = neighbours[link] ?? Neighbour()
            if state.told != digest {
                tell.append(link)
                (state.told, state.looks) = (digest, 0)
            } else if let heard = state.heard, heard != digest {
                state.looks += 1
                let isInVain = state.difference == digest ^ heard
                let pause = isInVain ? state.pause : Self.handOverSeconds.lowerBound
                if state.looks >= Self.looksMin, now - state.handedOverAt >= pause {
                    handOver.append(link)
                    (state.looks, state.handedOverAt, state.difference) = (0, now, digest ^ heard)
                    state.pause = isInVain ? min(2 * pause, Self.handOverSeconds.upperBound) : pause
                }
            }
            kept[link] = state
        }
        neighbours = kept
        return (tell, handOver)
    }
}
