// What a body that cannot be asked for again does where the store is full of what its readers have not read yet.
//
// A reader alone always gets the whole: the origin is held back to its pace. Of several, the one ahead is bound by the one
// behind and the room between them; who is so far behind, for too long, is left behind: what it needs is evicted, and its
// transfer breaks off for everybody to see.

import HTTP

extension BodyStateMachine {
    /// Says whether the store is still over its size after all was evicted that nobody needs.
    ///
    /// Then a body that cannot be asked for again waits for its slowest reader, until that gives room. Whoever is to be woken
    /// is returned.
    package mutating func noteFullStore(_ isFull: Bool) -> [Waiter] {
        guard isStoreFull != isFull else { return [] }
        isStoreFull = isFull
        return isFull ? [] : wakeHeldBackFills()
    }

    /// Looks whether somebody waits for another reader, and leaves behind who has others wait for too long.
    ///
    /// To be called every few seconds; whoever is to be woken is returned.
    mutating func relieve(at now: Timestamp) -> [Waiter] {
        let holding = holdingOthersBack
        let since = sampledAt
        sampledAt = holding.isEmpty ? nil : now
        guard let since else { return [] }
        let limitNanoseconds = limits.holdBackSecondsMax * 1_000_000_000
        var isRelieved = false
        for id in holding {
            guard var reader = readers[id] else { continue }
            // A clock that was set is not a long wait.
            reader.heldBackNanoseconds += min(max(0, now.nanosecondsSince(since)), limitNanoseconds / 2)
            if reader.heldBackNanoseconds >= limitNanoseconds {
                reader.isLeftBehind = true
                isRelieved = true
            }
            readers[id] = reader
        }
        return isRelieved ? noteFullStore(false) : []
    }

    /// The readers because of which a fill waits although another reader has none of its octets left.
    private var holdingOthersBack: [ReaderID] {
        guard isStoreFull, !isFetchable else { return [] }
        var holding: [ReaderID] = []
        for (id, fill) in fills where fill.waiter != nil && pace(id) == .wait {
            let wanting = readers.filter { wants($0.value, fill) && !$0.value.isLeftBehind }
            let isFar = { (reader: Reader) in fill.frontier - reader.position >= limits.readAheadBytesMax }
            guard wanting.values.contains(where: { !isFar($0) }) else { continue }
            holding += wanting.filter { isFar($0.value) }.keys
        }
        return holding
    }

    /// Says that a reader asks for more, so that what it was handed last is sent: where nobody else needs that segment, there
    /// is room now.
    mutating func noteSent(_ id: ReaderID) {
        guard let reader = readers[id] else { return }
        readers[id]?.sending = reader.position
        if reader.isLeftBehind, fills.values.contains(where: { isCaughtUp(reader, $0) }) {
            readers[id]?.isLeftBehind = false
        }
        let sent = range(ofSegment: Int(reader.sending / limits.segmentBytes))
        guard isStoreFull, reader.position >= sent.upperBound else { return }
        if !readers.values.contains(where: { needs($0, sent) }) { isStoreFull = false }
    }

    /// Whether octets of `range` are still to be read by `reader`, or being sent to it.
    func needs(_ reader: Reader, _ range: Range<Int64>) -> Bool {
        // What was handed out but not looked up yet is as good as not read.
        let rest = reader.sending..<max(reader.sending, reader.end ?? length ?? .max)
        return rest.overlaps(range) && !reader.isLeftBehind
    }

    /// Says that a reader has gone: those who were left behind for others are not if there are none.
    mutating func noteLeft() {
        isStoreFull = false
        guard readers.values.allSatisfy(\.isLeftBehind) else { return }
        for id in Array(readers.keys) { readers[id]?.isLeftBehind = false }
    }

    private func isCaughtUp(_ reader: Reader, _ fill: Fill) -> Bool {
        wants(reader, fill) && fill.frontier - reader.position < limits.readAheadBytesMax
    }
}
