// registry and client as programs: arguments, exit codes, signals, what operators ask.

import Glibc
import TestSupport
import Testing

/// A start that must fail.
struct FailingStart: Sendable, CustomTestStringConvertible {
    let program: String
    /// `HOME` stands for the test's directory.
    let arguments: [String]
    var environment: [String: String] = [:]
    let status: Int32
    /// What the line must say.
    let words: String

    var testDescription: String {
        "\(([program] + arguments).joined(separator: " ")) \(environment.isEmpty ? "" : "\(environment)")"
    }

    static let all: [FailingStart] = [
        .init(program: "registry", arguments: ["--port", "70000"], status: 64, words: "65535"),
        .init(program: "registry", arguments: ["--port", "0", "--store", "file:x"], status: 64, words: "sqlite:PATH"),
        .init(program: "registry", arguments: ["--port", "0", "--name-hold", "1s"], status: 64, words: "10m"),
        .init(program: "registry", arguments: ["--port", "0", "--tls-cert", "x"], status: 64, words: "--tls-key"),
        .init(program: "registry", arguments: ["--port", "0", "--opne"], status: 64, words: "--opne"),
        .init(program: "registry", arguments: ["--port", "0", "--host", "nowhere"], status: 64, words: "address"),
        .init(program: "registry", arguments: ["--port", "0", "--host", "192.0.2.1"], status: 69, words: "192.0.2.1"),
        .init(program: "registry", arguments: ["--port", "0", "--store", "redis://"], status: 64, words: "redis://"),
        .init(
            program: "registry",
            arguments: ["--port", "0", "--store", "sqlite:HOME/missing/registry.sqlite"],
            status: 73,
            words: "directory must exist"
        ),
        .init(program: "registry", arguments: ["--config", "HOME/unknown.conf"], status: 78, words: "prot"),
        .init(program: "registry", arguments: ["--config", "HOME/none.conf"], status: 78, words: "none.conf"),
        .init(
            program: "registry",
            arguments: ["--port", "0"],
            environment: ["WAYSTATION_REGISTRY_STORE": "nowhere"],
            status: 78,
            words: "WAYSTATION_REGISTRY_STORE"
        ),
        .init(program: "client", arguments: ["0", "Alice"], status: 64, words: "registry"),
        .init(program: "client", arguments: ["x", "Alice", "http://localhost:9"], status: 64, words: "65535"),
        .init(program: "client", arguments: ["0", "--", "-Alice", "http://localhost:9"], status: 64, words: "Alice"),
        .init(program: "client", arguments: ["0", "Al/ce", "http://localhost:9"], status: 64, words: "Al/ce"),
        .init(program: "client", arguments: ["0", "Alice", "localhost:8080"], status: 64, words: "URL"),
        .init(
            program: "client",
            arguments: ["0", "Alice", "http://localhost:9", "--ttl", "1"],
            status: 64,
            words: "2 to"
        ),
        .init(
            program: "client",
            arguments: ["0", "Alice", "http://localhost:9", "--identity", "HOME/unknown.conf"],
            status: 78,
            words: "holds no identity"
        ),
        .init(
            program: "client",
            arguments: ["0", "Alice", "http://localhost:9", "--config", "HOME/unknown.conf"],
            status: 78,
            words: "prot"
        ),
        .init(
            program: "client",
            arguments: ["0", "Alice", "http://localhost:9"],
            environment: ["XDG_STATE_HOME": "HOME/unknown.conf"],
            status: 73,
            words: "unknown.conf"
        ),
    ]
}

extension RegistryTests {
    private func run(_ program: String, _ arguments: String...) async throws -> RunningProcess.Outcome {
        let environment = ["XDG_STATE_HOME": home.path]
        return try await RunningProcess.run([Product.path(program)] + arguments, environment: environment)
    }

    @Test(arguments: FailingStart.all)
    func `what cannot be done is said in one line, with the exit code that stands for it`(
        start: FailingStart
    ) async throws {
        _ = try home.write("prot = 8080\n", to: "unknown.conf")
        let inHome: (String) -> String = { [home] in
            $0.split(separator: "HOME", omittingEmptySubsequences: false)
                .joined(separator: home.path)
        }
        let environment = ["XDG_STATE_HOME": home.path].merging(start.environment.mapValues(inHome)) { $1 }
        let outcome = try await RunningProcess.run(
            [Product.path(start.program)] + start.arguments.map(inHome),
            environment: environment
        )
        #expect(outcome.status == start.status, "\(outcome)")
        #expect(outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.errors.hasPrefix("\(start.program): ") && outcome.errors.contains(start.words), "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    }

    @Test func `a port that is taken is said, with one that is free, and the exit code is 69`() async throws {
        let registry = try await RunningRegistry.start()
        let port = "\(registry.port)"
        let second = try await run("registry", "--port", port)
        #expect(second.status == 69, "\(second)")
        #expect(second.errors.contains("port \(port) is taken; try --port "), "\(second)")
        let admin = try await run("registry", "--port", "0", "--admin-port", port)
        #expect(admin.status == 69, "\(admin)")
        #expect(admin.errors.contains("port \(port) is taken; try --admin-port "), "\(admin)")
        let client = try await run("client", port, "Alice", registry.base)
        #expect(client.status == 69, "\(client)")
        #expect(client.errors.contains("port \(port) is taken; try client "), "\(client)")
    }

    @Test func `a second client of the same name on the same machine says so and exits with 69`() async throws {
        let registry = try await RunningRegistry.start()
        let alice = try await client("Alice", registry)
        let second = try await run("client", "0", "alice", registry.base)
        #expect(second.status == 69, "\(second)")
        #expect(second.errors.contains("runs already"), "\(second)")
        #expect(try await alice.finish().status == 0)
    }

    @Test(arguments: ["registry", "client"])
    func `help and version go to standard output, with exit code 0`(program: String) async throws {
        for (option, words) in [("--help", "EXAMPLES"), ("--version", "0.")] {
            let outcome = try await run(program, option)
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            #expect(outcome.output.contains(words), "\(outcome)")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends the registry in good order, its streams of changes too`(signal: Int32) async throws {
        let registry = try await RunningRegistry.start()
        let watch = try await ChangesWatch.open(registry.base)
        let outcome = try await registry.stop(by: signal)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(try await watch.ended() == 0)
    }

    @Test func `settings come from flags, else the environment, else the file`() async throws {
        let file = try home.write("port = 0\nopen = true\n# a comment\nname-hold = 7d\n", to: "registry.conf")
        let process = try RunningProcess(
            [Product.path("registry"), "--config", file],
            environment: ["WAYSTATION_REGISTRY_STORE": "sqlite:\(home.file("registry.sqlite"))"]
        )
        let line = try await process.line(matching: { $0.hasPrefix("registry: serving ") })
        #expect(line.contains("serving sqlite:\(home.file("registry.sqlite")) on http://localhost:"), "\(line)")
        let base = try #require(line.split(separator: " ").last)
        #expect(try await CurlAnswer.of("-T", "-", "\(base)/peers/Carol", input: "http://localhost:9").status == 201)
        process.send(SIGINT)
        #expect(try await process.outcome().status == 0)
    }

    @Test func `health and metrics are answered on the admin port and nowhere else`() async throws {
        let registry = try await RunningRegistry.start("--admin-port", "0")
        let admin = try #require(registry.adminBase)
        let health = try await CurlAnswer.of("\(admin)/health")
        #expect(health.status == 200 && health.body.contains("\"ok\""), "\(health)")
        #expect(try await Self.metric("registry_lookups_total", of: registry) == 0)
        #expect(try await SignedPeer.put(try SignedPeer("Dora").record(1), at: registry.base).status == 201)
        for name in ["Dora", "Nobody", "Dora"] { _ = try await CurlAnswer.of("\(registry.base)/peers/\(name)") }
        let watch = try await ChangesWatch.open(registry.base)
        for (name, count) in [
            ("registry_lookups_total", 3), ("registry_misses_total", 1), ("registry_registrations_total", 1),
            ("registry_signatures_total", 1), ("registry_watchers", 1),
        ] {
            #expect(try await Self.metric(name, of: registry) == count, "\(name)")
        }
        for path in ["health", "metrics"] { #expect(try await CurlAnswer.of("\(registry.base)/\(path)").status == 404) }
        #expect(try await CurlAnswer.of("\(admin)/peers/Dora").status == 404)
        #expect(try await registry.stop().status == 0)
        #expect(try await watch.ended() == 0)
    }
}
