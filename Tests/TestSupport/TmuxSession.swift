// A real terminal for a test: tmux runs the program, takes keys for it and tells what is on the screen.

import Foundation

/// A program in a tmux server of its own, which is killed on deinit.
package final class TmuxSession: Sendable {
    /// Whether tmux is to be had; name it where a test is skipped.
    package static let isInstalled = RunningProcess.isInstalled("tmux")

    private let directory: TemporaryDirectory
    private let server: RunningProcess
    private let socket: String

    private init(directory: TemporaryDirectory, server: RunningProcess, socket: String) {
        (self.directory, self.server, self.socket) = (directory, server, socket)
    }

    deinit {
        server.kill()
    }

    /// Starts `command` in a window; when it ended, the screen stays and ends with `exit code N`.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - columns: Of the window.
    ///   - rows: Of the window.
    ///   - environment: Variables to set beside those inherited.
    /// - Returns: The session, in which the program is about to run.
    /// - Throws: If tmux does not start.
    package static func start(
        _ command: [String],
        columns: Int = 80,
        rows: Int = 24,
        environment: [String: String] = [:]
    ) async throws -> TmuxSession {
        let directory = try TemporaryDirectory()
        let socket = directory.file("tmux")
        // The terminal's own settings behind the program's show whether it gave them back.
        let script = """
            trap : INT
            "$@"; code=$?
            case $(stty -a) in *-icanon*|*" -echo "*|*-isig*) echo "terminal still raw" ;; *) echo "terminal as before" ;; esac
            echo "exit code $code"; exec cat
            """
        let arguments =
            (["env", "LC_ALL=C.UTF-8"] + environment.map { "\($0)=\($1)" } + ["sh", "-c", script, "sh"] + command)
            .map { "'" + $0.replacing("'", with: "'\\''") + "'" }
        // -D keeps the server in the foreground, so that it ends with the test; it starts what its file says.
        let file = try directory.write(
            """
            set -g default-shell /bin/sh
            set -g history-limit 100000
            set -g status off
            set -g exit-empty off
            """,
            to: "tmux.conf"
        )
        let server = try RunningProcess(
            ["tmux", "-u", "-S", socket, "-f", file, "-D"],
            environment: ["TERM": "xterm-256color"]
        )
        let session = TmuxSession(directory: directory, server: server, socket: socket)
        var lastError: (any Error)?
        for _ in 0..<200 {
            do {
                // The server is there as soon as it takes this.
                try await session.tmux(
                    ["new-session", "-d", "-x", String(columns), "-y", String(rows), arguments.joined(separator: " ")]
                )
                return session
            } catch {
                lastError = error
                try await Task.sleep(for: .milliseconds(25))
            }
        }
        throw lastError ?? RunningProcess.Failure("tmux did not start")
    }

    /// Types `text` as it is.
    package func type(_ text: String) async throws {
        try await tmux(["send-keys", "-l", "--", text])
    }

    /// Presses keys by tmux's names, such as `Enter`, `C-c`, `Up`, `Tab`.
    package func press(_ keys: String...) async throws {
        try await tmux(["send-keys", "--"] + keys)
    }

    /// Pastes as a terminal does, in brackets if the program asked for them.
    package func paste(_ text: String) async throws {
        try await tmux(["set-buffer", "--", text])
        try await tmux(["paste-buffer", "-p"])
    }

    /// Makes the window so large.
    package func resize(columns: Int, rows: Int) async throws {
        try await tmux(["resize-window", "-x", String(columns), "-y", String(rows)])
    }

    /// The rows of the screen, or with `all` what scrolled off, too; without blanks at their ends.
    ///
    /// - Parameters:
    ///   - all: Whether what scrolled off is wanted, too.
    ///   - isStyled: Whether colours and other attributes are, as escape sequences.
    /// - Returns: The rows, from the top.
    /// - Throws: If tmux does not answer.
    package func capture(all: Bool = false, isStyled: Bool = false) async throws -> [String] {
        let output = try await tmux(
            ["capture-pane", "-p"] + (all ? ["-S", "-", "-J"] : []) + (isStyled ? ["-e"] : [])
        )
        var lines = output.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    /// Where the cursor is, from 0.
    package func cursor() async throws -> (column: Int, row: Int) {
        let numbers = try await tmux(["display-message", "-p", "#{cursor_x} #{cursor_y}"])
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count == 2 else { throw RunningProcess.Failure("tmux told no cursor") }
        return (numbers[0], numbers[1])
    }

    /// The screen, as soon as it is what is waited for; asked again and again, for tmux tells nobody of changes.
    @discardableResult
    package func screen(
        within bound: Duration = .seconds(20),
        all: Bool = false,
        where isThere: ([String]) -> Bool
    ) async throws -> [String] {
        let end = ContinuousClock.now + bound
        while true {
            let lines = try await capture(all: all)
            if isThere(lines) { return lines }
            guard ContinuousClock.now < end else {
                throw RunningProcess.Failure(
                    "the screen did not become what was waited for:\n\(lines.joined(separator: "\n"))"
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The screen, as soon as one of its rows is `line`.
    @discardableResult
    package func waitFor(_ line: String) async throws -> [String] {
        try await screen { $0.contains(line) }
    }

    /// With -N, no server is started by whoever comes first.
    @discardableResult
    private func tmux(_ arguments: [String]) async throws -> String {
        try await RunningProcess.succeed(["tmux", "-u", "-N", "-S", socket] + arguments).output
    }
}
