// Tests of keys: refused exactly where an agreement would be worthless, or the crypto library would not load them.

import Crypto
import Foundation
import PeerIdentity
import TestSupport
import Testing

@Suite struct KeyRulesTests {
    /// Whether a record with these keys passes the checks.
    private func isAccepted(_ keys: SealingKeySet) throws -> Bool {
        var record = try RecordFixture.record()
        record.sealingKeys = keys
        let code = PeerIdentityError.code { _ = try record.signed(by: RecordFixture.identity()) }
        #expect(code == nil || code == .badKey)
        return code == nil
    }

    /// Whether an agreement with this key comes out other than zero.
    private func agrees(_ key: [UInt8]) throws -> Bool {
        let mine = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: [UInt8](repeating: 0x42, count: 32))
        let other = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: key)
        // The library may refuse by itself: that too is no agreement.
        guard let secret = try? mine.sharedSecretFromKeyAgreement(with: other) else { return false }
        return secret.withUnsafeBytes { $0.contains { $0 != 0 } }
    }

    @Test func `an X25519 key is refused exactly if an agreement with it is all zeros (RFC 9180 section 7.1.4)`() throws
    {
        var candidates: [[UInt8]] = []
        for low in UInt8.min...UInt8.max {
            for (middle, high) in [(0x00, 0x00), (0x00, 0x80), (0xff, 0x7f), (0xff, 0xff)] as [(UInt8, UInt8)] {
                var key = [UInt8](repeating: middle, count: 32)
                (key[0], key[31]) = (low, high)
                candidates.append(key)
            }
        }
        let refused = Vectors.list("refusedRecords").filter { $0.text("name").hasPrefix("X25519 key of low order") }
        #expect(refused.count == 14)
        for vector in refused {
            let payload = try #require(Base64URL.decode(Array(vector.text("compact").utf8).split(separator: 0x2e)[1]))
            let text = String(decoding: payload, as: UTF8.self)
            let key = try #require(text.firstMatch(of: #/"enc":\{"1":"([^"]*)"/#))
            candidates.append(try #require(Base64URL.decode(key.1.utf8)))
        }
        var random = SeededGenerator(seed: 25_519)
        for _ in 0..<200 { candidates.append((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }) }
        var refusals: Set<[UInt8]> = []
        for key in candidates {
            let (accepted, agrees) = (try isAccepted(SealingKeySet(x25519: key, xWing: nil)), try agrees(key))
            #expect(accepted == agrees, "\(key)")
            if !accepted { refusals.insert(key) }
        }
        #expect(refusals.count == 14)
    }

    @Test func `an X-Wing key is accepted exactly if the crypto library can seal to it`() throws {
        guard #available(macOS 26, *) else { return }
        let good = Array(try XWingMLKEM768X25519.PrivateKey.generate().publicKey.rawRepresentation)
        var candidates = [good, Array(good.dropLast()), good + [0], [], [UInt8](repeating: 0xff, count: 1_216)]
        var random = SeededGenerator(seed: 768)
        for _ in 0..<50 {
            var key = good
            key[Int.random(in: 0..<1_216, using: &random)] = UInt8.random(in: 0...255, using: &random)
            candidates.append(key)
        }
        for place in stride(from: 0, to: 768, by: 5) {
            var key = good
            // Coefficient `place` becomes 3,328 (allowed) or 3,329 (not).
            let (octet, value) = (place / 2 * 3, UInt16(3_328 + place % 3 / 2))
            if place.isMultiple(of: 2) {
                key[octet] = UInt8(value & 0xff)
                key[octet + 1] = key[octet + 1] & 0xf0 | UInt8(value >> 8)
            } else {
                key[octet + 1] = key[octet + 1] & 0x0f | UInt8(value & 0x0f) << 4
                key[octet + 2] = UInt8(value >> 4)
            }
            candidates.append(key)
        }
        var refused = 0
        for key in candidates {
            // It loads any octets of the right number, and looks at them when it is to encapsulate.
            let isUsable = (try? XWingMLKEM768X25519.PublicKey(rawRepresentation: key).encapsulate()) != nil
            let accepted = try isAccepted(SealingKeySet(x25519: [9] + [UInt8](repeating: 0, count: 31), xWing: key))
            #expect(accepted == isUsable)
            if !accepted { refused += 1 }
        }
        #expect(refused >= 48 + 4)
    }

    @Test func `a peer's key is told, kept, ordered and compared by its octets`() throws {
        let octets = (0..<32).map { UInt8($0 * 7) }
        let key = try #require(PeerKey(octets))
        #expect(key.octets == octets)
        #expect(PeerKey(base64URL: key.base64URL) == key)
        #expect(PeerKey(base64URL: key.base64URL + "A") == nil)
        #expect(PeerKey(octets.dropLast()) == nil)
        #expect(PeerKey(octets + [0]) == nil)
        for place in 0..<32 {
            var higher = octets
            higher[place] += 1
            let other = try #require(PeerKey(higher))
            #expect(other != key)
            #expect(key < other)
        }
    }

    /// RFC 8032 section 7.1, test 2.
    @Test func `a known signature is made and checked`() throws {
        let seed = octets(hexadecimal: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        let identity = try IdentityKey(rawRepresentation: seed)
        let publicKey = octets(hexadecimal: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        #expect(identity.publicKey.octets == publicKey)
        #expect(identity.rawRepresentation == seed)
        let signature = try identity.sign([0x72])
        let known =
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        #expect(signature == octets(hexadecimal: known))
        #expect(identity.publicKey.isValid(signature: signature, of: [0x72]))
        #expect(!identity.publicKey.isValid(signature: signature, of: [0x73]))
        #expect(!identity.publicKey.isValid(signature: signature.dropLast(), of: [0x72]))
        #expect(!identity.publicKey.isValid(signature: [], of: [0x72]))
        #expect(PeerIdentityError.code { _ = try IdentityKey(rawRepresentation: seed.dropLast()) } == .badKey)
        #expect(!"\(identity)".contains(Base64URL.encode(seed)))
    }
}
