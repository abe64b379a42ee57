// Received text made safe: tables of tricks, and random text.

import TestSupport
import Testing

@testable import Chat

struct VisibleTextTests {
    static let table: [(text: String, terminal: String, pipe: String)] = [
        ("", "", ""), ("Hello Alice!!", "Hello Alice!!", "Hello Alice!!"),
        ("日本 é 👩‍👩‍👧 ❤️ 1️⃣ 🇩🇪", "日本 é 👩‍👩‍👧 ❤️ 1️⃣ 🇩🇪", "日本 é 👩‍👩‍👧 ❤️ 1️⃣ 🇩🇪"),
        ("a\nBob: b", "a\n    Bob: b", "a\\nBob: b"), ("a\r\nb", "a\n    b", "a\\nb"),
        ("a\u{2028}b\u{2029}c\u{85}d", "a\n    b\n    c\n    d", "a\\nb\\nc\\nd"),
        ("a\rBob: b", "a␍Bob: b", "a␍Bob: b"), ("a\tb", "a    b", "a\\tb"),
        ("\u{1b}[2J\u{1b}]0;x\u{7}", "␛[2J␛]0;x␇", "␛[2J␛]0;x␇"),
        ("\u{0}\u{7f}\u{8}", "␀␡␈", "␀␡␈"), ("\u{9b}31m", "\\u{9b}31m", "\\u{9b}31m"),
        ("a\u{202e}b", "a\\u{202e}b", "a\\u{202e}b"),
        (
            "\u{2066}\u{2069}\u{200f}\u{61c}", "\\u{2066}\\u{2069}\\u{200f}\\u{61c}",
            "\\u{2066}\\u{2069}\\u{200f}\\u{61c}"
        ),
        ("שלום", "\u{2068}שלום\u{2069}", "\u{2068}שלום\u{2069}"),
        ("a\nשלום\nb", "a\n    \u{2068}שלום\u{2069}\n    b", "\u{2068}a\\nשלום\\nb\u{2069}"),
        ("A\u{200b}lice\u{feff}", "A\\u{200b}lice\\u{feff}", "A\\u{200b}lice\\u{feff}"),
        ("a\u{ad}b\u{2060}", "a\\u{ad}b\\u{2060}", "a\\u{ad}b\\u{2060}"),
        ("\u{e0041}\u{e0042}", "\\u{e0041}\\u{e0042}", "\\u{e0041}\\u{e0042}"),
        ("\u{301}x", "\u{25cc}\u{301}x", "\u{25cc}\u{301}x"),
        ("a\n\u{301}x", "a\n    \u{25cc}\u{301}x", "a\\n\u{301}x"),
        ("\u{115f}\u{3164}\u{ffa0}", "\\u{115f}\\u{3164}\\u{ffa0}", "\\u{115f}\\u{3164}\\u{ffa0}"),
        ("\u{e000}\u{10fffd}\u{ffff}", "\\u{e000}\\u{10fffd}\\u{ffff}", "\\u{e000}\\u{10fffd}\\u{ffff}"),
        ("a\u{fe0f}", "a\u{fe0f}", "a\u{fe0f}"),
        ("a\u{200d}b", "a\\u{200d}b", "a\\u{200d}b"), ("क्\u{200d}ष", "क्\u{200d}ष", "क्\u{200d}ष"),
        ("葛\u{e0100}", "葛\u{e0100}", "葛\u{e0100}"),
        (
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"
        ),
        ("😀\u{e0067}\u{e007f}", "😀\\u{e0067}\\u{e007f}", "😀\\u{e0067}\\u{e007f}"),
    ]

    @Test(arguments: table) func `a text is shown like this`(_ text: String, _ terminal: String, _ pipe: String) {
        #expect(VisibleText.message(text, for: .terminal).unicodeScalars.elementsEqual(terminal.unicodeScalars))
        #expect(VisibleText.message(text, for: .pipe).unicodeScalars.elementsEqual(pipe.unicodeScalars))
    }

    @Test func `six marks on a letter are kept, the seventh and all more are cut off`() {
        let six = "a" + String(repeating: "\u{301}", count: 6)
        #expect(VisibleText.message(six, for: .pipe) == six)
        let many = "a" + String(repeating: "\u{301}", count: 7)
        #expect(VisibleText.message(many, for: .pipe).unicodeScalars.count == 8)
        let zalgo = String(repeating: "a" + String(repeating: "\u{30f}\u{323}", count: 500), count: 3)
        #expect(VisibleText.message(zalgo, for: .pipe).unicodeScalars.count == 24)
    }

    @Test func `a name or URL is one line, and cut at its limit`() {
        #expect(VisibleText.word("a\nb") == "a\\nb")
        #expect(VisibleText.word("abc", charactersMax: 3) == "abc")
        #expect(VisibleText.word("abcd", charactersMax: 3) == "abc…")
    }

    static let pieces: [String] =
        table.map(\.text) + [
            "a", " ", "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}", "\u{2067}", "\u{2068}", "\u{200e}", "א", "ب",
            "\u{200c}", "\u{200d}",
            "\u{fe0f}", "\u{20e3}", "\u{1f3fd}", "\u{1f1e9}", "\u{e0001}", "\u{d}", "\u{b}", "\u{c}", "\u{fff9}",
            "\u{180e}", "\u{34f}",
        ]

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `no text comes out with a control, a hidden scalar or unbalanced direction`(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                if Bool.random(using: &generator) {
                    text += Self.pieces.randomElement(using: &generator) ?? ""
                } else {
                    let value = UInt32.random(in: 0...0x10ffff, using: &generator)
                    text.unicodeScalars.append(
                        Unicode.Scalar(value >> UInt32.random(in: 0...16, using: &generator)) ?? "?"
                    )
                }
            }
            for output in VisibleText.Output.allCases {
                let fault = Self.fault(in: VisibleText.message(text, for: output), output)
                #expect(fault == nil, "\(text.unicodeScalars.map { String($0.value, radix: 16) })")
            }
        }
    }

    /// What a shown text must not hold, found without asking the code that made it.
    static func fault(in shown: String, _ output: VisibleText.Output) -> String? {
        let lines = shown.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        if output == .pipe, lines.count > 1 { return "a line break" }
        for (index, line) in lines.enumerated() {
            if index > 0, !line.starts(with: VisibleText.indentation.unicodeScalars) {
                return "a line that is not indented"
            }
            var depth = 0
            var marks = 0
            for scalar in line {
                let category = scalar.properties.generalCategory
                marks = category == .nonspacingMark || category == .enclosingMark ? marks + 1 : 0
                if marks > 16 { return "a pile of marks" }
                switch scalar.value {
                case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x202a...0x202e, 0x2066, 0x2067, 0x200e, 0x200f, 0x61c,
                    0x200b, 0xfeff:
                    return "a control \(scalar.value)"
                case 0x2068: depth += 1
                case 0x2069: depth -= 1
                default: break
                }
                if depth < 0 || depth > 1 { return "an isolate out of place" }
            }
            if depth != 0 { return "an open isolate" }
        }
        return nil
    }
}
