// Octet classes as constant bit masks: the inner loops of the parsers, without a table that must be set up.

/// The classes of RFC 9110 section 5 that the parsers ask for once per octet.
enum FieldOctet {
    /// `tchar` (RFC 9110 section 5.6.2).
    @inline(__always)
    static func isToken(_ octet: UInt8) -> Bool {
        // "!#$%&'*+-." and digits; letters, "^_`|~".
        let mask: UInt64 = octet < 64 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
        return octet < 128 && mask &>> UInt64(octet & 63) & 1 != 0
    }

    /// What a request target is made of here: visible ASCII without `#`.
    ///
    /// That is more than RFC 3986 allows (browsers send `|` and `[` as they are) and no octet that one reader might take
    /// for the end of the target: no octets from 0x80 on, among which some readers find spaces.
    @inline(__always)
    static func isTarget(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet < 0x7f && octet != 0x23
    }

    /// What a field value is made of: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5).
    @inline(__always)
    static func isValue(_ octet: UInt8) -> Bool {
        octet >= 0x20 && octet != 0x7f || octet == 0x09
    }

    /// What a host and port are made of (RFC 3986 section 3.2) without `,` and `@`, brackets and colon included.
    static func isAuthority(_ octet: UInt8) -> Bool {
        // "!$%&'()*+-.:;=" and digits; letters, "[]_~".
        let mask: UInt64 = octet < 64 ? 0x2fff_6ff2_0000_0000 : 0x47ff_fffe_afff_fffe
        return octet < 128 && mask &>> UInt64(octet & 63) & 1 != 0
    }
}

extension Span<UInt8> {
    /// Whether these octets are exactly `text`.
    func spells(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }
}
