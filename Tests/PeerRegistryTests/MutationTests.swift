// Seeded mutations of everything the registry reads from the network: never a trap, never a change that nobody signed.

import HTTP
import PeerIdentity
import PeerRegistry
import TestSupport
import Testing

struct MutationTests {
    private static func mutate(_ octets: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var octets = octets
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = octets.isEmpty ? 0 : Int.random(in: 0..<octets.count, using: &random)
            let interesting = Array("/%?&=,.+ 2c0aA\u{e9}\"-_".utf8) + [0, 0x7f, 0x80, 0xff]
            let octet = interesting.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where !octets.isEmpty: octets.remove(at: at)
            case 1: octets.insert(octet, at: at)
            case 2 where !octets.isEmpty: octets[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 3: octets.insert(contentsOf: octets[at...].prefix(4), at: at)
            default: if !octets.isEmpty { octets[at] = octet }
            }
        }
        return octets
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `targets and fields`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let fixture = RegistryFixture()
        let alice = try RegistryFixture.identity()
        _ = try await fixture.register(RegistryFixture.record(by: alice), by: alice)
        let before = fixture.store.lastRevision
        let targets = [
            "/peers/Alice", "/peers/Ada%20L", "/peers/%C3%98rsted", "/peers?ids=Alice,Ada%20L,%C3%98",
            "/peers?after=a&limit=3",
            "/changes?since=0&kinds=join,leave", "/peers?ids=a%2Cb",
        ]
        for _ in 0..<3_000 {
            let target = MutationTests.mutate(Array((targets.randomElement(using: &random) ?? "/").utf8), &random)
            var request = Request(
                method: [.get, .head, .put, .delete].randomElement(using: &random) ?? .get,
                target: target
            )
            for (name, value) in [
                ("Accept", "application/jwt;q=0.5, */*"), ("If-None-Match", "\"a\", W/\"b\""), ("Last-Event-ID", "1"),
                ("Peer-Renew", "1.1.AAAA"), ("Authorization", "Peer a.b.c"), ("Content-Type", "application/jwt"),
            ] where Bool.random(using: &random) {
                request.fields.append(name: name.utf8, value: MutationTests.mutate(Array(value.utf8), &random))
            }
            let response = try await fixture.responder.respond(to: request)
            response.body.cancel()
            #expect([200, 304, 400, 401, 404, 405, 410, 415].contains(response.status), "seed \(seed)")
            let lane = String(decoding: target, as: UTF8.self)
            _ = ExpressRequest.send("GET", lane, [("Accept", "a/b;q=1")], to: fixture.responder)
        }
        #expect(fixture.store.lastRevision == before, "seed \(seed)")
    }

    @Test(arguments: [1, 2] as [UInt64]) func `records, renewals and leaves that were tampered with`(
        _ seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let fixture = RegistryFixture()
        let alice = try RegistryFixture.identity()
        let lease = try await fixture.register(RegistryFixture.record(by: alice), by: alice).lease
        let identifier = try PeerIdentifier("Alice")
        let next = try RegistryFixture.record(by: alice, sequence: 2).signed(by: alice).compact
        let key = Base64URL.decode(lease.utf8) ?? []
        let renewal = PeerRenewal.make(leaseKey: key, identifier: identifier, sequence: 1, counter: 7).fieldValue
        let leave = try PeerLeave(identifier: identifier, sequence: 1, expiresAt: .init(1 << 40)).signed(by: alice)
        for _ in 0..<600 {
            let body = MutationTests.mutate(next, &random)
            let field = MutationTests.mutate(Array(renewal.utf8), &random)
            let authorization = MutationTests.mutate(Array("Peer \(leave)".utf8), &random)
            guard body != next, !field.elementsEqual(renewal.utf8), !authorization.elementsEqual("Peer \(leave)".utf8)
            else {
                continue
            }
            var requests = [Request(method: .put, target: Array("/peers/Alice".utf8), body: Body(body))]
            requests[0].fields.append("Content-Type", "application/jwt")
            requests.append(Request(method: .put, target: Array("/peers/Alice".utf8)))
            requests[1].fields.append(name: "Peer-Renew".utf8, value: field)
            requests.append(Request(method: .delete, target: Array("/peers/Alice".utf8)))
            requests[2].fields.append(name: "Authorization".utf8, value: authorization)
            for request in requests {
                let response = try await fixture.responder.respond(to: request)
                // The scheme's letters may be written large or small, and more than one space may follow.
                if response.status == 204 {
                    #expect(authorization.suffix(leave.utf8.count).elementsEqual(leave.utf8), "seed \(seed)")
                    return
                }
                #expect([400, 401, 409].contains(response.status), "seed \(seed)")
            }
        }
        #expect(fixture.store.lastRevision == 1, "seed \(seed)")
    }
}
