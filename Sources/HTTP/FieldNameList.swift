// A comma list of field names, as in Vary, Connection and the arguments of no-cache and private.

/// Reads `#field-name` (RFC 9110 section 5.6.1).
enum FieldNameList {
    /// The names in lower case, empty members skipped; nil if there is none or any member is no field name.
    static func parse(_ text: Span<UInt8>) -> [[UInt8]]? {
        let names = members(of: text)
        return names.isEmpty || !names.allSatisfy(isFieldName) ? nil : names
    }

    /// The members in lower case, whatever they are, empty ones skipped.
    static func members(of text: Span<UInt8>) -> [[UInt8]] {
        var members: [[UInt8]] = []
        var start = 0
        while start <= text.count {
            var end = start
            while end < text.count, text[end] != 0x2c { end += 1 }
            let member = text.trimmingWhitespace(start..<end)
            if !member.isEmpty { members.append(member.map { Octet.lowercased(text[$0]) }) }
            start = end + 1
        }
        return members
    }

    /// Whether `name` is a token (RFC 9110 section 5.1).
    static func isFieldName(_ name: [UInt8]) -> Bool {
        !name.isEmpty && name.allSatisfy(Octet.isToken)
    }
}
