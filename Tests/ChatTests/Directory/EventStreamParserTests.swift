// The reader of event streams: its grammar, its limits, and whatever octets come.

import Chat
import TestSupport
import Testing

struct EventStreamParserTests {
    @Test(arguments: [
        ("data: a\n\n", [ServerSentEvent(data: "a")]),
        ("id: 7\nevent: join\ndata: {}\n\n", [ServerSentEvent(id: "7", name: "join", data: "{}")]),
        ("id:7\r\nevent:join\r\ndata:x\r\n\r\n", [ServerSentEvent(id: "7", name: "join", data: "x")]),
        ("data: a\rdata: b\r\r", [ServerSentEvent(data: "a\nb")]),
        (": comment\n\ndata\n\n", [ServerSentEvent(data: "")]),
        ("event: x\n\ndata: y\n\n", [ServerSentEvent(data: "y")]),
        ("\u{feff}data: a\n\n", [ServerSentEvent(data: "a")]),
        ("data:  a\n\n", [ServerSentEvent(data: " a")]),
        ("data: unfinished\n", []),
        ("retry: 5\nunknown: 1\n\n", []),
        ("id: 1\ndata: a\n\ndata: b\n\n", [ServerSentEvent(id: "1", data: "a"), ServerSentEvent(data: "b")]),
    ])
    func `a stream is read as the standard says`(_ text: String, _ expected: [ServerSentEvent]) throws {
        var whole = EventStreamParser()
        #expect(try whole.parse(text.utf8) == expected)
        var piecewise = EventStreamParser()
        #expect(try text.utf8.flatMap { try piecewise.parse([$0]) } == expected)
    }

    @Test func `a line at the limit is read, one octet more ends the stream`() throws {
        var limits = EventStreamParser.Limits()
        limits.lineBytesMax = 10
        var parser = EventStreamParser(limits: limits)
        #expect(try parser.parse("data:12345\n\n".utf8) == [ServerSentEvent(data: "12345")])
        #expect(throws: EventStreamParser.LimitExceeded.self) { try parser.parse("data:123456".utf8) }
        #expect(throws: EventStreamParser.LimitExceeded.self) { try parser.parse("\n\n".utf8) }
    }

    @Test func `the data of an event at the limit is read, one octet more ends the stream`() throws {
        var limits = EventStreamParser.Limits()
        limits.dataBytesMax = 5
        var parser = EventStreamParser(limits: limits)
        #expect(try parser.parse("data:12\ndata:34\n\n".utf8) == [ServerSentEvent(data: "12\n34")])
        #expect(throws: EventStreamParser.LimitExceeded.self) { try parser.parse("data:12\ndata:345\n".utf8) }
    }

    @Test func `mutated streams never trap and never pass a limit`() {
        let seed: UInt64 = 0x5eed_0001
        var random = SeededGenerator(seed: seed)
        let stream = Array(
            "id: 17\nevent: join\ndata: {\"id\":\"Alice\"}\n\n: beat\n\nid: 18\r\ndata: a\rdata: b\n\n".utf8
        )
        var limits = EventStreamParser.Limits()
        (limits.lineBytesMax, limits.dataBytesMax) = (40, 40)
        var (read, refused) = (0, 0)
        for round in 0..<3_000 {
            var octets = stream + stream
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<octets.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: octets[index] = UInt8.random(in: 0...255, using: &random)
                case 1: octets.remove(at: index)
                default: octets.insert(contentsOf: octets[index...].prefix(40), at: index)
                }
            }
            var parser = EventStreamParser(limits: limits)
            do {
                for event in try parser.parse(octets) {
                    read += 1
                    // An octet that is no UTF-8 becomes a replacement character of three.
                    #expect(event.data.utf8.count <= 40 * 3, "seed \(seed), round \(round)")
                }
            } catch { refused += 1 }
        }
        #expect(read > 1_000 && refused > 0, "seed \(seed)")
    }
}
