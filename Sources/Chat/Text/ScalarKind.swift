// What a Unicode scalar may do to a text that is shown.

/// How a scalar of received text is to be treated.
enum ScalarKind: Hashable {
    /// Seen as what it is.
    case shown
    /// The same, and it makes its line one of mixed direction.
    case rightToLeft
    /// Drawn onto what is before it.
    case mark
    /// A control character that has a sign of its own (U+2400 and following).
    case control(Unicode.Scalar)
    /// Without a look of its own: to be written out as a number.
    case hidden

    /// - Parameters:
    ///   - scalar: The scalar.
    ///   - previous: The one before it in the same grapheme cluster.
    init(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar?) {
        let properties = scalar.properties
        switch scalar.value {
        case 0x20..<0x7f: self = .shown
        case 0..<0x20: self = Unicode.Scalar(scalar.value + 0x2400).map(Self.control) ?? .hidden
        case 0x7f: self = .control("\u{2421}")
        // ZWNJ and ZWJ shape letters of the scripts of the Near East and of India.
        case 0x200c...0x200d: self = previous.map(Self.joins) == true ? .shown : .hidden
        case 0xfe00...0xfe0f:
            self = previous.map { !$0.properties.isDefaultIgnorableCodePoint } == true ? .mark : .hidden
        case 0xe0100...0xe01ef: self = previous?.properties.isIdeographic == true ? .mark : .hidden
        case _ where properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint: self = .hidden
        default:
            switch properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate: self = .hidden
            case .nonspacingMark, .enclosingMark, .spacingMark: self = .mark
            default: self = Self.isRightToLeft(scalar.value) ? .rightToLeft : .shown
            }
        }
    }

    private static func joins(_ scalar: Unicode.Scalar) -> Bool {
        let isJoining =
            (0x600..<0xe00).contains(scalar.value) || (0x1000..<0x1100).contains(scalar.value)
            || (0x1780..<0x18b0).contains(scalar.value)
        return isJoining && !scalar.properties.isDefaultIgnorableCodePoint
    }

    /// The blocks whose default direction is from right to left (DerivedBidiClass.txt).
    private static func isRightToLeft(_ value: UInt32) -> Bool {
        switch value {
        case 0x590..<0x900, 0xfb1d..<0xfe00, 0xfe70..<0xff00, 0x10800..<0x11000, 0x1e800..<0x1f000: true
        default: false
        }
    }
}

/// Sequences in which joiners, selectors and tags have a look, though alone they have none (UTS #51 section 1.4).
enum EmojiSequence {
    /// Whether a cluster is an emoji and nothing but its parts: at most ten scalars, or a flag spelt in tags.
    static func isComplete(_ scalars: [Unicode.Scalar]) -> Bool {
        guard scalars.count > 1, let first = scalars.first, let last = scalars.last else { return false }
        if first.value == 0x1f3f4, last.value == 0xe007f {
            // ED-14a: letters and digits as tags; the longest in use has five.
            return (4...8).contains(scalars.count)
                && scalars[1..<(scalars.count - 1)].allSatisfy { (0xe0030...0xe007a).contains($0.value) }
        }
        guard scalars.count <= 10, first.properties.isEmoji, last.value != 0x200d else { return false }
        var expectsEmoji = false
        for scalar in scalars.dropFirst() {
            switch scalar.value {
            case 0x200d, 0xfe0e, 0xfe0f, 0x20e3:
                guard !expectsEmoji else { return false }
                expectsEmoji = scalar.value == 0x200d
            case _ where scalar.properties.isEmojiModifier: guard !expectsEmoji else { return false }
            case _ where expectsEmoji:
                guard scalar.properties.isEmoji, scalar.value > 0xff else { return false }
                expectsEmoji = false
            case 0x1f1e6...0x1f1ff: guard (0x1f1e6...0x1f1ff).contains(first.value) else { return false }
            default: return false
            }
        }
        return true
    }
}
