// The listener as a function of requests: every status, the receipt, and who is in nobody's way.

import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct ChatListenerTests {
    @Test(arguments: SealingSuite.allCases) func `a sealed body is stored, shown and receipted`(
        _ suite: SealingSuite
    ) async throws {
        try await ListenerFixture.run { fixture async throws in
            let body = try fixture.seal(["Hello Alice!!", "there?"], suite: suite)
            let answer = try await fixture.post(body.octets)
            #expect(answer.status == 200)
            #expect(Receipt.highest(in: answer.octets, key: body.receiptKey) == 2)
            try await fixture.log.shown.reach(2)
            #expect(fixture.log.lines == ["Bob: Hello Alice!!", "Bob: there?"])
            #expect(await fixture.store.bodies.map(\.sender) == [fixture.bob.publicKey])
            // Once more: acknowledged, not shown.
            let again = try await fixture.post(body.octets)
            #expect(Receipt.highest(in: again.octets, key: body.receiptKey) == 2)
            #expect(fixture.log.lines.count == 2)
        }
    }

    @Test func `a body sealed to an unknown key is answered with our record`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let other = try Recipient()
            var to = fixture.alice.sealing(.x25519)
            to.keys = other.keys.publicSet
            let body = try Sealer.seal(.bob(["hi"]), by: fixture.bob, to: to)
            let answer = try await fixture.post(body.octets)
            #expect(answer.status == 409)
            #expect(answer.fields.text(.contentType) == "application/jwt")
            #expect(answer.octets == ListenerFixture.record)
        }
    }

    @Test func `what is damaged, too long or of another kind has its status, and nothing is stored`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let body = try fixture.seal(["hi"]).octets
            var altered = body
            altered[body.count - 1] ^= 1
            var version = body
            version[0] = 2
            let tooLong = [UInt8](repeating: 1, count: 64 * 1024 + 1)
            #expect(try await fixture.post(altered).status == 400)
            #expect(try await fixture.post(version).status == 415)
            #expect(try await fixture.post(tooLong).status == 413)
            #expect(try await fixture.post(Array(tooLong.dropLast())).status == 400)
            #expect(try await fixture.post([]).status == 400)
            #expect(try await fixture.post(body, type: "application/json").status == 415)
            #expect(try await fixture.post(body, type: "text/plain; charset=utf-16").status == 415)
            #expect(try await fixture.post(body, type: "").status == 415)
            #expect(try await fixture.post(body, target: "/elsewhere").status == 200)
            #expect(await fixture.store.bodies.count == 1)
        }
    }

    @Test func `a body for another name is refused`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let envelope = try ChatEnvelope.bob(["hi"], to: "Carol")
            let body = try Sealer.seal(envelope, by: fixture.bob, to: fixture.alice.sealing(.xWing))
            let answer = try await fixture.post(body.octets)
            #expect(answer.status == 400)
            #expect(String(decoding: answer.octets, as: UTF8.self).contains("another name"))
        }
    }

    @Test func `messages of a blocked key are refused and not stored`() async throws {
        try await ListenerFixture.run(blocks: true) { fixture async throws in
            #expect(try await fixture.post(fixture.seal(["hi"]).octets).status == 403)
            #expect(await fixture.store.bodies.isEmpty)
        }
    }

    @Test func `a store that fails is 503, and the next one is stored`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let answer = try await fixture.post(fixture.seal(["bad"]).octets)
            #expect(answer.status == 503 && answer.fields.text(.retryAfter) == "1")
            #expect(try await fixture.post(fixture.seal(["good"]).octets).status == 200)
        }
    }

    @Test func `a key that sends too much is told when to come again, another is not hindered`() async throws {
        try await ListenerFixture.run(configure: { $0.rates.keyUnitsPerSecond = 4 }) { fixture async throws in
            var statuses: [Int] = []
            for number in 1...4 as ClosedRange<UInt64> {
                statuses.append(try await fixture.post(fixture.seal(["x"], first: number).octets).status)
            }
            #expect(statuses == [200, 200, 429, 429])
            let refused = try await fixture.post(fixture.seal(["x"], first: 5).octets)
            #expect(refused.fields.text(.retryAfter) == "1")
            let carol = IdentityKey()
            let body = try Sealer.seal(.bob(["hi"]), by: carol, to: fixture.alice.sealing(.x25519))
            #expect(try await fixture.post(body.octets, connection: 2).status == 200)
        }
    }

    @Test func `strangers of one address share a budget, a known peer does not need it`() async throws {
        try await ListenerFixture.run(configure: { $0.rates.strangerBodiesPerSecond = 1 }) { fixture async throws in
            #expect(try await fixture.post(fixture.seal(["x"]).octets, connection: 1).status == 200)
            let garbage = Array(try fixture.seal(["y"]).octets.dropLast(1)) + [0]
            #expect(try await fixture.post(garbage, connection: 2).status == 400)
            #expect(try await fixture.post(garbage, connection: 3).status == 429)
            #expect(try await fixture.post(garbage, connection: 4, from: "192.0.2.9:1").status == 400)
            #expect(try await fixture.post(fixture.seal(["z"], first: 2).octets, connection: 1).status == 200)
        }
    }

    @Test func `other methods and a look are answered`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let look = try await fixture.ask(Request(target: Array("/".utf8)))
            #expect(look.status == 200)
            #expect(String(decoding: look.octets, as: UTF8.self).contains("Waystation"))
            for method in [Method.put, .delete, .options] {
                let answer = try await fixture.ask(Request(method: method))
                #expect(answer.status == 405 && answer.fields.text("allow") == "GET, HEAD, POST")
            }
        }
    }

    @Test(arguments: [
        ("/in", 200), ("/in/", 200), ("/in/any?x=/", 200), ("/in?y", 200), ("/inbox", 404), ("/", 404), ("/IN", 404),
    ]) func `messages are taken at and below our path`(_ target: String, _ status: Int) async throws {
        try await ListenerFixture.run(url: "http://alice.example:8081/in") { fixture async throws in
            #expect(try await fixture.post(fixture.seal(["hi"]).octets, target: target).status == status)
        }
    }

    @Test(arguments: ["text/plain", "Text/Plain; charset=\"UTF-8\"", nil])
    func `a plain text is shown as not encrypted`(
        _ type: String?
    ) async throws {
        try await ListenerFixture.run { fixture async throws in
            let answer = try await fixture.post(Array("hi\n".utf8), type: type)
            #expect(answer.status == 200)
            try await fixture.log.shown.reach(1)
            #expect(fixture.log.lines == ["(not encrypted) 192.0.2.1: hi"])
            #expect(await fixture.store.lines.map(\.text) == ["hi"])
        }
    }

    @Test(arguments: [
        ("Carol", "Carol"), ("Zo%C3%AB", "Zoë"), ("a@b.example", "192.0.2.1"), ("\u{1b}[2J", "192.0.2.1"),
    ])
    func `a plain text may say a name, and nothing else`(_ from: String, _ shown: String) async throws {
        try await ListenerFixture.run { fixture async throws in
            #expect(try await fixture.post(Array("hi".utf8), type: "text/plain", fields: ["From": from]).status == 200)
            try await fixture.log.shown.reach(1)
            #expect(fixture.log.lines == ["(not encrypted) \(shown): hi"])
        }
    }

    @Test func `plain texts from web pages and for other hosts are refused`() async throws {
        try await ListenerFixture.run { fixture async throws in
            let text = Array("hi".utf8)
            let page = ["Origin": "http://evil.example"] as Fields
            let null = ["Origin": "null"] as Fields
            #expect(try await fixture.post(text, type: "text/plain", fields: page).status == 403)
            #expect(try await fixture.post(text, type: "text/plain", fields: null).status == 403)
            #expect(try await fixture.post(text, type: nil, authority: "evil.example").status == 403)
            #expect(try await fixture.post(text, type: nil, authority: "alice.example:8081").status == 200)
            #expect(try await fixture.post(text, type: nil, authority: "127.0.0.1:8081").status == 200)
            #expect(await fixture.store.lines.count == 2)
        }
    }

    @Test func `a plain text has 1 octet to 16 KiB of UTF-8`() async throws {
        try await ListenerFixture.run { fixture async throws in
            for (octets, status) in [
                ([], 400), (Array("\r\n".utf8), 400), ([0xff], 400), ([UInt8](repeating: 0x61, count: 16 * 1024), 200),
                ([UInt8](repeating: 0x61, count: 16 * 1024 + 1), 413),
            ] as [([UInt8], Int)] {
                #expect(try await fixture.post(octets, type: "text/plain").status == status)
            }
        }
    }

    @Test func `a body is read up to the limit and no further, and a cut one is refused`() async throws {
        final class Source: BodySource {
            let calls = Calls()
            let isCut: Bool

            init(isCut: Bool) { self.isCut = isCut }

            func next() async throws -> BodyChunk? {
                if isCut, calls.made == 1 { throw BodyError.truncated }
                _ = calls.count()
                return .bytes([UInt8](repeating: 1, count: 1024)[...])
            }

            func cancel() {}
        }
        try await ListenerFixture.run { fixture async throws in
            for (type, isCut, status, reads) in [
                (SealedBody.contentType, false, 413, 65), ("text/plain", false, 413, 17), ("text/plain", true, 400, 1),
                ("text/html", false, 415, 0),
            ] {
                let source = Source(isCut: isCut)
                var request = Request(method: .post, authority: "localhost", fields: ["Content-Type": type])
                request.body = Body(length: nil, content: .stream(source))
                #expect(try await fixture.ask(request).status == status)
                #expect(source.calls.made == reads)
                // Told to be too long, it is not read at all.
                request.body = Body(length: 64 * 1024 + 1, content: .stream(Source(isCut: false)))
                #expect(try await fixture.ask(request).status == (status == 415 ? 415 : 413))
            }
        }
    }

    @Test func `plain texts of one address are limited`() async throws {
        try await ListenerFixture.run(configure: { $0.rates.plainTextsPerSecond = 1 }) { fixture async throws in
            var statuses: [Int] = []
            for _ in 0..<6 { statuses.append(try await fixture.post([0x61], type: nil).status) }
            #expect(statuses == [200, 200, 200, 200, 429, 429])
            #expect(try await fixture.post([0x61], type: nil, from: "[2001:db8::1]:9").status == 200)
        }
    }

    @Test func `whatever is posted, the listener answers and stores nothing altered`() async throws {
        try await ListenerFixture.run(configure: { $0.rates.strangerBodiesPerSecond = 1e9 }) { fixture async throws in
            var random = SeededGenerator(seed: 0x11573)
            let bodies = try SealingSuite.allCases.map { try fixture.seal(["hello"], suite: $0).octets }
            let types = [
                "application/vnd.waystation.sealed", "application/vnd.waystation.sealed;x", "text/html", ";", "a;;",
            ]
            for round in 0..<1_500 {
                var octets = bodies[round % 2]
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<max(1, octets.count), using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: octets.removeSubrange(place...)
                    case 1: octets.insert(.random(in: 0...255, using: &random), at: place)
                    default: octets[min(place, octets.count - 1)] ^= .random(in: 1...255, using: &random)
                    }
                    if octets.isEmpty { break }
                }
                if octets.elementsEqual(bodies[0]) || octets.elementsEqual(bodies[1]) { continue }
                let answer = try await fixture.post(
                    octets,
                    type: types.randomElement(using: &random),
                    connection: .random(in: 0...3, using: &random),
                    from: ["", "x", "[::1]:1", "1.2.3.4:5"].randomElement(using: &random)
                )
                #expect([400, 409, 413, 415].contains(answer.status), "seed \(random.seed)")
            }
            #expect(await fixture.store.bodies.isEmpty)
        }
    }

    @Test func `while one peer floods, another's messages are opened in turn`() async throws {
        // Wall time is for the benchmark; here only that all of the other's are stored while the flood is on.
        try await ListenerFixture.run { fixture async throws in
            let flood = try (1...400 as ClosedRange<UInt64>).map { try fixture.seal(["flood"], first: $0).octets }
            let carol = IdentityKey()
            try await withThrowingTaskGroup { group in
                for octets in flood {
                    group.addTask { _ = try await fixture.post(octets, connection: 1) }
                }
                for number in 1...20 as ClosedRange<UInt64> {
                    let envelope = try ChatEnvelope.bob(["carol \(number)"], first: number)
                    let body = try Sealer.seal(envelope, by: carol, to: fixture.alice.sealing(.xWing))
                    let answer = try await fixture.post(body.octets, connection: 2, from: "192.0.2.77:1")
                    #expect(Receipt.highest(in: answer.octets, key: body.receiptKey) == number)
                }
                group.cancelAll()
                // Those that were given up throw.
                while let result = await group.nextResult() { _ = result }
            }
            #expect(await fixture.store.bodies.filter { $0.sender == carol.publicKey }.count == 20)
        }
    }
}
