// A terminal of a few control sequences, to see what a person would see.

@testable import TerminalUI

/// Rows and a cursor; understands what the screen machine sends, and fails the test on anything else.
struct ScreenSimulator {
    struct Line {
        /// One for each cell: what stands there, empty in the second cell of a wide character.
        var cells: [String] = []
        /// Whether the terminal itself broke the line here.
        var isWrapped = false

        var text: String { cells.joined() }
    }

    private(set) var columns: Int
    private(set) var rows: Int
    let reflows: Bool
    /// All lines since the start, those that left the screen too; the last ``rows`` are on the screen.
    private(set) var lines: [Line]
    private(set) var x = 0
    /// An index of ``lines``.
    private(set) var y = 0
    private var wraps = true
    private(set) var faults: [String] = []
    private(set) var bells = 0

    init(columns: Int, rows: Int, reflows: Bool) {
        (self.columns, self.rows, self.reflows) = (columns, rows, reflows)
        lines = Array(repeating: Line(), count: rows)
    }

    private var top: Int { max(0, lines.count - rows) }

    /// The row of the cursor, without blanks at its end.
    var cursorRow: String { Self.trimmed(lines[y].text) }
    var isEmptyBelow: Bool { lines[(y + 1)...].allSatisfy { Self.trimmed($0.text).isEmpty } }

    /// What stands above the cursor's line, lines that the terminal broke put together.
    var above: [String] {
        var logical: [String] = []
        var isOpen = false
        for line in lines[..<y] {
            if isOpen { logical[logical.count - 1] += line.text } else { logical.append(line.text) }
            isOpen = line.isWrapped
        }
        return logical.map(Self.trimmed)
    }

    static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    mutating func write(_ text: String) {
        var rest = Substring(text)
        while let character = rest.first {
            rest.removeFirst()
            switch character {
            case "\r": x = 0
            case "\n": lineFeed()
            case "\r\n":
                x = 0
                lineFeed()
            case "\u{7}": bells += 1
            case "\u{1b}":
                guard rest.first == "[" else {
                    faults.append("an unknown escape")
                    continue
                }
                rest.removeFirst()
                let parameters = rest.prefix { !$0.isLetter }
                rest = rest.dropFirst(parameters.count)
                let final = rest.popFirst() ?? "?"
                control(String(parameters), final)
            default: put(character)
            }
        }
    }

    mutating func resize(columns new: Int, rows newRows: Int) {
        let old = columns
        (columns, rows) = (new, newRows)
        if reflows, new != old { reflow() } else { x = min(x, new - 1) }
        while lines.count - 1 > y, lines.last?.cells.isEmpty == true { lines.removeLast() }
        while lines.count < rows { lines.append(Line()) }
    }

    private mutating func control(_ parameters: String, _ final: Character) {
        let number = Int(parameters) ?? 0
        switch (final, parameters) {
        case ("m", _), ("h", "?2004"), ("l", "?2004"): break
        case ("h", "?7"): wraps = true
        case ("l", "?7"): wraps = false
        case ("A", _): y = max(top, y - max(1, number))
        case ("G", _): x = min(columns - 1, max(0, number - 1))
        case ("H", ""): (x, y) = (0, top)
        case ("J", ""):
            lines[y].cells.removeLast(max(0, lines[y].cells.count - x))
            lines[y].isWrapped = false
            for index in (y + 1)..<max(y + 1, lines.count) { lines[index] = Line() }
        case ("K", ""): lines[y].cells.removeLast(max(0, lines[y].cells.count - x))
        case ("J", "2"): for index in top..<lines.count { lines[index] = Line() }
        default: faults.append("an unknown sequence \(parameters)\(final)")
        }
    }

    private mutating func lineFeed() {
        y += 1
        if y == lines.count { lines.append(Line()) }
    }

    private mutating func put(_ character: Character) {
        let width = DisplayWidth.cells(character)
        guard width > 0 else {
            if character.unicodeScalars.allSatisfy({ $0.value < 0x20 || $0.value == 0x7f }) {
                faults.append("a control")
            }
            return
        }
        if x + width > columns {
            if wraps {
                lines[y].isWrapped = true
                x = 0
                lineFeed()
            } else {
                x = max(0, columns - width)
            }
        }
        while lines[y].cells.count < x { lines[y].cells.append(" ") }
        lines[y].cells.removeLast(max(0, lines[y].cells.count - x))
        lines[y].cells.append(String(character))
        if width == 2 { lines[y].cells.append("") }
        x += width
    }

    /// Breaks all lines anew, the cursor staying where it is in its line.
    private mutating func reflow() {
        var new: [Line] = []
        var cursor = (x: 0, y: 0)
        var index = 0
        while index < lines.count {
            var cells: [String] = []
            var offset: Int?
            repeat {
                if index == y { offset = cells.count + x }
                cells += lines[index].cells
                index += 1
            } while index < lines.count && lines[index - 1].isWrapped
            let first = new.count
            new.append(Line())
            var starts = [0]
            for (place, cell) in cells.enumerated() where !cell.isEmpty {
                let width = place + 1 < cells.count && cells[place + 1].isEmpty ? 2 : 1
                if new[new.count - 1].cells.count + width > columns {
                    new[new.count - 1].isWrapped = true
                    new.append(Line())
                    starts.append(place)
                }
                new[new.count - 1].cells.append(cell)
                if width == 2 { new[new.count - 1].cells.append("") }
            }
            if let offset {
                let row = starts.lastIndex { $0 <= offset } ?? 0
                cursor = (min(columns - 1, offset - starts[row]), first + row)
            }
        }
        lines = new
        (x, y) = cursor
    }
}
