// The server end to end over loopback with raw sockets: what only a real connection shows. More than 400 lines, because
// it is one list of cases that each transport must pass.

import HTTP
import HTTPServer
import Logging
import ServiceLifecycle
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

private let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
private let getAndClose = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    // MARK: Binding

    @Test(arguments: TransportKind.allCases)
    func `port 0 is the same port on both loopback addresses`(_ transport: TransportKind) async throws {
        var configuration = HTTPServerConfiguration(unixTime: { 0 })
        configuration.transport = transport
        configuration.addresses = [.loopback(port: 0)]
        let server = Server(
            configuration: configuration,
            responder: ClosureResponder(),
            logger: Logger(label: "test")
        )
        let addresses = try await server.bind()
        #expect(addresses.first?.host == "127.0.0.1")
        #expect(addresses.first?.port != 0)
        #expect(Set(addresses.map(\.port)).count == 1)
        // Without an IPv6 loopback address there is only one, which is not an error.
        #expect(addresses.count == 1 || addresses.map(\.host) == ["127.0.0.1", "::1"])
        let task = Task { try await server.run() }
        if addresses.count == 2 {
            let client = try await RawClient.connect(port: addresses[1].port, ipv6: true)
            try await client.send(getAndClose)
            #expect(try await client.receiveAll().text.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
        }
        task.cancel()
        try await task.value
    }

    @Test(arguments: TransportKind.allCases)
    func `all addresses of both kinds are listened on with one port`(_ transport: TransportKind) async throws {
        var configuration = HTTPServerConfiguration(unixTime: { 0 })
        configuration.transport = transport
        configuration.addresses = [.host("0.0.0.0", port: 0), .host("::", port: 0)]
        let server = Server(
            configuration: configuration,
            responder: ClosureResponder(),
            logger: Logger(label: "test")
        )
        let addresses = try await server.bind()
        #expect(addresses.map(\.host) == ["0.0.0.0", "::"])
        #expect(Set(addresses.map(\.port)).count == 1)
        let port = try #require(addresses.first?.port)
        let task = Task { try await server.run() }
        for isIPv6 in [false, true] {
            let client = try await RawClient.connect(port: port, ipv6: isIPv6)
            try await client.send(getAndClose)
            #expect(try await client.receiveAll().text.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
        }
        task.cancel()
        try await task.value
    }

    @Test(arguments: TransportKind.allCases)
    func `a taken port is an error that names the address`(_ transport: TransportKind) async throws {
        try await withServer(over: transport == .epoll ? .epoll : .nio, ClosureResponder()) { port, _ in
            var configuration = HTTPServerConfiguration(unixTime: { 0 })
            configuration.transport = transport
            configuration.addresses = [.host("127.0.0.1", port: port)]
            let second = Server(
                configuration: configuration,
                responder: ClosureResponder(),
                logger: Logger(label: "test")
            )
            let error = await #expect(throws: HTTPServerError.self) { try await second.bind() }
            #expect(error?.code == .addressInUse)
            #expect(error?.message == "cannot listen on 127.0.0.1:\(port): another process listens there")
            #expect(error?.underlying != nil)
        }
    }

    @Test(
        arguments: TransportKind.allCases,
        [
            (ListenAddress.host("192.0.2.1", port: 0), HTTPServerError.Code.addressUnavailable),
            (.host("no such name", port: 0), .badAddress), (.host("127.0.0.1", port: 65536), .badAddress),
        ]
    )
    func `an address that cannot be had is a typed error`(
        _ transport: TransportKind,
        _ expected: (address: ListenAddress, code: HTTPServerError.Code)
    ) async {
        var configuration = HTTPServerConfiguration(unixTime: { 0 })
        configuration.transport = transport
        configuration.addresses = [.loopback(port: 0), expected.address]
        let server = Server(
            configuration: configuration,
            responder: ClosureResponder(),
            logger: Logger(label: "test")
        )
        let error = await #expect(throws: HTTPServerError.self) { try await server.bind() }
        #expect(error?.code == expected.code)
        let again = await #expect(throws: HTTPServerError.self) { try await server.bind() }
        #expect(again?.code == .alreadyRan)
    }

    // MARK: Requests

    @Test(arguments: Carrier.allCases)
    func `requests of one connection have one number, those of another another`(
        _ carrier: Carrier
    ) async throws {
        let responder = ClosureResponder(answer: { Response(status: 200, text: "id=\($0.connectionID ?? 0);") })
        try await withServer(over: carrier, responder) { port, _ in
            let first = try await RawClient.connect(port: port)
            try await first.send(get)
            let one = try await first.receive(through: ";")
            let second = try await RawClient.connect(port: port)
            try await second.send(get)
            let other = try await second.receive(through: ";")
            try await first.send(getAndClose)
            let again = try await first.receiveAll().text
            let ids = [one, other, again].map { $0.split(separator: "id=").last?.prefix { $0 != ";" } }
            #expect(ids[0] == ids[2])
            #expect(ids[0] != ids[1])
            #expect(!ids.contains("0") && !ids.contains(nil))
        }
    }

    @Test(arguments: Carrier.allCases)
    func `requests are answered in order on one connection, at once or not`(_ carrier: Carrier) async throws {
        let responder = ClosureResponder(
            immediate: { $0 == "/now" ? TableResponder.answer("now") : nil },
            answer: { Response(status: 200, text: "\($0.targetText) \($0.remoteAddress?.prefix(10) ?? "")") }
        )
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(
                "GET /now HTTP/1.1\r\nHost: h\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\n\r\n" + getAndClose
            )
            let (text, end) = try await client.receiveAll()
            let bodies = text.split(separator: "\r\n\r\n").dropFirst().map { $0.prefix { $0 != "H" } }
            #expect(bodies == ["now", "/later 127.0.0.1:\n", "/ 127.0.0.1:\n"])
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `an upload larger than every buffer arrives whole`(_ carrier: Carrier) async throws {
        let responder = ClosureResponder(answer: { request in
            guard case .stream(let source) = request.body.content else { return Response(status: 500) }
            var count = 0
            while let chunk = try await source.next() { count += chunk.count }
            return Response(status: 200, text: "\(count)")
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            let size = 3_000_000
            try await client.send(
                "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: \(size)\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send(String(repeating: "x", count: size))
            #expect(try await client.receiveAll().text.hasSuffix("\r\n\r\n\(size)\n"))
        }
    }

    @Test(arguments: Carrier.allCases)
    func `interim responses reach the client before the final one`(_ carrier: Carrier) async throws {
        let responder = ClosureResponder(answer: { request in
            request.onInterim?(InterimResponse(status: 103, fields: ["Link": "</style>"]))
            return Response(status: 200)
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(getAndClose)
            let text = try await client.receiveAll().text
            #expect(text.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    private struct Teapot: ResponseError {
        var response: Response { Response(status: 418, text: "short and stout") }
    }

    @Test(arguments: Carrier.allCases)
    func `an error chooses its response, any other is 502`(_ carrier: Carrier) async throws {
        let responder = ClosureResponder(answer: { request in
            if request.targetText == "/tea" { throw Teapot() }
            throw BodyError.truncated
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send("GET /tea HTTP/1.1\r\nHost: h\r\n\r\n" + getAndClose)
            let text = try await client.receiveAll().text
            #expect(text.hasPrefix("HTTP/1.1 418 "))
            #expect(text.contains("HTTP/1.1 502 Bad Gateway\r\n"))
        }
    }

    // MARK: Bodies

    @Test(arguments: Carrier.allCases, [1, 5000, 100_000, 3_000_000])
    func `a body of any size in memory or in a file arrives whole`(_ carrier: Carrier, _ size: Int) async throws {
        let octets = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let region = try temporaryFile(octets)
        let responder = ClosureResponder(
            immediate: { target in
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n"
                switch target {
                case "/bytes": return (head, .bytes(octets[...]))
                case "/file": return (head, .file(region))
                default: return nil
                }
            },
            answer: { request in
                switch request.targetText {
                case "/later/bytes": Response(status: 200, body: Body(octets))
                default: Response(status: 200, body: Body(length: Int64(size), content: .file(region)))
                }
            }
        )
        try await withServer(over: carrier, responder) { port, _ in
            for target in ["/bytes", "/file", "/later/bytes", "/later/file"] {
                let client = try await RawClient.connect(port: port)
                let request = "GET \(target) HTTP/1.1\r\nHost: h\r\n"
                try await client.send(request + "\r\n" + request + "Connection: close\r\n\r\n")
                let all = try await client.receive(atLeast: .max)
                #expect(all.suffix(size).elementsEqual(octets))
                let first = try #require(all.firstRange(of: Array("\r\n\r\n".utf8)))
                #expect(all[first.upperBound...].prefix(size).elementsEqual(octets))
            }
        }
    }

    @Test(arguments: Carrier.allCases, [true, false])
    func `a stream of chunks of files and octets arrives whole`(
        _ carrier: Carrier,
        _ isDeclared: Bool
    )
        async throws
    {
        final class Mixed: BodySource {
            let chunks: Mutex<[BodyChunk]>
            init(_ chunks: [BodyChunk]) { self.chunks = Mutex(chunks) }
            func next() async throws -> BodyChunk? { chunks.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
            func cancel() {}
        }
        let large = [UInt8](repeating: 0x61, count: 200_000)
        let region = try temporaryFile(large)
        let responder = ClosureResponder(answer: { _ in
            let chunks: [BodyChunk] = [.bytes([0x31]), .file(region), .bytes(large[...]), .bytes([0x32])]
            let length: Int64? = isDeclared ? 400_002 : nil
            return Response(status: 200, body: Body(length: length, content: .stream(Mixed(chunks))))
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(getAndClose)
            let text = try await client.receiveAll().text
            let start = try #require(text.firstRange(of: "\r\n\r\n")).upperBound
            let whole = [0x31] + large + large + [0x32]
            if isDeclared {
                #expect(Array(text[start...].utf8) == whole)
            } else {
                #expect(try decodeChunked(String(text[start...]))?.data == whole)
            }
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a stream that breaks off is a reset, even for a client that reads until the end`(
        _ carrier: Carrier
    ) async throws {
        final class Broken: BodySource {
            let isFirst = Mutex(true)
            func next() async throws -> BodyChunk? {
                guard
                    isFirst.withLock({ first in
                        defer { first = false }
                        return first
                    })
                else { throw BodyError.truncated }
                return .bytes([0x61, 0x62])
            }
            func cancel() {}
        }
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(Broken())))
        })
        try await withServer(over: carrier, responder) { port, _ in
            for version in ["1.0", "1.1"] {
                let client = try await RawClient.connect(port: port)
                try await client.send("GET / HTTP/\(version)\r\nHost: h\r\n\r\n")
                #expect(try await client.receiveAll().end == .reset)
            }
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a slow reader does not make a stream run ahead`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1024, of: 64 * 1024)
        let responder = ClosureResponder(
            immediate: { $0 == "/now" ? TableResponder.answer("now") : nil },
            answer: { _ in Response(status: 200, body: Body(length: 64 << 20, content: .stream(source))) }
        )
        try await withServer(over: carrier, responder) { port, _ in
            let slow = try await RawClient.connect(port: port, receiveBytes: 4096)
            try await slow.send(getAndClose)
            _ = try await slow.receive(through: "\r\n\r\n")
            // Other requests on the same loop are the clock: in their time an unbounded stream would be through.
            let other = try await RawClient.connect(port: port)
            for _ in 0..<500 {
                try await other.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await other.receive(through: "now")
            }
            // What the kernel's send buffer takes (at most 4 MiB by default), and a window in the server.
            #expect(source.given < 128)
            let (count, end) = try await slow.discardAll()
            #expect(count > 63 << 20)
            #expect(end == .closed)
            #expect(source.given == 1025)
        }
    }

    // MARK: Clients that leave or linger

    @Test(arguments: Carrier.allCases)
    func `a half-closed client still gets its response`(_ carrier: Carrier) async throws {
        let goOn = Signal()
        let responder = ClosureResponder(answer: { _ in
            await goOn.wait()
            return Response(status: 200, body: Body("late"))
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(get)
            client.shutDownSending()
            goOn.fire()
            let (text, end) = try await client.receiveAll()
            #expect(text.hasSuffix("\r\n\r\nlate"))
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a client that resets cancels a stream that waits for data`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: carrier, responder) { port, _ in
            do {
                let client = try await RawClient.connect(port: port)
                try await client.send(get)
                _ = try await client.receive(through: "xxxxxxxxxx\r\n")
                await source.stalled.wait()
                client.resetAtClose()
            }
            await source.cancelled.wait()
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a client that closes cancels a stream that waits for data`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: carrier, responder, configure: { $0.halfClosedTimeout = .milliseconds(50) }) {
            port,
            _ in
            do {
                let client = try await RawClient.connect(port: port)
                try await client.send(get)
                _ = try await client.receive(through: "xxxxxxxxxx\r\n")
                await source.stalled.wait()
            }
            await source.cancelled.wait()
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a client that leaves cancels the task of its request`(_ carrier: Carrier) async throws {
        let (begun, cancelled) = (Signal(), Signal())
        let responder = ClosureResponder(answer: { _ in
            begun.fire()
            await withTaskCancellationHandler {
                await cancelled.wait()
            } onCancel: {
                cancelled.fire()
            }
            throw CancellationError()
        })
        try await withServer(over: carrier, responder) { port, _ in
            do {
                let client = try await RawClient.connect(port: port)
                try await client.send(get)
                await begun.wait()
                client.resetAtClose()
            }
            await cancelled.wait()
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a head that never ends is answered 408 and closed`(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, ClosureResponder(), configure: { $0.headTimeout = .milliseconds(100) }) {
            port,
            _ in
            let client = try await RawClient.connect(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ")
            let (text, end) = try await client.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a connection that rests is closed without a word`(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, ClosureResponder(), configure: { $0.idleTimeout = .milliseconds(50) }) {
            port,
            _ in
            let client = try await RawClient.connect(port: port)
            let (text, end) = try await client.receiveAll()
            #expect(text == "")
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a client that takes nothing is reset after the write timeout`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1024, of: 64 * 1024)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: carrier, responder, configure: { $0.writeStallTimeout = .milliseconds(200) }) {
            port,
            _ in
            let client = try await RawClient.connect(port: port, receiveBytes: 4096)
            try await client.send(get)
            await source.cancelled.wait()
        }
    }

    @Test(arguments: Carrier.allCases)
    func `the answer to a refused upload can be read before the connection ends`(
        _ carrier: Carrier
    ) async throws {
        let responder = ClosureResponder(answer: { _ in Response(status: 403, text: "no") })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
            let head = try await client.receive(through: "no\n")
            #expect(head.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
            try await client.send(String(repeating: "x", count: 500_000))
            client.shutDownSending()
            #expect(try await client.receiveAll().end == .closed)
        }
    }

    // MARK: Limits

    @Test(arguments: Carrier.allCases)
    func `as many connections as allowed are served, one more is told 503`(_ carrier: Carrier) async throws {
        let responder = ClosureResponder(immediate: { _ in TableResponder.answer("A") })
        try await withServer(over: carrier, responder, configure: { $0.connectionsMax = 2 }) { port, _ in
            var clients: [RawClient] = []
            for _ in 0..<2 {
                let client = try await RawClient.connect(port: port)
                try await client.send(get)
                #expect(try await client.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))
                clients.append(client)
            }
            let third = try await RawClient.connect(port: port)
            try await third.send(get)
            let (text, end) = try await third.receiveAll()
            #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(end == .closed)
            withExtendedLifetime(clients) {}
        }
    }

    // MARK: Shutdown

    @Test(arguments: Carrier.allCases)
    func `graceful shutdown closes idle connections and lets running requests finish`(
        _ carrier: Carrier
    ) async throws {
        let (begun, goOn) = (Signal(), Signal())
        let answered = TableResponder.answer("A")
        let responder = ClosureResponder(
            immediate: { $0 == "/now" ? answered : nil },
            answer: { _ in
                begun.fire()
                await goOn.wait()
                return Response(status: 200, body: Body("done"))
            }
        )
        try await withServer(over: carrier, responder) { port, group in
            let idle = try await RawClient.connect(port: port)
            // One that has said nothing yet might not be taken for a second.
            try await idle.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await idle.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))
            let busy = try await RawClient.connect(port: port)
            try await busy.send(get)
            await begun.wait()
            await group.triggerGracefulShutdown()
            #expect(try await idle.receiveAll().end == .closed)
            // A test that starts a process may hold the socket open for a moment, but nobody accepts from it.
            await #expect(throws: RawClientError.self) {
                let late = try await RawClient.connect(port: port)
                guard try await late.receiveAll().text.isEmpty else { return }
                throw RawClientError.connect(0)
            }
            goOn.fire()
            let (text, end) = try await busy.receiveAll()
            #expect(text.contains("Connection: close\r\n"))
            #expect(text.hasSuffix("\r\n\r\ndone"))
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `what does not finish within the grace is cut`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        try await withServer(over: carrier, responder, configure: { $0.shutdownGrace = .milliseconds(100) }) {
            port,
            group in
            let client = try await RawClient.connect(port: port)
            try await client.send(get)
            _ = try await client.receive(through: "xxxxxxxxxx\r\n")
            await group.triggerGracefulShutdown()
            #expect(try await client.receiveAll().end == .reset)
            await source.cancelled.wait()
        }
    }

    @Test(arguments: Carrier.allCases)
    func `cancelling run cuts everything`(_ carrier: Carrier) async throws {
        let source = ScriptedSource(chunks: 1, of: 10, stalls: true)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(source)))
        })
        var configuration = HTTPServerConfiguration(unixTime: { 0 })
        configuration.addresses = [.loopback(port: 0)]
        try await carrier.run(configuration) { configuration in
            let server = Server(configuration: configuration, responder: responder, logger: Logger(label: "test"))
            let port = try #require(try await server.bind().first?.port)
            let task = Task { try await server.run() }
            let client = try await RawClient.connect(port: port)
            try await client.send(get)
            _ = try await client.receive(through: "xxxxxxxxxx\r\n")
            task.cancel()
            try await task.value
            #expect(try await client.receiveAll().end == .reset)
        }
    }

    // MARK: Files

    private func temporaryFile(_ octets: [UInt8]) throws -> FileRegion {
        let descriptor = memfd(octets)
        try #require(descriptor >= 0)
        return FileRegion(file: OpenFile(owning: descriptor), offset: 0, count: octets.count)
    }

    /// An unlinked file with these octets.
    private func memfd(_ octets: [UInt8]) -> Int32 {
        var template = Array("/tmp/waystation-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return -1 }
        unlink(template)
        var rest = octets[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return -1 }
            rest.removeFirst(count)
        }
        return descriptor
    }
}
