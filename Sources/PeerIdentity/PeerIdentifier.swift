// The name of a peer.

/// 1 to 64 characters, at most 128 octets, NFC: letters, digits, `-` `_` `.` and single inner spaces, first a letter or
/// digit; Latin is not mixed with Cyrillic or Greek.
///
/// A character is a code point. A letter is one of general category L, a digit one of Nd; up to four combining marks (Mn,
/// Mc) after a letter belong to it, for many scripts cannot be written without. What is not shown by itself
/// (`Default_Ignorable_Code_Point`) is neither. Two identifiers are equal if they are the same after lower-casing.
package struct PeerIdentifier: Sendable, Hashable, CustomStringConvertible {
    /// As its peer writes it, in NFC.
    package let text: String
    /// In NFC and lower case: what is compared, and the key in every table.
    package let folded: String

    package static let charactersMax = 64
    package static let octetsMax = 128

    /// The identifier of this very text.
    ///
    /// It must be in NFC, and is refused if it is not, so that a record has one spelling and a registry answers 400. See
    /// ``init(normalising:)`` for what a person typed.
    ///
    /// - Throws: ``PeerIdentityError`` with ``PeerIdentityError/Code/badIdentifier``, its message saying which rule.
    package init(_ text: String) throws(PeerIdentityError) {
        try Self.check(text)
        self.text = text
        let folded = text.foldedForNames
        // The same text is kept once.
        self.folded = folded.utf8.elementsEqual(text.utf8) ? text : folded
    }

    /// The identifier of the NFC of this text: for what a person typed.
    ///
    /// - Throws: As ``init(_:)`` does.
    package init(normalising text: String) throws(PeerIdentityError) {
        // No text of which more is left than an identifier can hold.
        guard text.utf8.count <= 16 * Self.octetsMax else { throw Self.tooLong }
        try self.init(text.normalisedToNFC)
    }

    /// The identifier in a segment of a path, percent-encoded UTF-8 (RFC 3986 section 2.1).
    ///
    /// - Parameter pathSegment: Without slashes, as it stands in the request.
    /// - Throws: As ``init(_:)`` does; also if it is not well encoded.
    package init(pathSegment: some Sequence<UInt8>) throws(PeerIdentityError) {
        guard let octets = PercentEncoding.decode(pathSegment, octetsMax: Self.octetsMax),
            let text = String(validating: octets, as: UTF8.self)
        else {
            throw PeerIdentityError(.badIdentifier, "a name in a path is percent-encoded UTF-8, at most 128 octets")
        }
        try self.init(text)
    }

    /// ``text`` as a segment of a path (RFC 3986 section 3.3).
    package var pathSegment: String { PercentEncoding.encode(text.utf8) }

    package var description: String { text }

    package static func == (left: PeerIdentifier, right: PeerIdentifier) -> Bool { left.folded == right.folded }

    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }

    private static let tooLong = PeerIdentityError(
        .badIdentifier,
        "a name has 1 to \(charactersMax) characters and at most \(octetsMax) octets"
    )
}

extension PeerIdentifier {
    /// What a character of a name is.
    private enum Kind {
        case letter
        case digit
        /// Part of the letter before it.
        case mark
        case punctuation
        case space
    }

    private static let marksMax = 4

    private static func check(_ text: String) throws(PeerIdentityError) {
        guard 1...octetsMax ~= text.utf8.count, text.unicodeScalars.count <= charactersMax else { throw tooLong }
        var previous = Kind.letter
        var isFirst = true
        var marks = 0
        var scripts: Script = []
        for scalar in text.unicodeScalars {
            guard let kind = kind(scalar) else {
                throw PeerIdentityError(
                    .badIdentifier,
                    "a name has letters, digits, '-', '_', '.' and spaces, not U+\(String(scalar.value, radix: 16))"
                )
            }
            marks = kind == .mark ? marks + 1 : 0
            if isFirst, kind != .letter, kind != .digit {
                throw PeerIdentityError(.badIdentifier, "a name begins with a letter or digit")
            }
            if previous == .space, kind == .space {
                throw PeerIdentityError(.badIdentifier, "a name has no two spaces in a row")
            }
            if kind == .mark, previous != .letter, previous != .mark {
                throw PeerIdentityError(.badIdentifier, "in a name a combining mark follows a letter")
            }
            guard marks <= marksMax else {
                throw PeerIdentityError(.badIdentifier, "a letter of a name has at most \(marksMax) combining marks")
            }
            scripts.formUnion(Script(of: scalar))
            (previous, isFirst) = (kind, false)
        }
        guard previous != .space else { throw PeerIdentityError(.badIdentifier, "a name does not end with a space") }
        guard !scripts.contains(.latin) || scripts == .latin else {
            throw PeerIdentityError(.badIdentifier, "a name does not mix Latin with Cyrillic or Greek letters")
        }
        guard text.isNFC else { throw PeerIdentityError(.badIdentifier, "a name is in Unicode's form NFC") }
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind? {
        switch scalar {
        case "a"..."z", "A"..."Z": return .letter
        case "0"..."9": return .digit
        case "-", "_", ".": return .punctuation
        case " ": return .space
        case "\u{0}"..."\u{7f}": return nil
        default: break
        }
        guard !scalar.properties.isDefaultIgnorableCodePoint else { return nil }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber: .digit
        case .nonspacingMark, .spacingMark: .mark
        default: nil
        }
    }
}
