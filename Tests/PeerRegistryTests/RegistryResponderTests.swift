// Tests of the registry's HTTP, without a socket.

import HTTP
import PeerIdentity
import PeerRegistry
import Synchronization
import Testing

struct RegistryResponderTests {
    private let alice: IdentityKey
    private let mallory: IdentityKey

    init() throws {
        alice = try RegistryFixture.identity(0)
        mallory = try RegistryFixture.identity(100)
    }

    private func record(
        _ name: String = "Alice",
        sequence: UInt64 = 1,
        url: String = "http://127.0.0.1:8081/"
    )
        throws -> PeerRecord
    {
        try RegistryFixture.record(name, by: alice, sequence: sequence, url: url)
    }

    /// Sends a record under a signature that is not its key's.
    private func forge(_ record: PeerRecord, in fixture: RegistryFixture) async throws -> Answer {
        let signature = try alice.sign(Array("something else".utf8))
        let compact = SignedPeerRecord(record: record, signature: signature).compact
        let path = "/peers/\(record.identifier.pathSegment)"
        return try await fixture.send(.put, path, ["Content-Type": "application/jwt"], body: compact)
    }

    // MARK: Registering

    @Test(arguments: [false, true]) func `a peer registers, is found, renews, leaves`(_ isDistant: Bool) async throws {
        let fixture = RegistryFixture(hidesImage: isDistant)
        let first = try await fixture.register(record(), by: alice)
        #expect(first.status == 201)
        #expect(Base64URL.decode(first.lease.utf8)?.count == 32)
        let again = try await fixture.register(record(), by: alice)
        #expect(again.status == 200 && again.lease == first.lease)
        let found = try await fixture.send(.get, "/peers/alice")
        #expect(found.status == 200 && found.text == "http://127.0.0.1:8081/")
        fixture.advance(seconds: 20)
        #expect(try await fixture.renew("Alice", counter: 1, lease: first.lease).status == 200)
        fixture.advance(seconds: 20)
        #expect(try await fixture.send(.get, "/peers/Alice").status == 200)
        #expect(try await fixture.leave("Alice", sequence: 1, by: mallory).status == 401)
        #expect(try await fixture.leave("Alice", sequence: 1, by: alice).status == 204)
        #expect(try await fixture.send(.get, "/peers/Alice").status == 404)
        #expect(try await fixture.leave("Alice", sequence: 1, by: alice).status == 404)
    }

    @Test func `a renewal with a wrong MAC, an old n or no lease is 401 and says what to send`() async throws {
        let fixture = RegistryFixture()
        let lease = try await fixture.register(record(), by: alice).lease
        #expect(try await fixture.renew("Alice", counter: 5, lease: lease).status == 200)
        #expect(try await fixture.renew("Alice", counter: 5, lease: lease).status == 401)
        let wrong = try await fixture.renew(
            "Alice",
            counter: 6,
            lease: Base64URL.encode([UInt8](repeating: 0, count: 32))
        )
        #expect(wrong.status == 401 && wrong.text.contains("send the record"))
        #expect(wrong.fields.text("WWW-Authenticate") == "Peer")
        #expect(try await fixture.renew("Nobody", counter: 6, lease: lease).status == 401)
        fixture.advance(seconds: 30)
        #expect(try await fixture.renew("Alice", counter: 6, lease: lease).status == 401)
    }

    @Test func `a record that another key signed is 401, before anything changes`() async throws {
        let fixture = RegistryFixture()
        #expect(try await forge(record(), in: fixture).status == 401)
        #expect(fixture.store.count == 0)
    }

    @Test func `another key and a low seq are 409, and it says which`() async throws {
        let fixture = RegistryFixture()
        _ = try await fixture.register(record(sequence: 7), by: alice)
        let theirs = try await fixture.register(RegistryFixture.record(by: mallory, sequence: 9), by: mallory)
        #expect(theirs.status == 409 && theirs.text.contains("another key"))
        let low = try await fixture.register(record(sequence: 6), by: alice)
        #expect(low.status == 409 && low.text.contains("seq 6 is too low") && low.text.contains("seq 7"))
    }

    @Test func `a name is handed over with both signatures, not with one that is wrong`() async throws {
        let fixture = RegistryFixture()
        _ = try await fixture.register(record(), by: alice)
        let handover = PeerHandover(identifier: try PeerIdentifier("Alice"), sequence: 2, newKey: mallory.publicKey)
        var next = try RegistryFixture.record(by: mallory, sequence: 2, handover: handover.signed(by: mallory))
        #expect(try await fixture.register(next, by: mallory).status == 401)
        next.handover = try handover.signed(by: alice)
        #expect(try await forge(next, in: fixture).status == 401)
        #expect(try await fixture.register(next, by: mallory).status == 200)
        #expect(try await fixture.register(record(sequence: 3), by: alice).status == 409)
    }

    @Test(arguments: [
        ("application/jwt", "x", 400), ("application/jwt; charset=utf-8", "", 400), ("text/plain", "http://a/", 415),
        ("", "http://a/", 415), ("", "", 400), ("application/json", "{}", 415),
    ])
    func `a body that is no record is refused`(type: String, body: String, status: Int) async throws {
        let fixture = RegistryFixture()
        let fields: Fields = type.isEmpty ? [:] : ["Content-Type": type]
        #expect(try await fixture.send(.put, "/peers/A", fields, body: Array(body.utf8)).status == status)
    }

    @Test func `a record of another name, expired or from the future is 400`() async throws {
        let fixture = RegistryFixture()
        let compact = try record().signed(by: alice).compact
        let jwt: Fields = ["Content-Type": "application/jwt"]
        #expect(try await fixture.send(.put, "/peers/Bob", jwt, body: compact).status == 400)
        fixture.advance(seconds: 3_600)
        #expect(try await fixture.send(.put, "/peers/Alice", jwt, body: compact).status == 400)
        fixture.advance(seconds: -3_661)
        #expect(try await fixture.send(.put, "/peers/Alice", jwt, body: compact).status == 400)
        fixture.advance(seconds: 1)
        #expect(try await fixture.send(.put, "/peers/Alice", jwt, body: compact).status == 201)
    }

    @Test(arguments: [8_192, 8_193]) func `a body has at most 8 KiB`(_ count: Int) async throws {
        let answer = try await RegistryFixture().send(
            .put,
            "/peers/A",
            ["Content-Type": "application/jwt"],
            body: [UInt8](repeating: 0x61, count: count)
        )
        #expect(answer.status == (count > 8_192 ? 413 : 400))
    }

    @Test func `an entry that others change each time is given up after the attempts allowed`() async throws {
        let memory = MemoryPeerStore(secret: [UInt8](repeating: 1, count: 32))
        let store = DistantStore(memory)
        let url = try PeerURL("http://127.0.0.1:1/")
        let name = try PeerIdentifier("Alice")
        let now = RegistryFixture.start
        store.beforeChange.value = { memory in
            let entry = PeerEntry(
                content: .plain(name, url),
                presentUntil: now,
                isPresent: true,
                heldSince: now,
                heldUntil: now
            )
            _ = memory.applyNow([
                PeerChange(entry: entry, name: "alice", expected: memory.revision(of: "alice"), kind: .join)
            ])
        }
        let registry = Registry(store: store, clock: ContinuousClock(), now: { now })
        let request = Request(
            method: .put,
            target: Array("/peers/Alice".utf8),
            fields: ["Content-Type": "application/jwt"],
            body: Body(try record().signed(by: alice).compact)
        )
        let response = try await RegistryResponder(registry).respond(to: request)
        #expect(response.status == 503 && response.fields.text("Retry-After") == "1")
        #expect(memory.lastRevision == 8)
        // The signature is checked once all the same.
        #expect(registry.metrics.signatures.load(ordering: .relaxed) == 1)
    }

    // MARK: Plain

    @Test func `a registry that is open takes URLs, but never over a keyed name`() async throws {
        let fixture = RegistryFixture { $0.isOpen = true }
        let url = Array(" \r\nhttp://localhost:9999\n".utf8)
        #expect(try await fixture.send(.put, "/peers/Carol", body: url).status == 201)
        #expect(try await fixture.send(.put, "/peers/Carol", ["Content-Type": "text/plain"], body: url).status == 200)
        #expect(try await fixture.send(.get, "/peers/carol").text == "http://localhost:9999")
        #expect(try await fixture.send(.put, "/peers/Carol", body: Array("ftp://a/".utf8)).status == 400)
        #expect(try await fixture.send(.put, "/peers/Carol", body: [0xff, 0xfe]).status == 400)
        _ = try await fixture.register(record(), by: alice)
        #expect(try await fixture.send(.put, "/peers/Alice", body: url).status == 409)
        #expect(try await fixture.send(.delete, "/peers/Alice").status == 401)
        let asked = try await fixture.send(.get, "/peers/Carol", ["Accept": "application/jwt"])
        #expect(asked.status == 200 && asked.fields.text("Content-Type")?.hasPrefix("text/plain") == true)
        #expect(try await fixture.send(.delete, "/peers/Carol").status == 204)
        #expect(try await fixture.send(.get, "/peers/Carol").status == 404)
    }

    @Test(arguments: [
        ("http://localhost:1/", 400), ("http://127.0.0.1:1/", 400), ("http://192.168.1.1/", 400),
        ("http://[::1]:1/", 400), ("http://[fe80::1]/", 400), ("http://0x7f.1/", 400), ("http://printer/", 400),
        ("http://a.local/", 400), ("http://example.org/", 201), ("http://8.8.8.8/", 201), ("http://169.254.1.1/", 400),
    ])
    func `a public registry refuses URLs that only its neighbours could mean`(url: String, status: Int) async throws {
        let fixture = RegistryFixture {
            $0.isOpen = true
            $0.isPublic = true
        }
        #expect(try await fixture.send(.put, "/peers/A", body: Array(url.utf8)).status == status)
    }

    @Test(arguments: ["http://169.254.1.1/", "http://0.0.0.0:80/", "http://224.0.0.1/", "http://[::]/"])
    func `no registry takes an address that nobody must connect to`(url: String) async throws {
        let fixture = RegistryFixture { $0.isOpen = true }
        #expect(try await fixture.send(.put, "/peers/A", body: Array(url.utf8)).status == 400)
    }

    // MARK: Look-up

    @Test func `each form has its type, tag and age`() async throws {
        let fixture = RegistryFixture()
        let signed = try record("Alice").signed(by: alice)
        _ = try await fixture.register(signed.record, by: alice)
        fixture.advance(seconds: 7)
        let url = try await fixture.send(.get, "/peers/Alice")
        #expect(url.fields.text("Cache-Control") == "max-age=23")
        #expect(url.fields.text("Vary") == "Accept")
        let jwt = try await fixture.send(.get, "/peers/Alice", ["Accept": "application/jwt"])
        #expect(jwt.fields.text("Content-Type") == "application/jwt")
        #expect(jwt.body.elementsEqual(try record().signed(by: alice).compact) || jwt.body.count > 400)
        #expect(try SignedPeerRecord(parsing: jwt.body).isSignatureValid)
        let json = try await fixture.send(.get, "/peers/Alice", ["Accept": "application/json"])
        #expect(json.fields.text("Content-Type") == "application/json")
        let expected = """
            {"id":"Alice","url":"http://127.0.0.1:8081/","key":"\(alice.publicKey.base64URL)",\
            "expires":1800000030,"sequence":1,"record":"\(jwt.text)"}
            """
        #expect(json.text == expected)
        let tags = [url, jwt, json].compactMap { $0.fields.text("ETag") }
        #expect(Set(tags).count == 3)
        for (tag, accept) in zip(tags, ["*/*", "application/jwt", "application/json"]) {
            let same = try await fixture.send(
                .get,
                "/peers/Alice",
                ["Accept": accept, "If-None-Match": "\"x\", \(tag)"]
            )
            #expect(same.status == 304 && same.body.isEmpty && same.fields.text("ETag") == tag)
        }
    }

    @Test func `who is not there has no nearest names in public`() async throws {
        for isPublic in [false, true] {
            let fixture = RegistryFixture { $0.isPublic = isPublic }
            let url = "http://192.0.2.1/"
            let status = try await fixture.register(record(url: isPublic ? "http://example.org/" : url), by: alice)
                .status
            #expect(status == 201)
            let answer = try await fixture.send(.get, "/peers/Alcie")
            #expect(answer.status == 404)
            #expect(answer.text.contains("Alice") == !isPublic)
        }
    }

    @Test(arguments: [
        "/peers/%zz", "/peers/a%2", "/peers/-a", "/peers/a%00", "/peers/a%20", "/peers/%D0%B0b", "/peers/a!",
    ])
    func `a name that is none is 400`(_ target: String) async throws {
        #expect(try await RegistryFixture().send(.get, target).status == 400)
    }

    @Test(arguments: [
        (Method.post, "/peers/A", 405, "GET, HEAD, PUT, DELETE"), (.put, "/peers", 405, "GET, HEAD"),
        (.delete, "/changes", 405, "GET, HEAD"), (.post, "/", 405, "GET, HEAD"), (.get, "/peer", 404, ""),
        (.get, "/peers/", 404, ""), (.get, "/peers/a/b", 404, ""), (.get, "/changes/", 404, ""),
    ])
    func `what is not offered is 405 or 404`(
        _ method: Method,
        _ target: String,
        _ status: Int,
        _ allow: String
    ) async throws {
        let answer = try await RegistryFixture().send(method, target)
        #expect(answer.status == status)
        #expect((answer.fields.text("Allow") ?? "") == allow)
    }

    @Test func `a person is told how to use it`() async throws {
        #expect(try await RegistryFixture().send(.get, "/").text.contains("curl"))
        #expect(try await RegistryFixture { $0.isOpen = true }.send(.get, "/").text.contains("curl -T -"))
    }

    // MARK: Batch and listing

    @Test(arguments: [false, true]) func `a batch gives the URL of each that is there`(_ isDistant: Bool) async throws {
        let fixture = RegistryFixture(hidesImage: isDistant)
        for name in ["Alice", "Bob", "Ada L", "Ørsted"] {
            _ = try await fixture.register(record(name, url: "http://127.0.0.1/\(name.utf8.count)"), by: alice)
        }
        let answer = try await fixture.send(.get, "/peers?ids=alice,BOB%2cCarol,,Ada%20L,%C3%98rsted,alice")
        let expected = """
            {"alice":"http://127.0.0.1/5","BOB":"http://127.0.0.1/3",\
            "Ada L":"http://127.0.0.1/5","Ørsted":"http://127.0.0.1/7"}
            """
        #expect(answer.text == expected)
        #expect(answer.fields.text("Content-Type") == "application/json")
        #expect(try await fixture.send(.get, "/peers?ids=").text == "{}")
        for bad in ["a,%zz", "a,-", "a+b", "a&ids=b", "a,b%2"] {
            #expect(try await fixture.send(.get, "/peers?ids=\(bad)").status == 400, "\(bad)")
        }
    }

    @Test func `a batch has a limit`() async throws {
        let fixture = RegistryFixture { $0.batchMax = 3 }
        #expect(try await fixture.send(.get, "/peers?ids=a,b,c").status == 200)
        #expect(try await fixture.send(.get, "/peers?ids=a,b,c,d").status == 400)
    }

    @Test func `a listing gives present peers page by page`() async throws {
        let fixture = RegistryFixture()
        for name in ["c", "B", "a", "D"] { _ = try await fixture.register(record(name), by: alice) }
        _ = try await fixture.leave("c", sequence: 1, by: alice)
        let first = try await fixture.send(.get, "/peers?limit=2").text
        #expect(first.contains("\"id\":\"a\"") && first.contains("\"id\":\"B\"") && !first.contains("\"D\""))
        #expect(first.hasSuffix(",\"next\":\"B\"}"))
        let second = try await fixture.send(.get, "/peers?after=B&limit=2").text
        #expect(second.contains("\"id\":\"D\"") && !second.contains("next") && !second.contains("\"c\""))
        #expect(try await fixture.send(.get, "/peers?after=z").text == "{\"peers\":[]}")
        for bad in ["limit=0", "limit=x", "limit=1&limit=2", "after=%zz"] {
            #expect(try await fixture.send(.get, "/peers?\(bad)").status == 400)
        }
    }

    @Test func `a public registry lists nobody, but answers a batch`() async throws {
        let fixture = RegistryFixture { $0.isPublic = true }
        #expect(try await fixture.send(.get, "/peers").status == 404)
        #expect(try await fixture.send(.get, "/peers?after=a").status == 404)
        #expect(try await fixture.send(.get, "/peers?ids=a").status == 200)
    }

    @Test func `a registry that is full takes no new name, but goes on with those it has`() async throws {
        let fixture = RegistryFixture { $0.heldBytesMax = 400 }
        #expect(try await fixture.register(record("a"), by: alice).status == 201)
        #expect(try await fixture.register(record("b"), by: alice).status == 201)
        #expect(try await fixture.register(record("c"), by: alice).status == 503)
        #expect(try await fixture.register(record("a", sequence: 2), by: alice).status == 200)
    }

    // MARK: Budgets

    @Test(arguments: [true, false]) func `loopback is exempt unless it is said not to be`(_ isExempt: Bool) async throws
    {
        let fixture = RegistryFixture {
            $0.signatures = Budget(perSecond: 1, burst: 1)
            $0.exemptsLoopback = isExempt
        }
        #expect(try await fixture.register(record("a"), by: alice, from: "127.0.0.1:1").status == 201)
        let second = try await fixture.register(record("b"), by: alice, from: "127.0.0.1:1").status
        #expect(second == (isExempt ? 201 : 429))
    }

    @Test func `signatures are budgeted for each address, new names for each address and key`() async throws {
        let fixture = RegistryFixture {
            $0.signatures = Budget(perSecond: 1, burst: 3)
            $0.namesPerAddress = Budget(perSecond: 0.1, burst: 2)
            $0.namesPerKey = Budget(perSecond: 0.1, burst: 3)
        }
        func put(_ name: String, _ key: IdentityKey, _ address: String, _ sequence: UInt64 = 1) async throws -> Answer {
            let record = try RegistryFixture.record(name, by: key, sequence: sequence)
            return try await fixture.register(record, by: key, from: address)
        }
        #expect(try await put("a", alice, "192.0.2.1:5").status == 201)
        #expect(try await put("b", alice, "192.0.2.1:6").status == 201)
        let third = try await put("c", alice, "192.0.2.1:7")
        #expect(third.status == 429 && third.fields.text("Retry-After") == "10")
        let fourth = try await put("a", alice, "192.0.2.1:8", 2)
        #expect(fourth.status == 429 && fourth.fields.text("Retry-After") == "1" && fourth.text.contains("signatures"))
        #expect(try await put("c", alice, "[2001:db8::1]:5").status == 201)
        #expect(try await put("d", alice, "[2001:db8::2]:5").status == 429)
        #expect(try await put("d", mallory, "[2001:db8:0:1::2]:5").status == 201)
        #expect(try await put("e", alice, "127.0.0.1:5").status == 201)
        fixture.advance(seconds: 1)
        #expect(try await put("a", alice, "192.0.2.1:9", 2).status == 200)
    }
}
