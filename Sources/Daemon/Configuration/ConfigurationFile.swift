// The configuration file: `key = value` lines and `#` comments, read strictly.

/// The lines of a configuration file.
package struct ConfigurationFile: Sendable, Equatable {
    /// One `key = value`.
    package struct Line: Sendable, Equatable {
        package let number: Int
        package let key: String
        package let value: String
    }

    /// The largest file that is read, in octets.
    package static let octetsMax = 1 << 20

    /// As given, for messages.
    package let path: String
    package private(set) var lines: [Line] = []

    /// Reads `octets` line by line: blank, a comment, or `key = value`.
    ///
    /// Blanks around key and value do not count. `#` begins a comment at the start of a line or behind a blank. There
    /// are no quotes and no escapes.
    package init(path: String, octets: [UInt8]) throws(ExitFailure) {
        self.path = path
        guard octets.count <= Self.octetsMax else {
            throw ExitFailure(.configuration, "\(path): larger than 1 MiB; is it the configuration file?")
        }
        for (index, octets) in octets.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            guard let text = String(validating: octets, as: UTF8.self) else {
                throw ExitFailure(.configuration, "\(path):\(index + 1): not UTF-8 text; is it the configuration file?")
            }
            if let line = try Self.line(text, number: index + 1, path: path) { lines.append(line) }
        }
    }

    private static func line(_ text: String, number: Int, path: String) throws(ExitFailure) -> Line? {
        let content = trimmed(withoutComment(Array(text.unicodeScalars)[...]))
        guard !content.isEmpty else { return nil }
        guard let equals = content.firstIndex(of: "=") else {
            throw ExitFailure(.configuration, "\(path):\(number): not 'key = value'; a comment begins with '#'")
        }
        let key = string(trimmed(content[..<equals]))
        let value = string(trimmed(content[(equals + 1)...]))
        guard !key.isEmpty else {
            throw ExitFailure(.configuration, "\(path):\(number): no key before '='; write 'key = value'")
        }
        guard !value.isEmpty else {
            throw ExitFailure(
                .configuration,
                "\(path):\(number): '\(key)' has no value; give one or put '#' before the line"
            )
        }
        return Line(number: number, key: key, value: value)
    }

    private static func withoutComment(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        let start = scalars.indices.first { index in
            scalars[index] == "#" && (index == scalars.startIndex || isBlank(scalars[index - 1]))
        }
        return scalars[..<(start ?? scalars.endIndex)]
    }

    private static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        let front = scalars.drop(while: isBlank)
        return front[..<((front.lastIndex { !isBlank($0) } ?? front.startIndex - 1) + 1)]
    }

    /// SP, HTAB and the CR of a line that ends in CRLF.
    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\r"
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
