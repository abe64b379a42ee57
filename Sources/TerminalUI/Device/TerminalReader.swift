// The thread that reads from the terminal, and that signals wake.

import Glibc
import Synchronization

/// Reads while there is room for inputs, and hands on what the bytes mean.
struct TerminalReader: Sendable {
    private let terminal: Terminal

    init(_ terminal: Terminal) {
        self.terminal = terminal
    }

    func run() {
        while true {
            let (phase, mayRead) = terminal.state.withLock { state in
                (state.phase, !state.isInputOver && state.inputCount < terminal.configuration.inputsMax)
            }
            guard phase == .open else { return finish() }
            let descriptor = terminal.configuration.inputDescriptor
            var waits = [
                pollfd(fd: terminal.readerWake.readEnd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mayRead ? descriptor : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waits, 2, -1) > 0 else { continue }
            if waits[0].revents != 0 { wake() }
            if waits[1].revents != 0 { read(descriptor) }
        }
    }

    /// A signal came, or there is room: drawn anew in any case, which costs nothing if nothing changed.
    private func wake() {
        let isContinued = terminal.readerWake.drain(lookingFor: RawMode.continueByte)
        guard terminal.isInteractive else { return }
        if isContinued {
            RawMode.enter()
            terminal.state.withLock { $0.screen.forget() }
        }
        terminal.writerWake.wake()
    }

    private func read(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        // An error, such as that of a terminal that hung up, is the end like any other.
        let isOver = count <= 0
        bytes.removeLast(bytes.count - max(0, count))
        guard terminal.isInteractive else {
            return give(isOver: isOver) { $0.lines.receive(bytes) + (isOver ? $0.lines.finish() : []) }
        }
        var question: String?
        give(isOver: isOver) { state in
            let actions = state.screen.editor.receive(bytes)
            return perform(actions, &state, &question)
        }
        while let before = question {
            // Asked outside of the lock; the keys behind the Tab wait in the editor.
            let candidates = terminal.configuration.completions(before)
            question = nil
            give(isOver: false) { state in
                let actions = state.screen.editor.offer(candidates, for: before)
                return perform(actions, &state, &question)
            }
        }
        terminal.writerWake.wake()
    }

    /// Hands on the inputs that `make` returns, made under the lock.
    private func give(isOver: Bool, _ make: (inout TerminalState) -> [TerminalInput]) {
        let answers = terminal.state.withLock { state in
            let inputs = make(&state)
            return state.give(inputs, isOver: isOver)
        }
        for (continuation, input) in answers { continuation.resume(returning: input) }
    }

    /// Does what the editor asks for; what it entered is returned, what it asks to be completed is the question.
    private func perform(
        _ actions: [LineEditorStateMachine.Action],
        _ state: inout TerminalState,
        _ question: inout String?
    ) -> [TerminalInput] {
        var inputs: [TerminalInput] = []
        for action in actions {
            switch action {
            case .redraw: state.screen.redraw()
            case .show(let text): state.screen.show(TerminalText(text, style: .dim))
            case .bell: state.screen.ring()
            case .clearScreen: state.screen.clear()
            case .suspend: state.isStopAsked = true
            case .complete(let before): question = before
            case .input(let input):
                inputs.append(input)
                // What was entered stays to be read above, as it was typed, unless it is shown in another form.
                if case .line(let line) = input, terminal.configuration.keepsLine(line) {
                    state.screen.show(TerminalText(state.screen.editor.prompt + line, style: .dim))
                }
            }
        }
        return inputs
    }

    /// Waits for the writer's last words, but not for ever; then the terminal is given back, and those who close are told.
    private func finish() {
        var left = terminal.configuration.closeMillisecondsMax
        let slice: Int32 = 50
        while left > 0, terminal.state.withLock({ $0.phase != .closed }) {
            var wait = pollfd(fd: terminal.readerWake.readEnd, events: Int16(POLLIN), revents: 0)
            // Each wake costs a slice at most once: the loop ends even if it is woken again and again.
            poll(&wait, 1, min(slice, left))
            _ = terminal.readerWake.drain()
            left -= slice
        }
        if terminal.isInteractive { RawMode.release() }
        let closers = terminal.state.withLock { state in
            state.phase = .closed
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}
