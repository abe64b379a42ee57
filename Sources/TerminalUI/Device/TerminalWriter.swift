// The thread that writes to the terminal: one frame after another, each with all that waits.

import Glibc
import Synchronization

/// Waits for something to write, writes it, and at the end gives the terminal back.
struct TerminalWriter: Sendable {
    private let terminal: Terminal

    /// What is to be done next, decided under the lock.
    private enum Step {
        case wait
        case write(String)
        case stop(last: String)
        case finish(last: String)
    }

    init(_ terminal: Terminal) {
        self.terminal = terminal
    }

    func run() {
        // A reader that went away is an error of write(), not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            let (step, showers) = next()
            switch step {
            case .wait: wait(milliseconds: -1)
            case .write(let text): writeAll(text)
            case .stop(let last):
                writeAll(last)
                stop()
            case .finish(let last):
                writeAll(last)
                if terminal.isInteractive { RawMode.leave() }
                // The reader, which may have given up waiting, tells those who close.
                terminal.state.withLock { $0.phase = .closed }
                terminal.readerWake.wake()
                for shower in showers { shower.resume() }
                return
            }
            for shower in showers { shower.resume() }
        }
    }

    private func next() -> (Step, [CheckedContinuation<Void, Never>]) {
        let columns = columns
        return terminal.state.withLock { state in
            let showers = state.takeAllShowers()
            if state.phase != .open { return (.finish(last: text(&state, columns, isLast: true)), showers) }
            if state.isStopAsked {
                (state.isStopAsked, state.isStopped) = (false, true)
                return (.stop(last: text(&state, columns, isLast: true)), showers)
            }
            if state.isStopped { return (.wait, showers) }
            let text = text(&state, columns, isLast: false)
            // Whoever flushes waits for no more than what there is.
            return (text.isEmpty && showers.isEmpty ? .wait : .write(text), showers)
        }
    }

    private func text(_ state: inout TerminalState, _ columns: Int, isLast: Bool) -> String {
        terminal.isInteractive
            ? state.screen.frame(columns: columns, isLast: isLast) ?? "" : state.screen.takePending()
    }

    /// Asked anew for each frame, so that a row is never made for a width that was.
    private var columns: Int {
        var size = winsize()
        let isKnown = ioctl(terminal.configuration.outputDescriptor, UInt(TIOCGWINSZ), &size) == 0
        return isKnown && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private func wait(milliseconds: Int32) {
        var descriptor = pollfd(fd: terminal.writerWake.readEnd, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, milliseconds)
        _ = terminal.writerWake.drain()
    }

    /// Gives the terminal to the shell; returns when the process was continued.
    private func stop() {
        RawMode.leave()
        // The whole group, as the terminal does it: a script that started this process must stop too.
        kill(0, SIGTSTP)
        // Stopping takes effect within this wait. If nobody can continue the group, the kernel does not stop it.
        wait(milliseconds: 200)
        RawMode.enter()
        terminal.state.withLock { state in
            state.isStopped = false
            state.screen.forget()
        }
    }

    /// Writes all of it, or finds that nobody reads any more.
    private func writeAll(_ text: String) {
        var text = text
        let isWritten = text.withUTF8 { bytes -> Bool in
            guard let start = bytes.baseAddress else { return true }
            var written = 0
            while written < bytes.count {
                let count = write(terminal.configuration.outputDescriptor, start + written, bytes.count - written)
                if count >= 0 {
                    written += count
                } else if errno == EAGAIN {
                    waitForRoom()
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
        if !isWritten { terminal.state.withLock { $0.isOutputBroken = true } }
    }

    /// For an output that someone made non-blocking.
    private func waitForRoom() {
        var output = pollfd(fd: terminal.configuration.outputDescriptor, events: Int16(POLLOUT), revents: 0)
        poll(&output, 1, -1)
    }
}
