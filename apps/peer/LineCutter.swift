// From reads to lines.

/// Cuts octets into lines, however they come.
struct LineCutter {
    private var held: [UInt8] = []

    /// The lines that end in `octets`, without LF or CR LF; what is behind the last end is held.
    ///
    /// What is not UTF-8 is U+FFFD.
    mutating func lines(in octets: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        var rest = octets
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if held.isEmpty {
                lines.append(Self.line(rest[..<end]))
            } else {
                held += rest[..<end]
                lines += finish()
            }
            rest = rest[(end + 1)...]
        }
        held += rest
        return lines
    }

    /// The line that has not ended, if there is one.
    mutating func finish() -> [String] {
        defer { held = [] }
        return held.isEmpty ? [] : [Self.line(held[...])]
    }

    private static func line(_ octets: ArraySlice<UInt8>) -> String {
        String(decoding: octets.last == UInt8(ascii: "\r") ? octets.dropLast() : octets, as: UTF8.self)
    }
}
