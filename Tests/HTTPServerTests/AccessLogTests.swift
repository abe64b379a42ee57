// Tests of the access log of a running server, over each carrier, and of what its file may do to it.

import Foundation
import HTTP
import HTTPServer
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct AccessLogTests {
    /// Runs `body` with a log to `path`, which is written to its end when this returns.
    private func withLog(
        _ path: String,
        onProblem: @escaping @Sendable (String) -> Void = { _ in },
        _ body: (AccessLog) async throws -> Void
    ) async throws {
        let log = try AccessLog(path: path, onProblem: onProblem)
        try await body(log)
        // A task that is cancelled waits for nothing but the last lines.
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            group.cancelAll()
        }
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test(arguments: Carrier.allCases)
    func `every answer is a line, those of the express lane too`(carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("access.log")
        let large = [UInt8](repeating: 0x78, count: 100_000)
        let responder = ClosureResponder(
            immediate: { target in
                switch target {
                case "/now": ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", .bytes([1, 2, 3]))
                case "/large": ("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n", .bytes(large[...]))
                default: nil
                }
            },
            answer: { request in
                Response(status: 404, fields: ["Cache-Status": "x; hit, waystation; fwd=uri-miss"], body: Body("no"))
            }
        )
        try await withLog(path) { log in
            try await withServer(over: carrier, responder, configure: { $0.accessLog = log }) { port, _ in
                let client = try await RawClient.connect(port: port)
                try await client.send("GET /now HTTP/1.1\r\nHost: h\r\nuser-agent: a\"b\r\nReferer: r\r\n\r\n")
                try await client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
                try await client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
                try await client.send("bad\r\n\r\n")
                _ = try await client.receiveAll()
            }
        }
        let lines = try lines(path).map { $0.replacing(#/ \d+\.\d{6}$/#, with: " T") }
        let start = "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "
        try #require(lines.count == 4, "\(lines)")
        #expect(lines[0] == start + #""GET /now HTTP/1.1" 200 3 "r" "a\x22b" "-" T"#)
        #expect(lines[1] == start + #""GET /large HTTP/1.1" 200 100000 "-" "-" "-" T"#)
        #expect(lines[2] == start + #""POST /x HTTP/1.1" 404 2 "-" "-" "uri-miss" T"#)
        #expect(lines[3].hasPrefix(start + #""-" 400 "#), "\(lines[3])")
    }

    @Test(arguments: Carrier.allCases)
    func `a client that leaves before its answer is noted as 499`(carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        let asked = Signal()
        let responder = ClosureResponder(answer: { _ in
            asked.fire()
            try? await untilCancelled()
            throw CancellationError()
        })
        try await withLog(directory.file("log")) { log in
            try await withServer(
                over: carrier,
                responder,
                configure: {
                    $0.accessLog = log
                    $0.halfClosedTimeout = .milliseconds(50)
                }
            ) { port, _ in
                do {
                    let client = try await RawClient.connect(port: port)
                    try await client.send("GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
                    await asked.wait()
                }
            }
        }
        let lines = try lines(directory.file("log"))
        #expect(lines.count == 1 && lines[0].contains(#""GET /never HTTP/1.1" 499 0 "#), "\(lines)")
    }

    @Test func `lines are in the file while the server runs, and after a rotation in the new one`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("log")
        let responder = ClosureResponder(immediate: { _ in ("HTTP/1.1 204 No Content\r\n", nil) })
        try await withLog(path) { log in
            try await withServer(over: .epoll, responder, configure: { $0.accessLog = log }) { port, _ in
                for name in ["before", "after"] {
                    let client = try await RawClient.connect(port: port)
                    try await client.send("GET /\(name) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    _ = try await client.receiveAll()
                    // The connection is gone: nothing but the time brings the line out.
                    while try lines(path).last?.contains("/\(name)") != true { await Task.yield() }
                    guard name == "before" else { continue }
                    try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
                    log.reopen()
                    while !FileManager.default.fileExists(atPath: path) { await Task.yield() }
                }
            }
        }
        #expect(try lines(path).count == 1)
        #expect(try lines(path + ".1").count == 1)
    }

    @Test func `a full disk drops lines, counts them, and is told once`() async throws {
        let problems = Mutex<[String]>([])
        let responder = ClosureResponder(immediate: { _ in ("HTTP/1.1 204 No Content\r\n", nil) })
        let dropped = Mutex(0)
        try await withLog("/dev/full", onProblem: { problem in problems.withLock { $0.append(problem) } }) { log in
            try await withServer(over: .epoll, responder, configure: { $0.accessLog = log }) { port, _ in
                let client = try await RawClient.connect(port: port)
                for _ in 0..<3 {
                    let before = log.linesDropped
                    try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await client.receive(through: "\r\n\r\n")
                    while log.linesDropped == before { await Task.yield() }
                }
            }
            dropped.withLock { $0 = log.linesDropped }
        }
        #expect(dropped.withLock { $0 } == 3)
        #expect(problems.withLock { $0 }.count == 1)
        #expect(problems.withLock { $0 }.first?.contains("No space left on device") == true)
    }

    @Test func `a pipe that nobody reads keeps no server from answering or ending`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("pipe")
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let long = String(repeating: "x", count: 8000)
        let responder = ClosureResponder(immediate: { _ in ("HTTP/1.1 204 No Content\r\n", nil) })
        let dropped = Mutex(0)
        try await withLog(path) { log in
            try await withServer(over: .epoll, responder, configure: { $0.accessLog = log }) { port, _ in
                let client = try await RawClient.connect(port: port)
                // More than a pipe holds.
                for _ in 0..<40 {
                    try await client.send("GET /\(long) HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await client.receive(through: "\r\n\r\n")
                }
                while log.linesDropped == 0 { await Task.yield() }
            }
            dropped.withLock { $0 = log.linesDropped }
        }
        #expect(dropped.withLock { $0 } > 0)
    }

    @Test func `a file that cannot be made is an error that names it`() {
        let error = #expect(throws: AccessLogError.self) { try AccessLog(path: "/no/such/file") { _ in } }
        #expect("\(String(describing: error))".contains("/no/such/file: No such file or directory"))
    }

    @Test(arguments: Carrier.allCases)
    func `answers are counted by what the cache did, with the time of their first octet`(
        carrier: Carrier
    ) async throws {
        let metrics = ServerMetrics()
        let responder = ClosureResponder(answer: { request in
            let status = request.targetText == "/hit" ? "waystation; hit; ttl=3" : "waystation; fwd=stale; stored"
            return Response(status: 200, fields: ["Cache-Status": status], body: Body("12345"))
        })
        try await withServer(over: carrier, responder, configure: { $0.metrics = metrics }) { port, _ in
            let client = try await RawClient.connect(port: port)
            for target in ["hit", "stale"] {
                try await client.send("GET /\(target) HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await client.receive(through: "12345")
            }
        }
        let totals = metrics.totals
        #expect(totals.answers[Int(CacheOutcome.hit.rawValue)] == 1)
        #expect(totals.answers[Int(CacheOutcome.stale.rawValue)] == 1)
        #expect(totals.answers.reduce(0, +) == 2)
        #expect(totals.firstOctetOfHits.counts.reduce(0, +) == 1)
        #expect(totals.firstOctetOfOthers.counts.reduce(0, +) == 1)
        #expect(totals.firstOctetOfHits.sumNanoseconds > 0)
        #expect(totals.bytesSent > 100)
    }
}
