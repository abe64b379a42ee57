// Tests of base64url: the vectors of RFC 4648, and that each value has one text.

import Foundation
import PeerIdentity
import TestSupport
import Testing

@Suite struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func `RFC 4648 section 10, without padding`(plain: String, text: String) {
        #expect(Base64URL.encode(plain.utf8) == text)
        #expect(Base64URL.decode(text.utf8) == Array(plain.utf8))
        // A sequence without storage of its own.
        #expect(Base64URL.encode(AnySequence(plain.utf8)) == text)
        #expect(Base64URL.decode(AnySequence(text.utf8)) == Array(plain.utf8))
    }

    @Test(arguments: [
        "A", "AAAAA", "Zg==", "Zg=", "=", "Zh", "Zm9", "Zm-", "Zm9v ", " Zm9v", "Zm\n9v", "Zm+v", "Zm/v", "Zm.v",
        "Zm9v\0", "\u{e9}A",
        "Zm\u{80}",
    ])
    func `another spelling is refused`(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }

    @Test func `each pair and triple of letters decodes to what encodes to it, or to nothing`() {
        let letters = (0...255).map { UInt8($0) }
        var accepted = 0
        for first in letters {
            for second in letters {
                for text in [
                    [first, second], [first, second, UInt8(ascii: "w")], [UInt8(ascii: "w"), first, second],
                ] {
                    guard let octets = Base64URL.decode(text) else { continue }
                    accepted += 1
                    #expect(Base64URL.encode(octets).utf8.elementsEqual(text))
                }
            }
        }
        // 256 values of one octet; "w" ends one in four triples of any letters; 16 letters may end a triple.
        #expect(accepted == 256 + 64 * 64 + 64 * 16)
    }

    @Test func `all lengths agree with Foundation's base64`() {
        var random = SeededGenerator(seed: 4_648)
        for count in 0..<200 {
            let octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Data(octets).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
            #expect(Base64URL.encode(octets) == text)
            #expect(Base64URL.decode(text.utf8) == octets)
        }
    }
}
