// Shows a conversation on a terminal, or on the two outputs of a pipe.

import Chat
import Daemon
import TerminalUI

/// On a terminal everything stands above the line of input; on a pipe messages and answers are lines of standard
/// output, all else is on standard error.
struct ClientDisplay: ChatDisplay {
    let terminal: Terminal

    var output: VisibleText.Output { terminal.isInteractive ? .terminal : .pipe }

    func show(_ line: ChatLine) async {
        switch line {
        case .message(let from, let text):
            await terminal.show(TerminalText(from, style: .name) + TerminalText(": \(text)"))
        case .information(let text):
            await terminal.show(TerminalText(text))
        case .sent(let to, let text):
            if terminal.isInteractive {
                await terminal.show(TerminalText("to \(to)", style: .dim) + TerminalText(": \(text)"))
            }
        case .delivered(let text):
            if terminal.isInteractive { await terminal.show(TerminalText("  \(text)", style: .dim)) }
        case .warning(let text): await tell(text, .warning)
        case .failure(let text): await tell(text, .failure)
        }
    }

    func flush() async -> Bool {
        await terminal.flush()
    }

    private func tell(_ text: String, _ style: TerminalStyle) async {
        if terminal.isInteractive {
            await terminal.show(TerminalText("  \(text)", style: style))
        } else {
            StandardError.write("client: \(text)\n")
        }
    }
}
