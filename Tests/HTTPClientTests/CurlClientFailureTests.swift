// What goes wrong on the way: every broken body throws, and only what may be repeated is repeated.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CurlClientFailureTests {
    @Test(arguments: [0, 1, 1000, 700_000, 999_999])
    func `a body cut or reset before its end throws after what had come`(octets: Int64) async throws {
        let medium = Medium(count: 1_000_000)
        let script: ScriptedOrigin.Script = { request in
            switch request.target {
            case "/cut": .response(medium: medium).cut(afterBodyOctets: octets)
            case "/reset": .response(medium: medium).reset(afterBodyOctets: octets)
            case "/chunk": .response(medium: medium, framing: .chunked(size: 1 << 16)).cut(afterBodyOctets: octets)
            default:
                .response(medium: medium, range: 0..<octets, framing: .chunkedWithoutEnd(size: 1 << 16))
            }
        }
        try await withClient(asking: script) { client, origin in
            for target in ["/cut", "/reset", "/chunk", "/no-end"] {
                var got: [UInt8] = []
                let code = await code {
                    let response = try await client.respond(to: origin.request(target))
                    guard case .stream(let source) = response.body.content else { return }
                    while case .bytes(let bytes) = try await source.next() { got += bytes }
                }
                // A reset before the head was read takes the head with it.
                #expect(code == .truncated || (target == "/reset" && code == .closedBeforeResponse), "\(target)")
                #expect(medium.matches(got[...], at: 0))
                // A reset may throw away what the kernel held; a cut does not.
                if target != "/reset" { #expect(got.count == Int(octets), "\(target)") }
            }
            #expect(origin.requests.count == 4)
        }
    }

    @Test func `a declared length that is too long is a truncated body`() async throws {
        try await withClient(asking: { _ in .response(body: [1, 2, 3], framing: .declared(4)).thenClose() }) {
            client,
            origin in
            let response = try await client.respond(to: origin.request())
            let code = await code { _ = try await response.body.collect(upTo: 100) }
            #expect(code == .truncated)
        }
    }

    @Test func `a chunk size that is no number breaks the body`() async throws {
        let raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\nb\r\n0\r\n\r\n"
        try await withClient(asking: { _ in .raw(raw).thenClose() }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(await code { _ = try await response.body.collect(upTo: 100) } == .truncated)
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 103 Early\r\n\r\n"])
    func `an end before the whole head is no response`(raw: String) async throws {
        try await withClient(asking: { _ in .raw(raw).thenClose() }) { client, origin in
            #expect(await code { _ = try await client.respond(to: origin.request()) } == .closedBeforeResponse)
            #expect(origin.requests.count == 1)
        }
    }

    @Test func `nobody listening is a connection refused`() async throws {
        let nobody = try ClosedPort()
        let request = Request(authority: nobody.authority)
        try await withClient { client in
            let error = await #expect(throws: HTTPClientError.self) { _ = try await client.respond(to: request) }
            #expect(error?.code == .couldNotConnect)
            #expect(error?.proxyStatusError == "connection_refused")
            withExtendedLifetime(nobody) {}
        }
    }

    @Test func `a name without an address is a DNS error`() async throws {
        try await withClient { client in
            let request = Request(authority: "no-such-host.invalid")
            let error = await #expect(throws: HTTPClientError.self) { _ = try await client.respond(to: request) }
            #expect(error?.code == .couldNotResolve)
            #expect(error?.proxyStatusError == "dns_error")
        }
    }

    // MARK: Repeating

    /// The first connection answers one request and ends when the second has come; later connections answer.
    private func dyingScript(_ request: RecordedRequest) -> Reply {
        if request.connection == 0, request.indexOnConnection == 1 { return Reply([.close]) }
        return .response(body: Array("\(request.connection)".utf8))
    }

    @Test(arguments: [Method.get, .head, .options, .delete])
    func `an idempotent request on a used connection that dies is sent once more`(method: Method) async throws {
        try await withClient(asking: { self.dyingScript($0) }) { client, origin in
            _ = try await client.respond(to: origin.request())
            let again = try await client.respond(to: origin.request("/again", method: method))
            #expect(again.status == 200)
            #expect(origin.requests.map(\.target) == ["/", "/again", "/again"])
            #expect(origin.requests.map(\.connection) == [0, 0, 1])
        }
    }

    @Test func `it is sent once more and not twice`() async throws {
        // Three good connections first, all of which then die with the next request.
        let gate = Gate()
        let script: ScriptedOrigin.Script = { request in
            request.target == "/warm" ? Reply.response().waiting(for: gate) : Reply([.close])
        }
        try await withClient(asking: script) { client, origin in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { _ = try await client.respond(to: origin.request("/warm")) } }
                _ = try await origin.requests(count: 3)
                gate.open()
                try await group.waitForAll()
            }
            #expect(await code { _ = try await client.respond(to: origin.request("/dies")) } == .closedBeforeResponse)
            let dying = origin.requests.filter { $0.target == "/dies" }
            #expect(dying.count == 2)
            #expect(dying.last?.connection == 3)
        }
    }

    @Test(arguments: [Method.post, Method("PATCH"), .put])
    func `what may not or cannot be repeated never goes out on a used connection`(method: Method) async throws {
        try await withClient(asking: { request in
            request.method == "GET" ? .response() : Reply([.close])
        }) { client, origin in
            _ = try await client.respond(to: origin.request())
            let request = origin.request("/once", method: method, body: Body("octets"))
            #expect(await code { _ = try await client.respond(to: request) } == .closedBeforeResponse)
            #expect(origin.requests.filter { $0.target == "/once" }.count == 1)
            #expect(origin.requests.map(\.connection) == [0, 1])
        }
    }

    @Test func `a request on a new connection is not repeated`() async throws {
        try await withClient(asking: { _ in Reply([.close]) }) { client, origin in
            #expect(await code { _ = try await client.respond(to: origin.request()) } == .closedBeforeResponse)
            #expect(origin.requests.count == 1)
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK", "HTTP/1.", "H"])
    func `a request is not repeated once an octet of the response has come`(octets: String) async throws {
        try await withClient(asking: { request in
            request.indexOnConnection == 0 ? .response() : .raw(octets).thenClose()
        }) { client, origin in
            _ = try await client.respond(to: origin.request())
            #expect(await code { _ = try await client.respond(to: origin.request()) } == .closedBeforeResponse)
            #expect(origin.requests.count == 2)
        }
    }

    // MARK: Times

    @Test func `a response that does not come is a first-byte timeout`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.firstByteTimeout = .milliseconds(50)
        try await withClient(configuration, asking: { _ in Reply([.hang]) }) { client, origin in
            let error = await #expect(throws: HTTPClientError.self) {
                _ = try await client.respond(to: origin.request())
            }
            #expect(error?.code == .timeoutFirstByte)
            #expect(error?.isTimeout == true)
            #expect(error?.proxyStatusError == "http_response_timeout")
            try await origin.departures.reach(1)
            #expect(origin.requests.count == 1)
        }
    }

    @Test func `a head that never ends is a first-byte timeout`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.firstByteTimeout = .milliseconds(50)
        let raw = Reply([.raw(Array("HTTP/1.1 200 OK\r\nX: 1\r\n".utf8)), .hang])
        try await withClient(configuration, asking: { _ in raw }) { client, origin in
            #expect(await code { _ = try await client.respond(to: origin.request()) } == .timeoutFirstByte)
        }
    }

    @Test func `a body that stands still is an idle timeout and throws`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.idleTimeout = .milliseconds(50)
        let reply = Reply.response(body: [1, 2, 3, 4]).stall(afterBodyOctets: 2, until: Gate())
        try await withClient(configuration, asking: { _ in reply }) { client, origin in
            let response = try await client.respond(to: origin.request())
            #expect(await code { _ = try await response.body.collect(upTo: 100) } == .timeoutIdle)
            try await origin.departures.reach(1)
        }
    }

    @Test func `a reader that takes its time is not an idle origin`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.idleTimeout = .milliseconds(40)
        configuration.queueBytesMax = 64 << 10
        let medium = Medium(count: 20 << 20)
        let script: ScriptedOrigin.Script = { request in
            guard request.target == "/silent" else { return .response(medium: medium) }
            return .response(body: [1, 2]).stall(afterBodyOctets: 1, until: Gate())
        }
        try await withClient(configuration, asking: script) { client, origin in
            let response = try await client.respond(to: origin.request())
            // The time is what is tested: with the queue full, others are found idle one after the other.
            for _ in 0..<5 {
                let silent = try await client.respond(to: origin.request("/silent"))
                #expect(await code { _ = try await silent.body.collect(upTo: 2) } == .timeoutIdle)
            }
            let octets = try await response.body.collect(upTo: 20 << 20)
            #expect(medium.matches(octets[...], at: 0))
            #expect(octets.count == 20 << 20)
        }
    }

    @Test func `a connection that is not taken up is a connect timeout`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.connectTimeout = .milliseconds(60)
        // A TLS hello that is never answered: the connection is not ready.
        let silent = try ScriptedOrigin { _ in Reply([.hang]) }
        defer { silent.stop() }
        try await withClient(configuration) { client in
            var request = silent.request()
            request.scheme = "https"
            #expect(await code { _ = try await client.respond(to: request) } == .timeoutConnect)
        }
    }
}
