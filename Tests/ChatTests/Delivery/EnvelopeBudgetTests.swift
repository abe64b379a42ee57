// How many messages share a body: as many as really fit, not one more.

import PeerIdentity
import Testing

@testable import Chat

@Suite struct EnvelopeBudgetTests {
    private static let stream = StreamID(high: 1, low: 2)

    private func queued(_ lengths: [Int], first: UInt64 = 1) throws -> ArraySlice<OutgoingMessage> {
        let alice = try PeerIdentifier("Alice")
        return lengths.enumerated().map { index, length in
            OutgoingMessage(
                to: alice,
                message: ChatMessage(
                    sequence: first + UInt64(index),
                    sentAtMilliseconds: 1,
                    text: String(repeating: "x", count: length)
                ),
                stream: Self.stream
            )
        }[...]
    }

    private func prefix(_ messages: ArraySlice<OutgoingMessage>, countMax: Int = 64, recordBytes: Int = 0) -> Int {
        let overhead = EnvelopeBudget.overhead(fromBytes: 3, toBytes: 5, recordBytes: recordBytes)
        return EnvelopeBudget.prefix(of: messages, countMax: countMax, overhead: overhead).count
    }

    @Test func `what fits to the last octet is sealed together, with one more octet it is not`() throws {
        // 32,768 less 96 for the signer, 29 for the names and what is between, and 19 in front of each text.
        let rest = 32_768 - 96 - 29 - 2 * 19 - 16_384
        #expect(try prefix(queued([16_384, rest])) == 2)
        #expect(try prefix(queued([16_384, rest + 1])) == 1)
        for (length, fits) in [(rest, true), (rest + 1, false)] {
            let envelope = ChatEnvelope(
                from: try PeerIdentifier("Bob"),
                to: try PeerIdentifier("Alice"),
                stream: Self.stream,
                messages: try queued([16_384, length]).map(\.message)
            )
            let inner = try? EnvelopeCoding.encode(envelope)
            #expect((inner != nil) == fits)
        }
    }

    @Test func `a record takes its room, and the longest text has room beside the longest record`() throws {
        #expect(try prefix(queued([8_000, 8_000, 8_000, 8_000])) == 4)
        #expect(try prefix(queued([8_000, 8_000, 8_000, 8_000]), recordBytes: 8_192) == 3)
        let overhead = EnvelopeBudget.overhead(fromBytes: 128, toBytes: 128, recordBytes: 8_192)
        #expect(overhead + 19 + 16_384 <= EnvelopeBudget.plainMax)
    }

    @Test func `a body has so many messages of one stream, and their numbers follow one another`() throws {
        let many = try queued(Array(repeating: 1, count: 100))
        #expect(prefix(many) == 64)
        #expect(prefix(many, countMax: 1) == 1)
        #expect(try prefix(queued([1, 1]) + queued([1], first: 4)) == 2)
        var other = try queued([1], first: 3)
        other[other.startIndex].stream = StreamID(high: 9, low: 9)
        #expect(try prefix(queued([1, 1]) + other) == 2)
        #expect(prefix([]) == 0)
    }
}
