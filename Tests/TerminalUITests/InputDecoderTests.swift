// Bytes to keys: tables, cuts at every place, and bytes that nobody types.

import TestSupport
import Testing

@testable import TerminalUI

struct InputDecoderTests {
    static let table: [(bytes: String, keys: [Key])] = [
        ("abc", [.text("abc")]), ("é日👩‍👧", [.text("é日👩‍👧")]), ("\r", [.enter]), ("\n", [.enter]), ("\r\n", [.enter]),
        ("\r\r", [.enter, .enter]), ("\t", [.tab]), ("\u{7f}", [.backspace]), ("\u{8}", [.backspace]),
        ("\u{1}\u{5}\u{1a}", [.control("a"), .control("e"), .control("z")]),
        ("\u{1b}[A\u{1b}[B\u{1b}[C\u{1b}[D", [.up, .down, .right, .left]),
        ("\u{1b}OA\u{1b}OH\u{1b}OF", [.up, .home, .end]),
        ("\u{1b}[H\u{1b}[F\u{1b}[1~\u{1b}[4~\u{1b}[7~\u{1b}[8~", [.home, .end, .home, .end, .home, .end]),
        ("\u{1b}[3~x", [.delete, .text("x")]), ("\u{1b}[1;5C\u{1b}[1;3D", [.wordRight, .wordLeft]),
        ("\u{1b}b\u{1b}f\u{1b}\u{7f}", [.alt("b"), .alt("f"), .alt("\u{7f}")]),
        ("\u{1b}[200~a\rb\r\nc\u{1b}[201~d", [.paste("a\nb\nc"), .text("d")]),
        ("\u{1b}[200~\u{1b}[20\u{1b}[201~", [.paste("[20")]), ("\u{1b}[200~\u{1b}[201~", [.paste("")]),
        ("\u{1b}[200~\t\u{1b}\u{7}é\u{9b}\u{1b}\u{1b}[201~", [.paste("\té")]),
        // Unknown ones are swallowed whole.
        ("\u{1b}[?1;2cx\u{1b}[99~y\u{1b}[<0;1;1Mz", [.text("xy"), .enter, .text("z")]),
        ("\u{0}\u{1c}\u{1f}a", [.text("a")]),
        ("\u{1b}[1\u{1b}[Dx", [.left, .text("x")]), ("\u{9b}A\u{85}b", [.text("Ab")]),
    ]

    @Test(arguments: table) func `bytes are keys however they are cut`(_ bytes: String, _ keys: [Key]) {
        let bytes = Array(bytes.utf8)
        for cut in 0...bytes.count {
            var decoder = InputDecoder(pasteBytesMax: 100)
            let got = decoder.decode(bytes[..<cut]) + decoder.decode(bytes[cut...])
            #expect(Self.joined(got) == keys, "cut at \(cut)")
        }
        var decoder = InputDecoder(pasteBytesMax: 100)
        #expect(Self.joined(bytes.flatMap { decoder.decode([$0]) }) == keys)
    }

    static let broken: [(bytes: [UInt8], text: String)] = [
        ([0xff, 0x61], "\u{fffd}a"), ([0xc3, 0x61], "\u{fffd}a"), ([0xc0, 0xaf], "\u{fffd}\u{fffd}"),
        ([0xed, 0xa0, 0x80, 0x61], "\u{fffd}\u{fffd}\u{fffd}a"), ([0xf5, 0x80], "\u{fffd}\u{fffd}"),
        ([0xe2, 0x82, 0xe2, 0x82, 0xac], "\u{fffd}€"),
    ]

    @Test(arguments: broken)
    func `bytes that are not UTF-8 are U+FFFD and spoil nothing behind them`(_ bytes: [UInt8], _ text: String) {
        var decoder = InputDecoder(pasteBytesMax: 100)
        #expect(Self.joined(decoder.decode(bytes)) == [.text(text)])
    }

    @Test func `a paste at the limit is taken, one byte more is refused whole`() {
        for (count, key) in [(50, Key.paste(String(repeating: "x", count: 50))), (51, .pasteTooLong(51))] {
            var decoder = InputDecoder(pasteBytesMax: 50)
            let bytes = "\u{1b}[200~" + String(repeating: "x", count: count) + "\u{1b}[201~y"
            #expect(decoder.decode(bytes.utf8) == [key, .text("y")])
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `no bytes make a key with a control character, and none make it trap`(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var decoder = InputDecoder(pasteBytesMax: 64)
        let pieces = Self.table.map { Array($0.bytes.utf8) }
        for _ in 0..<3_000 {
            var bytes = pieces.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            for case .text(let text) in decoder.decode(bytes) {
                #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) })
            }
        }
        // Whatever state it is in, the end of a paste and of a sequence brings it back.
        _ = decoder.decode(Array("\u{1b}[201~\u{1b}[201~~".utf8))
        #expect(Self.joined(decoder.decode(Array("ok".utf8))) == [.text("ok")])
    }

    private static func joined(_ keys: [Key]) -> [Key] {
        keys.reduce(into: []) { joined, key in
            if case .text(let text) = key, case .text(let before) = joined.last {
                joined[joined.count - 1] = .text(before + text)
            } else {
                joined.append(key)
            }
        }
    }
}
