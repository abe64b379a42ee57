// How many cells of a terminal a text takes.

/// Widths by grapheme cluster, as modern terminals and wcwidth's `wcswidth` count them.
package enum DisplayWidth {
    /// The cells of one character: 0, 1 or 2; 0 for control characters, which are not to be sent to a terminal.
    package static func cells(_ character: Character) -> Int {
        if let ascii = character.asciiValue { return ascii >= 0x20 && ascii != 0x7f ? 1 : 0 }
        var total = 0
        var previous: Unicode.Scalar?
        for scalar in character.unicodeScalars {
            switch scalar.value {
            case 0xfe0f:
                if let previous, WidthTables.wideWithSelector16.contains(previous) { return 2 }
            case 0xfe0e:
                if let previous, total == 2, WidthTables.narrowWithSelector15.contains(previous) { total = 1 }
            default:
                total += cells(scalar, after: previous)
            }
            // A flag, a family, a syllable of several letters: the cluster is drawn as one, never wider than two.
            if total >= 2 { total = 2 }
            previous = scalar
        }
        return total
    }

    /// The cells of a text without control characters.
    package static func cells(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + cells($1) }
    }

    private static func cells(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar?) -> Int {
        if scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) { return 0 }
        if scalar.value < 0x300 { return 1 }
        if WidthTables.spacing.contains(scalar) { return previous == nil ? 0 : 1 }
        if WidthTables.zero.contains(scalar) { return 0 }
        return WidthTables.wide.contains(scalar) || (0x1f1e6...0x1f1ff).contains(scalar.value) ? 2 : 1
    }
}
