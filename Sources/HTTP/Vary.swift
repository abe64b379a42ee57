// The Vary field: which request fields select a stored response (RFC 9110 section 12.5.5, RFC 9111 section 4.1).

/// What the Vary lines of a response come to.
package enum Vary: Sendable, Equatable {
    /// `*` somewhere in the list, or a member that is no field name: no other request can be known to match.
    case any
    /// The names in lower case, sorted, each once; empty if there is no Vary field.
    case names([[UInt8]])

    /// The value of all lines; a `*` counts wherever it stands.
    package static func parse(_ lines: [ArraySlice<UInt8>]) -> Vary {
        var names: [[UInt8]] = []
        for line in lines {
            for name in FieldNameList.members(of: line.span) {
                // `*` is a token, so it must be told apart from names.
                guard name != [0x2a], FieldNameList.isFieldName(name) else { return .any }
                if !names.contains(name) { names.append(name) }
            }
        }
        return .names(names.sorted { $0.lexicographicallyPrecedes($1) })
    }

    /// The value of a response's Vary lines.
    package static func parse(_ fields: Fields) -> Vary {
        parse(fields.values(.vary))
    }

    /// What selects a stored response with these fields: the names in Vary, and Accept-Encoding if it is content-coded.
    ///
    /// An origin that codes by Accept-Encoding and forgets to say so would otherwise have its coded response given to
    /// clients that cannot read it; not to reuse is always allowed (RFC 9111 section 4).
    package static func selecting(_ response: Fields) -> Vary {
        let vary = parse(response)
        guard case .names(var names) = vary, let coding = response[.contentEncoding],
            !coding.span.equalsIgnoringCase("identity"), !coding.isEmpty
        else { return vary }
        let acceptEncoding = Array("accept-encoding".utf8)
        guard !names.contains(acceptEncoding) else { return vary }
        names.append(acceptEncoding)
        return .names(names.sorted { $0.lexicographicallyPrecedes($1) })
    }
}
