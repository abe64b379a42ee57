// Tests of how a program ends and where it keeps its files.

import Daemon
import Glibc
import Testing

@Suite struct ProcessTests {
    @Test func `a failure is one line without credentials`() {
        let failure = ExitFailure(.usage, "a\nb\r\n\u{1b}[31mc 'http://ann:p/w@host/x' and https://u@h y@z")
        #expect(failure.message == "a b  [31mc 'http://host/x' and https://h y@z")
        let program = Program(name: "sync-server", settings: [])
        #expect(program.line(for: failure).hasPrefix("sync-server: a b "))
        #expect(program.line(for: failure).hasSuffix("y@z\n"))
        #expect(program.variablePrefix == "WAYSTATION_SYNC_SERVER_")
    }

    @Test func `any other error is a fault of the program`() {
        struct Odd: Error {}
        #expect(ExitFailure(any: Odd()).code == .software)
        #expect(ExitFailure(any: ExitFailure(.temporary, "x")) == ExitFailure(.temporary, "x"))
    }

    @Test(
        arguments: [
            ([:], nil), (["HOME": "/h"], "/h/.cache/waystation/cdn"), (["HOME": ""], nil), (["HOME": "h"], nil),
            (["HOME": "/h", "XDG_CACHE_HOME": "/c"], "/c/waystation/cdn"),
            (["XDG_CACHE_HOME": "/c"], "/c/waystation/cdn"), (["XDG_CACHE_HOME": "c"], nil),
            (["HOME": "/h", "XDG_CACHE_HOME": ""], "/h/.cache/waystation/cdn"),
            (["HOME": "/h", "XDG_CACHE_HOME": "relative"], "/h/.cache/waystation/cdn"),
        ] as [([String: String], String?)]
    )
    func `the cache directory`(environment: [String: String], expected: String?) {
        var failure: ExitFailure?
        var path: String?
        do throws(ExitFailure) {
            path = try StandardDirectories(environment: environment).cache("cdn", orElse: "--store DIR")
        } catch { failure = error }
        #expect(path == expected)
        #expect((failure?.code == .configuration) == (expected == nil))
        #expect(failure?.message.contains("--store DIR") ?? true)
    }

    @Test func `the state directory`() throws {
        let state = try StandardDirectories(environment: ["HOME": "/h"]).state("registry", orElse: "--store DIR")
        #expect(state == "/h/.local/state/waystation/registry")
    }

    @Test func `a directory is made for this user alone, and once made it is taken`() throws {
        var template = Array("/tmp/waystation-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        let root = String(cString: try #require(made))
        defer {
            for path in ["\(root)/a/b", "\(root)/a", root] { rmdir(path) }
        }
        try StandardDirectories.prepare("\(root)/a/b/", orElse: "--store DIR")
        try StandardDirectories.prepare("\(root)/a/b", orElse: "--store DIR")
        var status = stat()
        #expect(stat("\(root)/a/b", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test(arguments: ["/proc/waystation", "/dev/null", "/dev/null/x"])
    func `a directory that cannot be is refused`(path: String) {
        var failure: ExitFailure?
        do throws(ExitFailure) {
            try StandardDirectories.prepare(path, orElse: "--store DIR")
        } catch { failure = error }
        #expect(failure?.code == .cannotCreate)
        #expect(failure?.message.hasSuffix("give --store DIR") == true)
    }

    @Test func `the limit of open files is raised to the hard one`() throws {
        let raised = try #require(ProcessLimits.raiseOpenFiles())
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(raised == Int(exactly: limit.rlim_max) ?? .max)
    }

    @Test func `the next free port passes over a taken one`() throws {
        let first = try Listener()
        defer { close(first.descriptor) }
        let free = try #require(FreePort.next(after: first.port - 1, on: ["127.0.0.1"]))
        #expect(free > first.port)
        #expect(FreePort.next(after: 65535, on: ["127.0.0.1"]) == nil)
        // 192.0.2.1 (RFC 5737) is no address of any machine, so it is in nobody's way.
        #expect(FreePort.next(after: first.port, on: ["192.0.2.1"]) == first.port + 1)
    }

    /// A listening socket on a free loopback port.
    struct Listener {
        let descriptor: Int32
        let port: Int

        init() throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, length) == 0 && listen(descriptor, 1) == 0
                        && getsockname(descriptor, generic, &length) == 0
                }
            }
            try #require(bound)
            self.descriptor = descriptor
            port = Int(UInt16(bigEndian: address.sin_port))
        }
    }
}
