// A comma list of field names, as in Vary, Connection and the arguments of no-cache and private.

/// Reads `#field-name` (RFC 9110 section 5.6.1).
enum FieldNameList {
    /// The names in lower case, empty members skipped; nil if there is none or any member is no field name.
    static func parse(_ text: Span<UInt8>) -> [[UInt8]]? {
        var names: [[UInt8]] = []
        var start = 0
        while start <= text.count {
            var end = start
            while end < text.count, text[end] != 0x2c { end += 1 }
            let member = text.trimmingWhitespace(start..<end)
            if !member.isEmpty {
                guard member.allSatisfy({ Octet.isToken(text[$0]) }) else { return nil }
                names.append(member.map { Octet.lowercased(text[$0]) })
            }
            start = end + 1
        }
        return names.isEmpty ? nil : names
    }
}
