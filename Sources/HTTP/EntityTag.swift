// Entity tags, and the lists of them in If-Match and If-None-Match (RFC 9110 section 8.8.3).

/// An entity tag: the validator of one representation.
package struct EntityTag: Sendable, Hashable {
    /// Whether it stands for equivalent rather than equal octets: `W/`.
    package var isWeak: Bool
    /// What stands between the quotes.
    package var opaque: [UInt8]

    package init(isWeak: Bool, opaque: [UInt8]) {
        self.isWeak = isWeak
        self.opaque = opaque
    }

    /// The tag that `text` is, from its first octet to its last; nil if it is none.
    ///
    /// `W/` is upper case; an unquoted tag is none, so nothing is ever equal to it.
    package static func parse(_ text: Span<UInt8>) -> EntityTag? {
        guard let parts = EntityTagParts(text) else { return nil }
        return EntityTag(isWeak: parts.isWeak, opaque: text.extracting(parts.opaque).array)
    }

    /// Whether both stand for the same octets (RFC 9110 section 8.8.3.2): neither is weak.
    package func stronglyEquals(_ other: EntityTag) -> Bool {
        !isWeak && !other.isWeak && opaque == other.opaque
    }

    /// Whether both stand for equivalent representations (RFC 9110 section 8.8.3.2).
    package func weaklyEquals(_ other: EntityTag) -> Bool {
        opaque == other.opaque
    }
}

/// Where the parts of an entity tag stand in its text.
struct EntityTagParts {
    let isWeak: Bool
    let opaque: Range<Int>

    /// The parts of the tag that `text` is from end to end; nil if it is none.
    init?(_ text: Span<UInt8>) {
        let start = text.count >= 2 && text[0] == 0x57 && text[1] == 0x2f ? 2 : 0
        guard text.count >= start + 2, text[start] == 0x22, text[text.count - 1] == 0x22 else { return nil }
        isWeak = start == 2
        opaque = start + 1..<text.count - 1
        guard opaque.allSatisfy({ EntityTagParts.isTagOctet(text[$0]) }) else { return nil }
    }

    /// `etagc`: VCHAR except the quote, and obs-text.
    private static func isTagOctet(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet != 0x22 && octet != 0x7f
    }
}
