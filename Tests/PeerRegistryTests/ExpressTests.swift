// Tests of the express lane: it says what the long way says, or nothing.

import HTTP
import PeerIdentity
import PeerRegistry
import Testing

struct ExpressTests {
    private let fixture = RegistryFixture()
    private let alice: IdentityKey

    init() throws {
        alice = try RegistryFixture.identity()
    }

    private func register(_ name: String = "Alice") async throws -> Answer {
        try await fixture.register(RegistryFixture.record(name, by: alice), by: alice)
    }

    @Test(arguments: ["", "*/*", "application/jwt", "application/json", "application/json;q=0.2, text/plain;q=0.1"])
    func `a look-up is answered as on the long way`(_ accept: String) async throws {
        _ = try await register()
        fixture.advance(seconds: 3)
        let fields = accept.isEmpty ? [] : [("Accept", accept)]
        let express = try #require(ExpressRequest.send("GET", "/peers/alice", fields, to: fixture.responder))
        var long: Fields = [:]
        for (name, value) in fields { long.append(name, value) }
        let answer = try await fixture.send(.get, "/peers/alice", long)
        let lines = Set(express.head.split(separator: "\r\n").map(String.init))
        var expected: Set = ["HTTP/1.1 200 OK", "Content-Length: \(answer.body.count)"]
        for line in answer.fields.description.split(separator: "\n") { expected.insert(String(line)) }
        #expect(lines == expected)
        #expect(express.head.hasSuffix("\r\n") && !express.head.hasSuffix("\r\n\r\n"))
        #expect(express.body == answer.body)
        let head = try #require(ExpressRequest.send("HEAD", "/peers/alice", fields, to: fixture.responder))
        #expect(head.head == express.head && head.body == nil)
    }

    @Test func `what the client has already is 304 without a body`() async throws {
        _ = try await register()
        let tag = try #require(try await fixture.send(.get, "/peers/Alice").fields.text("ETag"))
        for value in [tag, "W/\(tag)", "\"a\", \(tag)", "*"] {
            let answer = ExpressRequest.send("GET", "/peers/Alice", [("If-None-Match", value)], to: fixture.responder)
            #expect(answer?.head.hasPrefix("HTTP/1.1 304 ") == true && answer?.body == nil)
        }
        let other = ExpressRequest.send("GET", "/peers/Alice", [("If-None-Match", "\"a\"")], to: fixture.responder)
        #expect(other?.head.hasPrefix("HTTP/1.1 200 ") == true)
    }

    @Test(arguments: ["Ada%20L", "ada%20l", "%41da%20L", "%C3%98rsted", "%c3%b8RSTED"])
    func `an encoded name is found`(_ segment: String) async throws {
        _ = try await register("Ada L")
        _ = try await register("Ørsted")
        #expect(ExpressRequest.send("GET", "/peers/\(segment)", to: fixture.responder) != nil)
    }

    @Test(arguments: [
        "/peers/Bob", "/peers/", "/peers", "/peers/Alice/", "/peers/Alice?x", "/peers/%41lice?x", "/peers/%zz", "/",
        "/changes", "/peers/Alice%2", "*", "",
    ])
    func `everything else takes the long way`(_ target: String) async throws {
        _ = try await register()
        #expect(ExpressRequest.send("GET", target, to: fixture.responder) == nil)
    }

    @Test func `a lease that ran out is not there, though nobody has noticed`() async throws {
        _ = try await register()
        fixture.advance(seconds: 30)
        #expect(ExpressRequest.send("GET", "/peers/Alice", to: fixture.responder) == nil)
    }

    @Test func `a right renewal is answered, any other takes the long way`() async throws {
        let lease = Base64URL.decode(try await register().lease.utf8) ?? []
        func renew(_ counter: UInt64, _ method: String = "PUT", twice: Bool = false) throws -> String? {
            let renewal = PeerRenewal.make(
                leaseKey: lease,
                identifier: try PeerIdentifier("Alice"),
                sequence: 1,
                counter: counter
            )
            let field = ("peer-renew", renewal.fieldValue)
            let fields = twice ? [field, field] : [field]
            return ExpressRequest.send(method, "/peers/alice", fields, to: fixture.responder)?.head
        }
        fixture.advance(seconds: 20)
        #expect(try renew(1)?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        #expect(try renew(1) == nil)
        #expect(try renew(2, "POST") == nil)
        #expect(try renew(2, twice: true) == nil)
        fixture.advance(seconds: 20)
        #expect(ExpressRequest.send("GET", "/peers/Alice", to: fixture.responder) != nil)
        #expect(fixture.store.eventsNow(since: 1, limit: 9).kinds == [.renew])
        fixture.advance(seconds: 10)
        #expect(try renew(2) == nil)
        #expect(ExpressRequest.send("PUT", "/peers/Alice", to: fixture.responder) == nil)
        #expect(ExpressRequest.send("PUT", "/peers/Alice", [("Peer-Renew", "x")], to: fixture.responder) == nil)
    }

    @Test func `a store that has to be waited for is never asked`() async throws {
        let distant = RegistryFixture(hidesImage: true)
        _ = try await distant.register(RegistryFixture.record(by: alice), by: alice)
        #expect(ExpressRequest.send("GET", "/peers/Alice", to: distant.responder) == nil)
    }
}

extension PeerEventPage {
    /// The kinds of the events, for comparisons.
    var kinds: [PeerEvent.Kind] {
        if case .events(let events) = self { events.map(\.kind) } else { [] }
    }
}
