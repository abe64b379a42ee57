// What could be read in two ways is refused at the door: no origin sees anything of it, nor a second request in it.

import TestSupport
import Testing

@Suite struct BadRequestTests {
    @Test(arguments: BadRequest.Topic.allCases)
    func `a request that two could read differently is refused, and what follows it is never read`(
        topic: BadRequest.Topic
    ) async throws {
        let origin = try ScriptedOrigin { _ in .response(body: [0x61]) }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        for (index, bad) in BadRequest.all(topic).enumerated() {
            let name = "\(topic)-\(index)-x"
            let next = "GET /next-\(name) HTTP/1.1\r\nHost: h\r\n\r\n"
            let octets = (bad.text.replacing("$", with: name) + next).latin1
            let (answer, end) = try await RawConnection.exchange(octets, with: cdn.base)
            let (responses, left) = RawResponse.all(in: answer)
            let context: Comment = "\(name): \(bad.text.debugDescription.prefix(100)): \(responses.map(\.status))"
            #expect(responses.count == 1 && left == 0, context)
            #expect(responses.first.map { bad.statuses.contains($0.status) } ?? false, context)
            #expect(responses.first?.value("Connection") == "close", context)
            #expect(responses.first?.value("Via") == "1.1 waystation", context)
            #expect(end == .closed, context)
        }
        // What might have been sent in spite of all has been by the time that this is answered.
        let probe = try await RawConnection.exchange(
            "GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".latin1,
            with: cdn.base
        )
        #expect(RawResponse.all(in: probe.octets).responses.map(\.status) == [200])
        #expect(origin.requests.map(\.target) == ["/probe"])
        try await cdn.stop()
    }

    @Test func `a request that begins well and ends badly is never whole at the origin, though its head was sent`()
        async throws
    {
        let origin = try ScriptedOrigin { _ in .response(body: [0x61]) }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        for ending in ["zz\r\n", "0\n\n", "3\r\nabc\n", "0\r\n\n", "1;\nx\r\n0\r\n\r\n"] {
            let connection = try RawConnection(cdn.base)
            let head = "POST /bad HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
            await connection.send(head.latin1)
            // By now the origin's connection is there: the body is asked for.
            let interim = await connection.receive { $0.suffix(4) == [13, 10, 13, 10] }
            #expect(RawResponse.all(in: interim.octets).responses.map(\.status) == [100])
            await connection.send("5\r\nhello\r\n\(ending)GET /next HTTP/1.1\r\nHost: h\r\n\r\n".latin1)
            let (answer, end) = await connection.receive()
            #expect(RawResponse.all(in: answer).responses.map(\.status) == [400], "\(ending.debugDescription)")
            #expect(end == .closed)
        }
        #expect(origin.requests.isEmpty)
        try await cdn.stop()
    }

    @Test(arguments: [
        "PRI * HTTP/2.0\r\n\r\nSM\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    ])
    func `what begins like HTTP/2 and goes on like HTTP/1,1 is neither`(text: String) async throws {
        let origin = try ScriptedOrigin { _ in .response(body: [0x61]) }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        let connection = try RawConnection(cdn.base)
        await connection.send((text + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n").latin1)
        connection.endSending()
        let (answer, end) = await connection.receive()
        #expect(end != .silent && RawResponse.all(in: answer).responses.allSatisfy { $0.status >= 400 })
        #expect(origin.requests.isEmpty)
        try await cdn.stop()
    }

    @Test func `good requests before a bad one are answered, and none behind it`() async throws {
        let origin = try ScriptedOrigin { _ in .response(200, [("Cache-Control", "max-age=9")], body: [0x61]) }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        for round in 0..<2 {
            let good = (0..<4).map { "GET /good-\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
            let octets = (good + "GET /bad HTTP/1.1\r\nHost: h\nX: y\r\n\r\n" + good).latin1
            let (answer, end) = try await RawConnection.exchange(octets, with: cdn.base)
            #expect(RawResponse.all(in: answer).responses.map(\.status) == [200, 200, 200, 200, 400], "round \(round)")
            #expect(end == .closed)
        }
        #expect(origin.requests.map(\.target).sorted() == (0..<4).map { "/good-\($0)" })
        try await cdn.stop()
    }
}
