// Redis's answers: every type, in any pieces, at the limits, and mutated.

import PeerRegistryRedis
import TestSupport
import Testing

@Suite struct RESPParserTests {
    private static let answers: [(String, RESPValue)] = [
        ("+OK\r\n", .string(Array("OK".utf8))),
        ("+\r\n", .string([])),
        ("-ERR no\r\n", .error("ERR no")),
        (":0\r\n", .integer(0)),
        (":-9223372036854775808\r\n", .integer(.min)),
        (":+9223372036854775807\r\n", .integer(.max)),
        ("$0\r\n\r\n", .string([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("_\r\n", .null),
        ("$5\r\n\r\n$\0*\r\n", .string(Array("\r\n$\0*".utf8))),
        ("*0\r\n", .array([])),
        ("*2\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n", .array([.integer(1), .array([.string([0x61]), .array([])])])),
        ("#t\r\n", .bool(true)),
        ("#f\r\n", .bool(false)),
        (",1.5\r\n", .string(Array("1.5".utf8))),
        ("(123456789012345678901234567890\r\n", .string(Array("123456789012345678901234567890".utf8))),
        ("!5\r\nERR x\r\n", .error("ERR x")),
        ("=7\r\ntxt:abc\r\n", .string(Array("abc".utf8))),
        ("%1\r\n+k\r\n:1\r\n", .map([.string([0x6b]), .integer(1)])),
        ("%0\r\n", .map([])),
        ("~2\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ("|1\r\n+a\r\n+b\r\n:7\r\n", .integer(7)),
        ("*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n+b\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ("|0\r\n:7\r\n", .integer(7)),
        (">2\r\n+message\r\n:1\r\n", .push([.string(Array("message".utf8)), .integer(1)])),
    ]

    @Test func `every type of RESP2 and RESP3 is read, however it is cut`() throws {
        for (text, expected) in Self.answers {
            let octets = Array(text.utf8)
            for size in 1...octets.count {
                var parser = RESPParser()
                var values: [RESPValue] = []
                // Twice over, so that what follows an answer is seen to be left alone.
                var rest = (octets + octets)[...]
                while !rest.isEmpty {
                    parser.append(rest.prefix(size))
                    rest = rest.dropFirst(size)
                    while let value = try parser.next() { values.append(value) }
                }
                #expect(values == [expected, expected], "\(text.debugDescription) in pieces of \(size)")
            }
        }
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "OK\r\n", "+O\rK\r\n", "+OK\n", "\n", ":\r\n", ":1a\r\n", ":--1\r\n",
        ":9223372036854775808\r\n",
        ":-9223372036854775809\r\n", "$-2\r\n", "$+1\r\na\r\n", "$1\r\nab\r\n", "$1\r\na\n\r", "$\r\n", "$01x\r\n",
        "*-2\r\n",
        "*1 \r\n", "#x\r\n", "#\r\n", "_x\r\n", "=3\r\ntxt\r\n", "=4\r\ntxt;\r\n", "!-1\r\n", "%-1\r\n", "~-1\r\n",
        "$99999999999999999999\r\n", "*99999999999999999999\r\n", "*1\r\n>1\r\n:1\r\n", ",\r\n",
    ]) func `what is not the protocol is refused, now and ever after`(_ text: String) throws {
        var parser = RESPParser()
        parser.append(Array(text.utf8))
        #expect(throws: RESPError.self) { try parser.next() }
        parser.append(Array("+OK\r\n".utf8))
        #expect(throws: RESPError.self) { try parser.next() }
    }

    @Test func `each limit holds: at it and one beyond`() throws {
        var limits = RESPLimits()
        (limits.lineBytesMax, limits.bulkBytesMax, limits.elementsMax, limits.depthMax) = (10, 20, 5, 3)
        func read(_ text: String) throws -> RESPValue? {
            var parser = RESPParser(limits: limits)
            parser.append(Array(text.utf8))
            return try parser.next()
        }
        // A line counts with its type and its end.
        #expect(try read("+12345678\r\n") != nil)
        #expect(throws: RESPError.self) { try read("+1234567890\r\n") }
        #expect(throws: RESPError.self) { try read("+1234567890") }
        #expect(try read("$20\r\n\(String(repeating: "x", count: 20))\r\n") != nil)
        #expect(throws: RESPError.self) { try read("$21\r\n") }
        #expect(try read("*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n") != nil)
        #expect(throws: RESPError.self) { try read("*6\r\n") }
        #expect(throws: RESPError.self) { try read("%6\r\n") }
        #expect(try read("*1\r\n*1\r\n*1\r\n:1\r\n") != nil)
        #expect(throws: RESPError.self) { try read("*1\r\n*1\r\n*1\r\n*1\r\n") }
        limits.answerBytesMax = 100
        // Each element costs 16 beside its octets: 18 for `*4`, 18 each for `:1`.
        #expect(try read("*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n") != nil)
        #expect(throws: RESPError.self) { try read("*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n") }
    }

    @Test func `mutated answers are read or refused, never more, and reading ends`() throws {
        var generator = SeededGenerator(seed: 0x5e5b)
        let corpus = Self.answers.map { Array($0.0.utf8) }
        var refused = 0
        for _ in 0..<20_000 {
            var octets = (0..<3).flatMap { _ in corpus.randomElement(using: &generator) ?? [] }
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !octets.isEmpty {
                let at = Int.random(in: 0..<octets.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: octets[at] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: octets.remove(at: at)
                case 2:
                    octets.insert(Array("$*:+-\r\n0123456789%>|".utf8).randomElement(using: &generator) ?? 0, at: at)
                default: octets.removeSubrange(at...)
                }
            }
            // Whole and in pieces, the same comes out.
            let whole = Self.read(octets, pieces: octets.count)
            let pieces = Self.read(octets, pieces: Int.random(in: 1...7, using: &generator))
            #expect(whole.values == pieces.values, "seed \(generator.seed): \(octets)")
            #expect(whole.isRefused == pieces.isRefused, "seed \(generator.seed): \(octets)")
            #expect(whole.values.count <= octets.count)
            if whole.isRefused { refused += 1 }
        }
        #expect((1_000..<19_000).contains(refused))
    }

    private static func read(_ octets: [UInt8], pieces: Int) -> (values: [RESPValue], isRefused: Bool) {
        var parser = RESPParser()
        var values: [RESPValue] = []
        var rest = octets[...]
        do {
            while !rest.isEmpty {
                parser.append(rest.prefix(max(1, pieces)))
                rest = rest.dropFirst(max(1, pieces))
                while let value = try parser.next() { values.append(value) }
            }
        } catch {
            return (values, true)
        }
        return (values, false)
    }
}
