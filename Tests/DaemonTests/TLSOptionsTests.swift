// Tests of the flags for TLS and of the room for connections.

import ArgumentParser
import Daemon
import TestSupport
import Testing

@Suite struct TLSOptionsTests {
    private func files(_ arguments: [String]) throws -> TLSOptions.Files? {
        try TLSOptions.parse(arguments).files()
    }

    @Test func `both files or neither`() throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = (try directory.write("c", to: "c"), try directory.write("k", to: "k"))
        #expect(try files([]) == nil)
        let both = try files(["--tls-cert", certificate, "--tls-key", key])
        #expect(both?.certificate == certificate)
        #expect(both?.key == key)
    }

    @Test(arguments: [
        (["--tls-cert", "/c"], "--tls-cert needs --tls-key FILE beside it; give both or neither"),
        (["--tls-key", "/k"], "--tls-key needs --tls-cert FILE beside it; give both or neither"),
        (
            ["--tls-cert", "/no/c", "--tls-key", "/no/k"],
            "cannot read --tls-cert /no/c: No such file or directory; give a PEM file that this user may read"
        ),
    ])
    func `a wrong pair says which flag and what to do`(arguments: [String], message: String) {
        let failure = #expect(throws: ExitFailure.self) { try files(arguments) }
        #expect(failure?.code == .usage)
        #expect(failure?.message == message)
    }

    @Test(arguments: [(10_000, 20_000, 10_000), (10_000, 4096, 3968), (10_000, 100, 1), (5, 133, 5), (6, 133, 5)])
    func `as many connections are taken as there are descriptors for`(wanted: Int, limit: Int, fit: Int) {
        #expect(ProcessLimits.connections(wanted, limit: limit) == fit)
    }
}
