// HTTPS and HTTP/2 against nginx.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite(
    .timeLimit(.minutes(5)),
    .enabled(if: Nginx.isInstalled, "needs /usr/sbin/nginx (Debian: nginx-light) and /usr/bin/openssl")
)
struct CurlClientTLSTests {
    private func withNginx(
        options: String = "",
        http2: Bool = true,
        trusted: Bool = true,
        _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
        _ body: (CurlClient, Nginx) async throws -> Void
    ) async throws {
        let nginx = try Nginx(options: options, http2: http2)
        defer { nginx.stop() }
        var configuration = configuration
        if trusted { configuration.extraCAFile = nginx.certificate }
        try await withClient(configuration) { client in try await body(client, nginx) }
    }

    private func request(_ nginx: Nginx, _ target: String, method: Method = .get, fields: Fields = [:]) -> Request {
        Request(method: method, scheme: "https", authority: nginx.authority, target: Array(target.utf8), fields: fields)
    }

    @Test(arguments: [(true, true), (true, false), (false, true)])
    func `a medium arrives over HTTP/2 and HTTP/1.1, whole and in ranges`(offered: Bool, spoken: Bool) async throws {
        var configuration = HTTPClientConfiguration()
        configuration.usesHTTP2 = offered
        let options = "add_header X-Protocol $server_protocol; add_header X-Connection $connection;"
        try await withNginx(options: options, http2: spoken, configuration) { client, nginx in
            let medium = Medium(count: 20_000_000)
            try nginx.add(medium, as: "a.mp4")
            let whole = try await client.respond(to: request(nginx, "/a.mp4"))
            #expect(whole.status == 200)
            #expect(whole.fields.text("X-Protocol") == (offered && spoken ? "HTTP/2.0" : "HTTP/1.1"))
            #expect(whole.body.length == 20_000_000)
            #expect(medium.matches(try await whole.body.collect(upTo: 20_000_000)[...], at: 0))
            let part = try await client.respond(to: request(nginx, "/a.mp4", fields: ["Range": "bytes=1000-1999"]))
            #expect(part.status == 206)
            #expect(medium.matches(try await part.body.collect(upTo: 1000)[...], at: 1000))
            #expect(part.fields.text("X-Connection") == whole.fields.text("X-Connection"))
            let missing = try await client.respond(to: request(nginx, "/missing", method: .head))
            #expect(missing.status == 404)
        }
    }

    @Test func `an unknown certificate is refused`() async throws {
        try await withNginx(trusted: false) { client, nginx in
            let error = await #expect(throws: HTTPClientError.self) {
                _ = try await client.respond(to: request(nginx, "/"))
            }
            #expect(error?.code == .tls)
            #expect(error?.proxyStatusError == "tls_certificate_error")
        }
    }

    @Test func `a certificate for another name is refused`() async throws {
        try await withNginx { client, nginx in
            var request = request(nginx, "/")
            request.authority = "127.0.0.2:\(nginx.port)"
            let code = await code { _ = try await client.respond(to: request) }
            // Nothing listens there on some machines; on none is it an answer.
            #expect(code == .tls || code == .couldNotConnect)
        }
    }

    @Test func `a hundred requests at once share a few HTTP/2 connections`() async throws {
        try await withNginx(options: "add_header X-Connection $connection;") { client, nginx in
            let medium = Medium(count: 100_000)
            try nginx.add(medium, as: "a")
            let connections = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let response = try await client.respond(to: request(nginx, "/a"))
                        let octets = try await response.body.collect(upTo: 100_000)
                        return medium.matches(octets[...], at: 0) ? response.fields.text("X-Connection") : nil
                    }
                }
                return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(!connections.contains(nil))
            #expect(connections.count <= 2)
        }
    }

    @Test func `an HTTP/2 stream whose reader does not read does not hold up the others`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.idleTimeout = .seconds(5)
        configuration.firstByteTimeout = .seconds(5)
        try await withNginx(options: "add_header X-Connection $connection;", configuration) { client, nginx in
            let medium = Medium(count: 50_000_000)
            try nginx.add(medium, as: "a")
            let paused = try await client.respond(to: request(nginx, "/a"))
            for _ in 0..<3 {
                let other = try await client.respond(to: request(nginx, "/a"))
                #expect(other.fields.text("X-Connection") == paused.fields.text("X-Connection"))
                #expect(medium.matches(try await other.body.collect(upTo: 50_000_000)[...], at: 0))
            }
            #expect(medium.matches(try await paused.body.collect(upTo: 50_000_000)[...], at: 0))
        }
    }

    @Test func `over TLS a body that ends with the connection needs close_notify, RFC 9112 section 9.8`() async throws {
        let origin = try ScriptedOrigin { request in
            let reply = Reply.response(body: Array("abcd".utf8), framing: .chunked(size: 2))
            return request.target == "/whole" ? reply : reply.stall(afterBodyOctets: 2, until: Gate())
        }
        defer { origin.stop() }
        // nginx hands a chunked body on without its chunks.
        let options = """
            location / {
                proxy_pass http://\(origin.authority); proxy_http_version 1.1; proxy_buffering off;
                chunked_transfer_encoding off;
            }
            """
        try await withNginx(options: options, http2: false) { client, nginx in
            let whole = try await client.respond(to: request(nginx, "/whole"))
            guard case .stream(let source) = whole.body.content else { throw BodyError.tooLong }
            #expect((source as? CurlBody)?.delimiter == .close)
            #expect(try await whole.body.text() == "abcd")
            let broken = try await client.respond(to: request(nginx, "/broken"))
            guard case .stream(let half) = broken.body.content else { throw BodyError.tooLong }
            #expect(try await half.next()?.count == 2)
            nginx.crash()
            let error = await #expect(throws: HTTPClientError.self) { _ = try await half.next() }
            #expect(error?.code == .truncated)
            #expect(error?.curlCode == 0)
        }
    }

    @Test func `a request body goes over HTTP/2`() async throws {
        try await withNginx(options: "location /x { return 200; }") {
            client,
            nginx in
            let source = MediumSource(Medium(count: 100_000))
            var post = request(nginx, "/x", method: .post)
            post.body = Body(length: 100_000, content: .stream(source))
            let response = try await client.respond(to: post)
            #expect(response.status == 200)
        }
    }

    @Test func `a thousand HTTP/2 requests survive the connections that nginx ends`() async throws {
        try await withNginx(options: "keepalive_requests 20;") { client, nginx in
            let medium = Medium(count: 1000)
            try nginx.add(medium, as: "a")
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    if number >= 16 {
                        let isRight = try await group.next()
                        #expect(isRight == true)
                    }
                    group.addTask {
                        let response = try await client.respond(to: request(nginx, "/a"))
                        return medium.matches(try await response.body.collect(upTo: 1000)[...], at: 0)
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }
}
