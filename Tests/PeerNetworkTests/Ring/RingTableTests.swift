// Whom a member of the ring takes for its neighbours: Zave's corrected rules, one by one.

import Testing

@testable import PeerNetwork

/// A member at a place of its own.
private func member(_ place: UInt8) -> RingMember {
    RingMember(NodeID("\(place)"), place: RingNumber([place]) ?? RingNumber(powerOfTwo: 0), nil)
}

private func numbers(_ members: [RingMember]) -> [String] { members.map(\.id.description) }

/// A table whose changes may stand in an expectation.
private final class Table {
    var state: RingTable

    init(_ state: RingTable) {
        self.state = state
    }

    var successors: [String] { numbers(state.successors) }
    func adopt(_ first: RingMember, _ others: [RingMember]) -> Bool { state.adopt(first, others) }
    func rectify(_ member: RingMember) -> Bool { state.rectify(member) }
    func remove(_ place: UInt8) -> Bool { state.remove(NodeID("\(place)")) }
}

@Suite struct RingTableTests {
    private static func table(at place: UInt8 = 100, successorsMax: Int = 3) -> Table {
        Table(RingTable(member(place), successorsMax: successorsMax))
    }

    @Test func `alone, a member owns everything`() {
        #expect(Self.table().state.range?.contains(member(1).place) == true)
    }

    @Test func `who knows somebody behind and nobody before does not know what it owns`() {
        let table = Self.table()
        #expect(table.adopt(member(120), []))
        #expect(table.state.range == nil)
    }

    @Test func `what is owned lies behind the predecessor, and up to the own place`() throws {
        let table = Self.table()
        #expect(table.rectify(member(90)))
        let range = try #require(table.state.range)
        #expect([91, 100].allSatisfy { range.contains(member($0).place) })
        #expect(![90, 101, 200].contains { range.contains(member($0).place) })
    }

    @Test func `the first successor's list is taken whole, and ends where the ring does`() {
        let table = Self.table()
        #expect(table.adopt(member(120), [130, 140, 150].map(member)))
        #expect(table.successors == ["120", "130", "140"])
        #expect(table.adopt(member(120), [130, 100, 120].map(member)))
        #expect(table.successors == ["120", "130"])
        #expect(table.state.isWholeRing)
    }

    @Test func `nobody further away takes the place of the first successor`() {
        let table = Self.table()
        #expect(table.adopt(member(120), []))
        #expect(!table.adopt(member(130), []))
        #expect(!table.adopt(member(100), []))
        #expect(table.adopt(member(110), [member(120)]))
        #expect(table.successors == ["110", "120"])
    }

    @Test func `a list that runs back or around is cut where it does`() {
        let table = Self.table(successorsMax: 8)
        #expect(table.adopt(member(120), [110, 130].map(member)))
        #expect(table.successors == ["120"])
        #expect(table.adopt(member(120), [120, 130].map(member)))
        #expect(table.successors == ["120"])
        #expect(table.adopt(member(120), [200, 50, 99, 101].map(member)))
        #expect(table.successors == ["120", "200", "50", "99"])
    }

    @Test func `a predecessor gives way to a nearer one alone, until it is dead`() {
        let table = Self.table()
        #expect(table.rectify(member(80)) && !table.rectify(member(70)) && table.rectify(member(90)))
        #expect(!table.rectify(member(90)) && !table.rectify(member(100)))
        #expect(table.remove(90))
        #expect(table.rectify(member(70)))
    }

    @Test func `of two each is before and behind the other`() {
        let table = Self.table()
        #expect(table.rectify(member(120)))
        #expect(table.successors == ["120"] && table.state.predecessor == member(120))
    }

    @Test func `who is dead is nowhere`() {
        let table = Self.table()
        #expect(table.adopt(member(120), [member(130)]))
        #expect(table.rectify(member(120)))
        table.state.setFinger(5, member(120))
        #expect(table.remove(120) && !table.remove(120))
        #expect(table.successors == ["130"] && table.state.predecessor == nil && table.state.fingers.isEmpty)
    }

    @Test func `a power of two added and taken for a distance is itself`() throws {
        var generator = SeededNumbers(seed: 5)
        for exponent in [0, 1, 63, 64, 200, 383] {
            let place = try #require(RingNumber(generator.octets(48)))
            #expect(place.distance(to: place.advanced(byPowerOfTwo: exponent)) == RingNumber(powerOfTwo: exponent))
            #expect(place.mirrored.mirrored == place)
        }
    }
}
