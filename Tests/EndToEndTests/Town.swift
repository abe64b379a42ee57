// A registry and the state of those who live by it: what the tests of conversations begin with.

import Foundation
import TestSupport

/// A registry of its own and a directory for the state of clients.
final class Town: Sendable {
    let registry: RunningRegistry
    private let directory: TemporaryDirectory

    init(_ flags: String...) async throws {
        directory = try TemporaryDirectory()
        registry = try await RunningRegistry.start(flags: flags)
    }

    /// XDG_STATE_HOME of the clients.
    var home: String { directory.path }

    /// Where a client of that name keeps its state.
    func state(of name: String) -> String { directory.file("waystation/client/\(name)") }

    /// A path in the town's directory.
    func file(_ name: String) -> String { directory.file(name) }

    /// Writes a file into the town's directory.
    func write(_ octets: [UInt8], to name: String) throws -> String { try directory.write(octets, to: name) }

    /// A client with its input open.
    func client(_ name: String, _ flags: String...) async throws -> RunningClient {
        try await RunningClient.start(name, registry: registry.base, home: home, flags: flags)
    }

    /// A client that is given all of `input` at once and its end: how it ended.
    func pipe(_ input: String, as name: String, _ flags: String...) async throws -> RunningProcess.Outcome {
        let process = try RunningProcess(
            [Product.path("client"), "0", name, registry.base] + flags,
            environment: ["XDG_STATE_HOME": home],
            hasInput: true
        )
        try process.write(input)
        process.endInput()
        return try await process.outcome(within: .seconds(120))
    }
}

extension RunningClient {
    var port: Int { base.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// Returns when everything typed before was done: the answer to a command comes after it.
    ///
    /// Its name may not be registered yet before that.
    func isThrough() async throws {
        let answer = "there are no rooms; /room NAME a b c makes one"
        let count = lines.count { $0 == answer }
        try type("/rooms")
        try await shown(until: { lines in lines.count { $0 == answer } > count })
    }
}

/// `Bob: line N` as numbers; a line that is something else is -1.
func numbers(_ lines: [String], from name: String) -> [Int] {
    lines.map { line in
        let prefix = "\(name): line "
        return line.hasPrefix(prefix) ? Int(line.dropFirst(prefix.count)) ?? -1 : -1
    }
}

/// `@NAME: line N` for each number.
func lines(_ numbers: ClosedRange<Int>, to name: String) -> String {
    numbers.map { "@\(name): line \($0)\n" }.joined()
}
