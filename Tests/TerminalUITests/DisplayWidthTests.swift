// Widths of characters: by hand, and against Python's wcwidth.

import TestSupport
import Testing

@testable import TerminalUI

struct DisplayWidthTests {
    static let table: [(text: String, cells: Int)] = [
        ("", 0), ("a", 1), ("é", 1), ("e\u{301}", 1), ("e\u{301}\u{302}\u{303}", 1), ("日", 2), ("日本語", 6), ("한", 2),
        ("\u{1112}\u{1161}\u{11ab}", 2), ("ｆ", 2), ("ﾊ", 1), ("😀", 2), ("👍🏽", 2), ("👩‍👩‍👧", 2), ("🏴‍☠️", 2), ("❤", 1), ("❤️", 2),
        ("1️⃣", 2), ("🇩🇪", 2), ("🇩🇪🇫🇷", 4), ("⌚", 2), ("⌚\u{fe0e}", 1), ("\u{200b}", 0), ("\u{301}", 0), ("\u{ad}", 1),
        ("\u{1b}", 0), ("\u{7f}", 0), ("\u{9b}", 0), ("\u{202e}", 0), ("ก็", 1), ("நி", 2), ("Ω", 1), ("…", 1),
        ("\u{3000}", 2),
        ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 2),
    ]

    @Test(arguments: table)
    func `a text takes so many cells`(_ text: String, _ cells: Int) {
        #expect(DisplayWidth.cells(text) == cells)
    }

    static let script = #"""
        # Prints widths by PyPI's wcwidth: for every assigned character, and for clusters of emoji, letters with marks and flags.
        import sys
        import unicodedata

        try:
            import wcwidth
        except ImportError:
            sys.exit(77)


        def show(text):
            print(" ".join(f"{ord(c):x}" for c in text), max(0, wcwidth.wcswidth(text)), sep="\t")


        # Only what both know: wcwidth's tables may be newer or older than the ones compiled in.
        for value in range(0x20, 0x110000):
            character = chr(value)
            if unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Co", "Mc"):
                show(character)
        for base in "aé日한😀👍❤⌚✌☝1#":
            for tail in ("", "\u0301", "\u0301\u0323", "\ufe0f"):
                show(base + tail)
        # Terminals differ in skin tones behind anything but a wide emoji.
        for base in "😀👍":
            show(base + "\U0001f3fd")
        for text in (
            "👩‍👩‍👧", "👩🏽‍💻", "🏴‍☠️", "❤️‍🔥", "🇩🇪", "1️⃣", "\u1112\u1161\u11ab", "นี้", "é̂̃",
            "👨‍👩‍👧‍👦", "🧑🏿‍🤝‍🧑🏻", "🏳️‍🌈",
        ):
            show(text)
        """#
    static let hasOracle = RunningProcess.isInstalled("python3")

    /// The script prints `scalars in hexadecimal<TAB>cells`; it exits with 77 where wcwidth is not installed.
    @Test(.enabled(if: hasOracle, "python3 is not installed"))
    func `every character is as wide as for wcwidth, and clusters are`() async throws {
        let outcome = try await RunningProcess.run(["python3", "-c", Self.script])
        guard outcome.status != 77 else {
            try Test.cancel("Python's wcwidth is not installed")
        }
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        var faults: [String] = []
        for line in lines {
            let columns = line.split(separator: "\t")
            let scalars = columns[0].split(separator: " ").compactMap {
                UInt32($0, radix: 16).flatMap(Unicode.Scalar.init)
            }
            let text = String(String.UnicodeScalarView(scalars))
            // Where Unicode of the two differ in what a cluster is, their widths cannot be compared.
            guard scalars.count == 1 || text.count == 1 else { continue }
            if DisplayWidth.cells(text) != Int(columns[1]) { faults.append("\(line): \(DisplayWidth.cells(text))") }
        }
        #expect(lines.count > 100_000)
        #expect(faults.count == 0, "\(faults.count): \(faults.prefix(20))")
    }
}
