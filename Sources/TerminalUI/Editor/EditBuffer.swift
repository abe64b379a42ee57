// The line that is being edited: characters as people see them, and a cursor between two of them.

/// A line of grapheme clusters; each change forms the clusters anew, since neighbours may join.
struct EditBuffer: Sendable {
    private(set) var characters: [Character] = []
    /// The index of the character behind the cursor.
    private(set) var cursor = 0
    private(set) var byteCount = 0

    init(_ text: String = "") {
        replace(before: text, after: "")
    }

    var text: String { String(characters) }
    var before: String { String(characters[..<cursor]) }
    var after: String { String(characters[cursor...]) }
    var isEmpty: Bool { characters.isEmpty }

    /// The line is `before` and `after`, the cursor between them, or behind the character that both form together.
    mutating func replace(before: String, after: String) {
        let text = before + after
        characters = Array(text)
        byteCount = text.utf8.count
        let offset = before.utf8.count
        (cursor, _) = characters.reduce(into: (0, 0)) { place, character in
            guard place.1 < offset else { return }
            place = (place.0 + 1, place.1 + character.utf8.count)
        }
    }

    mutating func insert(_ text: String) {
        replace(before: before + text, after: after)
    }

    mutating func move(to index: Int) {
        cursor = min(max(0, index), characters.count)
    }

    /// Takes out the characters from the cursor to `index`, whichever is first.
    mutating func remove(to index: Int) -> String {
        let index = min(max(0, index), characters.count)
        let range = min(index, cursor)..<max(index, cursor)
        let removed = String(characters[range])
        replace(before: String(characters[..<range.lowerBound]), after: String(characters[range.upperBound...]))
        return removed
    }

    /// Exchanges the characters around the cursor, at the end the last two, and moves behind them.
    mutating func transpose() {
        guard characters.count > 1, cursor > 0 else { return }
        let second = min(cursor, characters.count - 1)
        var changed = characters
        changed.swapAt(second - 1, second)
        replace(before: String(changed[...second]), after: String(changed[(second + 1)...]))
    }

    /// Where the word before the cursor begins.
    var wordStart: Int {
        var index = cursor
        while index > 0, !Self.isWord(characters[index - 1]) { index -= 1 }
        while index > 0, Self.isWord(characters[index - 1]) { index -= 1 }
        return index
    }

    /// Where the word behind the cursor ends.
    var wordEnd: Int {
        var index = cursor
        while index < characters.count, !Self.isWord(characters[index]) { index += 1 }
        while index < characters.count, Self.isWord(characters[index]) { index += 1 }
        return index
    }

    /// Where what white space sets off before the cursor begins: what Ctrl-W takes.
    var blankStart: Int {
        var index = cursor
        while index > 0, characters[index - 1].isWhitespace { index -= 1 }
        while index > 0, !characters[index - 1].isWhitespace { index -= 1 }
        return index
    }

    private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
