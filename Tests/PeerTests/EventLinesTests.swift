// What is shown of what happens: one line for each event, whatever others have sent.

import JSON
import Testing

@testable import PeerNetwork
@testable import peer

@Suite struct EventLinesTests {
    /// What a peer may send to make its message look like another line, or move the cursor.
    private static let nasty = "a\nb\u{1b}[2J\u{85}\u{2028}\"\\c\u{202e}"

    private static func events() -> [NodeEvent] {
        let sender = NodeID(octets: Array("s\"\\\n\u{1b}".utf8) + [0xff])
        let values: [MessageValue] = [.text(nasty), .binary([0, 255]), .map([.init("key", .double(0.5))])]
        let message = PeerMessage(MainFlag.broadcast, SubFlag.broadcast, from: sender, at: 7, values)
        return [
            .connected(sender, PeerAddress(host: "a\nb", port: 1)), .disconnected(sender),
            .message(message, neighbour: sender), .added(key: Array(nasty.utf8)), .deleted(key: [0xff]),
            .updated(key: Array(nasty.utf8), value: .text(nasty), owner: sender, time: 9), .trouble(nasty),
        ]
    }

    private static func lines(isJSON: Bool, _ events: [NodeEvent]) -> [[UInt8]] {
        var lines = EventLines(isJSON: isJSON)
        for event in events { lines.add(event) }
        #expect(lines.octets.last == UInt8(ascii: "\n"))
        return lines.octets.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(
            Array.init
        )
    }

    @Test func `each event is one line of JSON that says what it is and when`() throws {
        let lines = Self.lines(isJSON: true, Self.events())
        let values = try lines.map { try JSONValue(parsing: $0) }
        let names = ["connect", "disconnect", "message", "add", "delete", "update", "error"]
        #expect(values.map { $0["ev"]?.stringValue } == names)
        #expect(values.allSatisfy { ($0["t"]?.numberValue?.double ?? 0) > 1_700_000_000 })
        let message = try #require(values.first { $0["ev"] == "message" })
        #expect(
            message["packets"] == [0, .string(Self.nasty), "b:00ff", ["key": .number(try #require(JSONNumber(0.5)))]]
        )
        #expect(message["sender"]?.stringValue == "s\"\\\n\u{1b}\u{fffd}")
        #expect(message["id"]?.stringValue?.count == 64)
        #expect(message["signed"] == false)
        #expect(values[4]["key"] == "b:ff")
    }

    @Test func `each event is one sentence, and nothing in it moves the cursor`() {
        let lines = Self.lines(isJSON: false, Self.events())
        #expect(lines.count == Self.events().count)
        let text = String(decoding: lines.joined(), as: UTF8.self)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }, "\(text)")
    }

    @Test func `an id is written as it is printed`() {
        let message = PeerMessage(MainFlag.broadcast, SubFlag.broadcast, from: NodeID("x"), at: 7, ["text"])
        let digits = message.id.octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(message.id.description == digits)
        #expect(MessageID(message.id.octets) == message.id)
    }
}
