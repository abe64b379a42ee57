// What this implementation makes at random, and what it judges, taken by the second implementation.

import JSON
import PeerIdentity
import TestSupport
import Testing

@Suite struct SecondImplementationTests {
    private static let names = [
        "Alice", "a", "\u{c9}ric \u{c5}ngstr\u{f6}m", "\u{391}\u{3a3}", "\u{5f20}\u{4f1f}", "x.y-z_7",
    ]

    private func line(_ kind: String, _ value: JSONValue) -> [UInt8] {
        Array(kind.utf8) + [0x09] + value.encoded + [0x0a]
    }

    private func randomOctets(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func randomRecord(_ identity: IdentityKey, _ random: inout SeededGenerator) throws -> PeerRecord {
        let issuedAt = Int64.random(in: 0..<4_000_000_000, using: &random)
        let name = try PeerIdentifier(Self.names.randomElement(using: &random) ?? "")
        let port = Int.random(in: 1...65_535, using: &random)
        var record = PeerRecord(
            identifier: name,
            url: try PeerURL(["http://127.0.0.1:\(port)/", "https://[2001:db8::\(port % 10)]/a%20b"][port % 2]),
            key: identity.publicKey,
            sealingKeys: SealingKeySet(x25519: randomOctets(32, &random), xWing: nil),
            sequence: UInt64.random(in: 0..<1 << 53, using: &random),
            issuedAt: issuedAt,
            expiresAt: issuedAt + Int64.random(in: 1...86_400, using: &random),
            ttlSeconds: Int.random(in: 2...3_600, using: &random)
        )
        if Bool.random(using: &random) {
            let old = try IdentityKey(rawRepresentation: randomOctets(32, &random))
            let handover = PeerHandover(identifier: name, sequence: record.sequence, newKey: record.key)
            record.handover = try handover.signed(by: old)
        }
        return record
    }

    private func seeded(_ text: String, by identity: IdentityKey) -> JSONValue {
        let seed = identity.rawRepresentation.map { String(256 + Int($0), radix: 16).dropFirst() }.joined()
        return ["compact": .string(text), "seed": .string(seed)]
    }

    @Test(.enabled(if: Vectors.canCheck, Vectors.reason), arguments: [21, 22] as [UInt64])
    func `what is made here is read there, octet for octet`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var lines: [UInt8] = []
        for counter in 0..<100 as Range<UInt64> {
            let identity = try IdentityKey(rawRepresentation: randomOctets(32, &random))
            let record = try randomRecord(identity, &random)
            let signed = try record.signed(by: identity)
            var value = seeded(String(decoding: signed.compact, as: UTF8.self), by: identity).objectValue ?? [:]
            value["sub"] = .string(record.identifier.text)
            value["seq"] = .number(JSONNumber(record.sequence))
            value["ttl"] = .number(JSONNumber(Int64(record.ttlSeconds)))
            value["url"] = .string(record.url.text)
            lines += line("record", .object(value))
            let (name, sequence) = (record.identifier, record.sequence)
            let leave = PeerLeave(identifier: name, sequence: sequence, expiresAt: record.expiresAt)
            lines += line("leave", seeded(try leave.signed(by: identity), by: identity))
            let handover = PeerHandover(identifier: name, sequence: sequence, newKey: record.key)
            lines += line("handover", seeded(try handover.signed(by: identity), by: identity))
            let secret = randomOctets(32, &random)
            let lease = Lease.key(secret: secret, identifier: name, key: record.key, sequence: sequence)
            let renewal = PeerRenewal.make(leaseKey: lease, identifier: name, sequence: sequence, counter: counter)
            lines += line(
                "renewal",
                [
                    "secret": .string(secret.map { String(256 + Int($0), radix: 16).dropFirst() }.joined()),
                    "id": .string(name.text), "key": .string(record.key.base64URL),
                    "lease": .string(Base64URL.encode(lease)), "renewal": .string(renewal.fieldValue),
                ]
            )
        }
        try await verify(lines, "seed \(seed)")
    }

    @Test(.enabled(if: Vectors.canCheck, Vectors.reason), arguments: [23, 24] as [UInt64])
    func `mutated records are judged alike here and there`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let originals = Vectors.list("records").map { Array($0.text("compact").utf8) }.filter { $0.count < 1_500 }
        var lines: [UInt8] = []
        for step in 0..<2_000 {
            let original = originals.randomElement(using: &random) ?? []
            let text =
                step % 4 == 0
                ? MutationTests.mutate(original, &random) : MutationTests.mutateInside(original, &random)
            guard let compact = String(validating: text, as: UTF8.self) else { continue }
            let isAccepted = (try? SignedPeerRecord(parsing: text)) != nil
            lines += line(isAccepted ? "accepted" : "refused", ["compact": .string(compact)])
        }
        try await verify(lines, "seed \(seed)")
    }

    private func verify(_ lines: [UInt8], _ comment: String) async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(lines, to: "lines")
        let outcome = try await RunningProcess.run(["python3", Vectors.script, "verify", path])
        #expect(outcome.status == 0, "\(comment): \(outcome.output) \(outcome.errors)")
    }
}
