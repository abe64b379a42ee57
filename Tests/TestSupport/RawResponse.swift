// Responses taken apart by the book out of what a raw connection read: what a client would make of those octets.

/// One response of HTTP/1.1 as a strict client reads it.
package struct RawResponse: Sendable, Equatable {
    package let status: Int
    /// The lines after the status line, as they came.
    package let lines: [String]
    package let body: [UInt8]

    /// The value of the first line of that name (any letter case), or nil.
    package func value(_ name: String) -> String? {
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                continue
            }
            return line[line.index(after: colon)...].trimmed
        }
        return nil
    }

    package var bodyText: String { String(decoding: body, as: UTF8.self) }

    /// The responses, interim ones too, in `octets`, and how many octets at the end are no whole response.
    ///
    /// - Parameters:
    ///   - octets: All that a connection brought.
    ///   - methods: Those of the requests, in order, to know which responses have no body; GET beyond the last.
    /// - Returns: The whole responses; octets that are left belong to no whole one.
    package static func all(in octets: [UInt8], to methods: [String] = []) -> (responses: [RawResponse], left: Int) {
        var responses: [RawResponse] = []
        var rest = octets[...]
        var finals = 0
        while let end = rest.range(of: [0x0d, 0x0a, 0x0d, 0x0a]) {
            let head = String(String.UnicodeScalarView(rest[..<end.lowerBound].map { Unicode.Scalar($0) }))
            let lines = head.unicodeScalars.split(separator: "\n").map { String($0.last == "\r" ? $0.dropLast() : $0) }
            guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3))
            else { break }
            let response = RawResponse(status: status, lines: Array(lines.dropFirst()), body: [])
            let method = finals < methods.count ? methods[finals] : "GET"
            var after = rest[end.upperBound...]
            var body: [UInt8] = []
            if status >= 200 {
                finals += 1
                if method != "HEAD", status != 204, status != 304 {
                    guard let (content, count) = response.readBody(after) else { break }
                    body = content
                    after = after.dropFirst(count)
                }
            }
            responses.append(RawResponse(status: status, lines: response.lines, body: body))
            rest = after
        }
        return (responses, rest.count)
    }

    /// The body and the octets that it takes; nil if it is not whole.
    private func readBody(_ octets: ArraySlice<UInt8>) -> (body: [UInt8], count: Int)? {
        if let length = value("Content-Length").flatMap({ Int($0) }) {
            return octets.count >= length ? (Array(octets.prefix(length)), length) : nil
        }
        guard value("Transfer-Encoding")?.lowercased() == "chunked" else { return (Array(octets), octets.count) }
        var rest = octets
        var body: [UInt8] = []
        while let end = rest.range(of: [0x0d, 0x0a]) {
            guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest[end.upperBound...]
            guard rest.count >= size + 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
            if size == 0 { return (body, octets.count - rest.count) }
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    /// Where `pattern` first stands.
    fileprivate func range(of pattern: [UInt8]) -> Range<Int>? {
        guard count >= pattern.count else { return nil }
        for start in startIndex...endIndex - pattern.count where self[start] == pattern[0] {
            if self[start..<start + pattern.count].elementsEqual(pattern) { return start..<start + pattern.count }
        }
        return nil
    }
}
