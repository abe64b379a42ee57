// What comes back: heads, bodies of every framing, interim responses.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CurlClientResponseTests {
    @Test func `status, fields and body arrive as they were sent`() async throws {
        let head =
            "HTTP/1.1 200 Fine\r\nX-a: 1\r\nx-A:  2 \r\nSet-Cookie: a\r\nEmpty:\r\nSet-Cookie: b\r\nX-Raw: \u{e9}\r\n"
        try await withClient(asking: { _ in .raw(head + "Content-Length: 5\r\n\r\nhello") }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(response.status == 200)
            #expect(response.body.length == 5)
            let expected: Fields = [
                "X-a": "1", "x-A": "2", "Set-Cookie": "a", "Empty": "", "Set-Cookie": "b", "X-Raw": "\u{e9}",
            ]
            #expect(response.fields == expected)
            #expect(try await response.body.text() == "hello")
        }
    }

    @Test(arguments: [200, 201, 206, 299, 301, 404, 416, 499, 503, 599, 600, 999])
    func `every final status passes`(status: Int) async throws {
        try await withClient(asking: { _ in .response(status, body: [0x61]) }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(response.status == status)
            #expect(try await response.body.text() == "a")
            #expect(origin.requests.count == 1)
        }
    }

    @Test(arguments: [0, 1, 16_384, 300_000, 5_000_000])
    func `bodies of every framing arrive whole`(count: Int64) async throws {
        let medium = Medium(count: count, seed: 11)
        let script: ScriptedOrigin.Script = { request in
            switch request.target {
            case "/length": .response(medium: medium)
            case "/chunked": .response(medium: medium, framing: .chunked(size: 70_000))
            default: .response(medium: medium, framing: .close)
            }
        }
        try await withClient(asking: script) { client, origin in
            for target in ["/length", "/chunked", "/close"] {
                let response = try await client.respond(to: origin.request(target))
                let octets = try await response.body.collect(upTo: Int(count))
                #expect(octets.count == Int(count))
                #expect(medium.matches(octets[...], at: 0))
                if target == "/length" { #expect(response.body.length == count) }
                guard case .stream(let source) = response.body.content else { continue }
                #expect(
                    (source as? CurlBody)?.delimiter
                        == (target == "/close" ? .close : target == "/length" ? .length : .lastChunk)
                )
                #expect((response.body.length == nil) == (target != "/length"))
            }
            #expect(origin.connections.count == 1)
        }
    }

    @Test func `a body that ends with the connection is always a stream that says so`() async throws {
        try await withClient(asking: { _ in .response(body: [1, 2], framing: .close) }) { client, origin in
            let response = try await client.respond(to: origin.request())
            guard case .stream(let source) = response.body.content else {
                Issue.record("no stream")
                return
            }
            #expect((source as? CurlBody)?.isCloseDelimited == true)
            #expect(try await response.body.collect(upTo: 2) == [1, 2])
        }
    }

    @Test func `an octet at a time is as good as all at once`() async throws {
        let reply = Reply.response(body: Array("hello".utf8), framing: .chunked(size: 2)).octetByOctet()
        try await withClient(asking: { _ in reply }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(try await response.body.text() == "hello")
        }
    }

    @Test func `HEAD, 204 and 304 have no body, whatever their fields say`() async throws {
        let script: ScriptedOrigin.Script = { request in
            if request.method == "HEAD" { return .response(200, [("Content-Length", "77")], framing: .none) }
            if request.target == "/204" { return .response(204, framing: .none) }
            return .response(304, [("Content-Length", "78"), ("ETag", "\"a\"")], framing: .none)
        }
        try await withClient(asking: script) { client, origin in
            let head = try await client.respond(to: origin.request(method: .head))
            #expect(head.body.length == 77)
            guard case .none = head.body.content else { throw BodyError.tooLong }
            let noContent = try await client.respond(to: origin.request("/204"))
            #expect(noContent.body.length == 0)
            let notModified = try await client.respond(to: origin.request("/304"))
            #expect(notModified.status == 304)
            #expect(notModified.body.length == 78)
            guard case .none = notModified.body.content else { throw BodyError.tooLong }
            // After a HEAD and a 304 with a length some origins send a body in spite of it: what follows is anyone's guess.
            #expect(try await client.respond(to: origin.request("/204")).status == 204)
            #expect(origin.requests.map(\.connection) == [0, 1, 1, 2])
        }
    }

    @Test func `content codings are not touched`() async throws {
        try await withClient(asking: { _ in .response(200, [("Content-Encoding", "gzip")], body: [9, 8, 7]) }) {
            client,
            origin in
            let response = try await client.respond(to: origin.request())
            #expect(response.fields.text(.contentEncoding) == "gzip")
            #expect(try await response.body.collect(upTo: 3) == [9, 8, 7])
        }
    }

    @Test func `an unknown transfer coding without chunks is read to the end of the connection`() async throws {
        let raw = Reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: strange\r\n\r\nabc").thenClose()
        try await withClient(asking: { _ in raw }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(response.body.length == nil)
            #expect(try await response.body.text() == "abc")
        }
    }

    @Test func `interim responses are told in order with their fields`() async throws {
        let reply = Reply.response(body: [0x61]).afterInterim(103, [("Link", "<b>")]).afterInterim(102)
        try await withClient(asking: { _ in reply }) { client, origin in
            let (interims, told) = AsyncStream<InterimResponse>.makeStream()
            var request = origin.request()
            request.onInterim = { told.yield($0) }
            let response = try await client.respond(to: request)
            told.finish()
            #expect(response.status == 200)
            var seen: [String] = []
            for await interim in interims { seen.append("\(interim.status) \(interim.fields)") }
            #expect(seen == ["102 ", "103 Link: <b>"])
        }
    }

    @Test func `trailers are dropped`() async throws {
        let raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: 1\r\n\r\n"
        try await withClient(asking: { _ in .raw(raw) }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(try await response.body.text() == "a")
            #expect(response.fields == [:])
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "<html>hello</html>",
    ])
    func `what is ambiguous or no HTTP is refused and nothing of it delivered`(raw: String) async throws {
        try await withClient(asking: { _ in .raw(raw).thenClose() }) { client, origin in
            let code = await code { _ = try await client.respond(to: origin.request()) }
            #expect(code == .invalidResponse)
            #expect(origin.requests.count == 1)
        }
    }

    @Test func `octets beyond the declared length are not the next response`() async throws {
        let gate = Gate()
        let script: ScriptedOrigin.Script = { request in
            if request.target == "/next" { return .response(body: Array("next".utf8)) }
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
            let more = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            // In one write: what comes behind the next request is its answer, as far as anybody can tell.
            guard request.target == "/late" else { return .raw(answer + more) }
            return Reply(Reply.raw(answer).steps + [.wait(gate), .raw(Array(more.utf8))])
        }
        try await withClient(asking: script) { client, origin in
            let early = try await client.respond(to: origin.request("/early"))
            #expect(try await early.body.text() == "0123456789")
            #expect(try await client.respond(to: origin.request("/next")).body.text() == "next")
            let late = try await client.respond(to: origin.request("/late"))
            #expect(try await late.body.text() == "0123456789")
            gate.open()
            try await origin.completedReplies.reach(3)
            #expect(try await client.respond(to: origin.request("/next")).body.text() == "next")
        }
    }
}
