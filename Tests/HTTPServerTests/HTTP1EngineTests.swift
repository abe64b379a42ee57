// The connection as a state machine: answers in order, persistence, framing, bodies, ends.
// Above 400 lines: one engine, one table of what it must do, read in order.

import HTTP
import HTTPServer
import Testing

private let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

private func get(_ target: String, _ lines: String = "", version: String = "1.1") -> String {
    "GET \(target) HTTP/\(version)\r\nHost: h\r\n\(lines)\r\n"
}

private func stream(_ length: Int64?, _ source: ProbeSource = ProbeSource()) -> Response {
    Response(status: 200, body: Body(length: length, content: .stream(source)))
}

@Suite struct HTTP1EngineTests {
    private let table = TableResponder(immediate: [
        "/a": TableResponder.answer("A"), "/b": TableResponder.answer("B"),
        "/undated": ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Date: no\r\n", nil),
        "/large": (
            "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nDate: then\r\n",
            .bytes([UInt8](repeating: 0x78, count: 9000)[...])
        ),
    ])
    private let answerA = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nDate: then\r\n\r\nA"
    private let answerB = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nDate: then\r\n\r\nB"

    // MARK: The express lane

    @Test func `pipelined answers of one read are one write`() {
        var driver = EngineDriver(table)
        driver.receive(get("/a") + get("/b") + get("/a"))
        #expect(driver.writes == [answerA + answerB + answerA])
        #expect(driver.started.isEmpty)
        #expect(driver.closes.isEmpty)
    }

    @Test func `a request cut anywhere is answered once it is whole`() {
        let octets = Array((get("/a") + get("/b")).utf8)
        for split in 1..<octets.count {
            var driver = EngineDriver(table)
            driver.receive(Array(octets[..<split]))
            driver.receive(Array(octets[split...]))
            #expect(driver.takeSent() == answerA + answerB)
        }
        var driver = EngineDriver(table)
        for octet in octets { driver.receive([octet]) }
        #expect(driver.takeSent() == answerA + answerB)
    }

    @Test func `Date is added where it is missing and only there`() {
        var driver = EngineDriver(table)
        driver.receive(get("/undated"))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Date: no\r\n\(date)\r\n")
        driver.receive(get("/x"))
        driver.respond(0, Response(status: 200, fields: ["date": "mine"]))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\ndate: mine\r\nContent-Length: 0\r\n\r\n")
        driver.receive(get("/x"))
        driver.respond(1, Response(status: 200))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(date)\r\n")
    }

    @Test func `a large body is handed on uncopied and what follows waits for it`() {
        var driver = EngineDriver(table)
        driver.isBlocked = true
        driver.receive(get("/large") + get("/a"))
        #expect(driver.writes.count == 1)
        #expect(driver.sent.count == 9000 + "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nDate: then\r\n\r\n".utf8.count)
        driver.unblock()
        #expect(driver.writes.last == answerA)
    }

    @Test func `HEAD in the express lane gets no body`() {
        var driver = EngineDriver(table)
        driver.receive("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nDate: then\r\n\r\n")
    }

    @Test func `a client that takes nothing is not read from without end`() {
        var driver = EngineDriver(table)
        driver.isBlocked = true
        driver.receive(get("/a"))
        #expect(driver.writes.count == 1)
        var reads = 0
        while driver.engine.wantsRead, reads < 10_000 {
            driver.receive(get("/b"))
            reads += 1
        }
        #expect(driver.writes.count == 1)
        #expect(reads * get("/b").utf8.count < 33 * 1024)
        driver.unblock()
        #expect(driver.engine.wantsRead)
        #expect(driver.writes.count > 1)
        #expect(driver.takeSent() == answerA + String(repeating: answerB, count: reads))
    }

    @Test func `one read of many requests does not make an output without bound`() {
        var driver = EngineDriver(table)
        driver.isBlocked = true
        driver.receive(String(repeating: get("/a"), count: 5000))
        #expect(driver.sent.count < 66 * 1024)
        driver.unblock()
        #expect(driver.sent.count == 5000 * answerA.utf8.count)
    }

    // MARK: Order

    @Test func `answers come in the order of requests`() {
        var driver = EngineDriver(table)
        driver.receive(get("/1") + get("/2") + get("/a") + get("/3"))
        // Behind a pending request even what the express lane knows takes its turn.
        #expect(driver.started.map { $0.request.targetText } == ["/1", "/2", "/a", "/3"])
        driver.respond(2, Response(status: 202))
        driver.respond(1, Response(status: 201))
        #expect(driver.takeSent() == "")
        driver.respond(0, Response(status: 200))
        driver.respond(3, Response(status: 203))
        let statuses = driver.takeSent().split(separator: "\r\n").filter { $0.hasPrefix("HTTP/") }.map { $0.prefix(12) }
        #expect(statuses == ["HTTP/1.1 200", "HTTP/1.1 201", "HTTP/1.1 202", "HTTP/1.1 203"])
    }

    @Test func `a request that is not safe waits for those before it and holds up those after it`() {
        var driver = EngineDriver(table)
        driver.receive(get("/1") + "DELETE /2 HTTP/1.1\r\nHost: h\r\n\r\n" + get("/3"))
        #expect(driver.started.map { $0.request.targetText } == ["/1"])
        driver.respond(0, Response(status: 200))
        #expect(driver.started.map { $0.request.targetText } == ["/1", "/2"])
        driver.respond(1, Response(status: 200))
        #expect(driver.started.map { $0.request.targetText } == ["/1", "/2", "/3"])
    }

    @Test func `16 pipelined requests are worked on at a time, not 17`() {
        var driver = EngineDriver(table)
        driver.receive((1...17).map { get("/\($0)") }.joined())
        #expect(driver.started.count == 16)
        driver.respond(0, Response(status: 200))
        #expect(driver.started.count == 17)
    }

    @Test func `behind a pending request reading goes on only until enough waits`() {
        var driver = EngineDriver(table) { $0.pipelinedRequestsMax = 1 }
        driver.receive(get("/1"))
        #expect(driver.engine.wantsRead)
        driver.receive([UInt8](repeating: 0x58, count: 32 * 1024 - 1))
        #expect(driver.engine.wantsRead)
        driver.receive("X")
        #expect(!driver.engine.wantsRead)
    }

    // MARK: Framing of responses

    @Test func `a body in memory has its length and fields of the connection are not sent twice`() {
        var driver = EngineDriver()
        driver.receive(get("/"))
        let fields: Fields = [
            "Connection": "keep-alive, X", "Content-Length": "99", "Transfer-Encoding": "chunked", "Keep-Alive": "x",
            "Proxy-Connection": "x", "Upgrade": "x", "ETag": "\"e\"",
        ]
        driver.respond(0, Response(status: 200, fields: fields, body: Body("hello")))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\n\(date)\r\nhello")
    }

    @Test(arguments: [
        (204, nil as Int64?), (204, 5), (304, 5), (304, nil),
    ])
    func `a response without content has no framing fields`(_ status: Int, _ length: Int64?) {
        var driver = EngineDriver(table)
        let source = ProbeSource()
        driver.receive(get("/") + get("/x"))
        driver.respond(0, Response(status: status, body: Body(length: length, content: .stream(source))))
        let sent = driver.takeSent()
        #expect(sent.hasPrefix("HTTP/1.1 \(status) "))
        #expect(!sent.contains("Content-Length"))
        #expect(!sent.contains("Transfer-Encoding"))
        #expect(source.cancelCount == 1)
        #expect(driver.cancelled == [0])
        driver.respond(1, Response(status: 200))
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test(arguments: [(5 as Int64?, "Content-Length: 5\r\n"), (nil, "")])
    func `HEAD gets the length that GET would have and no body`(_ length: Int64?, _ line: String) {
        var driver = EngineDriver()
        let source = ProbeSource()
        driver.receive("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.respond(0, stream(length, source))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\n\(line)\(date)\r\n")
        #expect(source.cancelCount == 1)
        driver.receive("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.respond(1, Response(status: 200, body: Body(length: length, content: .none)))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\n\(line)\(date)\r\n")
    }

    @Test(arguments: [
        Response(status: 99), Response(status: 101), Response(status: 1000),
        Response(status: 200, body: Body(length: 5, content: .none)),
        Response(status: 200, body: Body(length: 5, content: .bytes([1]))),
        Response(status: 200, body: Body(length: -1, content: .stream(ProbeSource()))),
    ])
    func `a response that cannot be framed is a 500`(_ response: Response) {
        var driver = EngineDriver()
        driver.receive(get("/"))
        driver.respond(0, response)
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
        #expect(driver.closes.isEmpty)
    }

    @Test func `a stream of known length is sent as it comes, one pull a chunk`() {
        var driver = EngineDriver()
        driver.receive(get("/"))
        driver.respond(0, stream(5))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\(date)\r\n")
        #expect(driver.pulls == [0])
        driver.send(0, "he")
        #expect(driver.pulls == [0, 0])
        driver.isBlocked = true
        driver.send(0, "llo")
        #expect(driver.pulls == [0, 0])
        driver.unblock()
        #expect(driver.pulls == [0, 0, 0])
        driver.endStream(0)
        #expect(driver.takeSent() == "hello")
        #expect(driver.closes.isEmpty)
    }

    @Test func `a stream of unknown length is chunked`() {
        var driver = EngineDriver()
        driver.receive(get("/"))
        driver.respond(0, stream(nil))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\(date)\r\n")
        driver.send(0, "hello")
        #expect(driver.takeSent() == "5\r\nhello\r\n")
        let large = String(repeating: "x", count: 10_000)
        driver.send(0, large)
        #expect(driver.takeSent() == "2710\r\n\(large)\r\n")
        driver.endStream(0)
        #expect(driver.takeSent() == "0\r\n\r\n")
        #expect(driver.closes.isEmpty)
    }

    @Test func `HTTP 1,0 gets a stream of unknown length until the connection closes`() {
        var driver = EngineDriver()
        driver.receive(get("/", "Connection: keep-alive\r\n", version: "1.0"))
        driver.respond(0, stream(nil))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\n\(date)Connection: close\r\n\r\n")
        driver.send(0, "hello")
        driver.endStream(0)
        #expect(driver.takeSent() == "hello")
        #expect(driver.closes == [.flush])
    }

    @Test(arguments: [
        ("1.1", "", "", []), ("1.1", "Connection: close\r\n", "Connection: close\r\n", [EngineClose.flush]),
        ("1.0", "", "Connection: close\r\n", [.flush]),
        ("1.0", "Connection: keep-alive\r\n", "Connection: keep-alive\r\n", []),
    ])
    func `persistence is said where it is not the default`(
        _ version: String,
        _ asked: String,
        _ said: String,
        _ closes: [EngineClose]
    ) {
        var driver = EngineDriver(table)
        driver.receive(get("/", asked, version: version))
        driver.respond(0, Response(status: 200))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(date)\(said)\r\n")
        #expect(driver.closes == closes)
        driver = EngineDriver(table)
        driver.receive(get("/a", asked, version: version))
        #expect(driver.takeSent() == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nDate: then\r\n\(said)\r\nA")
        #expect(driver.closes == closes)
    }

    @Test func `what follows a last request is not answered`() {
        var driver = EngineDriver(table)
        driver.receive(get("/a", "Connection: close\r\n") + get("/b"))
        #expect(driver.writes.count == 1)
        // Closing with octets unread would reset the answer away.
        #expect(driver.closes == [.linger])
    }

    // MARK: Streams that break

    @Test func `a stream that ends short of its length resets the connection`() {
        var driver = EngineDriver()
        driver.receive(get("/"))
        driver.respond(0, stream(5))
        driver.send(0, "hell")
        driver.endStream(0)
        #expect(driver.closes == [.abort])
    }

    @Test func `a stream that throws resets the connection without a last chunk`() {
        var driver = EngineDriver()
        driver.receive(get("/"))
        driver.respond(0, stream(nil))
        driver.send(0, "hello")
        driver.failStream(0)
        #expect(driver.closes == [.abort])
        #expect(!driver.takeSent().contains("0\r\n\r\n"))
    }

    @Test func `a stream that throws resets a close-delimited response too`() {
        var driver = EngineDriver()
        driver.receive(get("/", version: "1.0"))
        driver.respond(0, stream(nil))
        driver.send(0, "hello")
        driver.failStream(0)
        #expect(driver.closes == [.abort])
    }

    @Test func `a stream that goes beyond its length resets the connection and sends nothing of that`() {
        var driver = EngineDriver()
        let source = ProbeSource()
        driver.receive(get("/"))
        driver.respond(0, stream(5, source))
        _ = driver.takeSent()
        driver.send(0, "hello!")
        #expect(driver.takeSent() == "")
        #expect(driver.closes == [.abort])
        #expect(driver.cancelled == [0])
        #expect(source.cancelCount == 1)
    }

    @Test func `a lost connection cancels what runs and what waits`() {
        var driver = EngineDriver()
        let sources = [ProbeSource(), ProbeSource()]
        driver.receive(get("/0") + get("/1") + get("/2"))
        driver.respond(0, stream(nil, sources[0]))
        driver.respond(1, stream(nil, sources[1]))
        driver.connectionLost()
        #expect(driver.cancelled == [0, 1, 2])
        #expect(sources.map(\.cancelCount) == [1, 1])
        let late = ProbeSource()
        driver.respond(2, stream(nil, late))
        #expect(late.cancelCount == 1)
    }

    // MARK: Refusals

    @Test func `a refused request is answered after those before it and the connection lingers`() {
        var driver = EngineDriver(table)
        driver.receive(get("/1") + "GET / HTTP/1.1\r\nHost : h\r\n\r\n" + get("/a"))
        #expect(driver.takeSent() == "")
        driver.respond(0, Response(status: 200))
        let sent = driver.takeSent()
        #expect(sent.contains("HTTP/1.1 400 Bad Request\r\n"))
        #expect(sent.contains("Connection: close\r\n"))
        #expect(sent.hasSuffix("whitespace between field name and colon\n"))
        #expect(driver.closes == [.linger])
        driver.receive(get("/a"))
        #expect(driver.takeSent() == "")
        driver.endInput()
        #expect(driver.closes == [.linger, .flush])
    }

    @Test(arguments: [
        ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "501 Not Implemented"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"), ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501 Not Implemented"),
        // RFC 9112 section 6.3, rule 4: the body's length is open.
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "400 Bad Request"),
    ])
    func `a refusal has the status of its rule`(_ request: String, _ status: String) {
        var driver = EngineDriver(table)
        driver.receive(request)
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(driver.closes == [.linger])
        #expect(driver.started.isEmpty)
    }

    // MARK: Interim responses

    @Test func `interim responses are relayed with their fields before the final one`() {
        var driver = EngineDriver()
        driver.receive(get("/1") + get("/2"))
        driver.interim(1, InterimResponse(status: 103, fields: ["Link": "</2>"]))
        driver.interim(0, InterimResponse(status: 103, fields: ["Link": "</1>"]))
        #expect(driver.takeSent() == "HTTP/1.1 103 Early Hints\r\nLink: </1>\r\n\r\n")
        driver.interim(0, InterimResponse(status: 101))
        driver.interim(0, InterimResponse(status: 100))
        #expect(driver.takeSent() == "")
        driver.respond(0, Response(status: 200))
        #expect(driver.takeSent().hasSuffix("\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </2>\r\n\r\n"))
    }

    @Test func `interim responses are not sent to HTTP 1,0`() {
        var driver = EngineDriver()
        driver.receive(get("/", version: "1.0"))
        #expect(!driver.started[0].takesInterim)
        driver.interim(0, InterimResponse(status: 103))
        #expect(driver.takeSent() == "")
    }

    // MARK: The log

    @Test func `every response is told to the log, immediate ones too`() async {
        let (stream, continuation) = AsyncStream.makeStream(of: ResponseSummary.self)
        var driver = EngineDriver(table) { $0.onResponse = { continuation.yield($0) } }
        driver.engine.client = JournalClient(address: "client:1")
        driver.receive(get("/a") + get("/large") + get("/x"))
        driver.respond(1, Response(status: 404, body: Body("no")))
        driver.receive(get("/y") + "bad")
        driver.connectionLost()
        continuation.finish()
        var lines: [String] = []
        for await summary in stream {
            let target = String(decoding: summary.target, as: UTF8.self)
            lines.append("\(summary.method?.rawValue ?? "-") \(target) \(summary.status) \(summary.isComplete)")
            #expect(summary.remoteAddress == "client:1")
            if target == "/a" { #expect(summary.bytesSent == Int64(answerA.utf8.count)) }
        }
        #expect(lines.first == "GET /a 200 true")
        #expect(lines.contains("GET /large 200 true"))
        #expect(lines.contains("GET /y 0 false"))
    }
}
