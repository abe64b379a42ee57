// The safety words against vectors made by Python, and their order.

import Crypto
import PeerIdentity
import TestSupport
import Testing

@testable import Chat

struct SafetyWordsTests {
    /// Name, first octet of the key (the others count on from it), words.
    static let vectors: [(name: String, first: UInt8, words: String)] = [
        ("Alice", 0, "loyal traffic weird eight record grass"), ("bob", 32, "just coil just antique flower song"),
        ("Anna Maria", 64, "real agent trial game primary story"),
        ("SØREN", 0, "silver august quantum budget tone diet"),
    ]

    static func key(_ first: UInt8) throws -> PeerKey { try #require(PeerKey((0..<32).map { first + $0 })) }

    @Test(arguments: vectors) func `a name and a key have these words`(
        _ name: String,
        _ first: UInt8,
        _ words: String
    ) throws {
        let party = SafetyWords.Party(identifier: try PeerIdentifier(name), key: try Self.key(first))
        #expect(party.words.joined(separator: " ") == words)
    }

    @Test func `both people see the same, the lower key first`() throws {
        let alice = (identifier: try PeerIdentifier("Alice"), key: try Self.key(0))
        let bob = (identifier: try PeerIdentifier("bob"), key: try Self.key(32))
        let words = SafetyWords(own: bob, other: alice)
        #expect(words == SafetyWords(own: alice, other: bob))
        #expect(words.text == "Alice: loyal traffic weird eight record grass\nbob: just coil just antique flower song")
    }

    @Test func `the list is that of BIP-39, octet for octet`() {
        let text = WordList.english.map { $0 + "\n" }.joined()
        let digest = SHA256.hash(data: Array(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        #expect(digest.joined() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    }

    /// The same in Python; with PyPI's mnemonic the words too, without it their bits.
    static let script = #"""
        import hashlib, sys
        def bits(folded, key):
            h = hashlib.sha512(b"waystation-words-1\0" + folded.encode() + b"\0" + key).digest()
            for _ in range(5199):
                h = hashlib.sha512(h + key).digest()
            return int.from_bytes(h, "big") >> (512 - 66)
        for folded, first in ("alice", 0), ("bob", 32), ("anna maria", 64), ("søren", 0):
            n = bits(folded, bytes(range(first, first + 32)))
            print(" ".join(str(n >> (55 - 11 * i) & 2047) for i in range(6)))
        """#

    @Test(.enabled(if: RunningProcess.isInstalled("python3"), "python3 is not installed"))
    func `Python comes to the same bits`() async throws {
        let outcome = try await RunningProcess.succeed(["python3", "-c", Self.script])
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == Self.vectors.count)
        for (line, vector) in zip(lines, Self.vectors) {
            let words = line.split(separator: " ").compactMap { Int($0) }.map { String(WordList.english[$0]) }
            #expect(words.joined(separator: " ") == vector.words)
        }
    }
}
