// Response heads as header blocks: made of a Response, or of a head that the express lane wrote as HTTP/1.1's.

import HTTP

enum HTTP2ResponseHead {
    /// Fields that belong to a connection of HTTP/1.1 (RFC 9113 section 8.2.2), and those that are added here.
    private static let dropped: KnownFieldSet = [
        .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te,
    ]

    /// Appends the block of a head as HTTP/1.1 sends it: a status line and field lines, each with CRLF.
    ///
    /// Returns the status, or 0 if there is no status line to read.
    static func append(_ text: Span<UInt8>, date: [UInt8], to block: inout [UInt8]) -> Int {
        guard text.count >= 12 else { return 0 }
        let status = (9..<12).reduce(0) { $0 * 10 + Int(text[$1] &- 0x30) }
        guard (200...999).contains(status) else { return 0 }
        HPACKEncoder.append(status: status, to: &block)
        var hasDate = false
        var at = 12
        while at < text.count, text[at] != 0x0a { at &+= 1 }
        at &+= 1
        while at < text.count {
            let start = at
            while at < text.count, text[at] != 0x3a { at &+= 1 }
            let name = text.extracting(start..<min(at, text.count))
            var valueStart = min(at + 1, text.count)
            while at < text.count, text[at] != 0x0a { at &+= 1 }
            var valueEnd = at
            at &+= 1
            while valueEnd > valueStart, isSpace(text[valueEnd - 1]) { valueEnd &-= 1 }
            while valueStart < valueEnd, isSpace(text[valueStart]) { valueStart &+= 1 }
            let known = KnownField(name: name)
            guard !dropped.contains(known) || known == .other else { continue }
            if known == .date { hasDate = true }
            HPACKEncoder.append(name, known, text.extracting(valueStart..<valueEnd), to: &block)
        }
        if !hasDate { append(date: date, to: &block) }
        return status
    }

    /// Appends the block of `response`; `length` is its Content-Length if it is to have one.
    static func append(_ response: Response, length: Int64?, date: [UInt8], to block: inout [UInt8]) {
        HPACKEncoder.append(status: response.status, to: &block)
        append(response.fields, to: &block)
        if let length {
            var digits: [UInt8] = []
            digits.append(decimal: length)
            HPACKEncoder.append("content-length".utf8.span, .contentLength, digits.span, to: &block)
        }
        if !response.fields.contains(.date) { append(date: date, to: &block) }
    }

    /// Appends the block of an interim response.
    static func append(_ interim: InterimResponse, to block: inout [UInt8]) {
        HPACKEncoder.append(status: interim.status, to: &block)
        append(interim.fields, to: &block)
    }

    private static func append(_ fields: Fields, to block: inout [UInt8]) {
        for line in fields.lines where line.known == .other || !dropped.contains(line.known) {
            guard line.known != .contentLength else { continue }
            HPACKEncoder.append(
                fields.name(of: line).span,
                line.known,
                trimmed(fields.value(of: line)).span,
                to: &block
            )
        }
    }

    /// Without whitespace at the ends, which HTTP/2 does not allow (RFC 9113 section 8.2.1).
    private static func trimmed(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var value = value
        while let last = value.last, Octet.isWhitespace(last) { value.removeLast() }
        while let first = value.first, Octet.isWhitespace(first) { value.removeFirst() }
        return value
    }

    /// `date` is the line of HTTP/1.1, `Date: ` before and CRLF behind.
    private static func append(date: [UInt8], to block: inout [UInt8]) {
        guard date.count > 8 else { return }
        HPACKEncoder.append("date".utf8.span, .date, date.span.extracting(6..<date.count - 2), to: &block)
    }

    private static func isSpace(_ octet: UInt8) -> Bool {
        octet == 0x20 || octet == 0x0d || octet == 0x09
    }
}
