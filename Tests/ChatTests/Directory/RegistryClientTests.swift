// What the registry's client asks, and what of the answers it believes.

import Chat
import HTTP
import PeerIdentity
import TestSupport
import Testing

struct RegistryClientTests {
    @Test func `a look-up asks below the registry's path and returns the record`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Ålice B").record(7, at: fixture.now)
        fixture.registry.hold(alice)
        let found = try await fixture.client.lookUp(try PeerIdentifier("ålice b"))
        #expect(found == RegistryLookUp(entry: .signed(alice), maxAgeSeconds: 30))
        let asked = try #require(fixture.registry.asked.first)
        #expect(asked.target == "/sub/peers/%C3%A5lice%20b" && asked.method == "GET")
        #expect(asked.fields.text("Accept")?.hasPrefix("application/jwt") == true)
    }

    @Test func `a plain peer's URL is found in one question, or two where the registry says 406`() async throws {
        let fixture = try await DirectoryFixture()
        let carol = try PeerIdentifier("Carol")
        fixture.registry.answer { _ in ScriptedRegistry.plain("http://localhost:9999") }
        let expected = RegistryEntry.plain(try PeerURL("http://localhost:9999"))
        #expect(try await fixture.client.lookUp(carol).entry == expected)
        #expect(fixture.registry.asked.count == 1)
        fixture.registry.answer { request in
            request.fields.text("Accept") == "text/plain"
                ? ScriptedRegistry.plain("http://localhost:9999") : Response(status: 406)
        }
        #expect(try await fixture.client.lookUp(carol).entry == expected)
        #expect(fixture.registry.asked.count == 3)
    }

    @Test func `a name that is not there is no error, and the registry's remark is made printable`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { _ in Response(status: 404, text: "no Bbo\u{1b}[2J\u{202e}; nearest: Bob") }
        let found = try await fixture.client.lookUp(try PeerIdentifier("Bbo"))
        #expect(found.entry == nil && found.remark == "no Bbo [2J; nearest: Bob")
    }

    enum Lie: CaseIterable {
        case otherName, forged, notCanonical, noRecord, noURL, otherType, redirect, tooLong
    }

    @Test(arguments: Lie.allCases) func `an answer that lies is refused`(_ lie: Lie) async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        let good = try alice.record(7, at: fixture.now)
        fixture.registry.answer { [now = fixture.now] _ in
            switch lie {
            case .otherName: return ScriptedRegistry.found(try TestPeer("Mallory").record(7, at: now))
            case .forged:
                var forged = good
                forged.record.sequence += 1
                return ScriptedRegistry.found(forged)
            case .notCanonical:
                var response = ScriptedRegistry.found(good)
                response.body = Body(good.compact + [0x0a])
                return response
            case .noRecord:
                var response = ScriptedRegistry.found(good)
                response.body = Body("a.b.c")
                return response
            case .noURL: return ScriptedRegistry.plain("ftp://localhost/")
            case .otherType:
                return Response(status: 200, fields: ["Content-Type": "text/html"], body: Body(good.compact))
            case .redirect: return Response(status: 302, fields: ["Location": "http://elsewhere.test/"])
            case .tooLong: return ScriptedRegistry.plain(String(repeating: "x", count: 32 << 10))
            }
        }
        let error = await #expect(throws: ChatError.self) { try await fixture.client.lookUp(alice.identifier) }
        #expect(error?.code == .badAnswer)
    }

    @Test(arguments: [429, 500, 503]) func `a registry that is too busy is away`(_ status: Int) async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { _ in Response(status: status, text: "later") }
        let error = await #expect(throws: ChatError.self) { try await fixture.client.lookUp(try PeerIdentifier("Bob")) }
        #expect(error?.code == .registryAway && error?.message.contains("later") == true)
    }

    @Test func `a registry that never answers is away after the time allowed`() async throws {
        let fixture = try await DirectoryFixture()
        let gate = Gate()
        fixture.registry.answer { _ in
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                gate.open()
            }
            throw CancellationError()
        }
        let bob = try PeerIdentifier("Bob")
        let found = Task { try await fixture.client.lookUp(bob) }
        await fixture.clock.pass(.seconds(7))
        let error = await #expect(throws: ChatError.self) { try await found.value }
        #expect(error?.code == .registryAway)
    }

    @Test(arguments: [
        (201, "", RegistrationAnswer.accepted(leaseKey: nil)), (200, "", .accepted(leaseKey: nil)),
        (401, "renew", .recordWanted), (404, "", .recordWanted),
        (409, "the name belongs to another key", .nameTaken("the name belongs to another key")),
        (409, "seq 5 is too low: the registry holds seq 17 of this name", .sequenceTooLow(17)),
        (409, "seq is too low", .sequenceTooLow(nil)),
    ])
    func `what the registry says to a record is understood`(
        _ status: Int,
        _ text: String,
        _ expected: RegistrationAnswer
    ) async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { _ in Response(status: status, text: text) }
        let record = try TestPeer("Alice").record(5, at: fixture.now)
        #expect(try await fixture.client.register(record) == expected)
        #expect(fixture.registry.asked[0].body == record.compact)
        #expect(fixture.registry.asked[0].fields.text("Content-Type") == "application/jwt")
    }

    @Test func `any other refusal is told with the registry's words`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { _ in Response(status: 400, text: "url: a loopback address") }
        let answer = try await fixture.client.register(try TestPeer("Alice").record(5, at: fixture.now))
        guard case .refused(let reason) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.contains("url: a loopback address") && reason.contains("400"))
    }

    @Test(arguments: [(32, true), (31, false), (33, false)])
    func `a lease key is 32 octets`(_ count: Int, _ isTaken: Bool) async throws {
        let fixture = try await DirectoryFixture()
        let key = [UInt8](repeating: 7, count: count)
        fixture.registry.answer { _ in Response(status: 201, fields: ["Peer-Lease": Base64URL.encode(key)]) }
        let answer = try await fixture.client.register(try TestPeer("Alice").record(5, at: fixture.now))
        #expect(answer == .accepted(leaseKey: isTaken ? key : nil))
    }

    @Test func `mutated answers never trap and never give what was not signed`() async throws {
        let seed: UInt64 = 0x5eed_0002
        var random = SeededGenerator(seed: seed)
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        let good = try alice.record(7, at: fixture.now)
        let listing = Array(#"{"peers":[{"id":"Alice","url":"http://a:1"},{"id":"Bob"}],"next":"Bob"}"#.utf8)
        var accepted = 0
        for round in 0..<400 {
            let mutated = mutate(good.compact, &random)
            fixture.registry.answer { _ in
                Response(status: 200, fields: ["Content-Type": "application/jwt"], body: Body(mutated))
            }
            if case .signed(let found)? = try? await fixture.client.lookUp(alice.identifier).entry {
                #expect(found == good && mutated == good.compact, "seed \(seed), round \(round)")
                accepted += 1
            }
            let (page, plain) = (mutate(listing, &random), mutate(Array("http://localhost:1/a".utf8), &random))
            fixture.registry.answer { request in
                let isLookUp = request.targetText.contains("/peers/")
                return Response(
                    status: 200,
                    fields: ["Content-Type": isLookUp ? "text/plain" : "application/json"],
                    body: Body(isLookUp ? plain : page)
                )
            }
            let found = try? await fixture.client.page(after: nil)
            #expect(found?.peers.count ?? 0 <= 2, "seed \(seed), round \(round)")
            if case .plain(let url)? = try? await fixture.client.lookUp(alice.identifier).entry {
                #expect(url.scheme.hasPrefix("http"), "seed \(seed), round \(round)")
            }
        }
        #expect(accepted < 400, "seed \(seed)")
    }

    private func mutate(_ octets: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var octets = octets
        for _ in 0..<Int.random(in: 0...3, using: &random) where !octets.isEmpty {
            let index = Int.random(in: 0..<octets.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: octets[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: octets.remove(at: index)
            case 2: octets.insert(UInt8.random(in: 0...255, using: &random), at: index)
            default: octets.removeLast(octets.count - index)
            }
        }
        return octets
    }

    // MARK: Listing

    @Test func `a page and a batch are read, and what was not asked for is left out`() async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { request in
            let text =
                request.targetText.contains("ids=")
                ? #"{"Alice":"http://a.test:1","Mallory":"http://m.test","bob":"no url"}"#
                : #"{"peers":[{"id":"Alice"},{"id":"\u0007"},{"id":"Bob"}],"next":"Bob"}"#
            return Response(status: 200, fields: ["Content-Type": "application/json"], body: Body(text))
        }
        let (alice, bob) = (try PeerIdentifier("Alice"), try PeerIdentifier("Bob"))
        #expect(try await fixture.client.page(after: alice) == RegistryPage(peers: [alice, bob], next: bob))
        #expect(try await fixture.client.urls(of: [alice, bob]) == ["alice": try PeerURL("http://a.test:1")])
        let targets = fixture.registry.asked.map(\.target)
        #expect(targets == ["/sub/peers?after=Alice&limit=500", "/sub/peers?ids=Alice,Bob"])
    }

    @Test(arguments: [403, 404]) func `a registry that lists nobody is no error`(_ status: Int) async throws {
        let fixture = try await DirectoryFixture()
        fixture.registry.answer { _ in Response(status: status) }
        #expect(try await fixture.client.page(after: nil) == nil)
        #expect(try await fixture.client.urls(of: [try PeerIdentifier("Alice")]) == nil)
    }
}
