// What goes out: octets verbatim, nothing of libcurl's own, bodies as they come, credentials only where they belong.

import HTTP
import HTTPClient
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CurlClientRequestTests {
    @Test(arguments: [
        "/", "/a/../b/./c//d", "/%7e/%7E/~", "/a?b?c#d", "/?", "/{}|^`\"<>\\", "/\u{e4}\u{20ac}", "//host/x",
        "/a;b=c,d:e@f",
    ])
    func `the target goes out octet for octet`(target: String) async throws {
        try await withClient(asking: { _ in .response() }) { client, origin in
            _ = try await client.respond(to: origin.request(target))
            let seen = origin.requests[0].target.unicodeScalars.map { UInt8($0.value) }
            #expect(seen == Array(target.utf8))
        }
    }

    @Test func `the fields go out in order and libcurl adds none of its own`() async throws {
        try await withClient(asking: { _ in .response() }) { client, origin in
            _ = try await client.respond(to: origin.request())
            #expect(origin.requests[0].headerLines == ["Host: \(origin.authority)"])
            let fields: Fields = [
                "B": "1", "a": "2", "B": "3", "Empty": "", "Host": "elsewhere", "User-Agent": "me", "Accept": "text/x",
                "Content-Length": "99", "Transfer-Encoding": "chunked", "Expect": "100-continue", "Semi;": "x",
            ]
            var sent = fields
            sent.removeLines { line, fields in fields.name(of: line).contains(0x3b) }
            _ = try await client.respond(to: origin.request(fields: sent))
            #expect(
                origin.requests[1].headerLines == [
                    "Host: \(origin.authority)", "B: 1", "a: 2", "B: 3", "Empty:", "User-Agent: me", "Accept: text/x",
                ]
            )
        }
    }

    @Test(arguments: ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH", "PROPFIND", "get", "M-SEARCH"])
    func `every method goes out as it is spelt and an empty body only where one means something`(
        name: String
    ) async throws {
        try await withClient(asking: { _ in .response(204, framing: .none) }) { client, origin in
            _ = try await client.respond(to: origin.request(method: Method(name)))
            let request = origin.requests[0]
            #expect(request.method == name)
            let isMeaningful = ["POST", "PUT", "PATCH", "PROPFIND", "get", "M-SEARCH"].contains(name)
            #expect(request.values("Content-Length") == (isMeaningful ? ["0"] : []))
            #expect(request.values("Transfer-Encoding") == [])
        }
    }

    @Test func `the asterisk is a target for OPTIONS`() async throws {
        try await withClient(asking: { _ in .response() }) { client, origin in
            _ = try await client.respond(to: origin.request("*", method: .options))
            #expect(origin.requests[0].target == "*")
        }
    }

    static let unsendable: [(String, @Sendable (inout Request) -> Void)] = [
        ("a space in the target", { $0.target = Array("/a b".utf8) }),
        ("CRLF in the target", { $0.target = Array("/a\r\nX: y".utf8) }),
        ("NUL in the target", { $0.target = [0x2f, 0] }),
        ("a target that is no path", { $0.target = Array("http://x/".utf8) }),
        ("an empty target", { $0.target = [] }),
        ("no authority", { $0.authority = "" }),
        ("userinfo", { $0.authority = "a:b@\($0.authority)" }),
        ("a path in the authority", { $0.authority += "/x" }),
        ("another scheme", { $0.scheme = "file" }),
        ("CRLF in a value", { $0.fields.append(name: [0x61], value: Array("b\r\nc: d".utf8)) }),
        ("NUL in a value", { $0.fields.append(name: [0x61], value: [0x62, 0, 0x63]) }),
        ("a name that is no token", { $0.fields.append("a b", "c") }),
        ("a name that ends in a semicolon", { $0.fields.append("a;", "c") }),
        ("a method that is no token", { $0.method = Method("GE T") }),
        ("CONNECT", { $0.method = .connect }),
    ]

    @Test(arguments: unsendable.indices)
    func `what would not arrive as it is, is not sent`(index: Int) async throws {
        let (name, spoil) = Self.unsendable[index]
        try await withClient(asking: { _ in .response() }) { client, origin in
            var request = origin.request()
            spoil(&request)
            let refused = request
            #expect(await code { _ = try await client.respond(to: refused) } == .invalidRequest, "\(name)")
            #expect(origin.connections.count == 0)
        }
    }

    // MARK: Bodies

    @Test(arguments: [1, 65_536, 3_000_000], [true, false])
    func `a streamed request body arrives whole, with its length or in chunks`(
        count: Int64,
        isLengthKnown: Bool
    ) async throws {
        let medium = Medium(count: count, seed: 5)
        try await withClient(asking: { _ in .response(201) }) { client, origin in
            let source = MediumSource(medium)
            let body = Body(length: isLengthKnown ? count : nil, content: .stream(source))
            let response = try await client.respond(to: origin.request(method: .put, body: body))
            #expect(response.status == 201)
            let request = origin.requests[0]
            #expect(request.body.count == Int(count))
            #expect(medium.matches(request.body[...], at: 0))
            #expect(request.values("Content-Length") == (isLengthKnown ? ["\(count)"] : []))
            #expect(request.values("Transfer-Encoding") == (isLengthKnown ? [] : ["chunked"]))
            #expect(request.values("Expect") == [])
        }
    }

    @Test func `a request body in memory or in a file arrives whole`() async throws {
        let directory = try TemporaryDirectory()
        let medium = Medium(count: 600_000)
        let path = try directory.write(medium.octets, to: "body")
        try await withClient(asking: { _ in .response() }) { client, origin in
            _ = try await client.respond(to: origin.request(method: .post, body: Body(medium.octets)))
            let file = FileRegion(file: OpenFile(owning: try openForReading(path)), offset: 5, count: 500_000)
            let body = Body(length: 500_000, content: .file(file))
            _ = try await client.respond(to: origin.request(method: .post, body: body))
            #expect(medium.matches(origin.requests[0].body[...], at: 0))
            #expect(medium.matches(origin.requests[1].body[...], at: 5))
            #expect(origin.requests.map(\.body.count) == [600_000, 500_000])
        }
    }

    @Test(arguments: [2_999_999, 3_000_001])
    func `a request body that does not keep to its length breaks the request`(declared: Int64) async throws {
        try await withClient(asking: { _ in .response() }) { client, origin in
            let source = MediumSource(Medium(count: 3_000_000))
            let body = Body(length: declared, content: .stream(source))
            let error = await code { _ = try await client.respond(to: origin.request(method: .put, body: body)) }
            #expect(error == .requestBodyFailed)
            try await origin.departures.reach(1)
            #expect(origin.requests.isEmpty)
        }
    }

    @Test func `a request body that throws breaks the request`() async throws {
        try await withClient(asking: { _ in .response() }) { client, origin in
            let source = MediumSource(Medium(count: 3_000_000), failingAt: 1_000_000)
            let body = Body(length: nil, content: .stream(source))
            let error = await code { _ = try await client.respond(to: origin.request(method: .post, body: body)) }
            #expect(error == .requestBodyFailed)
            try await origin.departures.reach(1)
            #expect(origin.requests.isEmpty)
        }
    }

    @Test func `an origin that does not read holds the request body back`() async throws {
        let gate = Gate()
        let origin = try ScriptedOrigin(readsBodyFirst: false) { _ in
            Reply([.wait(gate), .readBody(octetsMax: .max)] + Reply.response().steps)
        }
        defer { origin.stop() }
        var configuration = HTTPClientConfiguration()
        configuration.queueBytesMax = 256 << 10
        try await withClient(configuration) { client in
            let medium = Medium(count: 64 << 20)
            let source = MediumSource(medium)
            let request = origin.request(method: .put, body: Body(length: medium.count, content: .stream(source)))
            async let response = client.respond(to: request)
            _ = try await origin.requests(count: 1)
            let held = await source.standstill()
            // The queue, the kernel's two buffers (a few MiB) and one chunk.
            #expect(held < 24 << 20)
            gate.open()
            #expect(try await response.status == 200)
            #expect(source.given == 64 << 20)
        }
    }

    @Test func `an early answer ends the upload and cancels its source`() async throws {
        let origin = try ScriptedOrigin(readsBodyFirst: false) { _ in .response(413).thenClose() }
        defer { origin.stop() }
        try await withClient { client in
            let source = MediumSource(Medium(count: 64 << 20), stopsAfter: 1 << 20)
            let request = origin.request(method: .post, body: Body(length: 64 << 20, content: .stream(source)))
            let response = try await client.respond(to: request)
            #expect(response.status == 413)
            try await source.cancelled.reach(1)
        }
    }

    @Test(arguments: [Reply.Framing.length, .chunked(size: 1), .close], [false, true])
    func `an early answer ends an upload that waits for its source`(
        _ framing: Reply.Framing,
        saysClose: Bool
    ) async throws {
        let fields = saysClose ? [("Connection", "close")] : []
        // The time in which libcurl asks for the first octets and is told to wait.
        let origin = try ScriptedOrigin(readsBodyFirst: false) { _ in
            Reply.response(413, fields, body: Array("no".utf8), framing: framing)
                .before(.pause(.milliseconds(200))).thenClose()
        }
        defer { origin.stop() }
        try await withClient { client in
            let source = MediumSource(Medium(count: 64 << 20), stopsAfter: 0)
            let request = origin.request(method: .post, body: Body(length: 64 << 20, content: .stream(source)))
            let response = try await client.respond(to: request)
            #expect(response.status == 413)
            #expect(try await response.body.text() == "no")
            try await source.cancelled.reach(1, within: .seconds(10))
        }
    }

    @Test func `with Expect 100-continue the body waits for the origin's word`() async throws {
        let origin = try ScriptedOrigin(readsBodyFirst: false) { request in
            request.value("Expect") == "100-continue"
                ? Reply([.raw(Reply.head(100, "Continue", [])), .readBody(octetsMax: .max)] + Reply.response().steps)
                : .response(500)
        }
        defer { origin.stop() }
        try await withClient { client in
            let interims = Tally("interim responses")
            var request = origin.request(method: .post, fields: ["Expect": "100-continue"], body: Body("abc"))
            request.onInterim = { _ in interims.advance() }
            let response = try await client.respond(to: request)
            #expect(response.status == 200)
            #expect(interims.count == 1)
        }
    }

    // MARK: Credentials and proxies

    @Test func `credentials go to their authority and nowhere else`() async throws {
        let mine = try ScriptedOrigin { _ in .response() }
        let other = try ScriptedOrigin { _ in .response() }
        defer {
            mine.stop()
            other.stop()
        }
        let secret = "Open Sesame"
        var configuration = HTTPClientConfiguration()
        configuration.credentials = [
            OriginCredentials(scheme: "http", authority: mine.authority, user: "Aladdin", password: secret)
        ]
        try await withClient(configuration) { client in
            _ = try await client.respond(to: mine.request())
            _ = try await client.respond(to: other.request())
            _ = try await client.respond(to: mine.request(fields: ["Authorization": "Bearer x"]))
            #expect(mine.requests[0].values("Authorization") == ["Basic QWxhZGRpbjpPcGVuIFNlc2FtZQ=="])
            #expect(mine.requests[1].values("Authorization") == ["Bearer x"])
            #expect(other.requests[0].values("Authorization") == [])
            mine.stop()
            let error = await #expect(throws: HTTPClientError.self) { _ = try await client.respond(to: mine.request()) }
            for text in ["\(error as Any)", "\(configuration)", String(reflecting: configuration)] {
                #expect(!text.contains("Sesame") && !text.contains("QWxh"))
            }
        }
    }

    @Test func `the environment's proxy is ignored`() async throws {
        // In a process of its own: the environment cannot be changed under the feet of other tests.
        await #expect(processExitsWith: .success) {
            setEnvironment("http_proxy", "http://127.0.0.1:1")
            setEnvironment("ALL_PROXY", "http://127.0.0.1:1")
            try await withClient(asking: { _ in .response() }) { client, origin in
                _ = try await client.respond(to: origin.request("/x"))
                try #require(origin.requests[0].target == "/x")
            }
        }
    }

    @Test func `the configuration's proxy is asked in absolute-form`() async throws {
        let proxy = try ScriptedOrigin { _ in .response() }
        defer { proxy.stop() }
        var configuration = HTTPClientConfiguration()
        configuration.originProxy = proxy.url
        try await withClient(configuration) { client in
            let request = Request(authority: "media.example:81", target: Array("/y?z".utf8))
            let response = try await client.respond(to: request)
            #expect(response.status == 200)
            #expect(proxy.requests[0].target == "http://media.example:81/y?z")
            #expect(proxy.requests[0].values("Host") == ["media.example:81"])
        }
    }

    @Test(arguments: [
        ("http", "h", "http", "h:80", true), ("https", "H", "https", "h:443", true),
        ("http", "h", "http", "h:81", false),
        ("http", "h", "https", "h", false), ("http", "h:443", "https", "h:443", false),
        ("http", "h", "http", "hh", false),
    ])
    func `credentials apply to the same scheme, host and port`(
        scheme: String,
        authority: String,
        toScheme: String,
        toAuthority: String,
        apply: Bool
    ) {
        let credentials = OriginCredentials(scheme: scheme, authority: authority, user: "u", password: "p")
        #expect(credentials.apply(toScheme: toScheme, authority: toAuthority) == apply)
    }
}
