// The real `registry`, as a person would start it, on a port of its own.

import Foundation

/// A running `registry`, killed on deinit.
package final class RunningRegistry: Sendable {
    /// Where it serves, without a slash at the end, as its ready line says.
    package let base: String
    private let process: RunningProcess

    private init(base: String, process: RunningProcess) {
        (self.base, self.process) = (base, process)
    }

    /// Starts it with `flags` and waits until it serves.
    package static func start(port: Int = 0, _ flags: String...) async throws -> RunningRegistry {
        try await start(port: port, flags: flags)
    }

    /// Starts it with `flags` and waits until it serves.
    package static func start(port: Int = 0, flags: [String]) async throws -> RunningRegistry {
        let process = try RunningProcess([Product.path("registry"), "--port", String(port)] + flags)
        let line = try await process.line(matching: { $0.hasPrefix("registry: serving ") })
        guard let base = line.firstMatch(of: #/ on (https?:\/\/\S+)/#)?.1 else {
            throw RunningProcess.Failure("no address in '\(line)'")
        }
        return RunningRegistry(base: String(base), process: process)
    }

    /// Where it answers `/health` and `/metrics`; nil if it was not started with `--admin-port`.
    package var adminBase: String? {
        process.lines(.errors).lazy.compactMap { line in
            line.firstMatch(of: #/^registry: .* and \/metrics on (http:\/\/\S+)$/#).map { String($0.1) }
        }.first
    }

    /// Where it listens.
    package var port: Int { base.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    package var processID: Int32 { process.processID }

    /// Asks it to stop, or kills it, and waits until it has ended.
    @discardableResult
    package func stop(by signal: Int32 = SIGTERM) async throws -> RunningProcess.Outcome {
        process.send(signal)
        return try await process.outcome()
    }

    /// What it has said so far, for messages of failed tests.
    package var said: String { process.lines(.errors).suffix(20).joined(separator: "\n") }
}
