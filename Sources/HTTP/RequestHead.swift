// What the request parser hands to the express lane: offsets into the connection's buffer, nothing copied.

/// A parsed HTTP/1.1 request head as offsets into the octets it was read from.
///
/// One value is reused for all requests of a connection, so that parsing allocates nothing.
package struct RequestHead: Sendable {
    /// The request method (RFC 9110 section 9), the two that a cache answers told apart from all others.
    package enum Method: Sendable, Equatable {
        case get
        case head
        case other
    }

    package var method: Method = .other
    /// Where the method's octets stand.
    package var methodRange: Range<Int> = 0..<0
    /// Where the request target stands in origin-form: path and query, verbatim; for absolute-form without its
    /// scheme and authority (RFC 9112 section 3.2.2); `*` for asterisk-form, host:port for authority-form; nowhere for an
    /// OPTIONS in absolute-form without a path, which means `*` (section 3.2.4).
    package var target: Range<Int> = 0..<0
    /// Where the authority stands: of the absolute-form target if there is one, else the Host field's value.
    package var authority: Range<Int> = 0..<0
    /// HTTP/1.x: the minor version, 0 or 1.
    package var minorVersion = 1
    /// The field lines in order.
    package var lines: [Fields.Line] = []
    /// Which known fields occur.
    package var present: KnownFieldSet = []

    package init() {}

    /// The first line of that name, or nil.
    package func firstLine(_ field: KnownField) -> Fields.Line? {
        guard present.contains(field) else { return nil }
        for line in lines where line.known == field { return line }
        return nil
    }

    /// Whether more than one line has that name.
    package func isRepeated(_ field: KnownField) -> Bool {
        guard present.contains(field) else { return false }
        var found = false
        for line in lines where line.known == field {
            if found { return true }
            found = true
        }
        return false
    }
}
