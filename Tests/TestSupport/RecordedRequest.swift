// What the scripted origin saw of one request.

/// A request as it arrived, octets untouched.
package struct RecordedRequest: Sendable {
    /// Its place among all requests of the origin, from 0.
    package let index: Int
    /// Which connection it came on, from 0 in the order of accepting.
    package let connection: Int
    /// Its place among the requests of its connection, from 0.
    package let indexOnConnection: Int
    /// The request line and the header lines, without their CRLF, each octet as one Unicode scalar (Latin-1).
    package let rawLines: [String]
    /// The body, chunked ones decoded; empty if the script reads it itself.
    package let body: [UInt8]

    package var method: String { part(0) }
    package var target: String { part(1) }
    package var version: String { part(2) }

    /// The header lines as they came, without CRLF.
    package var headerLines: [String] { Array(rawLines.dropFirst()) }

    /// The values of all lines of that name (any letter case), trimmed, in order.
    package func values(_ name: String) -> [String] {
        headerLines.compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            guard line[..<colon].lowercased() == name.lowercased() else { return nil }
            return line[line.index(after: colon)...].trimmed
        }
    }

    /// The value of the first line of that name, or nil.
    package func value(_ name: String) -> String? { values(name).first }

    private func part(_ index: Int) -> String {
        let parts = (rawLines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        return index < parts.count ? String(parts[index]) : ""
    }
}

extension Substring {
    /// Without SP and HTAB at both ends.
    var trimmed: String {
        var rest = self
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
