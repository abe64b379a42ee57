// Packed contents that come back from where a store kept them.

package import HTTP

extension PackedContent {
    /// The content whose ``octets`` were kept; nil if they cannot be that: then they were damaged.
    ///
    /// Looks at the layout only, since a store that starts takes all it has: what the parts say is looked at when
    /// ``content`` is asked for.
    package init?(stored octets: [UInt8]) {
        guard octets.count >= PackedContent.headCount, octets[0] & ~PackedContent.allFlags == 0 else { return nil }
        let isSigned = octets[0] & PackedContent.isSigned != 0
        var total = PackedContent.headCount + (isSigned ? PackedContent.signedCount : 0)
        for part in 0..<PackedContent.partCount {
            total += Int(octets[1 + 2 * part]) << 8 | Int(octets[2 + 2 * part])
        }
        guard octets.count == total else { return nil }
        self.init(whole: octets)
        guard !text.isEmpty, !url.isEmpty else { return nil }
    }
}

extension PackedEntry {
    /// An entry whose parts were kept one by one.
    package init(
        content: PackedContent,
        presentUntil: Timestamp,
        isPresent: Bool,
        heldSince: Timestamp,
        heldUntil: Timestamp,
        renewals: UInt64,
        revision: UInt64
    ) {
        self.content = content
        (self.presentUntil, self.isPresent) = (presentUntil, isPresent)
        (self.heldSince, self.heldUntil) = (heldSince, heldUntil)
        (self.renewals, self.revision) = (renewals, revision)
    }
}
