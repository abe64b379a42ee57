// What an untrusted network sees of a conversation, and what it can do to it: a relay stands between two clients.

import Foundation
import Synchronization
import TestSupport
import Testing

struct WireTests {
    /// Alice, reached by others through a relay.
    private func aliceBehindRelay(in town: Town) async throws -> (alice: RunningClient, relay: TCPRelay) {
        let relay = try TCPRelay()
        let alice = try await town.client("Alice", "--url", relay.url)
        relay.connect(to: alice.port)
        return (alice, relay)
    }

    /// The bodies of what was posted over one connection.
    private func bodies(in octets: [UInt8]) -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        var rest = octets[...]
        while let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) {
            let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self).lowercased()
            let length = head.firstMatch(of: /content-length: *(\d+)/).flatMap { Int($0.1) } ?? 0
            bodies.append(Array(rest[end.upperBound...].prefix(length)))
            rest = rest[end.upperBound...].dropFirst(length)
        }
        return bodies
    }

    @Test func `a capture of the wire shows no text and no name, and suite 2 is used`() async throws {
        let town = try await Town()
        let (alice, relay) = try await aliceBehindRelay(in: town)
        let secret = "the treasure lies under the old oak"
        #expect(try await town.pipe("@Alice: \(secret)\n@Alice: zweites Geheimnis\n", as: "Bobby").status == 0)
        try await alice.shown { $0 == "Bobby: zweites Geheimnis" }
        let (up, down) = (relay.recorded(.up), relay.recorded(.down))
        let all = String(decoding: (up + down).joined(), as: Unicode.ASCII.self).lowercased()
        for word in ["treasure", "oak", "geheimnis", "alice", "bobby"] { #expect(!all.contains(word)) }
        #expect(!all.contains(Data("treasure".utf8).base64EncodedString().dropLast(4).lowercased()))
        // The text goes up, and only a receipt of 40 octets comes down.
        let posted = up.flatMap(bodies)
        #expect(!posted.isEmpty && posted.allSatisfy { $0.starts(with: [1, 2]) && $0.count > 1_120 })
        #expect(down.flatMap(bodies).allSatisfy { $0.count == 40 } && down.flatMap(bodies).count == posted.count)
    }

    @Test func `the length of a body does not tell that of a short text`() async throws {
        let town = try await Town()
        let (alice, relay) = try await aliceBehindRelay(in: town)
        let bob = try await town.client("Bob")
        try bob.type("@Alice: the first one introduces")
        try await alice.shown(until: { $0.count == 1 })
        try bob.type("@Alice: yes")
        try await alice.shown(until: { $0.count == 2 })
        try bob.type("@Alice: no, certainly not")
        try await alice.shown(until: { $0.count == 3 })
        let posted = relay.recorded(.up).flatMap(bodies)
        #expect(relay.recorded(.up).count == 1, "each message had a connection of its own")
        #expect(posted.count == 3 && Set(posted.dropFirst().map(\.count)).count == 1, "\(posted.map(\.count))")
    }

    /// What the relay does to some of what passes.
    enum Fault: String, CaseIterable, Sendable {
        case flipsInBody, flipsInAnswer, cutsInBody, cutsInAnswer, delays, loses
    }

    /// Damages every third piece in one direction, the first one, too.
    private func rule(of fault: Fault) -> TCPRelay.Rule {
        let pieces = Counter()
        return { direction, octets in
            let isMeant =
                switch fault {
                case .flipsInBody, .cutsInBody: direction == .up
                case .flipsInAnswer, .cutsInAnswer, .loses: direction == .down
                case .delays: true
                }
            guard isMeant, pieces.next() % 3 == 0 else { return .pass(octets) }
            switch fault {
            case .flipsInBody, .flipsInAnswer: return .pass(octets.dropLast() + [(octets.last ?? 0) ^ 0x10])
            case .cutsInBody, .cutsInAnswer: return .cut(Array(octets.dropLast(octets.count / 3 + 1)))
            case .loses: return .cut([])
            case .delays: return .delay(octets, .milliseconds(50))
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func `whatever the network does, what is shown is what was said, once and in order`(_ fault: Fault) async throws {
        let town = try await Town()
        let (alice, relay) = try await aliceBehindRelay(in: town)
        relay.treat(by: rule(of: fault))
        let bob = try await town.client("Bob")
        for part in 0..<4 {
            // In parts, so that there are several bodies.
            try bob.type(text: lines(part * 10 + 1...part * 10 + 10, to: "Alice"))
            try await alice.shown(until: { $0.count >= part * 10 + 10 })
        }
        let outcome = try await bob.finish()
        #expect(outcome.status == 0, "\(outcome)")
        #expect(numbers(alice.lines, from: "Bob").elementsEqual(1...40), "\(alice.lines)")
        #expect(!outcome.errors.contains("not delivered"), "\(outcome.errors)")
    }

    @Test func `an old body that is posted again is acknowledged and not shown, and no forged one is`() async throws {
        let town = try await Town()
        let (alice, relay) = try await aliceBehindRelay(in: town)
        #expect(try await town.pipe(lines(1...20, to: "Alice"), as: "Bob").status == 0)
        try await alice.shown(until: { $0.count >= 20 })
        let posted = relay.recorded(.up).flatMap(bodies)
        #expect(!posted.isEmpty)
        var random = SeededGenerator(seed: 3)
        for body in posted {
            #expect(try await post(body, to: alice, in: town) == "200")
            for _ in 0..<5 {
                var forged = body
                forged[Int.random(in: 0..<body.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
                let status = try await post(forged, to: alice, in: town)
                #expect(["400", "409", "415"].contains(status), "\(status), seed 3")
            }
        }
        #expect(try await town.pipe("@Alice: line 21\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: line 21" }
        #expect(numbers(alice.lines, from: "Bob").elementsEqual(1...21), "\(alice.lines)")
    }

    @Test func `a body for Alice is nothing to Carol`() async throws {
        let town = try await Town()
        let (alice, relay) = try await aliceBehindRelay(in: town)
        let carol = try await town.client("Carol")
        #expect(try await town.pipe("@Alice: for Alice alone\n", as: "Bob").status == 0)
        try await alice.shown { $0 == "Bob: for Alice alone" }
        let body = try #require(relay.recorded(.up).flatMap(bodies).first)
        #expect(try await post(body, to: carol, in: town) == "409")
        #expect(carol.lines.isEmpty)
    }

    /// Posts octets as a sealed body; the status.
    private func post(_ octets: [UInt8], to client: RunningClient, in town: Town) async throws -> String {
        let file = try town.write(octets, to: "body")
        return try await RunningProcess.succeed([
            "curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@\(file)",
            "-H", "Content-Type: application/vnd.waystation.sealed", client.base + "/",
        ]).output
    }
}

/// Counts from 0.
private final class Counter: Sendable {
    private let value = Mutex(-1)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
