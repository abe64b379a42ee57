// The scripted origin does what its scripts say: what other tests rest on.

import TestSupport
import Testing

@Suite struct ScriptedOriginTests {
    @Test func `a request is recorded with its lines and body`() async throws {
        let origin = try ScriptedOrigin { _ in .response(204, reason: "No Content", framing: .none).thenClose() }
        defer { origin.stop() }
        let client = RawClient(port: origin.port)
        client.send("POST /a%20b?c HTTP/1.1\r\nHost: h\r\nX:  1 \r\nx: 2\r\nContent-Length: 3\r\n\r\nabc")
        #expect(client.readToEnd().end == .closed)
        let request = try #require(try await origin.requests(count: 1).first)
        #expect(request.method == "POST")
        #expect(request.target == "/a%20b?c")
        #expect(request.headerLines == ["Host: h", "X:  1 ", "x: 2", "Content-Length: 3"])
        #expect(request.values("X") == ["1", "2"])
        #expect(request.body == Array("abc".utf8))
    }

    @Test func `a connection serves pipelined requests and counts them`() async throws {
        let origin = try ScriptedOrigin { request in
            let reply = Reply.response(body: Array("\(request.indexOnConnection)".utf8))
            return request.target == "/last" ? reply.thenClose() : reply
        }
        defer { origin.stop() }
        let client = RawClient(port: origin.port)
        client.send("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /last HTTP/1.1\r\n\r\n")
        let text = String(decoding: client.readToEnd().bytes, as: UTF8.self)
        #expect(text.split(separator: "\r\n\r\n").count == 4)
        #expect(text.hasSuffix("\r\n\r\n2"))
        #expect(origin.requests.map(\.connection) == [0, 0, 0])
        #expect(origin.connections.count == 1)
        #expect(origin.bodyOctetsSent == [1, 1, 1])
    }

    @Test func `a cut ends a body with FIN and a reset with RST after exactly that many octets`() throws {
        let medium = Medium(count: 1_000_000)
        let origin = try ScriptedOrigin { request in
            let reply = Reply.response(medium: medium)
            return request.target == "/cut" ? reply.cut(afterBodyOctets: 70_001) : reply.reset(afterBodyOctets: 5)
        }
        defer { origin.stop() }
        let cut = RawClient(port: origin.port)
        cut.send("GET /cut HTTP/1.1\r\n\r\n")
        let (bytes, end) = cut.readToEnd()
        #expect(end == .closed)
        let head = Reply.head(200, "OK", [("Content-Length", "1000000")])
        #expect(bytes.count == head.count + 70_001)
        #expect(medium.matches(bytes[head.count...], at: 0))
        let reset = RawClient(port: origin.port)
        reset.send("GET /reset HTTP/1.1\r\n\r\n")
        #expect(reset.readToEnd().end == .reset)
        #expect(origin.bodyOctetsSent == [70_001, 5])
    }

    @Test func `a stalled body goes on when the gate opens and stop frees one that never does`() async throws {
        let gate = Gate()
        let origin = try ScriptedOrigin { request in
            .response(body: Array("abcdef".utf8)).stall(afterBodyOctets: 3, until: request.index == 0 ? gate : Gate())
        }
        let client = RawClient(port: origin.port)
        client.send("GET / HTTP/1.1\r\n\r\n")
        let head = Reply.head(200, "OK", [("Content-Length", "6")])
        #expect(client.read(count: head.count + 3).suffix(3) == Array("abc".utf8)[...])
        gate.open()
        #expect(client.read(count: 3) == Array("def".utf8))
        client.send("GET / HTTP/1.1\r\n\r\n")
        _ = client.read(count: head.count + 3)
        origin.stop()
        #expect(client.readToEnd().bytes.isEmpty)
    }

    @Test func `a client that leaves is noticed while the origin waits`() async throws {
        let origin = try ScriptedOrigin { _ in Reply([.hang]) }
        defer { origin.stop() }
        var client: RawClient? = RawClient(port: origin.port)
        client?.send("GET / HTTP/1.1\r\n\r\n")
        _ = try await origin.requests(count: 1)
        client = nil
        try await origin.departures.reach(1)
    }

    @Test func `chunks carry their sizes and the last one can be left out`() throws {
        let origin = try ScriptedOrigin { request in
            let isWhole = request.target == "/whole"
            return .response(
                body: Array("abcdef".utf8),
                framing: isWhole ? .chunked(size: 4) : .chunkedWithoutEnd(size: 4)
            )
            .thenClose()
        }
        defer { origin.stop() }
        for (target, end) in [("/whole", "2\r\nef\r\n0\r\n\r\n"), ("/cut", "2\r\nef\r\n")] {
            let client = RawClient(port: origin.port)
            client.send("GET \(target) HTTP/1.1\r\n\r\n")
            let text = String(decoding: client.readToEnd().bytes, as: UTF8.self)
            #expect(text.hasSuffix("\r\n\r\n4\r\nabcd\r\n\(end)"))
        }
    }

    @Test(arguments: [
        ("Range: bytes=0-0", 206, "bytes 0-0/1000", 0..<1),
        ("Range: bytes=990-", 206, "bytes 990-999/1000", 990..<1000),
        ("Range: bytes=-5", 206, "bytes 995-999/1000", 995..<1000),
        ("Range: bytes=10-5000", 206, "bytes 10-999/1000", 10..<1000),
        ("Range: bytes=1000-", 416, "bytes */1000", 0..<0),
        ("Range: bytes=-0", 416, "bytes */1000", 0..<0),
        ("Range: bytes=5-4", 200, "", 0..<1000),
        ("Range: bytes=0-1,3-4", 200, "", 0..<1000),
        ("Range: bytes=0-0\r\nIf-Range: \"v1\"", 206, "bytes 0-0/1000", 0..<1),
        ("Range: bytes=0-0\r\nIf-Range: \"v2\"", 200, "", 0..<1000),
        ("Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT", 206, "bytes 0-0/1000", 0..<1),
        ("If-None-Match: W/\"v1\"", 304, "", 0..<0),
        ("If-None-Match: \"v2\", \"v3\"", 200, "", 0..<1000),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304, "", 0..<0),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200, "", 0..<1000),
        ("If-Match: \"v2\"", 412, "", 0..<0),
    ])
    func `a file answers ranges and conditions as RFC 9110 says`(
        lines: String,
        status: Int,
        contentRange: String,
        range: Range<Int64>
    ) throws {
        let medium = Medium(count: 1000, seed: 7)
        let file = OriginFile(medium, etag: "\"v1\"", lastModified: "Sun, 06 Nov 1994 08:49:37 GMT")
        let origin = try ScriptedOrigin { file.reply(to: $0).thenClose() }
        defer { origin.stop() }
        let client = RawClient(port: origin.port)
        client.send("GET /f HTTP/1.1\r\n\(lines)\r\n\r\n")
        let bytes = client.readToEnd().bytes
        let end = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("\r\n\r\n".utf8)) })
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        #expect(head.hasPrefix("HTTP/1.1 \(status) "))
        #expect(contentRange.isEmpty || head.contains("\r\nContent-Range: \(contentRange)"))
        #expect(bytes[(end + 4)...].elementsEqual(medium.octets(in: range)))
    }

    @Test func `octets of a medium follow from the offset alone`() {
        let medium = Medium(count: 4 << 30, seed: 3)
        let far: Int64 = (4 << 30) - 200_000
        let whole = medium.octets(in: far..<far + 200_000)
        #expect(medium.octets(in: far + 65_530..<far + 65_545) == Array(whole[65_530..<65_545]))
        #expect(medium.matches(whole[3...], at: far + 3))
        #expect(!medium.matches(whole[3...], at: far + 4))
        #expect(!Medium(count: 4 << 30, seed: 4).matches(whole[...], at: far))
    }
}
