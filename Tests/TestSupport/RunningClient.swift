// The real `client` on pipes, as a script would use it.

import Foundation

/// A running `client` with its input open, killed on deinit.
package final class RunningClient: Sendable {
    package let name: String
    /// Where it listens, as its ready line says.
    package let base: String
    private let process: RunningProcess

    private init(name: String, base: String, process: RunningProcess) {
        (self.name, self.base, self.process) = (name, base, process)
    }

    /// Starts `name` with its state under `home`, and waits until it listens.
    package static func start(
        _ name: String,
        registry: String,
        home: String,
        port: Int = 0,
        flags: [String] = []
    ) async throws -> RunningClient {
        let process = try RunningProcess(
            [Product.path("client"), String(port), name, registry] + flags,
            environment: ["XDG_STATE_HOME": home],
            hasInput: true
        )
        let line = try await process.line(matching: { $0.hasPrefix("client: \(name) on ") })
        guard let base = line.firstMatch(of: #/ on (https?:\/\/[^\s,]+)/#)?.1 else {
            throw RunningProcess.Failure("no address in '\(line)'")
        }
        return RunningClient(name: name, base: String(base), process: process)
    }

    package var processID: Int32 { process.processID }

    /// Types lines.
    package func type(_ lines: String...) throws { try process.write(lines.map { $0 + "\n" }.joined()) }

    /// Types text as it is.
    package func type(text: String) throws { try process.write(text) }

    /// The line shown that `isWanted`, when it has come.
    @discardableResult
    package func shown(
        within bound: Duration = .seconds(30),
        _ isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await process.line(.output, matching: isWanted, within: bound)
    }

    /// The lines shown so far.
    package var lines: [String] { process.lines(.output) }

    /// Returns when the lines shown are what `isEnough` asks for.
    package func shown(
        within bound: Duration = .seconds(60),
        until isEnough: @escaping @Sendable ([String]) -> Bool
    )
        async throws
    {
        try await process.lines(.output, within: bound, until: isEnough)
    }

    /// The line of warnings and news that `isWanted`, when it has come.
    @discardableResult
    package func said(
        within bound: Duration = .seconds(30),
        _ isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await process.line(.errors, matching: isWanted, within: bound)
    }

    /// Ends its input and waits until it has ended.
    @discardableResult
    package func finish(within bound: Duration = .seconds(60)) async throws -> RunningProcess.Outcome {
        process.endInput()
        return try await process.outcome(within: bound)
    }

    /// Signals it, and waits until it has ended.
    @discardableResult
    package func stop(by signal: Int32 = SIGTERM) async throws -> RunningProcess.Outcome {
        process.send(signal)
        return try await process.outcome()
    }

    /// What it has said so far, for messages of failed tests.
    package var transcript: String {
        (process.lines(.errors).suffix(20) + process.lines(.output).suffix(20)).joined(separator: "\n")
    }
}
