// Names with an underscore that servers take for another field's.

import HTTP

/// CGI, WSGI and their kin write each field name in capitals with `_` for `-`, so that `Content_Length` comes out as
/// `Content-Length`: a second length, an address or a host that nobody checked (RFC 3875 section 4.1.18).
enum UnderscoredNames {
    /// Whether `line` of `fields` would be read as a field that has a meaning here, or that is kept from origins.
    static func isMisleading(_ line: Fields.Line, of fields: Fields) -> Bool {
        let name = fields.name(of: line)
        guard line.known == .other, name.contains(0x5f) else { return false }
        let dashed = name.map { $0 == 0x5f ? 0x2d : $0 }
        return KnownField(name: dashed.span) != .other || UnkeyedFields.isPoisonous(dashed.span)
    }
}
