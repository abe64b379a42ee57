// The Age field: how long other caches have held a response already (RFC 9111 section 5.1).

/// Reads the Age field.
package enum Age {
    /// The seconds that the first member of all lines says; nil if there is none or it is no number.
    ///
    /// The first member decides over comma lists and repeated lines. What is no sequence of digits (letters, a minus, a
    /// decimal) counts as if the field was absent; great numbers give ``DeltaSeconds/deltaSecondsMax``. Parameters behind
    /// the number, which the syntax does not know, make it no younger: they are left out.
    package static func parse(_ lines: [ArraySlice<UInt8>]) -> DeltaSeconds? {
        guard let line = lines.first else { return nil }
        let first = line.prefix { $0 != 0x2c && $0 != 0x3b }
        let member = first.span
        return member.extracting(member.trimmingWhitespace(0..<member.count)).deltaSeconds
    }
}
