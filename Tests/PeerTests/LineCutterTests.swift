// Lines of standard input, whatever the reads that they come in.

import TestSupport
import Testing

@testable import peer

@Suite struct LineCutterTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func `lines are the same however they are cut into reads`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let text = "send a b\r\n\n\nünï cøde\nlast\rone\n" + (seed % 2 == 0 ? "no end" : "")
        let expected = ["send a b", "", "", "ünï cøde", "last\rone"] + (seed % 2 == 0 ? ["no end"] : [])
        var (cutter, lines, rest) = (LineCutter(), [String](), Array(text.utf8)[...])
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...9, using: &generator))
            rest = rest.dropFirst(piece.count)
            lines += cutter.lines(in: piece)
        }
        lines += cutter.finish()
        #expect(lines == expected, "seed \(seed)")
        #expect(cutter.finish() == [])
    }
}
