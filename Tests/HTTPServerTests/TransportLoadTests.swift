// What a transport must stand: pieces, crowds, readers that are slow, descriptors that run out; over each of them.

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

/// Answers at once and notes which thread it was on.
private final class ThreadCounter: Sendable {
    private let state = Mutex<[UInt: Int]>([:])

    var counts: [Int] { state.withLock { Array($0.values) } }

    func note() {
        let thread = UInt(pthread_self())
        state.withLock { $0[thread, default: 0] += 1 }
    }
}

/// Counts the warnings of a logger.
private struct WarningCounter: LogHandler {
    final class Count: Sendable {
        let value = Mutex(0)
        let first = Signal()
    }

    let count = Count()
    var logLevel = Logger.Level.warning
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let isFirst = count.value.withLock { value in
            value += 1
            return value == 1
        }
        if isFirst { count.first.fire() }
    }
}

@Suite(.timeLimit(.minutes(5))) struct TransportLoadTests {
    private let now = ClosureResponder(immediate: { _ in TableResponder.answer("A") })

    @Test(arguments: Carrier.allCases)
    func `a request that comes octet by octet is answered`(_ carrier: Carrier) async throws {
        // A busy machine may take its time.
        try await withServer(over: carrier, now, configure: { $0.headTimeout = .seconds(100) }) { port, _ in
            let client = try await RawClient.connect(port: port)
            for octet in get + getAndClose { try await client.send(String(octet)) }
            let (text, end) = try await client.receiveAll()
            #expect(text.occurrences(of: "HTTP/1.1 200 OK\r\n") == 2)
            #expect(end == .closed)
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a thousand connections at a time are all answered, by both loops`(_ carrier: Carrier) async throws {
        let threads = ThreadCounter()
        let responder = ClosureResponder(immediate: { _ in
            threads.note()
            return TableResponder.answer("A")
        })
        // A busy machine may take its time until all are connected.
        let configure: (inout HTTPServerConfiguration) -> Void = { configuration in
            configuration.eventLoops = 2
            (configuration.headTimeout, configuration.idleTimeout) = (.seconds(200), .seconds(200))
        }
        try await withServer(over: carrier, responder, configure: configure) { port, _ in
            var clients: [RawClient] = []
            for _ in 0..<1000 { clients.append(try await RawClient.connect(port: port)) }
            for _ in 0..<2 {
                for client in clients { try await client.send(get) }
                for client in clients {
                    #expect(try await client.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))
                }
            }
        }
        #expect(threads.counts.reduce(0, +) == 2000)
        #expect(threads.counts.count == 2 && threads.counts.allSatisfy { $0 >= 600 }, "\(threads.counts)")
    }

    @Test(arguments: Carrier.allCases)
    func `connections that come and go on two loops are all answered`(_ carrier: Carrier) async throws {
        try await withServer(over: carrier, now, configure: { $0.eventLoops = 2 }) { port, _ in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<8 {
                    tasks.addTask {
                        for _ in 0..<100 {
                            let client = try await RawClient.connect(port: port)
                            try await client.send(getAndClose)
                            let (text, end) = try await client.receiveAll()
                            #expect(text.hasSuffix("\r\n\r\nA"))
                            #expect(end == .closed)
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }

    @Test(arguments: Carrier.allCases)
    func `more large answers than one turn sends come in order`(_ carrier: Carrier) async throws {
        let size = 20_000
        let responder = ClosureResponder(immediate: { target in
            let octets = [UInt8](repeating: UInt8(target.utf8.last ?? 0), count: size)
            return ("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n", .bytes(octets[...]))
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            let letters = (0..<200).map { String(UnicodeScalar(UInt8(0x61 + $0 % 26))) }
            let requests = letters.map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
            try await client.send(requests + getAndClose.replacing("GET /", with: "GET /z"))
            let text = try await client.receiveAll().text
            let bodies = text.split(separator: "HTTP/1.1 200 OK\r\n").map { $0.suffix(size) }
            #expect(bodies.count == 201)
            #expect(zip(bodies, letters).allSatisfy { body, letter in body.allSatisfy { String($0) == letter } })
        }
    }

    @Test(arguments: Carrier.allCases)
    func `chunks larger than the socket takes are framed well for a slow reader`(
        _ carrier: Carrier
    ) async throws {
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: nil, content: .stream(ScriptedSource(chunks: 60, of: 300_000))))
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port, receiveBytes: 4096)
            try await client.send(getAndClose)
            let text = try await client.receiveAll().text
            let start = try #require(text.firstRange(of: "\r\n\r\n")).upperBound
            let decoded = try #require(try decodeChunked(String(text[start...])))
            #expect(decoded.data.count == 60 * 300_000)
        }
    }

    // MARK: Backpressure to the client

    @Test(arguments: Carrier.allCases)
    func `an upload waits in the socket until its reader goes on, then arrives whole`(
        _ carrier: Carrier
    )
        async throws
    {
        let (begun, goOn) = (Signal(), Signal())
        let size = 8_000_000
        let responder = ClosureResponder(
            immediate: { $0 == "/now" ? TableResponder.answer("now") : nil },
            answer: { request in
                guard case .stream(let source) = request.body.content else { return Response(status: 500) }
                begun.fire()
                await goOn.wait()
                var count = 0
                while let chunk = try await source.next() { count += chunk.count }
                return Response(status: 200, text: "\(count)")
            }
        )
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: \(size)\r\n\r\n")
            async let sending: Void = client.send(String(repeating: "x", count: size))
            await begun.wait()
            // Other requests on the same loop are the clock: in their time the buffers are full.
            let other = try await RawClient.connect(port: port)
            for _ in 0..<200 {
                try await other.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await other.receive(through: "now")
            }
            goOn.fire()
            try await sending
            #expect(try await client.receiveAll().text.hasSuffix("\r\n\r\n\(size)\n"))
        }
    }

    @Test(arguments: Carrier.allCases)
    func `a client that resets while nothing is read from it cancels its request`(
        _ carrier: Carrier
    )
        async throws
    {
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
                try await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
                await begun.wait()
                try await client.send(String(repeating: "x", count: 200_000))
                client.resetAtClose()
            }
            await cancelled.wait()
        }
    }

    // MARK: Descriptors

    #if os(Linux)
    @Test(arguments: Carrier.allCases.filter { $0 != .nio })
    func `a file that has become shorter is a reset, not an end`(_ carrier: Carrier) async throws {
        var template = Array("/tmp/waystation-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(template)
        try #require(ftruncate(descriptor, 50_000) == 0)
        let region = FileRegion(file: OpenFile(owning: descriptor), offset: 0, count: 100_000)
        let responder = ClosureResponder(answer: { _ in
            Response(status: 200, body: Body(length: 100_000, content: .file(region)))
        })
        try await withServer(over: carrier, responder) { port, _ in
            let client = try await RawClient.connect(port: port)
            try await client.send(get)
            let (count, end) = try await client.discardAll()
            #expect(count < 100_000)
            #expect(end == .reset)
        }
    }

    @Test func `without descriptors accepting rests, and goes on when there are some`() async throws {
        // In a process of its own: the limit is the whole process's.
        await #expect(processExitsWith: .success) {
            var configuration = HTTPServerConfiguration(unixTime: { 0 })
            configuration.addresses = [.host("127.0.0.1", port: 0)]
            configuration.transport = .epoll
            configuration.eventLoops = 1
            let warnings = WarningCounter()
            let server = Server(
                configuration: configuration,
                responder: ClosureResponder(immediate: { _ in TableResponder.answer("A") }),
                logger: Logger(label: "test", factory: { _ in warnings })
            )
            let port = try #require(try await server.bind().first?.port)
            let task = Task { try await server.run() }
            // The first connection shows that everything that takes descriptors is there.
            let first = try await RawClient.connect(port: port)
            try await first.send(get)
            #expect(try await first.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))

            let free = dup(0)
            close(free)
            var before = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            var low = rlimit(rlim_cur: rlim_t(free + 1), rlim_max: before.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low)
            // The client takes the last one; the kernel makes the connection without the server.
            let second = try await RawClient.connect(port: port)
            try await second.send(get)
            await warnings.count.first.wait()
            try await first.send(get)
            #expect(try await first.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            #expect(try await second.receive(through: "\r\n\r\nA").hasPrefix("HTTP/1.1 200 OK\r\n"))
            // A loop that spins would have warned thousands of times.
            #expect(warnings.count.value.withLock { $0 } <= 3)
            task.cancel()
            try await task.value
        }
    }
    #endif
}

extension String {
    /// How often `part` occurs.
    fileprivate func occurrences(of part: String) -> Int { ranges(of: part).count }
}
