// The terminal, or the pipe in its place: where lines come from and messages are shown.

import Glibc
import Synchronization

/// On a terminal, a line editor with messages arriving above it; on pipes, plain lines in and out.
///
/// Two threads of its own read and write, so that no task waits in a system call. Input and output are bounded: what
/// nobody asks for is not read, and ``show(_:)`` waits while too much waits to be written.
package final class Terminal: Sendable {
    /// Whether lines are edited here: both ends are a terminal that is not dumb.
    package let isInteractive: Bool
    /// Whether styles are shown.
    package let hasColours: Bool

    let configuration: TerminalConfiguration
    let state: Mutex<TerminalState>
    /// Wakes the reader: signals, and room for inputs.
    let readerWake: WakePipe
    /// Wakes the writer: something is to be written.
    let writerWake: WakePipe

    /// Opens the terminal of the process, or whatever stands in its place.
    ///
    /// - Throws: ``TerminalError`` if another part of the process has it, or threads or pipes cannot be had.
    package init(_ configuration: TerminalConfiguration = TerminalConfiguration()) throws(TerminalError) {
        let traits = TerminalTraits(
            environment: configuration.environment,
            inputIsTerminal: isatty(configuration.inputDescriptor) == 1,
            outputIsTerminal: isatty(configuration.outputDescriptor) == 1
        )
        (isInteractive, hasColours) = (traits.isInteractive, traits.hasColours)
        self.configuration = configuration
        let editor = LineEditorStateMachine(
            prompt: configuration.prompt,
            history: configuration.history,
            historyMax: configuration.historyMax,
            bytesMax: configuration.lineBytesMax,
            pasteBytesMax: configuration.pasteBytesMax
        )
        let screen = ScreenStateMachine(editor: editor, reflows: traits.reflows, hasColours: traits.hasColours)
        state = Mutex(TerminalState(screen: screen, bytesMax: configuration.lineBytesMax))
        (readerWake, writerWake) = (try WakePipe(), try WakePipe())
        if isInteractive {
            try RawMode.acquire(
                input: configuration.inputDescriptor,
                output: configuration.outputDescriptor,
                wake: readerWake.writeEnd
            )
        }
        do {
            try startThread { TerminalWriter(self).run() }
            try startThread { TerminalReader(self).run() }
        } catch {
            state.withLock { $0.phase = .closing }
            writerWake.wake()
            if isInteractive { RawMode.release() }
            throw error
        }
        writerWake.wake()
    }

    /// The next input, waited for.
    ///
    /// Several callers get inputs in the order of their calls.
    ///
    /// - Returns: Nil at the end of a pipe, after ``TerminalInput/end``, after ``close()``, and when the task is cancelled.
    package func next() async -> TerminalInput? {
        let id = state.withLock { $0.newIdentifier() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<TerminalInput?, Never>) in
                let isCancelled = Task.isCancelled
                let (answer, hasRoom) = state.withLock { state in
                    state.take(id, continuation, isCancelled: isCancelled, inputsMax: configuration.inputsMax)
                }
                if hasRoom { readerWake.wake() }
                if case .some(let input) = answer { continuation.resume(returning: input) }
            }
        } onCancel: {
            state.withLock { $0.cancelTaking(id) }?.resume(returning: nil)
        }
    }

    /// The inputs that came already, for who can take several at once; does not wait.
    ///
    /// - Parameter countMax: How many at most.
    /// - Returns: None if there are none now, whether or not more will come.
    package func available(_ countMax: Int) -> [TerminalInput] {
        let (inputs, hasRoom) = state.withLock { $0.takeAvailable(countMax, inputsMax: configuration.inputsMax) }
        if hasRoom { readerWake.wake() }
        return inputs
    }

    /// Shows one or more lines above the line of input, all in one piece, in the order of the calls.
    ///
    /// Returns at once, unless ``TerminalConfiguration/outputBytesMax`` bytes wait: then when there is room again.
    ///
    /// - Parameter text: Control characters in it are replaced; line breaks are kept.
    /// - Returns: False if nobody can see it: the output was closed at the other end, or ``close()`` was called.
    @discardableResult
    package func show(_ text: TerminalText) async -> Bool {
        let id = state.withLock { $0.newIdentifier() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isCancelled = Task.isCancelled
                let waits = state.withLock { state in
                    !isCancelled && state.waitsForRoom(id, continuation, bytesMax: configuration.outputBytesMax)
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            // A cancelled caller does not wait; what it shows is shown.
            state.withLock { $0.cancelWaiting(id) }?.resume()
        }
        let isOpen = state.withLock { state in
            guard state.phase == .open, !state.isOutputBroken else { return false }
            state.screen.show(text)
            return true
        }
        writerWake.wake()
        return isOpen
    }

    /// The same, in one style.
    @discardableResult
    package func show(_ text: String, style: TerminalStyle) async -> Bool {
        await show(TerminalText(text, style: style))
    }

    /// Returns when all that was shown before has been handed to the system, or when the task is cancelled.
    ///
    /// - Returns: False if nobody can see it: the output was closed at the other end.
    @discardableResult
    package func flush() async -> Bool {
        let id = state.withLock { $0.newIdentifier() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isCancelled = Task.isCancelled
                let waits = state.withLock { !isCancelled && $0.waitsForWriting(id, continuation) }
                if !waits { continuation.resume() }
                writerWake.wake()
            }
        } onCancel: {
            state.withLock { $0.cancelWaiting(id) }?.resume()
        }
        return state.withLock { !$0.isOutputBroken }
    }

    /// Changes what stands in front of the line.
    package func setPrompt(_ prompt: String) {
        state.withLock { state in
            state.screen.editor.prompt = prompt
            state.screen.redraw()
        }
        writerWake.wake()
    }

    /// Writes what waits, takes the line off the screen and gives the terminal back; of no effect the second time.
    ///
    /// Waits at most ``TerminalConfiguration/closeMillisecondsMax`` for an output that takes nothing.
    package func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let (isClosed, waiting) = state.withLock { state -> (Bool, [CheckedContinuation<TerminalInput?, Never>]) in
                guard state.phase != .closed else { return (true, []) }
                state.phase = .closing
                state.closers.append(continuation)
                return (false, state.takeAllWaiting())
            }
            for waiting in waiting { waiting.resume(returning: nil) }
            if isClosed { continuation.resume() }
            writerWake.wake()
            readerWake.wake()
        }
    }
}
