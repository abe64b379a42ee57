// The one row of the screen in which the line is edited: as much of it as fits, around the cursor.

/// A row that never reaches the last column, so that no terminal wraps it.
struct InputRow: Hashable, Sendable {
    /// Safe to print: no control characters.
    var text = ""
    /// The cells of each character in ``text``, in order.
    var cells: [Int] = []
    /// The column of the cursor, from 0.
    var cursorColumn = 0

    /// - Parameters:
    ///   - prompt: In front; left out if the screen is too narrow for it.
    ///   - buffer: The line.
    ///   - first: The index of the first character shown of a line that does not fit; moved as little as needed.
    ///   - columns: The width of the screen.
    init(prompt: String, buffer: EditBuffer, first: inout Int, columns: Int) {
        let promptCells = prompt.map(VisibleCharacter.init)
        let promptWidth = promptCells.reduce(0) { $0 + $1.cells }
        var room = max(0, columns - 1)
        if promptWidth + 8 <= room {
            for cell in promptCells { append(cell) }
            room -= promptWidth
        }
        let characters = buffer.characters.map(VisibleCharacter.init)
        var starts = [0]
        for character in characters { starts.append(starts[starts.count - 1] + character.cells) }
        guard starts[characters.count] > room else {
            first = 0
            cursorColumn = cells.reduce(0, +) + starts[buffer.cursor]
            for character in characters { append(character) }
            return
        }
        // A cell at each end tells that there is more; one is for the cursor behind the last character.
        let inner = max(1, room - 3)
        first = min(first, buffer.cursor)
        while starts[buffer.cursor] - starts[first] > inner { first += 1 }
        while first > 0, starts[characters.count] - starts[first - 1] <= inner { first -= 1 }
        var end = first
        while end < characters.count, starts[end + 1] - starts[first] <= inner + 1 { end += 1 }
        guard room >= 4 else { return }
        append(first > 0 ? "‹" : " ")
        cursorColumn = cells.reduce(0, +) + starts[buffer.cursor] - starts[first]
        for character in characters[first..<end] { append(character) }
        if end < characters.count { append("›") }
    }

    private mutating func append(_ character: VisibleCharacter) {
        text += character.text
        cells.append(character.cells)
    }

    private mutating func append(_ character: Character) {
        append(VisibleCharacter(character))
    }
}

/// A character as it may be shown in a row: controls and what has no width stand as a sign of one cell.
struct VisibleCharacter: Hashable, Sendable {
    let text: String
    let cells: Int

    init(_ character: Character) {
        let cells = DisplayWidth.cells(character)
        guard let first = character.unicodeScalars.first else {
            (text, self.cells) = ("", 0)
            return
        }
        switch first.value {
        case 0..<0x20: (text, self.cells) = (String(Character(Unicode.Scalar(first.value + 0x2400) ?? "?")), 1)
        case 0x7f: (text, self.cells) = ("\u{2421}", 1)
        case _ where cells > 0: (text, self.cells) = (String(character), cells)
        case 0x300..<0x2000: (text, self.cells) = ("\u{25cc}\(character)", 1)
        // Format characters and lone marks: with a width of nothing they could not be seen, or would move the rest.
        default: (text, self.cells) = ("\u{fffd}", 1)
        }
    }
}
