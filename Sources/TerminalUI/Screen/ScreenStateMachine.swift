// What is sent to a terminal: messages above, the line that is being edited below, each time in one piece.

/// Holds the editor and what waits to be shown, and composes frames; the owner writes them.
struct ScreenStateMachine: Sendable {
    var editor: LineEditorStateMachine
    /// Whether the terminal breaks what is on the screen anew when its width changes.
    let reflows: Bool
    let hasColours: Bool
    /// Texts that wait, oldest first, and their bytes.
    private var pending: [TerminalText] = []
    private(set) var pendingBytes = 0
    private var needsRow = true
    private var needsClear = false
    private var bells = 0
    private var firstShown = 0
    /// The row on the screen, and the width that it was made for.
    private var drawn: (row: InputRow, columns: Int)?

    init(editor: LineEditorStateMachine, reflows: Bool, hasColours: Bool) {
        (self.editor, self.reflows, self.hasColours) = (editor, reflows, hasColours)
    }

    mutating func show(_ text: TerminalText) {
        pending.append(text)
        pendingBytes += text.byteCount
    }

    /// What waits, for an output without a row of input.
    mutating func takePending() -> String {
        defer { (pending, pendingBytes) = ([], 0) }
        return pending.map { $0.encoded(colours: hasColours) }.joined()
    }

    mutating func redraw() { needsRow = true }
    mutating func clear() { needsClear = true }
    mutating func ring() { bells = 1 }

    /// After something else wrote to the terminal: the row is taken for gone, and drawn where the cursor is.
    mutating func forget() {
        drawn = nil
        needsRow = true
    }

    /// What is to be written now, nil if nothing is; at most the messages that waited and one row.
    ///
    /// - Parameters:
    ///   - columns: The width of the terminal at this moment.
    ///   - isLast: Whether to leave the screen without the row, the cursor at its left end.
    /// - Returns: The bytes of one write.
    mutating func frame(columns: Int, isLast: Bool = false) -> String? {
        let columns = max(1, columns)
        let isResized = drawn.map { $0.columns != columns } ?? true
        guard needsRow || needsClear || bells > 0 || isResized || !pending.isEmpty || isLast else { return nil }
        var output = bells > 0 ? "\u{07}" : ""
        let old = drawn?.row
        let row = row(columns: columns)
        if needsClear {
            output += "\u{1b}[H\u{1b}[2J"
        } else if let old, !isResized, !isLast, pending.isEmpty, row == old {
            (needsRow, bells) = (false, 0)
            return output.isEmpty ? nil : output
        } else {
            if isResized, reflows, let old {
                let rows = Self.rowsAboveCursor(old, columns: columns)
                if rows > 0 { output += "\u{1b}[\(rows)A" }
            }
            // What a narrower screen made of the row is below it, too. From the second column, for tmux takes the
            // erasing of a whole screen for a reason to keep what was on it in its history.
            output += isResized ? "\r \u{1b}[J\r\u{1b}[K" : "\r\u{1b}[K"
        }
        for text in pending { output += text.encoded(colours: hasColours, columns: columns) }
        (pending, pendingBytes, needsRow, needsClear, bells) = ([], 0, false, false, 0)
        guard !isLast else {
            drawn = nil
            return output
        }
        // Should the terminal take a character for wider than it was taken for here, the row still does not wrap.
        output += "\u{1b}[?7l\(row.text)\u{1b}[?7h\u{1b}[\(row.cursorColumn + 1)G"
        drawn = (row, columns)
        return output
    }

    private mutating func row(columns: Int) -> InputRow {
        let shown = editor.shown
        return InputRow(prompt: shown.prompt, buffer: shown.buffer, first: &firstShown, columns: columns)
    }

    /// How many rows a terminal of `columns` made of what is before the cursor in `row`, but for the cursor's own.
    static func rowsAboveCursor(_ row: InputRow, columns: Int) -> Int {
        var (rows, used, cell) = (0, 0, 0)
        for width in row.cells where width > 0 {
            if used + width > columns { (rows, used) = (rows + 1, 0) }
            guard cell + width <= row.cursorColumn else { break }
            used += width
            cell += width
        }
        return rows
    }
}
