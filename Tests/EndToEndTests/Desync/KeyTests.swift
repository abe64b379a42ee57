// What is asked of the origin is what the client named, octet for octet, and what is kept is kept under just that.

import TestSupport
import Testing

@Suite struct KeyTests {
    /// Asks for `target`, with more header lines if need be, and returns the answer.
    private func get(_ target: String, _ cdn: RunningCDN, _ lines: String = "") async throws -> RawResponse? {
        let request =
            "GET \(target) HTTP/1.1\r\n\(lines.contains("Host:") ? "" : "Host: h\r\n")\(lines)Connection: close\r\n\r\n"
        let (octets, _) = try await RawConnection.exchange(request.latin1, with: cdn.base)
        return RawResponse.all(in: octets).responses.first
    }

    /// An origin that says what it was asked, for a long time.
    private func echo() throws -> ScriptedOrigin {
        try ScriptedOrigin { request in
            .response(200, [("Cache-Control", "max-age=600")], body: request.target.latin1)
        }
    }

    @Test func `targets that a reader might take for one are asked apart and kept apart`() async throws {
        let origin = try echo()
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        let targets = [
            "/a/b", "/a%2Fb", "/a%2fb", "/A/b", "/a/B", "/%61/b", "/a/%62", "/a//b", "//a/b", "/a/b/", "/a/./b",
            "/a/c/../b",
            "/a/b?", "/a/b??", "/a/b?x", "/a/b?X", "/a/b?x=", "/a/b?x&", "/a/b?&x", "/a/b?x&y", "/a/b?y&x", "/a/b;",
            "/a/b;x", "/a/b%3Bx",
            "/a/b%3Fx", "/a/b%23x", "/a+b", "/a%20b", "/a%2Bb", "/a\\b", "/a%5Cb", "/a/b%", "/a/b%2", "/a/b%zz",
            "/a/b%20", "/a/b.",
            "/a/b/account.php/x.css", "/*", "/a:80", "/http://h/a/b", "/a/b'", "/a/b\"", "/a/b|", "/a/b?a[]=1",
            "/a/b?a%5B%5D=1",
        ]
        for round in 0..<2 {
            for target in targets {
                let answer = try await get(target, cdn)
                #expect(answer?.bodyText == target, "round \(round)")
                #expect(answer?.value("Cache-Status")?.contains("; hit") == (round == 1), "\(target), round \(round)")
            }
        }
        #expect(origin.requests.map(\.target) == targets)
        try await cdn.stop()
    }

    @Test func `the client's Host neither reaches the origin nor divides the cache, nor does an absolute target's`()
        async throws
    {
        let origin = try echo()
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        let lines = [
            "Host: h\r\n", "Host: evil.example\r\n", "Host: evil.example:81\r\n", "Host: [::1]\r\n",
            "Host: h\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nX-Host: evil.example\r\n",
            "Host: h\r\nX_Forwarded_Host: evil.example\r\nX-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\n",
        ]
        for line in lines {
            let answer = try await get("/page", cdn, line)
            #expect(answer?.bodyText == "/page")
        }
        #expect(try await get("http://evil.example/page", cdn, "Host: evil.example\r\n")?.bodyText == "/page")
        #expect(origin.requests.count == 1)
        // Nothing of it is passed on a miss either.
        for (index, line) in lines.enumerated() { _ = try await get("/miss-\(index)", cdn, line) }
        for request in origin.requests {
            #expect(request.values("Host") == [origin.authority])
            #expect(!request.headerLines.contains { $0.contains("evil") }, "\(request.headerLines)")
        }
        try await cdn.stop()
    }

    @Test(arguments: ["film.mp4", ""])
    func `no path leads out of the directory that was given`(name: String) async throws {
        let origin = try echo()
        defer { origin.stop() }
        let cdn = try await RunningCDN.start("\(origin.url)/media/\(name)", store: "none")
        let climbing = [
            "/..", "/../secret", "/a/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret", "/..\\secret",
            "/..%5csecret", "/..;/secret", "//../secret", "/%252e%252e/secret", "/a%2f..%2f..%2fsecret",
            "http://h/../secret",
        ]
        for target in climbing + ["/x%00", "/x%0d%0aX:%20y", "/x%0A"] {
            let answer = try await get(target, cdn)
            #expect(answer?.status == 400, "\(target)")
            #expect(
                answer?.value("Via") == "1.1 waystation" && answer?.value("Cache-Status") == "waystation",
                "\(target)"
            )
        }
        #expect(origin.requests.isEmpty)
        for target in ["/a/../b", "/./c", "/a%2fb", "/..a", "/x?/../../y", "/x?%0d%0a"] {
            #expect(try await get(target, cdn)?.bodyText == "/media\(target)")
        }
        try await cdn.stop()
    }

    @Test(arguments: ["private, max-age=600", "no-store", "max-age=0", ""])
    func `a page that is one person's is not kept because its path ends like a file's`(control: String) async throws {
        let origin = try ScriptedOrigin { request in
            let fields = control.isEmpty ? [] : [("Cache-Control", control)]
            return .response(200, fields, body: Array((request.value("Cookie") ?? "nobody").utf8))
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        let tails = [
            "/x.css", "/x.js", "/x.mp4", ";x.css", "%2Fx.css", "?x.css", "%3Fx.css", "%23x.css", "%00.css",
            "/..%2fx.css",
        ]
        for tail in tails {
            for person in ["alice", "bob", "carol"] {
                let answer = try await get("/account.php\(tail)", cdn, "Cookie: \(person)\r\n")
                // A path with an encoded NUL goes nowhere at all.
                guard answer?.status != 400 else { continue }
                #expect(answer?.bodyText == person, "\(tail)")
            }
        }
        #expect(origin.requests.count == 3 * (tails.count - 1))
        try await cdn.stop()
    }
}
