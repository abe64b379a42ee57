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
    }

    /// How often neighbours compare, in seconds.
    static let seconds: Int64 = 4
    /// What differs for so many looks is not on its way any more.
    private static let looksMin = 2
    /// How often a table is handed over to the same neighbour at most, in seconds.
    private static let handOverSeconds: Int64 = 20

    /// The sum of all keys with their versions: the same in whatever order they came.
    private(set) var digest: UInt64 = 0
    private var neighbours: [LinkID: Neighbour] = [:]

    /// A key has come to the table with this version, or has gone out of it.
    mutating func toggle(_ key: [UInt8], _ version: SyncRules.Version) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ octet: UInt8) { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01b3 }
        for octet in key { add(octet) }
        add(0)
        for octet in version.owner.octets { add(octet) }
        for number in [version.time, version.number] {
            for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> Int64(shift))) }
        }
        // FNV-1a alone leaves the last octets in the low bits.
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        digest ^= hash ^ hash >> 33
    }

    /// The neighbour at `link` has said what its table comes to.
    mutating func note(_ digest: UInt64, of link: LinkID) {
        var state = neighbours[link] ?? Neighbour()
        if state.heard != digest { state.looks = 0 }
        state.heard = digest
        neighbours[link] = state
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
                if state.looks >= Self.looksMin, now - state.handedOverAt >= Self.handOverSeconds {
                    handOver.append(link)
                    (state.looks, state.handedOverAt) = (0, now)
                }
            }
            kept[link] = state
        }
        neighbours = kept
        return (tell, handOver)
    }
}
