// What text must not carry to a terminal or a log: control characters, and credentials in URLs.

/// Rules for text that people see.
package enum TerminalText {
    /// C0, DEL and C1: whoever prints them lets a stranger drive the terminal or forge log lines.
    package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
    }

    /// `text` with what stands between `://` and the last `@` of each authority left out.
    ///
    /// Errs towards leaving out: up to the last `@` before the next space or quote, as a password may hold a raw `/`.
    static func withoutCredentials(_ text: String) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let start = rest.indices.first(where: { rest[$0...].starts(with: "://".utf8) }) {
            let authority = rest[(start + 3)...]
            let word = authority.prefix { $0 > 0x20 && $0 != 0x22 && $0 != 0x27 }
            result += rest[..<(start + 3)]
            rest = word.lastIndex(of: 0x40).map { rest[($0 + 1)...] } ?? authority
        }
        return String(decoding: result + rest, as: UTF8.self)
    }

    /// Appends `text` with quotes, backslashes and control characters escaped as in JSON (RFC 8259 section 7).
    ///
    /// Without `escapesQuotes` only control characters are, for text that stands between no quotes.
    static func appendEscaped(_ text: String, to output: inout String, escapesQuotes: Bool = true) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"" where !escapesQuotes, "\\" where !escapesQuotes: output.unicodeScalars.append(scalar)
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
    }
}
