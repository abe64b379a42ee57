// The words by which two people make sure, over another way, that no one stands between them.

import Crypto
package import PeerIdentity

/// Six words for each party, made of its name and key alone.
///
/// Never one hash over both keys: whoever could choose both ends of a conversation in the middle would find a pair of
/// equal words by a birthday search. Making them is slow on purpose (5,200 times SHA-512 for each party).
package struct SafetyWords: Sendable, Hashable {
    /// Those of one party: 66 bits.
    package struct Party: Sendable, Hashable {
        package let identifier: PeerIdentifier
        package let words: [String]

        package init(identifier: PeerIdentifier, key: PeerKey) {
            self.identifier = identifier
            let octets = key.octets
            var hash = SHA512()
            hash.update(data: Array("waystation-words-1".utf8) + [0])
            hash.update(data: Array(identifier.folded.utf8) + [0])
            hash.update(data: octets)
            var digest = Array(hash.finalize())
            for _ in 0..<5_199 {
                var hash = SHA512()
                hash.update(data: digest)
                hash.update(data: octets)
                digest = Array(hash.finalize())
            }
            words = Self.words(of: digest)
        }

        /// The first 66 bits, eleven for each word.
        private static func words(of digest: [UInt8]) -> [String] {
            (0..<6).map { word in
                let index = (word * 11..<word * 11 + 11).reduce(0) { index, bit in
                    index << 1 | Int(digest[bit / 8] >> UInt8(7 - bit % 8) & 1)
                }
                return String(WordList.english[index])
            }
        }
    }

    /// The party with the lower key first, so that both people read the same.
    package let first: Party
    package let second: Party

    package init(
        own: (identifier: PeerIdentifier, key: PeerKey),
        other: (identifier: PeerIdentifier, key: PeerKey)
    ) {
        let own = (party: Party(identifier: own.identifier, key: own.key), octets: own.key.octets)
        let other = (party: Party(identifier: other.identifier, key: other.key), octets: other.key.octets)
        let isOwnFirst = own.octets.lexicographicallyPrecedes(other.octets)
        (first, second) = isOwnFirst ? (own.party, other.party) : (other.party, own.party)
    }

    /// For the screen: a line for each party.
    package var text: String {
        [first, second].map { "\($0.identifier): \($0.words.joined(separator: " "))" }.joined(separator: "\n")
    }
}
