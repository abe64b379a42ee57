// Tests of byte counts and durations as people write them.

import Daemon
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("4096", 4096), ("1B", 1), ("1k", 1024), ("1KiB", 1024), ("1kB", 1000), ("1KB", 1000),
            ("256MiB", 256 << 20), ("10GiB", 10 << 30), ("1.5G", 3 << 29), ("500MB", 500_000_000), ("0.5k", 512),
            ("1.0000000001KiB", nil), ("1.000000001KiB", 1024), ("7EiB", 7 << 60), ("8EiB", nil), ("9EB", 9 * exa),
            ("9.3EB", nil), ("9223372036854775807", Int64.max), ("9223372036854775808", nil),
            ("99999999999999999999999999", nil), ("9223372036854775807k", nil),
            ("7.999999999EiB", 9_223_372_035_701_854_303),
            ("", nil), ("GiB", nil), ("-1", nil), ("+1", nil), ("1 GiB", nil), ("1..5G", nil), ("1.G", nil),
            (".5G", nil),
            ("1.5", nil), ("1.5B", nil), ("1GiBs", nil), ("1Gi", nil), ("0x10", nil), ("1e3", nil), ("1,5G", nil),
            ("١", nil), ("10GiB ", nil), ("1G1M", nil), ("nan", nil),
        ] as [(String, Int64?)]
    )
    func `a byte count`(text: String, expected: Int64?) {
        #expect(ByteCount(argument: text)?.bytes == expected)
    }

    static let exa: Int64 = 1_000_000_000_000_000_000

    @Test(
        arguments: [
            (0, "0B"), (1, "1B"), (1023, "1023B"), (1024, "1KiB"), (1536, "1.5KiB"), (10 << 30, "10GiB"),
            ((1 << 20) - 1, "1023.9KiB"), ((1 << 30) + 1, "1GiB"), (Int64.max, "7.9EiB"), (-5, "0B"),
        ] as [(Int64, String)]
    )
    func `a byte count for people`(bytes: Int64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    @Test func `units beyond the range stop at its end`() {
        #expect(ByteCount.gibibytes(.max).bytes == .max)
        #expect(ByteCount.mebibytes(256).bytes == 268_435_456)
    }

    @Test(
        arguments: [
            ("30s", .seconds(30)), ("500ms", .milliseconds(500)), ("2m", .seconds(120)), ("1h30m", .seconds(5400)),
            ("1d", .seconds(86400)), ("1m30.5s", .milliseconds(90500)), ("250us", .microseconds(250)), ("0", .zero),
            ("0s", .zero), ("1.5h", .seconds(5400)), ("36500d", .seconds(36500 * 86400)),
            ("36501d", nil), ("36500d1s", nil), ("99999999999999999999h", nil), ("9223372036854775807d", nil),
            ("", nil), ("30", nil), ("s", nil), ("30 s", nil), ("-30s", nil), ("30m1h", nil), ("1s1s", nil),
            ("1.5h30m", nil), ("30S", nil), ("30sec", nil), ("1h ", nil), ("1.s", nil), ("1h30", nil), ("∞", nil),
        ] as [(String, Duration?)]
    )
    func `a duration`(text: String, expected: Duration?) {
        #expect(Duration(argument: text) == expected)
    }

    @Test(arguments: ["30s", "500ms", "2m", "1h30m", "1d", "1m30s500ms", "250us", "0s"])
    func `a duration is written as it is read`(text: String) throws {
        #expect(try Duration(parsing: text).text == text)
    }

    @Test func `no text makes the readers trap`() {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(state: seed)
        let alphabet = Array("0123456789999.kKmMgGeEiBdhsu -")
        for _ in 0..<20000 {
            let length = Int.random(in: 0..<24, using: &generator)
            let text = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
            if let count = ByteCount(argument: text) { #expect(count.bytes >= 0, "\(text), seed \(seed)") }
            if let time = Duration(argument: text) { #expect(time >= .zero, "\(text), seed \(seed)") }
        }
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
