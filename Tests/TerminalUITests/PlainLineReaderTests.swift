// Lines of a pipe, however they are cut into reads.

import Testing

@testable import TerminalUI

struct PlainLineReaderTests {
    @Test(arguments: [
        ("a\nb\n", ["a", "b"]), ("a\r\nb", ["a", "b"]), ("", []), ("\n", [""]), ("\r\n\n", ["", ""]),
        ("a\rb\n", ["a\rb"]),
        ("no end", ["no end"]), ("\r", [""]), ("日本\n", ["日本"]), ("12345678\r\n12345678", ["12345678", "12345678"]),
    ])
    func `bytes are these lines`(_ text: String, _ lines: [String]) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var reader = PlainLineReader(bytesMax: 8)
            let inputs = reader.receive(bytes[..<cut]) + reader.receive(bytes[cut...]) + reader.finish()
            #expect(inputs == lines.map { .line($0) }, "cut at \(cut)")
        }
    }

    @Test func `a line over the limit is refused with its length, and the next one is read`() {
        var reader = PlainLineReader(bytesMax: 8)
        let inputs = reader.receive("123456789\nok\n1234567890\r\n123456789".utf8) + reader.finish()
        #expect(
            inputs == [
                .tooLong(bytes: 9, bytesMax: 8), .line("ok"), .tooLong(bytes: 11, bytesMax: 8),
                .tooLong(bytes: 9, bytesMax: 8),
            ]
        )
    }

    @Test func `what is not UTF-8 is made visible`() {
        var reader = PlainLineReader(bytesMax: 8)
        #expect(reader.receive([0x61, 0xff, 0x62, 0x0a]) == [.line("a\u{fffd}b")])
    }
}
