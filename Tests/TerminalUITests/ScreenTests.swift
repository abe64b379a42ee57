// The line of input and the messages above it, on a simulated screen.

import TestSupport
import Testing

@testable import TerminalUI

struct ScreenTests {
    static func machine(reflows: Bool = true, colours: Bool = false) -> ScreenStateMachine {
        let editor = LineEditorStateMachine(bytesMax: 2_000, pasteBytesMax: 1_000)
        return ScreenStateMachine(editor: editor, reflows: reflows, hasColours: colours)
    }

    @Test func `a message stands above the line, which stays as it was`() {
        var machine = Self.machine(colours: true)
        var screen = ScreenSimulator(columns: 20, rows: 5, reflows: true)
        _ = machine.editor.receive("@Bob: hé\u{2}".utf8)
        screen.write(machine.frame(columns: 20) ?? "")
        machine.show(TerminalText("Bob: ", style: .name) + TerminalText("two\nlines"))
        screen.write(machine.frame(columns: 20) ?? "")
        #expect(screen.above == ["Bob: two", "lines"])
        #expect(screen.cursorRow == "> @Bob: hé" && screen.x == 9)
        #expect(machine.frame(columns: 20) == nil)
    }

    @Test(arguments: [(20, "> \("x")"), (10, "x"), (3, ""), (1, "")])
    func `any width has a row`(_ columns: Int, _ expected: String) {
        var first = 0
        let row = InputRow(prompt: "> ", buffer: EditBuffer("x"), first: &first, columns: columns)
        #expect(row.cells.reduce(0, +) < max(1, columns) && row.cursorColumn < columns)
        if columns == 20 { #expect(row.text == expected) }
    }

    @Test func `a line that does not fit shows the part around the cursor`() {
        var machine = Self.machine()
        _ = machine.editor.receive("0123456789abcdefghij".utf8)
        var screen = ScreenSimulator(columns: 14, rows: 3, reflows: true)
        screen.write(machine.frame(columns: 14) ?? "")
        #expect(screen.cursorRow == "> ‹cdefghij" && screen.x == 11)
        _ = machine.editor.receive("\u{1}".utf8)
        machine.redraw()
        screen.write(machine.frame(columns: 14) ?? "")
        #expect(screen.cursorRow == ">  012345678›" && screen.x == 3)
    }

    @Test func `what a person pastes cannot steer the terminal`() {
        var first = 0
        let row = InputRow(prompt: "> ", buffer: EditBuffer("a\tb\u{202e}\u{1b}[2J\u{301}"), first: &first, columns: 60)
        #expect(row.text == "> a␉b\u{fffd}␛[2J\u{301}")
        let mark = InputRow(prompt: "", buffer: EditBuffer("\u{301}"), first: &first, columns: 60)
        #expect(mark.text == "\u{25cc}\u{301}" && mark.cells == [1])
    }

    static let broken: [(text: String, columns: Int, rows: [String])] = [
        ("short", 40, ["short"]), ("one two three four", 12, ["one two ", "    three ", "    four"]),
        ("aaaaaaaaaaaaaaaaaaaaaa", 12, ["aaaaaaaaaaaa", "    aaaaaaaa", "    aa"]),
        ("日本語日本語日", 12, ["日本語日本語", "    日"]),
        ("a\nb", 12, ["a", "b"]), ("exactly12345", 12, ["exactly12345"]),
        ("a\u{1b}[31mb\rc\u{9b}", 40, ["a\u{fffd}[31mb\u{fffd}c\u{fffd}"]),
        ("exactly12345 Bob: hi", 12, ["exactly12345", "    Bob: hi"]), ("", 12, [""]), ("abcdef", 3, ["abcdef"]),
    ]

    @Test(arguments: broken)
    func `a long line goes on indented, so that it cannot imitate a sender`(
        _ text: String,
        _ columns: Int,
        _ rows: [String]
    ) {
        let encoded = TerminalText(text).encoded(colours: true, columns: columns)
        #expect(encoded == rows.map { $0 + "\r\n" }.joined())
    }

    @Test func `styles are sent only where there are colours`() {
        let text = TerminalText("Bob", style: .name) + TerminalText(": hi")
        #expect(text.encoded(colours: true) == "\u{1b}[1;36mBob\u{1b}[0m: hi\n")
        #expect(text.encoded(colours: false) == "Bob: hi\n")
    }

    /// Typing, messages, resizes and frames in any order.
    private struct Session {
        var machine: ScreenStateMachine
        var screen: ScreenSimulator
        var generator: SeededGenerator
        var expected: [String] = []
        private var waiting: [TerminalText] = []
        private var messages = 0
        private var question: String?

        static let typed = [
            "a", "hello ", "日本", "👩‍👩‍👧", "❤️", "e\u{301}", "🇩🇪", "\u{200b}", "\t", "\u{1}", "\u{5}", "\u{2}", "\u{6}",
            "\u{7f}", "\u{17}",
            "\u{14}", "\u{b}", "\u{19}", "\u{1b}[A", "\u{1b}[B", "\u{1b}b", "\u{1b}f", "\u{1b}d", "\r", "@Bob: hi\r",
            "\u{1b}[200~one\rtwo\rthree\u{1b}[201~", "y", "n",
            "\u{1b}[200~a long one that goes on and on and on\u{1b}[201~", "\u{1f}", "\u{1b}[",
        ]

        init(seed: UInt64, reflows: Bool) {
            generator = SeededGenerator(seed: seed)
            machine = ScreenTests.machine(reflows: reflows, colours: true)
            screen = ScreenSimulator(columns: 40, rows: 8, reflows: reflows)
        }

        mutating func step() {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4: type()
            case 4..<6: show()
            case 6:
                screen.resize(
                    columns: Int.random(in: 12...70, using: &generator),
                    rows: Int.random(in: 3...12, using: &generator)
                )
            default: draw()
            }
        }

        private mutating func type() {
            for action in machine.editor.receive((Self.typed.randomElement(using: &generator) ?? "").utf8) {
                perform(action)
            }
            while let before = question {
                question = nil
                for action in machine.editor.offer(
                    ["@Alice: ", "@Alan: "].filter { $0.hasPrefix(before) },
                    for: before
                ) {
                    perform(action)
                }
            }
        }

        private mutating func perform(_ action: LineEditorStateMachine.Action) {
            switch action {
            case .redraw: machine.redraw()
            case .bell: machine.ring()
            case .clearScreen, .suspend: break
            case .complete(let before): question = before
            case .show(let text): put(TerminalText(text, style: .dim))
            case .input(.line(let line)): put(TerminalText("> " + line))
            case .input(.pasted(let lines)): put(TerminalText(lines.joined(separator: "\n")))
            case .input: break
            }
        }

        private mutating func show() {
            messages += 1
            let words = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                ["日本語", "word", "👍🏽", "looooooooooooooooooooong", "a\nb"].randomElement(using: &generator) ?? ""
            }
            put(TerminalText("Bob: ", style: .name) + TerminalText("\(messages) \(words.joined(separator: " "))"))
        }

        private mutating func put(_ text: TerminalText) {
            waiting.append(text)
            machine.show(text)
        }

        mutating func draw() {
            let columns = screen.columns
            for text in waiting {
                let rows = text.encoded(colours: false, columns: columns).unicodeScalars.split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                ).dropLast()
                expected += rows.map { row in
                    // What has no width cannot be seen on the simulated screen.
                    ScreenSimulator.trimmed(String(row.dropLast()).filter { DisplayWidth.cells($0) > 0 })
                }
            }
            waiting = []
            if let frame = machine.frame(columns: columns) { screen.write(frame) }
            var first = 0
            let shown = machine.editor.shown
            let row = InputRow(prompt: shown.prompt, buffer: shown.buffer, first: &first, columns: columns)
            #expect(screen.isEmptyBelow && screen.faults == [])
            #expect(screen.above.elementsEqual(expected), "\(screen.above.suffix(3)) \(expected.suffix(3))")
            let whole = shown.prompt + shown.buffer.characters.map { VisibleCharacter($0).text }.joined()
            if DisplayWidth.cells(whole) < columns - 10 {
                #expect(screen.cursorRow == ScreenSimulator.trimmed(row.text))
                #expect(screen.x == row.cursorColumn && row.text == whole)
            } else {
                checkPart(of: shown.buffer)
            }
        }

        /// Of a line that does not fit, a part stands on the screen, and the cursor where it is in the line.
        private func checkPart(of buffer: EditBuffer) {
            let cells = screen.lines[screen.y].cells
            let left =
                cells.prefix(screen.x).joined().split(separator: "‹", omittingEmptySubsequences: false).last.map(
                    String.init
                ) ?? ""
            let right = ScreenSimulator.trimmed(cells.dropFirst(screen.x).joined()).replacing("›", with: "")
            let (before, after) = (Self.visible(buffer.before), Self.visible(buffer.after))
            let isWhole = !cells.contains("‹")
            #expect(
                isWhole ? left.hasSuffix(before) : before.hasSuffix(left),
                "\(cells.joined()) at \(screen.x) for \(before)|\(after)"
            )
            #expect(ScreenSimulator.trimmed(after).hasPrefix(right) || after.hasPrefix(right))
            #expect(cells.count < screen.columns)
        }

        private static func visible(_ text: String) -> String { text.map { VisibleCharacter($0).text }.joined() }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64], [true, false])
    func `the line is always what the editor holds, and no message is lost or torn`(_ seed: UInt64, _ reflows: Bool) {
        print("seed \(seed), reflows \(reflows)")
        var session = Session(seed: seed, reflows: reflows)
        for _ in 0..<250 { session.step() }
        session.draw()
        #expect(session.expected.count > 20)
    }

    @Test func `a thousand messages between two frames are one write, and none is lost`() {
        var machine = Self.machine()
        var screen = ScreenSimulator(columns: 30, rows: 5, reflows: true)
        for number in 1...1_000 { machine.show(TerminalText("message \(number)")) }
        screen.write(machine.frame(columns: 30) ?? "")
        #expect(machine.pendingBytes == 0)
        #expect(screen.above.count == 1_000 && screen.above.last == "message 1000" && screen.cursorRow == ">")
    }

    @Test func `after another program wrote to the terminal, the row is drawn where the cursor is`() {
        var machine = Self.machine()
        var screen = ScreenSimulator(columns: 30, rows: 5, reflows: true)
        _ = machine.editor.receive("hi".utf8)
        screen.write(machine.frame(columns: 30) ?? "")
        screen.write(machine.frame(columns: 30, isLast: true) ?? "")
        screen.write("$ fg\r\n")
        machine.forget()
        screen.write(machine.frame(columns: 30) ?? "")
        #expect(screen.above == ["$ fg"] && screen.cursorRow == "> hi" && screen.x == 4)
    }
}
