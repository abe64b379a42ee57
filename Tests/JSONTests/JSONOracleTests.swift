// Seeded mutations of JSON texts, each judged a second time by Python.

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct JSONOracleTests {
    private static let seeds: [String] = [
        #"{"numbers":[333333333.33333329,1E30,4.50,2e-3,-0,0.000000000000000000000000001],"b":{"a":[{}]}}"#,
        #"["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","\ud83d\ude00\udbff\udfff","é€😀"]"#,
        #"{"z":null,"a":true,"\ud83d\ude00":false,"\ufb33":[[],[[1,2],3]],"":"","é":1,"\u0065\u0301":2}"#,
        #" [ 1 , -2.5e+10 , 12345678901234567890 , 1e308 , 5e-324 , 0.1 , 1E-7 , 123456.789 ] "#,
        #"{"a":{"b":{"c":{"d":{"e":{"f":[0]}}}}},"a1":0,"a2":0,"a3":0,"a4":0,"a5":0,"a6":0,"a7":0,"a8":0,"a9":0,"aa":0}"#,
    ]

    private static let tokens: [[UInt8]] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "\\ud83d", "\\ude00", "e", "E", "+", "-", ".", "0",
        "1",
        "9", "99", " ", "\n", "\t", "null", "true", "\"a\":", "1e400", "\u{e9}", "\u{1f600}", "\u{fb33}", "\u{feff}",
    ].map { Array($0.utf8) }

    static func mutate(_ text: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 0...3, using: &random) where !text.isEmpty {
            let place = Int.random(in: 0..<text.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: text[place] = UInt8.random(in: 0...255, using: &random)
            case 1: text[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: text.remove(at: place)
            case 3: text.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: place)
            case 4: text.removeLast(min(text.count, Int.random(in: 0..<8, using: &random)))
            default:
                let end = min(text.count, place + Int.random(in: 1...12, using: &random))
                text.insert(contentsOf: text[place..<end], at: Int.random(in: 0...text.count, using: &random))
            }
        }
        return text
    }

    /// The canonical form of what was accepted; nil for what was refused.
    private func judge(_ text: [UInt8]) throws -> [UInt8]? {
        do throws(JSONError) {
            let value = try JSONValue(parsing: text)
            let canonical = value.canonical
            let again = try JSONValue(parsing: value.encoded)
            #expect(again == value)
            #expect(again.encoded.elementsEqual(value.encoded))
            #expect(try JSONValue(parsing: canonical).canonical.elementsEqual(canonical))
            return canonical
        } catch {
            #expect(error.offset <= text.count)
            return nil
        }
    }

    @Test(
        .enabled(if: RunningProcess.isInstalled("python3"), "python3 is not installed"),
        arguments: [1, 2] as [UInt64]
    )
    func `mutated texts are judged as Python judges them`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var lines: [UInt8] = []
        for _ in 0..<10_000 {
            let text = Self.mutate(Array(Self.seeds.randomElement(using: &random)?.utf8 ?? "".utf8), &random)
            let canonical = try judge(text)
            lines += hexadecimal(text) + [0x09] + (canonical.map(hexadecimal) ?? [0x2d]) + [0x0a]
        }
        try await ask(lines, "seed \(seed)")
    }

    @Test(.enabled(if: RunningProcess.isInstalled("python3"), "python3 is not installed"), arguments: [3] as [UInt64])
    func `doubles are written as Python's digits say`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var lines: [UInt8] = []
        for step in 0..<30_000 {
            let value: Double =
                switch step % 3 {
                case 0: Double(bitPattern: random.next())
                case 1: Double(Int64.random(in: -1 << 60...1 << 60, using: &random))
                default: Double.random(in: -1e6...1e6, using: &random) * 1e-5
                }
            guard let number = JSONNumber(value) else { continue }
            #expect(number.double == value)
            let canonical = JSONValue.number(number).canonical
            lines += hexadecimal(Array(value.description.utf8)) + [0x09] + hexadecimal(canonical) + [0x0a]
        }
        try await ask(lines, "seed \(seed)")
    }

    private func ask(_ lines: [UInt8], _ comment: String) async throws {
        let directory = try TemporaryDirectory()
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Oracle/oracle.py").path
        let outcome = try await RunningProcess.run(["python3", script, try directory.write(lines, to: "texts")])
        #expect(outcome.status == 0, "\(comment): \(outcome.output) \(outcome.errors)")
    }

    private func hexadecimal(_ octets: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}
