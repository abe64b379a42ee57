// Tests of identifiers beside the vectors: what a person types, what stands in a path.

import PeerIdentity
import TestSupport
import Testing

@Suite struct PeerIdentifierTests {
    @Test func `what a person typed is normalised, what a record says is not`() throws {
        let decomposed = "Andre\u{301}"
        #expect(PeerIdentityError.code { _ = try PeerIdentifier(decomposed) } == .badIdentifier)
        let identifier = try PeerIdentifier(normalising: decomposed)
        #expect(identifier.text.unicodeScalars.elementsEqual("Andr\u{e9}".unicodeScalars))
        let tooLong = String(repeating: "e\u{301}", count: 65)
        #expect(PeerIdentityError.code { _ = try PeerIdentifier(normalising: tooLong) } == .badIdentifier)
        let huge = String(repeating: "a", count: 1_000_000)
        #expect(PeerIdentityError.code { _ = try PeerIdentifier(normalising: huge) } == .badIdentifier)
    }

    @Test(arguments: [
        ("Alice", "aLICE", true), ("\u{391}\u{3a3}", "\u{3b1}\u{3c2}", true),
        ("\u{3b1}\u{3c3}", "\u{3b1}\u{3c2}", true),
        ("\u{c9}ric", "\u{e9}RIC", true), ("STRASSE", "Stra\u{df}e", false), ("Alice", "Alice2", false),
        ("a b", "a-b", false),
        ("\u{41f}\u{435}\u{442}\u{44f}", "\u{43f}\u{415}\u{422}\u{42f}", true),
    ])
    func `identifiers are compared folded`(left: String, right: String, areEqual: Bool) throws {
        let (left, right) = (try PeerIdentifier(left), try PeerIdentifier(right))
        #expect((left == right) == areEqual)
        if areEqual { #expect(left.hashValue == right.hashValue) }
    }

    @Test(arguments: [
        ("Alice", "Alice"), ("%41lice", "Alice"), ("a%20b", "a b"), ("a b", "a b"), ("%c3%89ric", "\u{c9}ric"),
        ("\u{c9}ric", "\u{c9}ric"),
    ])
    func `a segment of a path is decoded`(segment: String, text: String) throws {
        #expect(try PeerIdentifier(pathSegment: segment.utf8).text == text)
    }

    @Test(arguments: [
        "", "%", "%4", "%4g", "a%", "a%2", "%2541", "a%2Fb", "a/b", "a+b", "%C3", "%FF", "%ED%A0%80", "a%00", "%20a",
        "Andre%CC%81", ".",
        "..", "%2e%2e",
    ])
    func `a segment that is no name is refused`(segment: String) {
        #expect(PeerIdentityError.code { _ = try PeerIdentifier(pathSegment: segment.utf8) } == .badIdentifier)
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `whatever is accepted is within the rules and survives a path`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces: [Unicode.Scalar] = [
            "a", "Z", "7", "-", "_", ".", " ", "\u{e9}", "\u{301}", "\u{410}", "\u{3b1}", "\u{3c2}", "\u{93f}",
            "\u{915}", "\u{ac00}",
            "\u{1100}", "\u{1161}", "\u{200d}", "\u{130}", "\u{212b}", "\u{1f600}", "\0", "/", "%", "\u{10ffff}",
        ]
        var accepted = 0
        for _ in 0..<20_000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let isAny = Int.random(in: 0..<20, using: &random) == 0
                let any = Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &random)) ?? "a"
                scalars.append(isAny ? any : pieces.randomElement(using: &random) ?? "a")
            }
            guard let identifier = try? PeerIdentifier(String(scalars)) else { continue }
            accepted += 1
            let again = try PeerIdentifier(pathSegment: identifier.pathSegment.utf8)
            #expect(again.text.utf8.elementsEqual(String(scalars).utf8), "seed \(seed)")
            let folded = try PeerIdentifier(identifier.folded)
            #expect(folded == identifier && folded.folded.utf8.elementsEqual(identifier.folded.utf8), "seed \(seed)")
            #expect(identifier.pathSegment.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
        }
        #expect(accepted > 1_000)
    }
}
