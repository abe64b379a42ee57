// The real registry, asked by curl and by real clients: what a person may rely on.

import TestSupport
import Testing

/// Each topic is an extension in a file of its own.
@Suite(.enabled(if: RunningProcess.isInstalled("curl"), "curl is not installed"), .timeLimit(.minutes(5)))
struct RegistryTests {
    /// Where clients and registries keep what they keep.
    let home: TemporaryDirectory

    init() throws {
        home = try TemporaryDirectory()
    }

    /// A client of `registry` that is registered.
    func client(_ name: String, _ registry: RunningRegistry, _ flags: String...) async throws -> RunningClient {
        let client = try await RunningClient.start(name, registry: registry.base, home: home.path, flags: flags)
        try await ChangesWatch.untilPresent(name, at: registry.base)
        return client
    }

    /// The words of a client's line of standard error.
    static func warnings(_ errors: String) -> [String] {
        errors.split(separator: "\n").map(String.init).filter { !$0.contains(", registry http") }
    }
}
