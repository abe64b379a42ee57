// Unicode text in one spelling: NFC, and the form in which names are compared.

@_spi(_Unicode) private import Swift

extension String {
    /// In Normalization Form C (Unicode Standard Annex 15).
    ///
    /// The standard library has it, but not yet as API; Foundation's would bring another version of Unicode.
    var normalisedToNFC: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return self }
        var scalars = String.UnicodeScalarView()
        _nfc.forEach { scalars.append($0) }
        return String(scalars)
    }

    /// Whether it is in Normalization Form C: the very code points, which `==` does not compare.
    var isNFC: Bool {
        if utf8.allSatisfy({ $0 < 0x80 }) { return true }
        return utf8.elementsEqual(normalisedToNFC.utf8)
    }

    /// NFC of the lower case of its NFC.
    ///
    /// Lower case is that of each code point by itself (Unicode Standard, section 3.13, `Lowercase_Mapping`); the one
    /// rule that looks at the neighbours is made needless by taking the final sigma for a sigma.
    var foldedForNames: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return lowercased() }
        var scalars = String.UnicodeScalarView()
        for scalar in normalisedToNFC.lowercased().unicodeScalars {
            scalars.append(scalar == "\u{3c2}" ? "\u{3c3}" : scalar)
        }
        return String(scalars).normalisedToNFC
    }
}
