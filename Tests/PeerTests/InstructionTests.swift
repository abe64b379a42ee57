// What a line on standard input means.

import PeerNetwork
import Testing

@testable import peer

@Suite struct InstructionTests {
    private static func values(_ line: String, isTyped: Bool = true) throws -> [MessageValue]? {
        guard case .send(let values) = try Instruction.parse(line, in: .mesh, isTyped: isTyped) else { return nil }
        return values
    }

    @Test func `what stands between single spaces is a value each`() throws {
        #expect(try Self.values("send a b:00ff j:[1,null]") == ["a", .binary([0, 255]), .array([1, .null])])
        #expect(try Self.values("send a  b ") == ["a", "", "b", ""])
        #expect(try Self.values("send") == [])
        #expect(try Self.values("send ") == [""])
        #expect(try Self.values("send e\u{301} \u{301}x") == ["e\u{301}", "\u{301}x"])
        #expect(throws: (any Error).self) { try Self.values("send b:0") }
        #expect(throws: (any Error).self) { try Self.values("send j:{") }
    }

    @Test func `a line that begins with no command is a message where a person types, and an error elsewhere`() throws {
        #expect(try Self.values("hello, all of you") == ["hello, all of you"])
        #expect(try Self.values("sender") == ["sender"])
        #expect(throws: (any Error).self) { try Self.values("hello", isTyped: false) }
    }
}
