// The real `cdn`, as a person would start it, on a port of its own.

import Foundation

/// A running `cdn`, killed on deinit.
package final class RunningCDN: Sendable {
    /// Where it serves, without a slash at the end, as its ready line says.
    package let base: String
    private let process: RunningProcess

    private init(base: String, process: RunningProcess) {
        (self.base, self.process) = (base, process)
    }

    package static var executable: String { Product.path("cdn") }

    /// Starts it in front of `url` with its store in a directory of the test's, and waits until it serves.
    ///
    /// - Parameters:
    ///   - url: The origin's.
    ///   - store: The directory, or `none`.
    ///   - flags: More flags.
    ///   - wrapper: A program and its arguments that run it, with a limit for example.
    /// - Returns: What runs.
    /// - Throws: If it does not say that it serves.
    package static func start(
        _ url: String,
        store: String,
        _ flags: String...,
        under wrapper: [String] = []
    ) async throws -> RunningCDN {
        let process = try RunningProcess(wrapper + [executable, url, "--port", "0", "--store", store] + flags)
        let line = try await process.line(matching: { $0.hasPrefix("cdn: serving ") })
        guard let base = line.firstMatch(of: #/^cdn: serving \S+ on (https?:\/\/\S+)/#)?.1 else {
            throw RunningProcess.Failure("no address in '\(line)'")
        }
        return RunningCDN(base: String(base), process: process)
    }

    /// Where it answers operators; nil if it was not started with `--admin-port`.
    package var adminBase: String? {
        process.lines(.errors).lazy.compactMap { line in
            line.firstMatch(of: #/^cdn: \/health.* on (http:\/\/\S+)$/#).map { String($0.1) }
        }.first
    }

    /// Sends it a signal.
    package func send(_ signal: Int32) {
        process.send(signal)
    }

    /// Waits for a line on its standard error.
    @discardableResult
    package func line(matching pattern: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await process.line(matching: pattern)
    }

    /// Asks it to stop and waits until it has.
    @discardableResult
    package func stop(by signal: Int32 = SIGTERM) async throws -> RunningProcess.Outcome {
        process.send(signal)
        return try await process.outcome()
    }

    /// The most memory that it has had resident at a time, in octets.
    package func residentBytesPeak() throws -> Int64 { try process.memory("VmHWM") }

    /// The memory that it has resident now, in octets.
    package func residentBytes() throws -> Int64 { try process.memory("VmRSS") }

    /// The CPU time that it has taken, in user and system mode.
    package func cpuSeconds() throws -> Double {
        let fields =
            try String(contentsOfFile: "/proc/\(process.processID)/stat", encoding: .utf8)
            .split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw RunningProcess.Failure("no times in its stat")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// What it has said so far, by lines.
    package var lines: [String] { process.lines(.errors) }

    /// Kills it at once, without waiting for its end.
    package func kill() { process.send(SIGKILL) }

    /// What it has said so far, for messages of failed tests.
    package var said: String { process.lines(.errors).suffix(20).joined(separator: "\n") }
}
