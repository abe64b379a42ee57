// What the keys do to the line: bytes in, actions out, no terminal near.

/// A line editor with the keys of Emacs and readline.
///
/// Its line is never longer than ``bytesMax`` bytes; what would make it longer is refused with a bell.
struct LineEditorStateMachine: Sendable {
    /// What the owner is to do, in order.
    enum Action: Hashable, Sendable {
        /// The line, the cursor or the prompt changed.
        case redraw
        /// To be given to whoever reads the terminal; a line that was entered is to be shown above, too.
        case input(TerminalInput)
        /// Ask for what can stand in place of this text before the cursor; answer with ``offer(_:for:)``, before which
        /// no further key takes effect. Always the last action.
        case complete(before: String)
        /// To be shown above the line.
        case show(String)
        case bell
        case clearScreen
        /// Give the terminal back and stop the process until it is continued.
        case suspend
    }

    private enum Mode {
        case editing
        /// Asking whether these lines are to be sent.
        case confirming([String])
    }

    /// In front of the line.
    var prompt: String
    let bytesMax: Int
    private(set) var buffer = EditBuffer()
    private(set) var history: LineHistory
    private var mode = Mode.editing
    private var killed = ""
    private var decoder: InputDecoder
    /// Keys that came behind a Tab that was not answered yet.
    private var waiting: [Key] = []
    private var isAsking = false

    init(prompt: String = "> ", history: [String] = [], historyMax: Int = 500, bytesMax: Int, pasteBytesMax: Int) {
        (self.prompt, self.bytesMax) = (prompt, bytesMax)
        self.history = LineHistory(history, countMax: historyMax)
        decoder = InputDecoder(pasteBytesMax: pasteBytesMax)
    }

    /// What stands in the row of input: a question if one is asked, else the prompt, with the line behind it.
    var shown: (prompt: String, buffer: EditBuffer) {
        switch mode {
        case .editing: (prompt, buffer)
        case .confirming(let lines): ("Send \(lines.count) lines? [y/N] ", EditBuffer())
        }
    }

    mutating func receive(_ bytes: some Sequence<UInt8>) -> [Action] {
        waiting += decoder.decode(bytes)
        var actions: [Action] = []
        work(&actions)
        return actions
    }

    /// Takes the texts that can stand in place of `before`: one is put in, of several what they begin with alike.
    mutating func offer(_ candidates: [String], for before: String) -> [Action] {
        isAsking = false
        var actions: [Action] = []
        complete(before, candidates, &actions)
        work(&actions)
        return actions
    }

    private mutating func work(_ actions: inout [Action]) {
        var done = 0
        while !isAsking, done < waiting.count {
            let key = waiting[done]
            done += 1
            switch mode {
            case .editing: edit(key, &actions)
            case .confirming(let lines): answer(key, lines, &actions)
            }
        }
        waiting.removeFirst(done)
    }

    private mutating func complete(_ before: String, _ candidates: [String], _ actions: inout [Action]) {
        guard buffer.before == before, let first = candidates.first else { return actions.append(.bell) }
        let common = candidates.dropFirst().reduce(first, Self.commonPrefix)
        // Letters may differ in case from what was typed, as those of names do.
        let isLonger = candidates.count == 1 || common.lowercased().hasPrefix(before.lowercased())
        if common != before, isLonger, common.utf8.count + buffer.after.utf8.count <= bytesMax {
            buffer.replace(before: common, after: buffer.after)
            return actions.append(.redraw)
        }
        guard candidates.count > 1 else { return actions.append(.bell) }
        let few = candidates.prefix(32).joined(separator: "   ")
        actions += [.show(candidates.count > 32 ? "\(few)   and \(candidates.count - 32) more" : few), .redraw]
    }

    private mutating func edit(_ key: Key, _ actions: inout [Action]) {
        switch key {
        case .text(let text): insert(text, &actions)
        case .paste(let text): paste(text, &actions)
        case .pasteTooLong(let count):
            actions.append(.input(.tooLong(bytes: count, bytesMax: decoder.pasteBytesMax)))
        case .enter: enter(&actions)
        case .tab:
            isAsking = true
            actions.append(.complete(before: buffer.before))
        case .control(let letter): control(letter, &actions)
        case .up:
            recall(history.older(than: buffer.text), &actions)
        case .down:
            recall(history.newer(), &actions)
        case .backspace, .delete, .alt: change(key, &actions)
        case .left, .right, .home, .end, .wordLeft, .wordRight: move(key, &actions)
        }
    }

    private mutating func control(_ letter: Character, _ actions: inout [Action]) {
        switch letter {
        case "a": move(.home, &actions)
        case "b": move(.left, &actions)
        case "e": move(.end, &actions)
        case "f": move(.right, &actions)
        case "n": edit(.down, &actions)
        case "p": edit(.up, &actions)
        case "c", "g":
            if letter == "c", buffer.isEmpty { actions.append(.input(.end)) }
            history.add("")
            buffer = EditBuffer()
            actions.append(.redraw)
        case "d":
            if buffer.isEmpty { actions.append(.input(.end)) } else { change(.delete, &actions) }
        case "k": kill(to: buffer.characters.count, &actions)
        case "u": kill(to: 0, &actions)
        case "w": kill(to: buffer.blankStart, &actions)
        case "y": insert(killed, &actions)
        case "t":
            buffer.transpose()
            actions.append(.redraw)
        case "l": actions += [.clearScreen, .redraw]
        case "z": actions.append(.suspend)
        default: actions.append(.bell)
        }
    }

    private mutating func change(_ key: Key, _ actions: inout [Action]) {
        switch key {
        case .backspace: _ = buffer.remove(to: buffer.cursor - 1)
        case .delete: _ = buffer.remove(to: buffer.cursor + 1)
        case .alt("b"), .alt("B"): buffer.move(to: buffer.wordStart)
        case .alt("f"), .alt("F"): buffer.move(to: buffer.wordEnd)
        case .alt("d"), .alt("D"): return kill(to: buffer.wordEnd, &actions)
        case .alt("\u{7f}"): return kill(to: buffer.wordStart, &actions)
        default: return actions.append(.bell)
        }
        actions.append(.redraw)
    }

    private mutating func move(_ key: Key, _ actions: inout [Action]) {
        let index =
            switch key {
            case .left: buffer.cursor - 1
            case .right: buffer.cursor + 1
            case .home: 0
            case .wordLeft: buffer.wordStart
            case .wordRight: buffer.wordEnd
            default: buffer.characters.count
            }
        buffer.move(to: index)
        actions.append(.redraw)
    }

    private mutating func kill(to index: Int, _ actions: inout [Action]) {
        let removed = buffer.remove(to: index)
        if !removed.isEmpty { killed = removed }
        actions.append(.redraw)
    }

    private mutating func insert(_ text: String, _ actions: inout [Action]) {
        guard buffer.byteCount + text.utf8.count <= bytesMax else { return actions.append(.bell) }
        buffer.insert(text)
        actions.append(.redraw)
    }

    private mutating func recall(_ line: String?, _ actions: inout [Action]) {
        guard let line else { return actions.append(.bell) }
        buffer = EditBuffer(line)
        actions.append(.redraw)
    }

    private mutating func enter(_ actions: inout [Action]) {
        let line = buffer.text
        buffer = EditBuffer()
        history.add(line)
        actions += [.input(.line(line)), .redraw]
    }

    /// One line goes into the line at the cursor; of several, whether to send them is asked first.
    private mutating func paste(_ text: String, _ actions: inout [Action]) {
        let text = text.last == "\n" ? String(text.dropLast()) : text
        guard text.contains("\n") else { return insert(text, &actions) }
        let lines = (buffer.before + text + buffer.after).split(separator: "\n", omittingEmptySubsequences: false)
        if let long = lines.first(where: { $0.utf8.count > bytesMax }) {
            return actions.append(.input(.tooLong(bytes: long.utf8.count, bytesMax: bytesMax)))
        }
        mode = .confirming(lines.map(String.init))
        actions.append(.redraw)
    }

    /// `y` sends; any other key does not, and the line is as before the paste.
    private mutating func answer(_ key: Key, _ lines: [String], _ actions: inout [Action]) {
        mode = .editing
        if case .text(let text) = key, text.lowercased() == "y" {
            buffer = EditBuffer()
            history.add("")
            actions.append(.input(.pasted(lines)))
        }
        actions.append(.redraw)
    }

    private static func commonPrefix(_ left: String, _ right: String) -> String {
        String(zip(left, right).prefix { $0.0 == $0.1 }.map(\.0))
    }
}
