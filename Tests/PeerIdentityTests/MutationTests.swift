// Seeded mutations of what a peer sends: nothing traps, and what is accepted has one spelling.

import PeerIdentity
import TestSupport
import Testing

@Suite struct MutationTests {
    /// One to three small changes; within base64url's alphabet as a rule, so that they reach the payload.
    static func mutate(_ text: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)
        var text = text
        for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
            let place = Int.random(in: 0..<text.count, using: &random)
            let letter = letters.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<7, using: &random) {
            case 0: text[place] = UInt8.random(in: 0...255, using: &random)
            case 1: text.remove(at: place)
            case 2: text.insert(letter, at: place)
            case 3: text.removeLast(min(text.count, Int.random(in: 1...90, using: &random)))
            case 4: text.append(letter)
            default: text[place] = letter
            }
        }
        return text
    }

    /// The same, made on the payload inside.
    static func mutateInside(_ text: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let parts = text.split(separator: UInt8(ascii: "."))
        guard parts.count == 3, var payload = Base64URL.decode(parts[1]) else { return text }
        let place = Int.random(in: 0..<payload.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: payload.remove(at: place)
        case 1: payload.insert(UInt8.random(in: 0x20...0x7e, using: &random), at: place)
        case 2: payload[place] = UInt8.random(in: 0...255, using: &random)
        default: payload[place] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &random)
        }
        return Array([parts[0], Array(Base64URL.encode(payload).utf8)[...], parts[2]].joined(separator: [0x2e]))
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a mutated record is refused, or is another record in its one spelling that nobody signed`(seed: UInt64) throws
    {
        var random = SeededGenerator(seed: seed)
        let originals = Vectors.list("records").map { Array($0.text("compact").utf8) }
        var accepted = 0
        for step in 0..<2_500 {
            let original = originals.randomElement(using: &random) ?? []
            let text = step.isMultiple(of: 2) ? Self.mutate(original, &random) : Self.mutateInside(original, &random)
            guard let signed = try? SignedPeerRecord(parsing: text) else { continue }
            accepted += 1
            #expect(signed.compact.elementsEqual(text), "seed \(seed)")
            if text != original { #expect(!signed.isSignatureValid, "seed \(seed)") }
        }
        #expect(accepted > 100)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a mutated leave or handover is refused, or has one spelling and no signature`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let leaves = Vectors.list("leaves").map { Array($0.text("compact").utf8) }
        let handovers = Vectors.list("handovers").map { Array($0.text("compact").utf8) }
        let (alice, old) = (try RecordFixture.identity().publicKey, try RecordFixture.identity(100).publicKey)
        var accepted = 0
        for step in 0..<2_500 {
            let original = (step & 1 == 0 ? leaves : handovers).randomElement(using: &random) ?? []
            let text = step & 2 == 0 ? Self.mutate(original, &random) : Self.mutateInside(original, &random)
            if let leave = try? PeerLeave.parse(text) {
                accepted += 1
                #expect(leave.compact.utf8.elementsEqual(text), "seed \(seed)")
                if text != original { #expect(!leave.isSignatureValid(by: alice), "seed \(seed)") }
            }
            if let handover = try? PeerHandover.parse(text) {
                accepted += 1
                #expect(handover.compact.utf8.elementsEqual(text), "seed \(seed)")
                if text != original { #expect(!handover.isSignatureValid(by: old), "seed \(seed)") }
            }
        }
        #expect(accepted > 100)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a mutated renewal is refused, or has one spelling and no MAC`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let vector = try #require(Vectors.list("leases").first)
        let identifier = try PeerIdentifier(vector.text("id"))
        let lease = try #require(Base64URL.decode(vector.text("lease").utf8))
        let original = Array(vector.text("renewal").utf8)
        var accepted = 0
        for _ in 0..<10_000 {
            let text = Self.mutate(original, &random)
            guard let renewal = PeerRenewal(parsing: text) else { continue }
            accepted += 1
            #expect(renewal.fieldValue.utf8.elementsEqual(text), "seed \(seed)")
            if text != original { #expect(!renewal.isValid(leaseKey: lease, identifier: identifier), "seed \(seed)") }
        }
        #expect(accepted > 100)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a mutated URL is refused, or its parts make it up`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let originals = [
            "http://127.0.0.1:8081/", "https://[2001:db8::1]:8443/a/b", "http://a.example.org:80", "https://x/%41;b",
            "http://[::ffff:1.2.3.4]/", "http://localhost",
        ]
        let pieces = [
            "@", "?", "#", ":", "/", "[", "]", ".", "%", "0", "\\", " ", "::", "//", "\u{e9}", "\n", "%41", "65536",
        ]
        var accepted = 0
        for _ in 0..<10_000 {
            var text = Array((originals.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<max(text.count, 1), using: &random)
                if Bool.random(using: &random), !text.isEmpty {
                    text.remove(at: min(place, text.count - 1))
                } else {
                    text.insert(
                        contentsOf: (pieces.randomElement(using: &random) ?? "").utf8,
                        at: min(place, text.count)
                    )
                }
            }
            guard let url = try? PeerURL(String(decoding: text, as: UTF8.self)) else { continue }
            accepted += 1
            let forbidden = Array("@?#\\ \n".utf8)
            let authority = url.authority.utf8
            #expect(!authority.contains { forbidden.contains($0) }, "seed \(seed): \(url)")
            #expect(url.path.hasPrefix("/") && 1...65_535 ~= url.port && !url.host.isEmpty, "seed \(seed): \(url)")
            let rebuilt = try PeerURL("\(url.scheme)://\(url.authority)\(url.path)")
            #expect(
                rebuilt.authority == url.authority && rebuilt.path == url.path && rebuilt.port == url.port
                    && rebuilt.host == url.host,
                "seed \(seed): \(url)"
            )
        }
        #expect(accepted > 500)
    }
}
