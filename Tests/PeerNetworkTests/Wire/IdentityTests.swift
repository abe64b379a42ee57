// Ids of nodes and networks, and base 58.

import TestSupport
import Testing

@testable import PeerNetwork

@Suite struct IdentityTests {
    @Test(arguments: [
        ("mesh", false, "EpAmyZWv9rZUKmjQgU3FTUD4GrJHvVEXizmghVBc8eGD"),
        ("mesh", true, "EkE9cS4dwjZ8uo8H1pxYe7WrJ3wXgaHfozHQUkb99eHm"),
        ("sync1", false, "p7sAnBsK3n5enFXH7vEGQjzS6t6RH1CeEoYekNjr5Jn"),
        ("sync0", false, "EB8PreScNDAFMALGBs1uyocDXLXCxZKzWEP5oR6VVh2z"),
        ("sync1", true, "ANBM6pF8DhyLoKw2PEj8wwg9WbmxbYvmZt4d9ca3nJ7B"),
        ("chord", false, "7vVFRufXm7t4vppy5LoCeXJznBnahNRjnmsRkbVYet5z"),
        ("chord", true, "bL2pkj6uxDSnYsiadoxynuiYYshThTuBQUN2sC279bA"),
        ("", false, "3soAb1XFyvZYyqgFNTxcXvzEBU6p8n821ifyVVANipvt"),
        ("bootstrap", false, "6QikR2LAXkQcv1C7K1htQdE8xLbLpS7EBbRHZMSQSCBy"),
    ])
    func `a network's id is that of py2p`(_ subnet: String, _ isEncrypted: Bool, _ id: String) {
        #expect("\(NetworkID(subnet: subnet, isEncrypted: isEncrypted))" == id)
    }

    @Test func `a hash with a leading zero octet has no leading 1`() {
        #expect("\(NetworkID(subnet: "net356", isEncrypted: false))" == "3JC9xnyeiyyGDGQrGfpGpLmQVqAAy1esBqr7dwcKBcK")
    }

    @Test func `a node's id is that of py2p`() {
        let id = NodeID(
            host: "127.0.0.1",
            port: 4444,
            network: NetworkID(subnet: "mesh", isEncrypted: false),
            salt: "12345678-1234-4234-8234-123456789abc"
        )
        #expect("\(id)" == "66qGVHzjWpWu24vdPfYBXpjsUyWcM5tB3eaWY59TQ48Rm8dQBtohp2JbTHT8So1tJm")
    }

    @Test func `base 58 of a number is read again, and what is none is not`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let count = Int.random(in: 0...64, using: &generator)
            let octets = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let padded = [UInt8](repeating: 0, count: 64 - count) + octets
            #expect(Base58.decode(Base58.encode(octets), byteCount: 64) == padded, "seed \(seed)")
        }
        #expect(Base58.encode([0, 0]) == Array("1".utf8))
        #expect(Base58.encode([57]) == Array("z".utf8))
        #expect(Base58.encode([58]) == Array("21".utf8))
        for text in ["", "0", "O", "I", "l", "a b", "é"] {
            #expect(Base58.decode(Array(text.utf8), byteCount: 64) == nil)
        }
        #expect(Base58.decode(Array("z".utf8), byteCount: 1) == [57])
        #expect(Base58.decode(Array("zz".utf8), byteCount: 1) == nil)
        #expect(Base58.decode([UInt8](repeating: 0x7a, count: 200), byteCount: 64) == nil)
    }

    @Test(arguments: [("1", "2", true), ("2", "1", false), ("z", "21", true), ("112", "3", true), ("a", "a", false)])
    func `ids are compared as the numbers that they are`(_ a: String, _ b: String, _ isLess: Bool) {
        #expect(Base58.isLess(Array(a.utf8), Array(b.utf8)) == isLess)
    }

    /// FIPS 180-4's examples, and the lengths around a block.
    @Test(arguments: [
        ("", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"),
        ("abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525"
        ),
    ])
    func `SHA-224 is that of the standard`(_ text: String, _ digest: String) {
        #expect(SHA224.hash(Array(text.utf8)) == WireVector.octets(digest))
    }

    @Test(arguments: [
        ("127.0.0.1:4444", "127.0.0.1", 4444), ("[::1]:1", "::1", 1), ("example.org:65535", "example.org", 65_535),
    ])
    func `an address is read and written`(_ text: String, _ host: String, _ port: Int) {
        let address = PeerAddress(text)
        #expect(address?.host == host && address?.port == port && address?.description == text)
    }

    @Test(arguments: ["", "host", "host:", "host:0", "host:65536", ":80", "host:x"])
    func `what is no address is none`(_ text: String) {
        #expect(PeerAddress(text) == nil)
    }

    @Test func `the digits of a message's id are those of its octets`() throws {
        for first in 0...255 as ClosedRange<UInt8> {
            let octets = (0..<32 as Range<UInt8>).map { first &+ $0 &* 7 }
            let id = try #require(MessageID(octets))
            let expected = octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(id.description == expected && id.octets == octets)
        }
    }
}
