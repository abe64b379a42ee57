// A peer's public key: what a name belongs to.

/// An Ed25519 public key, 32 octets.
package struct PeerKey: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// Nil unless there are 32 octets.
    package init?(_ octets: some Collection<UInt8>) {
        guard octets.count == 32 else { return nil }
        var words = [UInt64](repeating: 0, count: 4)
        for (index, octet) in octets.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(octet) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    package var octets: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    package static func == (left: PeerKey, right: PeerKey) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.3)
    }
}
