// Request bodies, timeouts and shutdown in the engine.

import HTTP
import HTTPServer
import Testing

private func post(_ lines: String, _ body: String = "") -> String {
    "POST / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n\(body)"
}

private let okay = Response(status: 200)

@Suite struct HTTP1EngineBodyTests {
    @Test func `a body that came with its head is handed over whole`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 5\r\n", "hello") + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(driver.started.count == 1)
        #expect(driver.started[0].body == nil)
        #expect(try await driver.started[0].request.body.collect(upTo: 10) == Array("hello".utf8))
        driver.respond(0, okay)
        #expect(driver.started.map { $0.request.targetText } == ["/", "/next"])
    }

    @Test func `a body in pieces is streamed`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 11\r\n", "hello"))
        driver.receive(" world" + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        let body = driver.started[0].request.body
        #expect(body.length == 11)
        #expect(try await body.collect(upTo: 100) == Array("hello world".utf8))
        driver.respond(0, okay)
        #expect(driver.started.count == 2)
    }

    @Test func `a chunked body in single octets is streamed and its trailers dropped`() async throws {
        var driver = EngineDriver()
        let text = post("Transfer-Encoding: chunked\r\n", "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n")
        for octet in (text + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n").utf8 { driver.receive([octet]) }
        #expect(driver.started[0].request.body.length == nil)
        #expect(try await driver.started[0].request.body.collect(upTo: 100) == Array("hello world".utf8))
        driver.respond(0, okay)
        #expect(driver.started.map { $0.request.targetText } == ["/", "/next"])
    }

    @Test func `reading rests while the responder does not take the body`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 1000000\r\n"))
        var pushed = 0
        while driver.engine.wantsRead, pushed < 1_000_000 {
            driver.receive([UInt8](repeating: 0x61, count: 1000))
            pushed += 1000
        }
        #expect(pushed == 66_000)  // The first multiple of 1000 that is at least 64 KiB.
        guard case .stream(let source) = driver.started[0].request.body.content else {
            Issue.record("the body is not streamed")
            return
        }
        #expect(try await source.next()?.count == 1000)
        #expect(driver.engine.wantsRead)
    }

    @Test func `100 (Continue) is sent when the responder first pulls the body`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 5\r\nExpect: 100-continue\r\n"))
        #expect(driver.takeSent() == "")
        driver.bodyWanted(0)
        #expect(driver.takeSent() == "HTTP/1.1 100 Continue\r\n\r\n")
        driver.bodyWanted(0)
        driver.interim(0, InterimResponse(status: 100))
        #expect(driver.takeSent() == "")
        driver.receive("hello")
        driver.respond(0, okay)
        #expect(!driver.takeSent().contains("Connection: close"))
        #expect(driver.closes.isEmpty)
    }

    @Test func `the reader's first pull reaches the connection`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 5\r\n"))
        let (demands, continuation) = AsyncStream.makeStream(of: RequestBody.Demand.self)
        let started = try #require(driver.started.first)
        started.body?.setOnDemand { continuation.yield($0) }
        async let octets = started.request.body.collect(upTo: 10)
        var iterator = demands.makeAsyncIterator()
        #expect(await iterator.next() == .wanted)
        driver.receive("hello")
        #expect(try await octets == Array("hello".utf8))
    }

    @Test func `100 (Continue) is not sent once the body comes`() {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 5\r\nExpect: 100-continue\r\n"))
        driver.receive("he")
        driver.bodyWanted(0)
        #expect(driver.takeSent() == "")
    }

    @Test func `a final response without 100 (Continue) ends the connection`() {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 5\r\nExpect: 100-continue\r\n"))
        driver.respond(0, Response(status: 403))
        let sent = driver.takeSent()
        #expect(sent.hasPrefix("HTTP/1.1 403 "))
        #expect(sent.contains("Connection: close\r\n"))
        #expect(driver.closes == [.linger])
    }

    // MARK: Unread bodies

    @Test func `an unread body is drained up to the bound and the connection goes on`() {
        var driver = EngineDriver { $0.drainBytesMax = 100 }
        driver.receive(post("Content-Length: 105\r\n", "12345"))
        driver.respond(0, okay)
        driver.receive(String(repeating: "x", count: 100) + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(driver.started.map { $0.request.targetText } == ["/", "/next"])
        #expect(driver.closes.isEmpty)
    }

    @Test func `one octet more than the bound ends the connection with the response`() {
        var driver = EngineDriver { $0.drainBytesMax = 100 }
        driver.receive(post("Content-Length: 106\r\n", "12345"))
        driver.respond(0, okay)
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(driver.closes == [.linger])
    }

    @Test func `a chunked body that nobody reads is drained up to the bound`() {
        for (count, closes) in [(100, []), (101, [EngineClose.linger])] {
            var driver = EngineDriver { $0.drainBytesMax = 100 }
            driver.receive(post("Transfer-Encoding: chunked\r\n"))
            driver.respond(0, okay)
            let body = String(repeating: "x", count: count)
            driver.receive("\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
            #expect(driver.closes == closes)
        }
    }

    @Test func `a body that the responder gives up is drained while it works on`() {
        var driver = EngineDriver { $0.requestBodyBufferBytes = 10 }
        driver.receive(post("Content-Length: 50\r\n", "0123456789"))
        #expect(!driver.engine.wantsRead)
        driver.started[0].body?.cancel()
        driver.bodyAbandoned(0)
        #expect(driver.engine.wantsRead)
        driver.receive(String(repeating: "x", count: 40))
        driver.respond(0, okay)
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(driver.closes.isEmpty)
    }

    // MARK: Bodies that break

    @Test func `a chunked body that breaks the rules is answered 400`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Transfer-Encoding: chunked\r\n", "5\r\nhello!\r\n"))
        let sent = driver.takeSent()
        #expect(sent.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(sent.hasSuffix("chunk does not end with CRLF\n"))
        #expect(driver.cancelled == [0])
        #expect(driver.closes == [.linger])
        await #expect(throws: BodyError.truncated) { try await driver.started[0].request.body.collect(upTo: 100) }
    }

    @Test func `a client that ends inside its body is told so and the responder too`() async throws {
        var driver = EngineDriver()
        driver.receive(post("Content-Length: 50\r\n", "01234"))
        driver.endInput()
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 400 "))
        await #expect(throws: BodyError.truncated) { try await driver.started[0].request.body.collect(upTo: 100) }
        #expect(driver.closes == [.flush])
    }

    @Test func `a body that ends with the input fails also if its head waited behind another request`() async throws {
        var driver = EngineDriver()
        driver.receive(
            "PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx" + post("Content-Length: 50\r\n", "01234")
        )
        driver.endInput()
        driver.respond(0, Response(status: 204))
        #expect(driver.takeSent().contains("HTTP/1.1 400 "))
        await #expect(throws: BodyError.truncated) { try await driver.started[1].request.body.collect(upTo: 100) }
        #expect(driver.closes == [.flush])
    }

    // MARK: Half-closed connections

    @Test func `a client that has closed its side still gets all its responses`() {
        var driver = EngineDriver()
        driver.receive("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.endInput()
        #expect(driver.closes.isEmpty)
        driver.respond(1, Response(status: 202))
        driver.respond(0, Response(status: 201))
        let sent = driver.takeSent()
        #expect(sent.contains("HTTP/1.1 201 "))
        #expect(sent.contains("HTTP/1.1 202 "))
        #expect(driver.closes == [.flush])
    }

    @Test func `requests that wait behind another are still answered after the end of input`() {
        var driver = EngineDriver { $0.pipelinedRequestsMax = 1 }
        driver.receive("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3")
        driver.endInput()
        driver.respond(0, okay)
        #expect(driver.started.count == 2)
        driver.respond(1, okay)
        #expect(driver.takeSent().contains("HTTP/1.1 400 "))
        #expect(driver.closes.last == .flush)
    }

    @Test func `an idle connection that the client closes is closed`() {
        var driver = EngineDriver()
        driver.endInput()
        #expect(driver.closes == [.flush])
        #expect(driver.takeSent() == "")
    }

    @Test func `a half-closed client whose response waits is given up after a while`() {
        var driver = EngineDriver { $0.halfClosedTimeout = .seconds(5) }
        let source = ProbeSource()
        driver.receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.respond(0, Response(status: 200, body: Body(length: nil, content: .stream(source))))
        driver.endInput()
        driver.wait(.seconds(4))
        driver.send(0, "progress")
        driver.wait(.milliseconds(4999))
        #expect(driver.closes.isEmpty)
        driver.wait(.milliseconds(1))
        #expect(driver.closes == [.abort])
        #expect(source.cancelCount == 1)
    }

    // MARK: Timeouts

    @Test func `a head that drips is refused when its time is up, however it drips`() {
        var driver = EngineDriver { $0.headTimeout = .seconds(10) }
        driver.wait(.seconds(5))
        driver.receive("GET / HTTP/1.1\r\n")
        for _ in 0..<9 {
            driver.wait(.seconds(1))
            driver.receive("X: y\r\n")
        }
        driver.wait(.milliseconds(999))
        #expect(driver.takeSent() == "")
        driver.wait(.milliseconds(1))
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(driver.closes == [.linger])
        driver.wait(.seconds(2))
        #expect(driver.closes == [.linger, .flush])
    }

    @Test func `a connection that rests is closed after its idle time`() {
        var driver = EngineDriver(TableResponder(immediate: ["/a": TableResponder.answer("A")])) {
            $0.idleTimeout = .seconds(75)
        }
        driver.wait(.seconds(74))
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.wait(.milliseconds(74_999))
        #expect(driver.closes.isEmpty)
        driver.wait(.milliseconds(1))
        #expect(driver.closes == [.flush])
    }

    @Test func `a large answer that is on its way out keeps its connection, which is idle from its end on`() {
        let large = String(repeating: "x", count: 100_000)
        var driver = EngineDriver(TableResponder(immediate: ["/a": TableResponder.answer(large)])) {
            $0.idleTimeout = .seconds(75)
            $0.writeStallTimeout = .seconds(100_000)
        }
        driver.isBlocked = true
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(driver.writes.count == 1)
        driver.wait(.seconds(90_000))
        #expect(driver.closes.isEmpty)
        driver.unblock()
        #expect(driver.writes.count == 2)
        driver.wait(.seconds(74))
        #expect(driver.closes.isEmpty)
        driver.wait(.seconds(1))
        #expect(driver.closes == [.flush])
    }

    @Test func `shutdown lets a large answer out`() {
        let large = String(repeating: "x", count: 100_000)
        var driver = EngineDriver(TableResponder(immediate: ["/a": TableResponder.answer(large)]))
        driver.isBlocked = true
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.shutDown()
        #expect(driver.closes.isEmpty)
        driver.unblock()
        #expect(driver.closes == [.flush])
    }

    @Test func `a connection that waits for its responder is not idle`() {
        var driver = EngineDriver()
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.wait(.seconds(100_000))
        #expect(driver.closes.isEmpty)
    }

    @Test func `a body must come at the least rate`() {
        var driver = EngineDriver {
            $0.bodyTimeout = .seconds(30)
            $0.bodyProgressBytesMin = 1000
        }
        driver.receive(post("Content-Length: 100000\r\n"))
        driver.wait(.seconds(29))
        driver.receive([UInt8](repeating: 0x61, count: 1000))
        driver.wait(.seconds(29))
        driver.receive([UInt8](repeating: 0x61, count: 999))
        #expect(driver.closes.isEmpty)
        driver.wait(.seconds(1))
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 408 "))
        #expect(driver.cancelled == [0])
    }

    @Test func `a body that the responder does not take is not the client's fault`() {
        var driver = EngineDriver {
            $0.bodyTimeout = .seconds(30)
            $0.requestBodyBufferBytes = 10
        }
        driver.receive(post("Content-Length: 100\r\n", "0123456789"))
        driver.wait(.seconds(1000))
        #expect(driver.closes.isEmpty)
        #expect(driver.takeSent() == "")
    }

    @Test func `a client that takes nothing is reset`() {
        var driver = EngineDriver { $0.writeStallTimeout = .seconds(60) }
        let source = ProbeSource()
        driver.isBlocked = true
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.isBlocked = true
        driver.respond(0, Response(status: 200, body: Body(length: nil, content: .stream(source))))
        driver.wait(.seconds(59))
        driver.engine.noteOutputProgress(in: &driver.context)
        driver.wait(.seconds(59))
        #expect(driver.closes.isEmpty)
        driver.wait(.seconds(1))
        #expect(driver.closes == [.abort])
    }

    // MARK: Shutdown

    @Test func `shutdown closes an idle connection at once`() {
        var driver = EngineDriver()
        driver.shutDown()
        #expect(driver.closes == [.flush])
    }

    @Test func `shutdown lets a running request finish and says that it was the last`() {
        var driver = EngineDriver()
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.shutDown()
        #expect(driver.closes.isEmpty)
        driver.respond(0, okay)
        #expect(driver.takeSent().contains("Connection: close\r\n"))
        #expect(driver.closes == [.flush])
    }

    @Test func `shutdown during a response closes after it`() {
        var driver = EngineDriver()
        driver.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        driver.respond(0, Response(status: 200, body: Body(length: nil, content: .stream(ProbeSource()))))
        driver.shutDown()
        driver.send(0, "x")
        driver.endStream(0)
        #expect(driver.takeSent().hasSuffix("1\r\nx\r\n0\r\n\r\n"))
        #expect(driver.closes == [.flush])
    }

    @Test func `one connection too many is told so`() {
        var driver = EngineDriver()
        driver.engine.refuseConnection(.tooManyConnections, in: &driver.context)
        driver.receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(driver.closes == [.linger])
    }
}
