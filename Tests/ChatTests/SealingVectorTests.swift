// Sealed messages against the vectors, and against the second implementation that made them.

import Foundation
import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct SealingVectorTests {
    private func opener(_ vector: SealingVector) throws -> Opener {
        // The vector holds the key of its suite; the other one is not used.
        let other = [UInt8](repeating: 1, count: 32)
        let key = vector["sealingKey"]
        let keys = try SealingKeys(
            x25519: vector.suite == .x25519 ? key : other,
            xWingSeed: vector.suite == .xWing ? key : other
        )
        let ring = try SealingKeyRing(at: .start, make: { () throws(SealingError) in keys })
        return Opener(
            identifier: try PeerIdentifier("Alice"),
            key: try IdentityKey(rawRepresentation: vector["recipientKey"]).publicKey,
            ring: ring
        )
    }

    @Test func `there are vectors of both suites`() throws {
        #expect(Set(try SealingVector.all().map(\.suite)) == [.x25519, .xWing])
    }

    @Test(arguments: try SealingVector.all()) func `a vector opens to its envelope and receipt`(
        _ vector: SealingVector
    ) throws {
        let opened = try opener(vector).open(vector["body"], at: .start)
        #expect(opened.envelope == vector.envelope)
        #expect(opened.suite == vector.suite)
        #expect(opened.sender.octets == vector["sender"])
        let highest = try #require(vector.envelope.messages.last?.sequence)
        #expect(Receipt.make(highest: highest, key: opened.receiptKey) == vector["receipt"])
        #expect(Receipt.highest(in: vector["receipt"], key: ReceiptKey(octets: vector["receiptKey"])) == highest)
    }

    @Test(arguments: try SealingVector.all()) func `every field that needs no ephemeral is made as in the vector`(
        _ vector: SealingVector
    ) throws {
        let header = SealingHeader(suite: vector.suite, keyID: SealingKeyID(of: vector["sealingPublicKey"]))
        #expect(header.octets == vector["header"])
        #expect(try SealingHeader(of: vector["body"]) == header)
        let recipient = try #require(PeerKey(vector["recipient"]))
        #expect(SealingLabel.authenticated(header, recipient) == vector["authenticated"])
        let inner = try EnvelopeCoding.encode(vector.envelope)
        #expect(inner.elementsEqual(vector["inner"]))
        let identity = try IdentityKey(rawRepresentation: vector["senderKey"])
        let signed = SealingLabel.signed(
            header,
            encapsulated: vector["encapsulated"],
            recipient: recipient,
            sender: identity.publicKey,
            inner: inner
        )
        #expect(signed.elementsEqual(vector["signed"]))
        #expect(identity.publicKey.isValid(signature: vector["signature"], of: signed))
        #expect(vector["plain"].elementsEqual(vector["signature"] + identity.publicKey.octets + inner))
        #expect(try opener(vector).inspect(vector["body"], at: .start).header == header)
    }

    @Test(.enabled(if: SealingScript.runs, "needs python3 with cryptography (Debian: python3-cryptography)"))
    func `the script still makes the vectors that are kept`() async throws {
        let kept = try String(contentsOf: SealingVector.directory.appending(path: "sealing.json"), encoding: .utf8)
        #expect(try await SealingScript.vectors() == kept)
    }

    @Test(.enabled(if: SealingScript.runs, "needs python3 with cryptography (Debian: python3-cryptography)"))
    func `the second implementation opens what the first sealed`() async throws {
        let seeds = (x25519: [UInt8](1...32), xWing: [UInt8](33...64))
        let keys = try SealingKeys(x25519: seeds.x25519, xWingSeed: seeds.xWing)
        let (alice, bob) = (IdentityKey(), IdentityKey())
        var jobs: [[String: Any]] = []
        var sealed: [(ChatEnvelope, SealedBody)] = []
        for suite in SealingSuite.allCases {
            for texts in [["Hello"], ["", "Grüße", "👋🏽"], [String(repeating: "y", count: 16 * 1024)]] {
                var set = keys.publicSet
                if suite == .x25519 { set.xWing = nil }
                let to = Destination.Sealing(key: alice.publicKey, keys: set, suiteMin: suite.rawValue)
                let envelope = try ChatEnvelope.bob(texts, first: 1 << 40)
                let body = try Sealer.seal(envelope, by: bob, to: to)
                sealed.append((envelope, body))
                jobs.append([
                    "do": "open", "body": body.octets.hexadecimal, "recipient": alice.publicKey.octets.hexadecimal,
                    "sealingKey": (suite == .x25519 ? seeds.x25519 : seeds.xWing).hexadecimal,
                ])
            }
        }
        let outcomes = try await SealingScript.outcomes(of: jobs)
        try #require(outcomes.count == sealed.count)
        for (outcome, (envelope, body)) in zip(outcomes, sealed) {
            #expect(outcome["error"] as? String == nil)
            #expect(outcome["sender"] as? String == bob.publicKey.octets.hexadecimal)
            #expect(try ChatEnvelope(json: outcome["envelope"] as? [String: Any] ?? [:]) == envelope)
            let receipt = [UInt8](hexadecimal: outcome["receipt"] as? String ?? "")
            #expect(Receipt.highest(in: receipt, key: body.receiptKey) == envelope.messages.last?.sequence)
        }
    }

    @Test(.enabled(if: SealingScript.runs, "needs python3 with cryptography (Debian: python3-cryptography)"))
    func `the first implementation opens what the second sealed`() async throws {
        var random = SeededGenerator(seed: 0x5ea1)
        let alice = try Recipient()
        let bob = IdentityKey()
        var jobs: [[String: Any]] = []
        var envelopes: [ChatEnvelope] = []
        for number in 0..<16 {
            let suite = SealingSuite.allCases[number % 2]
            let texts = (0..<Int.random(in: 1...64, using: &random)).map {
                "\($0) ✓ \(UInt64.random(in: 0...9, using: &random))"
            }
            let envelope = try ChatEnvelope.bob(texts, first: UInt64.random(in: 1...1000, using: &random))
            envelopes.append(envelope)
            let publicKey = suite == .x25519 ? alice.keys.publicSet.x25519 : alice.keys.publicSet.xWing ?? []
            let ephemeral = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
            jobs.append([
                "do": "seal", "suite": Int(suite.rawValue), "senderKey": bob.rawRepresentation.hexadecimal,
                "recipient": alice.identity.publicKey.octets.hexadecimal, "envelope": envelope.json,
                "sealingPublicKey": publicKey.hexadecimal,
                "ephemeral": Array(ephemeral.prefix(suite == .x25519 ? 32 : 64)).hexadecimal,
            ])
        }
        let outcomes = try await SealingScript.outcomes(of: jobs)
        try #require(outcomes.count == envelopes.count)
        for (outcome, envelope) in zip(outcomes, envelopes) {
            let body = [UInt8](hexadecimal: outcome["body"] as? String ?? "")
            let opened = try alice.opener.open(body, at: .start)
            #expect(opened.envelope == envelope)
            #expect(opened.sender == bob.publicKey)
        }
    }
}
