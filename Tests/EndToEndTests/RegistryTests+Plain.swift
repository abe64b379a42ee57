// Peers that have nothing but curl stay welcome, and never get at what belongs to a key.

import TestSupport
import Testing

extension RegistryTests {
    @Test func `with --open a URL sent by curl -T is registered, found by curl and taken back`() async throws {
        let registry = try await RunningRegistry.start("--open")
        let carol = "\(registry.base)/peers/Carol"
        #expect(try await CurlAnswer.of("-T", "-", carol, input: "http://localhost:9999\n").status == 201)
        let found = try await CurlAnswer.of(carol)
        #expect(found.status == 200 && found.contentType.hasPrefix("text/plain"))
        #expect(found.body == "http://localhost:9999/" || found.body == "http://localhost:9999", "\(found.body)")
        #expect(try await CurlAnswer.of("-T", "-", carol, input: "http://localhost:9998").status == 200)
        #expect(try await CurlAnswer.of(carol).body.contains("9998"))
        #expect(try await CurlAnswer.of("-X", "DELETE", carol).status == 204)
        #expect(try await CurlAnswer.of(carol).status == 404)
    }

    @Test func `without --open a URL sent by curl -T is refused and nobody is registered`() async throws {
        let registry = try await RunningRegistry.start()
        let carol = "\(registry.base)/peers/Carol"
        let answer = try await CurlAnswer.of("-T", "-", carol, input: "http://localhost:9999\n")
        #expect(answer.status == 415 && answer.body.contains("--open"), "\(answer)")
        #expect(try await CurlAnswer.of(carol).status == 404)
    }

    @Test func `a URL without a key is never taken for a name that has one, not even after its peer left`() async throws
    {
        let registry = try await RunningRegistry.start("--open")
        let alice = try await client("Alice", registry)
        let name = "\(registry.base)/peers/Alice"
        let before = try await CurlAnswer.of(name).body
        for spelling in ["Alice", "ALICE", "%41lice"] {
            let url = "\(registry.base)/peers/\(spelling)"
            let answer = try await CurlAnswer.of("-T", "-", url, input: "http://localhost:9999")
            #expect(answer.status == 409 && answer.body.contains("belongs to a key"), "\(spelling): \(answer)")
            #expect(try await CurlAnswer.of("-X", "DELETE", url).status == 401)
        }
        #expect(try await CurlAnswer.of(name).body == before)
        #expect(try await alice.finish().status == 0)
        #expect(try await CurlAnswer.of(name).status == 404)
        #expect(try await CurlAnswer.of("-T", "-", name, input: "http://localhost:9999").status == 409)
        #expect(try await CurlAnswer.of(name).status == 404)
    }

    @Test func `what curl posts to a client is shown as not encrypted, and its sender as a claim`() async throws {
        let registry = try await RunningRegistry.start()
        let alice = try await client("Alice", registry)
        let plain = ["-H", "Content-Type: text/plain"]
        #expect(try await CurlAnswer.of(["-d", "hi"] + plain + [alice.base]).status == 200)
        try await alice.shown { $0.hasPrefix("(not encrypted) 127.0.0.1") && $0.hasSuffix(": hi") }
        let named = try await CurlAnswer.of(["-d", "hello", "-H", "From: Carol"] + plain + [alice.base])
        #expect(named.status == 200)
        try await alice.shown { $0 == "(not encrypted) Carol: hello" }
        // A web page may not: neither one that says so nor one whose name was bent to this machine.
        for claim in ["Origin: http://evil.example", "Host: evil.example"] {
            let answer = try await CurlAnswer.of(["-d", "from a page", "-H", claim] + plain + [alice.base])
            #expect(answer.status == 403, "\(claim)")
        }
        #expect(try await CurlAnswer.of(["-d", "last"] + plain + [alice.base]).status == 200)
        try await alice.shown { $0.hasSuffix(": last") }
        #expect(alice.lines.count == 3, "\(alice.transcript)")
        #expect(try await alice.finish().status == 0)
    }

    @Test func `nothing is sent to a plain peer before /plain, then it is sent as text`() async throws {
        let registry = try await RunningRegistry.start("--open")
        let carol = try ScriptedOrigin { _ in .response(200, body: Array("received\n".utf8)) }
        defer { carol.stop() }
        let url = "\(registry.base)/peers/Carol"
        #expect(try await CurlAnswer.of("-T", "-", url, input: carol.url).status == 201)
        let alice = try await client("Alice", registry)
        try alice.type("@Carol: hello Carol")
        try await alice.said { $0.contains("Carol takes plain text only") && $0.contains("/plain Carol") }
        #expect(carol.requests.isEmpty)
        try alice.type("/plain Carol")
        let request = try #require(try await carol.requests(count: 1).first)
        #expect(request.method == "POST" && request.value("Content-Type")?.hasPrefix("text/plain") == true)
        #expect(String(decoding: request.body, as: UTF8.self) == "hello Carol")
        let outcome = try await alice.finish()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(carol.requests.count == 1)
    }

    @Test func `with --no-seal a plain peer is written to at once`() async throws {
        let registry = try await RunningRegistry.start("--open")
        let carol = try ScriptedOrigin { _ in .response(200) }
        defer { carol.stop() }
        #expect(try await CurlAnswer.of("-T", "-", "\(registry.base)/peers/Carol", input: carol.url).status == 201)
        let alice = try await client("Alice", registry, "--no-seal")
        try alice.type("@Carol: hello")
        #expect(try await alice.finish().status == 0)
        #expect(carol.requests.map { String(decoding: $0.body, as: UTF8.self) } == ["hello"])
    }

    @Test func `with --public nobody is listed, no name is suggested and no local URL is taken`() async throws {
        let registry = try await RunningRegistry.start("--public", "--open")
        let peer = try SignedPeer("Dora")
        let inside = try await SignedPeer.put(try peer.record(1), at: registry.base)
        #expect(inside.status == 400, "\(inside)")
        #expect(
            try await CurlAnswer.of("-T", "-", "\(registry.base)/peers/Carol", input: "http://10.1.2.3/").status == 400
        )
        let outside = try await SignedPeer.put(try peer.record(2, url: "http://93.184.216.34/"), at: registry.base)
        #expect(outside.status == 201, "\(outside)")
        #expect(try await CurlAnswer.of("\(registry.base)/peers").status == 404)
        let near = try await CurlAnswer.of("\(registry.base)/peers/Dor")
        #expect(near.status == 404 && !near.body.contains("Dora"), "\(near)")
        #expect(try await CurlAnswer.of("\(registry.base)/peers?ids=Dora").body.contains("93.184.216.34"))
    }
}
