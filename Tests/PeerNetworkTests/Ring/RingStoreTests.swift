// What a member of the ring keeps: the later of two, and sums that tell two ranges apart.

import Testing

@testable import PeerNetwork

@Suite struct RingStoreTests {
    private static func slot(_ key: String) -> ChordSlot {
        let octets = Array(key.utf8)
        return ChordSlot(table: .sha256, position: ChordTable.sha256.position(of: octets))
    }

    private static func version(_ time: Int64, _ number: Int64 = 0, _ author: String = "a") -> RingVersion {
        RingVersion(time: time, number: number, author: NodeID(author))
    }

    private static var everything: RingRange {
        RingRange(start: RingNumber(powerOfTwo: 1), end: RingNumber(powerOfTwo: 1))
    }

    @Test func `the later version stays, whichever comes first`() {
        let versions = [version(1), version(2), version(2, 1), version(2, 1, "b")].map { RingEntry(.text("\($0)"), $0) }
        for first in versions {
            for second in versions {
                var store = RingStore(countMax: 1, bytesMax: 1 << 20)
                let isKept = store.merge(Self.slot("k"), first)
                let isLater = store.merge(Self.slot("k"), second)
                #expect(isKept && isLater == (first.version < second.version))
                #expect(store[Self.slot("k")]?.version == max(first.version, second.version))
            }
        }
    }

    private func version(_ time: Int64, _ number: Int64 = 0, _ author: String = "a") -> RingVersion {
        Self.version(time, number, author)
    }

    @Test func `the next version is later, whatever the clock says`() {
        for now in [0, 5, 6, 100] as [Int64] {
            #expect(version(5, 3, "z") < version(5, 3, "z").next(by: NodeID("a"), at: now))
        }
    }

    @Test func `there is no room for more than is allowed`() {
        var store = RingStore(countMax: 2, bytesMax: 1 << 20)
        let entries = [("a", version(1)), ("b", version(1)), ("c", version(1)), ("a", version(2))]
        let kept = entries.map { store.merge(Self.slot($0.0), RingEntry("v", $0.1)) }
        #expect(kept == [true, true, false, true] && store.count == 2)
    }

    @Test func `what was taken out stays out for a day, and is no value`() {
        var store = RingStore(countMax: 9, bytesMax: 1 << 20)
        let kept = [(MessageValue.null, 100), ("old", 99)].map { value, time in
            store.merge(Self.slot("k"), RingEntry(value, version(time)))
        }
        #expect(kept == [true, false])
        #expect(store.values.isEmpty && store.count == 1)
        store.forgetRemoved(before: 100)
        #expect(store.count == 1)
        store.forgetRemoved(before: 101)
        #expect(store.count == 0)
    }

    @Test func `sums are equal where entries are, in whatever order they came, and differ where one does`() {
        var (a, b) = (RingStore(countMax: 100, bytesMax: 1 << 20), RingStore(countMax: 100, bytesMax: 1 << 20))
        for number in 0..<50 { _ = a.merge(Self.slot("\(number)"), RingEntry("v", version(1))) }
        for number in (0..<50).reversed() { _ = b.merge(Self.slot("\(number)"), RingEntry("v", version(1))) }
        #expect(a.digest(of: Self.everything) == b.digest(of: Self.everything))
        _ = b.merge(Self.slot("7"), RingEntry("v", version(1, 1)))
        let differing = zip(a.digest(of: Self.everything), b.digest(of: Self.everything)).count { $0 != $1 }
        #expect(differing == 1)
    }

    @Test func `a range and what is outside of it are everything`() {
        var store = RingStore(countMax: 100, bytesMax: 1 << 20)
        for number in 0..<60 { _ = store.merge(Self.slot("\(number)"), RingEntry("v", version(1))) }
        let range = RingRange(start: Self.slot("a").place, end: Self.slot("b").place)
        let (inside, outside) = (store.entries(in: range), store.entries(outside: [range]))
        #expect(inside.count + outside.count == 60 && !inside.isEmpty && !outside.isEmpty)
        #expect(inside.allSatisfy { range.contains($0.slot.place) })
    }
}
