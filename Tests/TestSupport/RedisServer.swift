// A real Redis for tests: on a free port of 127.0.0.1, with nothing of this machine's settings.

import Foundation

/// A running `redis-server`, killed on deinit.
package final class RedisServer: Sendable {
    package let port: Int
    private let process: RunningProcess
    private let directory: TemporaryDirectory

    private init(port: Int, process: RunningProcess, directory: TemporaryDirectory) {
        (self.port, self.process, self.directory) = (port, process, directory)
    }

    package static var isInstalled: Bool { RunningProcess.isInstalled("redis-server") }

    /// Starts it and waits until it answers; a port that another took meanwhile is tried again, five times.
    ///
    /// - Parameters:
    ///   - isDurable: Whether it flushes each change to its append-only file before it answers.
    ///   - password: What clients must know, if anything.
    /// - Returns: A server that answers.
    /// - Throws: What kept it from starting the last time.
    package static func start(isDurable: Bool = false, password: String? = nil) async throws -> RedisServer {
        let directory = try TemporaryDirectory()
        var lastError: (any Error)?
        for _ in 0..<5 {
            do {
                let port = try freePort()
                let process = try await launch(port, directory, isDurable: isDurable, password: password)
                return RedisServer(port: port, process: process, directory: directory)
            } catch {
                lastError = error
            }
        }
        throw lastError ?? RunningProcess.Failure("redis-server did not start")
    }

    /// Ends it, by a signal if need be, and starts another on the same port with the same files.
    package func restarted(by signal: Int32 = SIGTERM, isDurable: Bool = false) async throws -> RedisServer {
        try await stop(by: signal)
        let process = try await Self.launch(port, directory, isDurable: isDurable, password: nil)
        return RedisServer(port: port, process: process, directory: directory)
    }

    /// Ends it.
    package func stop(by signal: Int32 = SIGTERM) async throws {
        process.send(signal)
        try await process.outcome()
    }

    /// Sends it a signal, such as SIGSTOP.
    package func send(_ signal: Int32) { process.send(signal) }

    private static func launch(
        _ port: Int,
        _ directory: TemporaryDirectory,
        isDurable: Bool,
        password: String?
    ) async throws -> RunningProcess {
        let process = try RunningProcess(
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory.path, "--save", "",
                "--appendonly", isDurable ? "yes" : "no", "--appendfsync", "always",
            ] + (password.map { ["--requirepass", $0] } ?? [])
        )
        _ = try await process.line(.output, matching: { $0.contains("Ready to accept connections") })
        return process
    }
}
