// Sealing and opening: what is accepted, what is not, and with which status.

import HTTP
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

@Suite struct OpenerTests {
    private let bob = IdentityKey()

    private func seal(_ suite: SealingSuite, to alice: Recipient) throws -> SealedBody {
        try Sealer.seal(.bob(["Hello Alice!!", "How are you?"]), by: bob, to: alice.sealing(suite))
    }

    private func expect(_ code: SealingError.Code, _ status: Int, _ body: () throws -> Void) {
        #expect {
            try body()
        } throws: { error in
            guard let error = error as? SealingError else { return false }
            return error.code == code && error.status == status
        }
    }

    @Test(arguments: SealingSuite.allCases) func `what was sealed opens, and its receipt is known`(
        _ suite: SealingSuite
    ) throws {
        let alice = try Recipient()
        let body = try seal(suite, to: alice)
        let opened = try alice.opener.open(body.octets, at: .start)
        #expect(opened.suite == suite && body.suite == suite)
        #expect(opened.sender == bob.publicKey)
        #expect(try opened.envelope == .bob(["Hello Alice!!", "How are you?"]))
        let receipt = Receipt.make(highest: 2, key: opened.receiptKey)
        #expect(receipt.count == Receipt.count)
        #expect(Receipt.highest(in: receipt, key: body.receiptKey) == 2)
    }

    @Test func `every altered octet of a receipt makes it none`() throws {
        let alice = try Recipient()
        let body = try seal(.x25519, to: alice)
        let receipt = Receipt.make(highest: 2, key: body.receiptKey)
        for place in receipt.indices {
            var altered = receipt
            altered[place] ^= 1
            #expect(Receipt.highest(in: altered, key: body.receiptKey) == nil)
        }
        #expect(Receipt.highest(in: receipt.dropLast(), key: body.receiptKey) == nil)
        #expect(Receipt.highest(in: receipt + [0], key: body.receiptKey) == nil)
        let other = try seal(.x25519, to: alice)
        #expect(Receipt.highest(in: receipt, key: other.receiptKey) == nil)
    }

    @Test func `X-Wing is used when it is offered, and once offered never less`() throws {
        let alice = try Recipient()
        #expect(try Sealer.suite(for: alice.sealing(.xWing)) == .xWing)
        #expect(try Sealer.suite(for: alice.sealing(.x25519)) == .x25519)
        expect(.badKeys, 400) { _ = try Sealer.suite(for: alice.sealing(.x25519, suiteMin: 2)) }
        expect(.badKeys, 400) { _ = try seal(.xWing, to: alice, suiteMin: 3) }
    }

    private func seal(_ suite: SealingSuite, to alice: Recipient, suiteMin: UInt8) throws -> SealedBody {
        try Sealer.seal(.bob(["hi"]), by: bob, to: alice.sealing(suite, suiteMin: suiteMin))
    }

    @Test(arguments: SealingSuite.allCases) func `keys of another length are refused`(_ suite: SealingSuite) throws {
        let alice = try Recipient()
        for count in [0, 31, 33, 1215, 1217] {
            var to = alice.sealing(suite)
            let key = [UInt8](repeating: 9, count: count)
            if suite == .x25519 { to.keys.x25519 = key } else { to.keys.xWing = key }
            expect(.badKeys, 400) { _ = try Sealer.seal(.bob(["hi"]), by: bob, to: to) }
        }
    }

    @Test(arguments: [0, 1, 0xec, 0xed, 0xee] as [UInt8]) func `points of low order are refused on both sides`(
        _ first: UInt8
    ) throws {
        let alice = try Recipient()
        var point = [first] + [UInt8](repeating: first > 1 ? 0xff : 0, count: 31)
        if first > 1 { point[31] = 0x7f }
        for top in [0, 0x80] as [UInt8] {
            point[31] = point[31] & 0x7f | top
            var to = alice.sealing(.x25519)
            to.keys.x25519 = point
            expect(.badKeys, 400) { _ = try Sealer.seal(.bob(["hi"]), by: bob, to: to) }
            var octets = try seal(.x25519, to: alice).octets
            octets.replaceSubrange(10..<42, with: point)
            expect(.malformed, 400) { _ = try alice.opener.inspect(octets, at: .start) }
        }
    }

    @Test func `an unknown version, suite or key, and a wrong size, have each their status`() throws {
        let alice = try Recipient()
        let body = try seal(.x25519, to: alice).octets
        let changed = { (place: Int, octet: UInt8) in body.prefix(place) + [octet] + body.dropFirst(place + 1) }
        for (octets, code, status) in [
            (Array(changed(0, 2)), .unknownFormat, 415), (Array(changed(1, 0)), .unknownFormat, 415),
            (Array(changed(1, 3)), .unknownFormat, 415), (Array(changed(5, body[5] ^ 1)), .unknownKey, 409),
            (body + [0], .malformed, 400), (body.dropLast(), .malformed, 400), ([], .malformed, 400),
            (Array(body.prefix(9)), .malformed, 400), (Array(body.prefix(10)), .malformed, 400),
            ([UInt8](repeating: 1, count: 64 * 1024 + 1), .tooLarge, 413),
        ] as [([UInt8], SealingError.Code, Int)] {
            expect(code, status) { _ = try alice.opener.inspect(octets, at: .start) }
        }
    }

    @Test(arguments: SealingSuite.allCases) func `what is for another key or name does not open`(
        _ suite: SealingSuite
    ) throws {
        let alice = try Recipient()
        let body = try seal(suite, to: alice).octets
        // The same sealing keys under another identity: the body was passed on.
        let mallory = Opener(identifier: alice.identifier, key: IdentityKey().publicKey, ring: alice.ring)
        expect(.malformed, 400) { _ = try mallory.open(body, at: .start) }
        let renamed = Opener(
            identifier: try PeerIdentifier("Carol"),
            key: alice.identity.publicKey,
            ring: alice.ring
        )
        expect(.wrongRecipient, 400) { _ = try renamed.open(body, at: .start) }
        let folded = Opener(identifier: try PeerIdentifier("aLiCe"), key: alice.identity.publicKey, ring: alice.ring)
        #expect(try folded.open(body, at: .start).sender == bob.publicKey)
    }

    @Test func `a body that its recipient seals anew to a third is not taken there as the sender's`() throws {
        // Alice has Bob's signed plain; sealed to Carol it names another recipient key than Carol's.
        let (alice, carol) = (try Recipient(), try Recipient("Carol"))
        let envelope = try ChatEnvelope.bob(["hi"], to: "Carol")
        let signedForAlice = try Sealer.seal(envelope, by: bob, to: alice.sealing(.x25519))
        var forged = alice.sealing(.x25519)
        forged.keys = carol.keys.publicSet
        forged.keys.xWing = nil
        // Bob himself mixing up the keys stands for whoever does it: sealed to Carol's keys under Alice's identity.
        let mixed = try Sealer.seal(envelope, by: bob, to: forged)
        expect(.malformed, 400) { _ = try carol.opener.open(mixed.octets, at: .start) }
        expect(.unknownKey, 409) { _ = try carol.opener.open(signedForAlice.octets, at: .start) }
    }

    @Test(arguments: SealingSuite.allCases) func `no altered octet is ever accepted`(_ suite: SealingSuite) throws {
        let alice = try Recipient()
        let body = try seal(suite, to: alice).octets
        var random = SeededGenerator(seed: 0x0DE7)
        // Every octet of what is not ciphertext, then places at random.
        let places = Array(0..<10 + 32) + (0..<300).map { _ in Int.random(in: 0..<body.count, using: &random) }
        for place in places {
            var altered = body
            altered[place] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: SealingError.self, "seed \(random.seed), place \(place)") {
                try alice.opener.open(altered, at: .start)
            }
        }
        for _ in 0..<2_000 {
            var altered = body
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<max(1, altered.count), using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: altered.removeSubrange(place...)
                case 1: altered.insert(.random(in: 0...255, using: &random), at: place)
                default: altered.replaceSubrange(0..<0, with: body.prefix(place))
                }
            }
            #expect(throws: SealingError.self, "seed \(random.seed)") {
                try alice.opener.open(altered, at: .start)
            }
        }
    }

    @Test func `a signature by another key than the one named is refused`() throws {
        // Sealed by hand: all as it must be, but the key in the plain part is Carol's.
        let alice = try Recipient()
        let carol = IdentityKey()
        let body = try Forgery.seal(.bob(["hi"]), signer: bob, named: carol.publicKey, to: alice)
        expect(.badSignature, 400) { _ = try alice.opener.open(body, at: .start) }
        let right = try Forgery.seal(.bob(["hi"]), signer: carol, named: carol.publicKey, to: alice)
        #expect(try alice.opener.open(right, at: .start).sender == carol.publicKey)
    }
}
