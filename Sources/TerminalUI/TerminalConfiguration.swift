// What can be set about a terminal.

import Glibc

/// Bounds, texts and descriptors of a ``Terminal``.
package struct TerminalConfiguration: Sendable {
    /// In front of the line.
    package var prompt = "> "
    /// Lines entered in earlier sessions, oldest first.
    package var history: [String] = []
    /// Lines of history kept.
    package var historyMax = 500
    /// Bytes of a line, typed, pasted or from a pipe; longer ones are refused.
    ///
    /// Default 24 KiB: a message of 16 KiB and many recipients in front of it.
    package var lineBytesMax = 24 << 10
    /// Bytes of a paste, 1 MiB by default.
    package var pasteBytesMax = 1 << 20
    /// Inputs that wait to be asked for, 1 or more; meanwhile nothing more is read.
    package var inputsMax = 64
    /// Bytes that wait to be written before ``Terminal/show(_:)`` waits, 256 KiB by default.
    package var outputBytesMax = 256 << 10
    /// How long ``Terminal/close()`` waits for a terminal that takes no output, 2,000 ms by default.
    package var closeMillisecondsMax: Int32 = 2_000
    /// What can stand in place of a text before the cursor, asked on Tab; called on the terminal's own thread.
    package var completions: @Sendable (_ before: String) -> [String] = { _ in [] }
    /// Whether an entered line stays to be read above, as it was typed; by default each does.
    ///
    /// Called on the terminal's own thread, inside its lock: it must not call the terminal.
    package var keepsLine: @Sendable (_ line: String) -> Bool = { _ in true }
    /// Where input comes from and output goes.
    package var inputDescriptor: Int32 = 0
    package var outputDescriptor: Int32 = 1
    /// The variables TERM, NO_COLOR, TMUX, STY and XTERM_VERSION are looked at; by default the process's own.
    package var environment: [String: String] = TerminalConfiguration.processEnvironment

    package init() {}

    private static var processEnvironment: [String: String] {
        let names = ["TERM", "NO_COLOR", "TMUX", "STY", "XTERM_VERSION"]
        return names.reduce(into: [:]) { values, name in
            if let value = getenv(name) { values[name] = String(cString: value) }
        }
    }
}

/// What the environment says about the terminal.
struct TerminalTraits: Hashable, Sendable {
    /// Both ends are one terminal that understands control sequences: lines are edited.
    let isInteractive: Bool
    let hasColours: Bool
    let reflows: Bool

    init(environment: [String: String], inputIsTerminal: Bool, outputIsTerminal: Bool) {
        let kind = environment["TERM"] ?? ""
        let isDumb = kind.isEmpty || kind == "dumb"
        isInteractive = inputIsTerminal && outputIsTerminal && !isDumb
        // no-color.org: set and not empty.
        hasColours = outputIsTerminal && !isDumb && (environment["NO_COLOR"] ?? "").isEmpty
        // Most terminals break lines anew when their width changes; the console, xterm and screen do not.
        let isScreen = kind.hasPrefix("screen") && environment["TMUX"] == nil && environment["STY"] != nil
        reflows = kind != "linux" && environment["XTERM_VERSION"] == nil && !isScreen
    }
}
