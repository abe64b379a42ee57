// Rooms are kept within bounds, and read back from their file whatever stands in it.

import PeerIdentity
import Testing

@testable import Chat

struct ChatRoomsTests {
    static func name(_ text: String) throws -> PeerIdentifier { try PeerIdentifier(text) }

    @Test func `what is written is read back`() throws {
        var rooms = ChatRooms()
        try rooms.keep(Self.name("team"), members: [Self.name("Anna Maria"), Self.name("bob")])
        try rooms.keep(Self.name("Chess club"), members: [Self.name("c")])
        #expect(rooms.text == "team: Anna Maria, bob\nChess club: c\n")
        #expect(ChatRooms(parsing: rooms.text) == rooms)
    }

    @Test func `a room is replaced under any case of its name, and removed`() throws {
        var rooms = ChatRooms()
        try rooms.keep(Self.name("team"), members: [Self.name("a")])
        try rooms.keep(Self.name("TEAM"), members: [Self.name("b")])
        #expect(rooms.all.count == 1)
        #expect(try rooms.members(of: Self.name("Team")) == [Self.name("b")])
        #expect(try rooms.remove(Self.name("tEam")))
        #expect(try !rooms.remove(Self.name("team")))
    }

    @Test func `there are at most 100 rooms of 64 members`() throws {
        var rooms = ChatRooms()
        let members = try (1...64).map { try Self.name("m\($0)") }
        for number in 1...100 { try rooms.keep(Self.name("r\(number)"), members: members) }
        let (other, more) = (try Self.name("other"), try members + [Self.name("x")])
        #expect(throws: ChatError.self) { try rooms.keep(other, members: members) }
        #expect(throws: ChatError.self) { try rooms.keep(members[0], members: more) }
        #expect(throws: ChatError.self) { try rooms.keep(members[0], members: []) }
        #expect(rooms.all.count == 100)
    }

    @Test func `lines that are no rooms are left out`() {
        let rooms = ChatRooms(parsing: "good: a\nno colon\n$: a\nempty:\n: a\nbad: a, $\ngood 2: b\r\n")
        #expect(rooms.all.map(\.name.text) == ["good", "good 2"])
    }
}
