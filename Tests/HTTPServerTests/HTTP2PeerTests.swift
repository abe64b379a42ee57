// HTTP/2 over sockets, asked by clients of other make: curl and nghttp2's, over each transport.

import Foundation
import HTTP
import HTTPServer
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// Clients of HTTP/2 that are not ours.
private enum HTTP2Peers {
    static let areInstalled = ["curl", "nghttp", "h2load"].allSatisfy { RunningProcess.isInstalled($0) }
}

@Suite(.timeLimit(.minutes(5)), .enabled(if: HTTP2Peers.areInstalled, "needs curl and nghttp2-client"))
struct HTTP2PeerTests {
    private static let medium = Medium(count: 3_000_000)

    /// Answers `/hit` at once, `/file` from a file, `/stream` in chunks, `/echo` with the body, `/hints` after a 103.
    private static func responder(_ directory: TemporaryDirectory) throws -> ClosureResponder {
        let file = OpenFile(owning: open(try directory.write(medium.octets, to: "medium"), O_RDONLY))
        return ClosureResponder(
            immediate: { target in
                guard target == "/hit" else { return nil }
                return ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", .bytes([0x68, 0x69, 0x74]))
            },
            answer: { request in
                switch request.targetText {
                case "/file":
                    let region = FileRegion(file: file, offset: 0, count: 3_000_000)
                    return Response(status: 200, body: Body(length: 3_000_000, content: .file(region)))
                case "/memory": return Response(status: 200, body: Body(medium.octets))
                case "/stream":
                    return Response(
                        status: 200,
                        body: Body(length: nil, content: .stream(ScriptedSource(chunks: 100, of: 10_000)))
                    )
                case "/echo": return Response(status: 200, body: Body(try await request.body.collect(upTo: 4_000_000)))
                case "/hints":
                    request.onInterim?(InterimResponse(status: 103, fields: ["Link": "</style.css>; rel=preload"]))
                    return Response(status: 200, fields: ["X-Host": request.authority])
                default: return Response(status: 404)
                }
            }
        )
    }

    private static func octets(of path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    private static func flags(_ carrier: Carrier, _ port: Int) -> (flags: [String], base: String) {
        carrier == .tls
            ? (["--http2", "--insecure"], "https://localhost:\(port)")
            : (["--http2-prior-knowledge"], "http://localhost:\(port)")
    }

    @Test(arguments: Carrier.allCases)
    func `curl gets and sends bodies of every kind`(_ carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        try await withServer(over: carrier, try Self.responder(directory)) { port, _ in
            let (flags, base) = Self.flags(carrier, port)
            for target in ["/file", "/memory"] {
                let output = directory.file("output")
                let told = try await RunningProcess.succeed(
                    ["curl", "-sS", "-o", output, "-w", "%{http_version} %{http_code}"] + flags + [base + target]
                )
                #expect(told.output == "2 200")
                #expect(Self.medium.matches(try Self.octets(of: output)[...], at: 0))
            }
            let source = directory.file("medium")
            let echo = directory.file("echo")
            let sent = try await RunningProcess.succeed(
                ["curl", "-sS", "-o", echo, "-w", "%{http_version}", "-T", source] + flags + [base + "/echo"]
            )
            #expect(sent.output == "2")
            #expect(Self.medium.matches(try Self.octets(of: echo)[...], at: 0))
            let stream = try await RunningProcess.succeed(["curl", "-sS"] + flags + [base + "/stream"])
            #expect(stream.output.utf8.count == 1_000_000)
            let head = try await RunningProcess.succeed(["curl", "-sSI"] + flags + [base + "/file"])
            #expect(head.output.contains("HTTP/2 200"))
            #expect(head.output.contains("content-length: 3000000"))
            let hints = try await RunningProcess.succeed(["curl", "-sSi"] + flags + [base + "/hints"])
            #expect(hints.output.contains("HTTP/2 103"))
            #expect(hints.output.contains("x-host: localhost:\(port)"))
        }
    }

    @Test(arguments: Carrier.allCases)
    func `nghttp gets many streams over one connection`(_ carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        try await withServer(over: carrier, try Self.responder(directory)) { port, _ in
            let base = Self.flags(carrier, port).base
            let targets = ["/hit", "/stream", "/file", "/hit", "/stream"].map { base + $0 }
            // Windows of 2^12 - 1 and 2^13 - 1 octets, so that they must be opened again and again.
            let told = try await RunningProcess.succeed(
                ["nghttp", "-nv", "-w", "12", "-W", "13"] + targets
            )
            #expect(!told.output.contains("RST_STREAM"))
            #expect(!told.output.contains("recv GOAWAY"))
            #expect(told.output.components("recv (stream_id=").contains { $0.contains(":status: 200") })
        }
    }

    @Test(arguments: Carrier.allCases)
    func `h2load gets every answer, hits and others`(_ carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        try await withServer(over: carrier, try Self.responder(directory)) { port, _ in
            let base = Self.flags(carrier, port).base
            for (target, count, bytes) in [("/hit", 3000, 3), ("/stream", 40, 1_000_000), ("/none", 500, 0)] {
                let told = try await RunningProcess.succeed(
                    ["h2load", "-n", "\(count)", "-c", "4", "-m", "50", base + target]
                )
                #expect(told.output.contains("\(count) done, \(target == "/none" ? 0 : count) succeeded"))
                #expect(told.output.contains("0 errored, 0 timeout"))
                #expect(told.output.contains("\(count * bytes)) data"))
            }
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a server that stops lets a download over HTTP 2 finish`(_ carrier: Carrier) async throws {
        let began = Signal()
        let go = Signal()
        let responder = ClosureResponder(answer: { _ in
            began.fire()
            await go.wait()
            return Response(status: 200, body: Body("finished"))
        })
        try await withServer(over: carrier, responder) { port, group in
            let (flags, base) = Self.flags(carrier, port)
            async let download = RunningProcess.succeed(["curl", "-sS"] + flags + [base + "/"])
            await began.wait()
            await group.triggerGracefulShutdown()
            go.fire()
            let told = try await download
            #expect(told.output == "finished")
        }
    }

    @Test(arguments: [Carrier.epoll, .nio])
    func `HTTP 1-1 and HTTP 2 are spoken on one port`(_ carrier: Carrier) async throws {
        let directory = try TemporaryDirectory()
        try await withServer(over: carrier, try Self.responder(directory)) { port, _ in
            for (flag, version) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2"), ("--http2", "1.1")] {
                let told = try await RunningProcess.succeed(
                    ["curl", "-sS", flag, "-w", " %{http_version}", "http://localhost:\(port)/hit"]
                )
                #expect(told.output == "hit \(version)")
            }
        }
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
