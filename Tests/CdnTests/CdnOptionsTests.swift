// Tests of cdn's command line: what flags come to, and what cdn says.

import ArgumentParser
import Daemon
import Glibc
import HTTPCache
import Logging
import Testing

@testable import cdn

@Suite struct CdnOptionsTests {
    static let environment = ["HOME": "/home/ann"]

    static func options(_ arguments: [String]) throws -> CdnOptions {
        try CdnOptions(try CdnCommand.parse(arguments), environment: environment)
    }

    @Test func `defaults`() throws {
        let options = try Self.options(["http://host/media/"])
        #expect(options.port == 8080)
        #expect(options.hosts == ["127.0.0.1", "::1"])
        #expect(options.store == .init(directory: "/home/ann/.cache/waystation/cdn", size: .gibibytes(10)))
        #expect(options.memory == .mebibytes(256))
        #expect(options.originTimeout == .seconds(30))
        #expect(options.logLevel == .notice)
        #expect(!options.ignoresClientCacheControl && options.storesSetCookie && options.storesCloseDelimited)
    }

    @Test func `every flag`() throws {
        let options = try Self.options([
            "--port", "0", "--host", "0.0.0.0", "--host", "[::1]", "--host", "::1", "--store", "~/c", "--store-size",
            "1G",
            "--memory", "0", "--origin-timeout", "500ms", "--origin-proxy", "http://p:3128", "--origin-ca", "/dev/null",
            "--ignore-client-cache-control", "--no-store-set-cookie", "--no-store-close-delimited", "--log-format",
            "json",
            "--verbose", "https://host/a.mp4",
        ])
        #expect(options.port == 0)
        #expect(options.hosts == ["0.0.0.0", "::1"])
        #expect(options.store == .init(directory: "/home/ann/c", size: .gibibytes(1)))
        #expect(options.memory == ByteCount(0))
        #expect(options.originTimeout == .milliseconds(500))
        #expect(options.originProxy == "http://p:3128")
        #expect(options.originCA == "/dev/null")
        #expect(options.ignoresClientCacheControl && !options.storesSetCookie && !options.storesCloseDelimited)
        #expect(options.logFormat == .json)
        #expect(options.logLevel == .debug)
        #expect(options.origin.isMedium)
        #expect(try Self.options(["--store", "none", "http://h"]).store == nil)
        #expect(try Self.options(["--host", "localhost", "http://h"]).isServingLocalhost)
    }

    @Test func `the flags of a public edge`() throws {
        let options = try Self.options([
            "--tls-cert", "/dev/null", "--tls-key", "/dev/zero", "--access-log", "~/log", "--admin-port", "9090",
            "http://h",
        ])
        #expect(options.tls != nil)
        #expect(options.accessLog == "/home/ann/log")
        #expect(options.adminPort == 9090)
        #expect(CdnMessages.ready(options, port: 443) == "cdn: serving http://h/ on https://localhost:443")
        #expect(CdnMessages.admin(port: 1) == "cdn: /health, /metrics and /fills on http://localhost:1")
        let plain = try Self.options(["http://h"])
        #expect(plain.tls == nil && plain.accessLog == nil && plain.adminPort == nil)
    }

    @Test func `every flag of the help can be set in the environment`() {
        let typedOnly: Set<String> = ["config", "version", "help"]
        let words = CdnCommand.helpMessage(columns: 200).split(whereSeparator: \.isNewline)
            .drop { $0 != "OPTIONS: " && $0 != "OPTIONS:" }
            .flatMap { $0.split(separator: " ").prefix(2) }
            .filter { $0.hasPrefix("--") }
        #expect(Set(words.map { String($0.dropFirst(2)) }) == Set(CdnCommand.settings.map(\.name)).union(typedOnly))
    }

    @Test(arguments: [
        (["ftp://h"], ExitFailure(.usage, "the URL must begin with http:// or https://")),
        (
            ["--store", "", "http://h"],
            ExitFailure(.usage, "--store names no directory; give \(CdnMessages.storeHint)")
        ),
        (
            ["--origin-proxy", "p:3128", "http://h"],
            ExitFailure(.usage, "the --origin-proxy URL must begin with http:// or https://")
        ),
        (
            ["--origin-ca", "/nonexistent", "http://h"],
            ExitFailure(.usage, "cannot read --origin-ca /nonexistent: No such file or directory")
        ),
        (
            ["--tls-cert", "/c", "http://h"],
            ExitFailure(.usage, "--tls-cert needs --tls-key FILE beside it; give both or neither")
        ),
        (
            ["--access-log", "", "http://h"],
            ExitFailure(.usage, "--access-log names no file; give --access-log FILE, or - for standard output")
        ),
    ])
    func `what is refused after parsing`(arguments: [String], expected: ExitFailure) {
        #expect(throws: expected) { try Self.options(arguments) }
    }

    @Test(arguments: [
        ("--port", "65536"), ("--port", "-1"), ("--port", ""), ("--port", "+80"), ("--host", "example.com"),
        ("--host", "[127.0.0.1]"), ("--host", "1.2.3"), ("--host", ""), ("--store-size", "0"), ("--memory", "-1"),
        ("--origin-timeout", "0s"), ("--origin-timeout", "1us"), ("--log-format", "xml"), ("--admin-port", "x"),
    ])
    func `values that a flag does not take`(flag: String, value: String) {
        #expect(throws: (any Error).self) { try CdnCommand.parse(["\(flag)=\(value)", "http://h"]) }
    }

    @Test(arguments: [
        ([], "http://localhost:8081"), (["--host", "0.0.0.0"], "http://0.0.0.0:8081"),
        (["--host", "::"], "http://[::]:8081"),
        (["--host", "127.0.0.1", "--host", "::1"], "http://localhost:8081"),
        (["--host", "127.0.0.1"], "http://127.0.0.1:8081"),
        (["--host", "0.0.0.0", "--host", "::"], "http://0.0.0.0:8081 and http://[::]:8081"),
    ])
    func `the ready line tells the port that is bound`(arguments: [String], addresses: String) throws {
        let options = try Self.options(arguments + ["http://ann:pw@host/media/"])
        #expect(CdnMessages.ready(options, port: 8081) == "cdn: serving http://host/media/ on \(addresses)")
    }

    @Test func `binding fails with what to do`() {
        func failure(_ code: Int32, port: Int = 8080, next: Int? = 8081) -> ExitFailure {
            ExitFailure.bind(host: "10.0.0.9", port: port, code: code) { next }
        }
        #expect(failure(EADDRINUSE) == ExitFailure(.unavailable, "port 8080 is taken; try --port 8081"))
        #expect(failure(EADDRINUSE, next: nil) == ExitFailure(.unavailable, "port 8080 is taken; try --port 0"))
        #expect(
            failure(EACCES, port: 80) == ExitFailure(.noPermission, "not allowed to listen on port 80; try --port 8080")
        )
        #expect(failure(EADDRNOTAVAIL).code == .unavailable)
        #expect(failure(EADDRNOTAVAIL).message.contains("10.0.0.9"))
        #expect(failure(ENFILE).code == .operatingSystem)
        #expect(
            ExitFailure.listening("the key is broken", code: nil, hosts: ["::1"], port: 1)
                == ExitFailure(.configuration, "the key is broken")
        )
        #expect(ExitFailure.listening("", code: ENFILE, hosts: ["::1"], port: 1).code == .operatingSystem)
    }

    @Test func `a machine without IPv6 does not matter by default`() throws {
        #expect(try Self.options(["http://h"]).mayLack(host: "::1"))
        #expect(try !Self.options(["http://h"]).mayLack(host: "127.0.0.1"))
        #expect(try !Self.options(["--host", "::1", "http://h"]).mayLack(host: "::1"))
    }
}
