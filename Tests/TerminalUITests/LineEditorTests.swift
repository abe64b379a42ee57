// What keys do to the line, as tables.

import Testing

@testable import TerminalUI

struct LineEditorTests {
    static func editor(history: [String] = [], bytesMax: Int = 200) -> LineEditorStateMachine {
        LineEditorStateMachine(history: history, bytesMax: bytesMax, pasteBytesMax: 1_000)
    }

    /// The line as `before|after`.
    static func line(_ editor: LineEditorStateMachine) -> String { "\(editor.buffer.before)|\(editor.buffer.after)" }

    static let edits: [(keys: String, line: String)] = [
        ("abc", "abc|"), ("abc\u{2}\u{2}X", "aX|bc"), ("abc\u{1}X", "X|abc"), ("abc\u{1}\u{5}X", "abcX|"),
        ("abc\u{7f}", "ab|"),
        ("abc\u{1b}[D\u{1b}[3~", "ab|"), ("abc\u{1}\u{4}", "|bc"), ("one two\u{17}", "one |"),
        ("one two  \u{17}", "one |"),
        ("one two\u{17}\u{17}\u{19}", "one |"), ("one two\u{1b}b\u{b}", "one |"),
        ("one two\u{1b}b\u{b}\u{19}\u{19}", "one twotwo|"),
        ("one two\u{1b}b\u{15}", "|two"), ("one, two\u{1}\u{1b}f", "one|, two"),
        ("one, two\u{1}\u{1b}f\u{1b}f", "one, two|"),
        ("one, two\u{1}\u{1b}d", "|, two"), ("one, two\u{1b}\u{7f}", "one, |"), ("ab\u{14}", "ba|"),
        ("abc\u{2}\u{14}", "acb|"),
        ("abc\u{1}\u{14}", "|abc"), ("a\u{14}", "a|"), ("日本\u{2}x", "日x|本"), ("e\u{301}\u{7f}", "|"), ("👩‍👩‍👧\u{7f}", "|"),
        ("🇩🇪🇫🇷\u{2}\u{7f}", "|🇫🇷"), ("ab\u{1b}[1;5D", "|ab"), ("ab cd\u{1}\u{1b}[1;5C", "ab| cd"), ("x\u{3}y", "y|"),
        ("\u{7f}\u{1b}[3~\u{15}\u{b}\u{17}\u{19}a", "a|"),
    ]

    @Test(arguments: edits)
    func `keys make this line`(_ keys: String, _ line: String) {
        var editor = Self.editor()
        _ = editor.receive(keys.utf8)
        #expect(Self.line(editor) == line)
    }

    @Test func `a mark typed after its letter joins it, and what deletion brings together joins too`() {
        var editor = Self.editor()
        _ = editor.receive("e".utf8)
        _ = editor.receive("\u{301}".utf8)
        #expect(editor.buffer.characters == ["é"] && editor.buffer.cursor == 1)
        var flags = Self.editor()
        _ = flags.receive("🇩x🇪\u{2}\u{7f}".utf8)
        #expect(flags.buffer.characters == ["🇩🇪"])
        #expect(flags.buffer.cursor == 1)
    }

    @Test func `enter gives the line and remembers it`() {
        var editor = Self.editor()
        #expect(editor.receive("hi\r".utf8) == [.redraw, .input(.line("hi")), .redraw])
        #expect(Self.line(editor) == "|" && editor.history.lines == ["hi"])
    }

    static let ends: [(keys: String, ends: Bool)] = [
        ("\u{3}", true), ("\u{4}", true), ("x\u{3}", false), ("x\u{4}", false), ("x\u{3}\u{3}", true), ("\u{7}", false),
    ]

    @Test(arguments: ends)
    func `Ctrl-C or Ctrl-D on an empty line ends`(_ keys: String, _ ends: Bool) {
        var editor = Self.editor()
        #expect(editor.receive(keys.utf8).contains(.input(.end)) == ends)
    }

    static let up = "\u{1b}[A"
    static let down = "\u{1b}[B"

    static let recalls: [(keys: String, line: String)] = [
        (up, "three|"), (up + up, "two|"), (up + up + up + up + up, "one|"), (up + up + down, "three|"),
        ("draft" + up + down, "draft|"), ("draft" + down, "draft|"), (up + "!" + up + down, "three|"),
        (up + up + "\r" + up, "two|"), (up + up + "\r" + up + up, "three|"), ("\u{10}\u{10}\u{e}", "three|"),
        ("x" + up + "\u{3}" + down, "|"),
    ]

    @Test(arguments: recalls)
    func `arrows call back the history and the draft`(_ keys: String, _ line: String) {
        var editor = Self.editor(history: ["one", "two", "three"])
        _ = editor.receive(keys.utf8)
        #expect(Self.line(editor) == line)
    }

    @Test func `the history keeps so many lines, no empty ones and no repetitions`() {
        var history = LineHistory(["a", "a", "", "b"], countMax: 3)
        #expect(history.lines == ["a", "b"])
        for line in ["c", "c", "d"] { history.add(line) }
        #expect(history.lines == ["b", "c", "d"])
    }

    @Test func `a line at the limit is taken, one byte more is refused with a bell`() {
        var editor = Self.editor(bytesMax: 5)
        #expect(editor.receive("abcde".utf8) == [.redraw])
        #expect(editor.receive("f".utf8) == [.bell])
        #expect(editor.receive("\u{15}\u{19}\u{19}".utf8) == [.redraw, .redraw, .bell])
        #expect(Self.line(editor) == "abcde|")
        var wide = Self.editor(bytesMax: 5)
        #expect(wide.receive("日本".utf8) == [.bell])
    }

    static func paste(_ text: String) -> String { "\u{1b}[200~\(text)\u{1b}[201~" }

    static let answers: [(answer: String, inputs: [TerminalInput], line: String)] = [
        ("y", [TerminalInput.pasted(["a1", "2", "3b"])], "|"), ("Y", [.pasted(["a1", "2", "3b"])], "|"),
        ("n", [], "a|b"),
        ("\r", [], "a|b"), ("\u{3}", [], "a|b"), ("yx", [], "a|b"), (paste("y"), [], "a|b"), ("\u{1b}[A", [], "a|b"),
    ]

    @Test(arguments: answers)
    func `several pasted lines are asked about first`(_ answer: String, _ inputs: [TerminalInput], _ line: String) {
        var editor = Self.editor()
        #expect(editor.receive("ab\u{2}\(Self.paste("1\r2\r\n3\r"))".utf8) == [.redraw, .redraw, .redraw])
        #expect(editor.shown.prompt == "Send 3 lines? [y/N] " && editor.shown.buffer.isEmpty)
        let actions = editor.receive(answer.utf8)
        #expect(actions.contains(.redraw))
        #expect(actions.filter { $0 != .redraw } == inputs.map { .input($0) })
        #expect(Self.line(editor) == line)
    }

    @Test func `one pasted line goes into the line and waits for Enter`() {
        var editor = Self.editor()
        #expect(
            editor.receive("ab\u{2}\(Self.paste("1 2\r"))".utf8).contains {
                if case .input = $0 { true } else { false }
            } == false
        )
        #expect(Self.line(editor) == "a1 2|b")
    }

    @Test func `a paste with a line that is too long is refused and the line kept`() {
        var editor = Self.editor(bytesMax: 5)
        #expect(
            editor.receive("a\(Self.paste("1\r123456"))".utf8) == [.redraw, .input(.tooLong(bytes: 6, bytesMax: 5))]
        )
        #expect(Self.line(editor) == "a|")
    }

    static let completions: [(candidates: [String], line: String)] = [
        (["@Alice: "], "@Alice: |x"), (["@Alan: ", "@Alice: "], "@Al|x"), (["@Albert: ", "@Albrecht: "], "@Alb|x"),
        ([], "@Al|x"),
        (["@alice: "], "@alice: |x"), (["@ALBERT: ", "@ALBAN: "], "@ALB|x"),
    ]

    @Test(arguments: completions)
    func `Tab puts in what the candidates have in common`(_ candidates: [String], _ line: String) {
        var editor = Self.editor()
        #expect(editor.receive("x\u{1}@Al\t".utf8).last == .complete(before: "@Al"))
        _ = editor.offer(candidates, for: "@Al")
        #expect(Self.line(editor) == line)
    }

    @Test func `candidates that go on differently are listed`() {
        var editor = Self.editor()
        _ = editor.receive("@Al\t".utf8)
        #expect(editor.offer(["@Alan: ", "@Alice: "], for: "@Al") == [.show("@Alan:    @Alice: "), .redraw])
    }

    @Test func `keys behind a Tab wait for its answer`() {
        var editor = Self.editor()
        #expect(editor.receive("@Al\thi\r".utf8) == [.redraw, .complete(before: "@Al")])
        #expect(editor.receive("x".utf8) == [])
        let actions = editor.offer(["@Alice: "], for: "@Al")
        #expect(actions.contains(.input(.line("@Alice: hi"))))
        #expect(Self.line(editor) == "x|")
    }

    @Test func `Ctrl-Z and Ctrl-L are the owner's to do`() {
        var editor = Self.editor()
        #expect(editor.receive("\u{1a}\u{c}".utf8) == [.suspend, .clearScreen, .redraw])
    }
}
