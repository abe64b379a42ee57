// Groups without a server: a name of one's own for several peers.

package import PeerIdentity

/// The rooms that a person keeps; as a text it is a line for each, `NAME: a, b, c`.
package struct ChatRooms: Sendable, Hashable {
    /// Rooms at most.
    package static let roomsMax = 100
    /// Members of one room at most.
    package static let membersMax = 64

    /// A name and those that it stands for.
    package struct Room: Sendable, Hashable {
        package let name: PeerIdentifier
        package let members: [PeerIdentifier]
    }

    /// In the order in which they were first made.
    package private(set) var all: [Room] = []

    package init() {}

    /// Reads ``text``; lines that are none of it are left out.
    package init(parsing text: String) {
        for line in text.unicodeScalars.split(separator: "\n").map({ Substring($0) }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let list = line[line.index(after: colon)...].split(separator: ",")
            // A file that someone edited may hold anything; a room with a bad name in it is as good as none.
            guard let name = try? ChatCommand.name(line[..<colon]),
                let members = try? list.map({ try ChatCommand.name($0) })
            else { continue }
            try? keep(name, members: members)
        }
    }

    /// For a file.
    package var text: String {
        all.map { "\($0.name.text): \($0.members.map(\.text).joined(separator: ", "))\n" }.joined()
    }

    /// Those that `name` stands for; nil if it is no room.
    package func members(of name: PeerIdentifier) -> [PeerIdentifier]? {
        all.first { $0.name == name }?.members
    }

    /// Makes a room or replaces its members.
    ///
    /// - Throws: ``ChatError`` with `badCommand` if there are too many rooms or members, or no member.
    package mutating func keep(_ name: PeerIdentifier, members: [PeerIdentifier]) throws(ChatError) {
        guard (1...Self.membersMax).contains(members.count) else {
            throw ChatError(.badCommand, "a room has 1 to \(Self.membersMax) members, not \(members.count)")
        }
        let room = Room(name: name, members: members)
        if let index = all.firstIndex(where: { $0.name == name }) {
            all[index] = room
            return
        }
        guard all.count < Self.roomsMax else {
            throw ChatError(.badCommand, "there are \(Self.roomsMax) rooms already; /room NAME - removes one")
        }
        all.append(room)
    }

    /// Whether there was such a room.
    package mutating func remove(_ name: PeerIdentifier) -> Bool {
        let count = all.count
        all.removeAll { $0.name == name }
        return all.count < count
    }
}
