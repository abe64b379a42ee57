// Text from the network as it may be shown: nothing in it steers a terminal, hides, or passes for someone else's words.

/// Makes received text safe to show; what could not be seen is written out, as in `\u{202e}`.
///
/// The output holds no control character but the line feeds of ``Output/terminal``, each of which is followed by an
/// indentation, and bidirectional controls only as balanced isolates (UAX #9 section 6.2) around lines that have
/// letters from right to left.
package enum VisibleText {
    /// Where the text is shown.
    package enum Output: Sendable, Hashable, CaseIterable {
        /// Line breaks are kept, and what follows them is indented.
        case terminal
        /// One line whatever the text: line breaks are written `\n`, tabs `\t`.
        case pipe
    }

    /// What stands in front of all lines but the first on a terminal.
    package static let indentation = "    "
    /// Combining marks kept on one character; more are cut off, and an ellipsis tells so.
    package static let marksMax = 6

    /// The text of a message.
    package static func message(_ text: String, for output: Output) -> String {
        if isPlain(text) { return text }
        var writer = Writer(output: output)
        for character in text { writer.append(character) }
        return writer.finish()
    }

    /// A name, URL or reason from the network: one line of at most `charactersMax` characters.
    package static func word(_ text: String, charactersMax: Int = 256) -> String {
        let short = text.prefix(charactersMax)
        let word = message(String(short), for: .pipe)
        return short.endIndex < text.endIndex ? word + "…" : word
    }

    /// Printable ASCII, as most is.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    }

    private struct Writer {
        let output: Output
        private var done = String.UnicodeScalarView()
        private var line = String.UnicodeScalarView()
        private var isRightToLeft = false
        /// Whether a mark would join what is in front of the text rather than a character of it.
        private var lacksBase = true

        init(output: Output) {
            self.output = output
        }

        mutating func append(_ character: Character) {
            let scalars = Array(character.unicodeScalars)
            switch character {
            case "\n", "\r\n", "\u{2028}", "\u{2029}", "\u{85}": breakLine()
            case "\t": write(output == .terminal ? "    " : "\\t")
            case _ where EmojiSequence.isComplete(scalars): line.append(contentsOf: scalars)
            default: appendCluster(scalars)
            }
            if let last = line.last { lacksBase = last.properties.isWhitespace }
        }

        mutating func finish() -> String {
            closeLine()
            return String(done)
        }

        private mutating func breakLine() {
            guard output == .terminal else { return write("\\n") }
            closeLine()
            done.append("\n")
            done.append(contentsOf: VisibleText.indentation.unicodeScalars)
            lacksBase = true
        }

        private mutating func closeLine() {
            if isRightToLeft { done.append("\u{2068}") }
            done.append(contentsOf: line)
            if isRightToLeft { done.append("\u{2069}") }
            (line, isRightToLeft) = (String.UnicodeScalarView(), false)
        }

        private mutating func appendCluster(_ scalars: [Unicode.Scalar]) {
            var marks = 0
            for (index, scalar) in scalars.enumerated() {
                switch ScalarKind(scalar, after: index > 0 ? scalars[index - 1] : nil) {
                case .shown:
                    line.append(scalar)
                    lacksBase = false
                case .rightToLeft:
                    line.append(scalar)
                    (lacksBase, isRightToLeft) = (false, true)
                case .mark:
                    marks += 1
                    if marks == VisibleText.marksMax + 1 { line.append("\u{2026}") }
                    guard marks <= VisibleText.marksMax else { break }
                    if lacksBase { line.append("\u{25cc}") }
                    line.append(scalar)
                    lacksBase = false
                case .control(let sign):
                    line.append(sign)
                    lacksBase = false
                case .hidden:
                    write("\\u{\(String(scalar.value, radix: 16))}")
                    lacksBase = false
                }
            }
        }

        private mutating func write(_ text: String) {
            line.append(contentsOf: text.unicodeScalars)
        }
    }
}
