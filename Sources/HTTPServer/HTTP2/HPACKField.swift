// One field as HPACK gives it, and what is known of its name and value without looking at them again.

import HTTP

/// What a name and value are, worked out once for each entry of a table, so that an indexed field costs no check.
struct HPACKFieldKind: Sendable, Equatable {
    /// The pseudo fields of RFC 9113 section 8.3.
    enum Pseudo: UInt8, Sendable {
        case none, method, scheme, path, authority, unknown
    }

    var known = KnownField.other
    var pseudo = Pseudo.none
    /// Whether the name is a token without upper-case letters, or a pseudo field's (RFC 9113 section 8.2.1).
    var isNameValid = true
    /// Whether the value has no octet that a field value must not have, and no whitespace at its ends.
    var isValueValid = true

    /// What `name` says; the value is still to be looked at.
    init(name: Span<UInt8>) {
        guard name.count > 0 else {
            isNameValid = false
            return
        }
        if name[0] == 0x3a {
            pseudo = HPACKFieldKind.pseudo(name)
            return
        }
        for index in 0..<name.count where !FieldOctet.isToken(name[index]) || name[index] &- 0x41 < 26 {
            isNameValid = false
        }
        known = KnownField(name: name)
    }

    /// Looks at the value.
    mutating func check(value: Span<UInt8>) {
        isValueValid = true
        for index in 0..<value.count where !FieldOctet.isValue(value[index]) { isValueValid = false }
        guard value.count > 0 else { return }
        if Octet.isWhitespace(value[0]) || Octet.isWhitespace(value[value.count - 1]) { isValueValid = false }
    }

    private static func pseudo(_ name: Span<UInt8>) -> Pseudo {
        if name.spells(":method") { return .method }
        if name.spells(":scheme") { return .scheme }
        if name.spells(":path") { return .path }
        return name.spells(":authority") ? .authority : .unknown
    }
}

/// A decoded field: where its octets stand in the buffer that the decoder appended them to.
struct HPACKField: Sendable {
    let nameStart: Int
    let valueStart: Int
    let end: Int
    let kind: HPACKFieldKind

    var name: Range<Int> { nameStart..<valueStart }
    var value: Range<Int> { valueStart..<end }
    /// What the field counts for in a table and in a field list (RFC 7541 section 4.1, RFC 9113 section 6.5.2).
    var size: Int { end - nameStart + HPACKField.overhead }

    static let overhead = 32
}
