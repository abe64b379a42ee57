// Text with styles, to be shown above the line that is being edited.

/// How a piece of text looks where there are colours; where there are none, all look alike.
package enum TerminalStyle: Sendable, Hashable, CaseIterable {
    case plain
    case bold
    case dim
    /// Who a message is from.
    case name
    case success
    case warning
    case failure

    /// The parameters of SGR (ECMA-48 section 8.3.117); the eight basic colours follow the person's palette.
    var parameters: String? {
        switch self {
        case .plain: nil
        case .bold: "1"
        case .dim: "2"
        case .name: "1;36"
        case .success: "32"
        case .warning: "33"
        case .failure: "1;31"
        }
    }
}

/// One or more lines, in pieces of one style each.
package struct TerminalText: Sendable, Hashable, ExpressibleByStringInterpolation {
    private var pieces: [Piece]

    struct Piece: Hashable {
        var text: String
        var style: TerminalStyle
    }

    package init(_ text: String, style: TerminalStyle = .plain) {
        pieces = [Piece(text: text, style: style)]
    }

    package init(stringLiteral text: String) {
        self.init(text)
    }

    package static func + (left: TerminalText, right: TerminalText) -> TerminalText {
        var sum = left
        sum.pieces += right.pieces
        return sum
    }

    /// The text without styles.
    package var text: String { pieces.map(\.text).joined() }

    /// The bytes of the text, at least 1.
    var byteCount: Int { pieces.reduce(1) { $0 + $1.text.utf8.count } }

    /// For an output that breaks no lines: each ends with LF.
    func encoded(colours: Bool) -> String {
        rows(columns: .max).map { encoded($0, colours: colours) + "\n" }.joined()
    }

    /// For a terminal: what a line is too long for stands in the next row, indented, so that nobody's words can begin
    /// where the name of a sender does.
    func encoded(colours: Bool, columns: Int) -> String {
        rows(columns: columns).map { encoded($0, colours: colours) + "\r\n" }.joined()
    }

    private func encoded(_ row: [Piece], colours: Bool) -> String {
        var output = ""
        for piece in row where !piece.text.isEmpty {
            let parameters = colours ? piece.style.parameters : nil
            output += parameters.map { "\u{1b}[\($0)m\(piece.text)\u{1b}[0m" } ?? piece.text
        }
        return output
    }

    /// Lines, and the rows that they are broken into; control characters other than LF are replaced by U+FFFD, so that
    /// nothing shown can steer the terminal, wherever it came from.
    private func rows(columns: Int) -> [[Piece]] {
        var breaker = RowBreaker(columns: columns)
        for piece in pieces { breaker.add(piece) }
        return breaker.finish()
    }

    /// Breaks lines at blanks where it can.
    private struct RowBreaker {
        let columns: Int
        private var done: [[Piece]] = []
        private var row: [Piece] = []
        private var used = 0

        /// In front of each row that goes on with a line.
        private static let indentation = "    "

        init(columns: Int) {
            // In a very narrow terminal there is no room for an indentation; it breaks lines as it likes.
            self.columns = columns < 12 ? .max : columns
        }

        mutating func add(_ piece: Piece) {
            var word = ""
            var wordCells = 0
            row.append(Piece(text: "", style: piece.style))
            for character in piece.text {
                if character == "\n" || character == "\r\n" {
                    put(word, wordCells)
                    (word, wordCells) = ("", 0)
                    done.append(row)
                    (row, used) = ([Piece(text: "", style: piece.style)], 0)
                    continue
                }
                let cells = DisplayWidth.cells(character)
                if used + wordCells + cells > columns {
                    if character != " ", wordCells + cells <= columns - Self.indentation.count, used > 0 {
                        // The word as a whole moves down.
                    } else {
                        put(word, wordCells)
                        (word, wordCells) = ("", 0)
                    }
                    breakRow(piece.style)
                    if character == " " { continue }
                }
                Self.append(character, to: &word)
                wordCells += cells
                if character == " " {
                    put(word, wordCells)
                    (word, wordCells) = ("", 0)
                }
            }
            put(word, wordCells)
        }

        func finish() -> [[Piece]] { done + [row] }

        private mutating func put(_ word: String, _ cells: Int) {
            row[row.count - 1].text += word
            used += cells
        }

        private mutating func breakRow(_ style: TerminalStyle) {
            done.append(row)
            (row, used) = ([Piece(text: Self.indentation, style: style)], Self.indentation.count)
        }

        private static func append(_ character: Character, to word: inout String) {
            guard let first = character.unicodeScalars.first else { return }
            let isControl = first.value < 0x20 || (0x7f..<0xa0).contains(first.value)
            word.append(isControl ? "\u{fffd}" : character)
        }
    }
}
