// Response heads from the lines that libcurl hands over, which checks little of them itself; pure, no curl in here.

package import HTTP

/// A final response's head as it came from the origin.
package struct ResponseHead: Sendable, Equatable {
    package var status: Int
    /// In order, octets unchanged, without Content-Length and Transfer-Encoding.
    package var fields: Fields
    /// The value of Content-Length, or nil.
    package var declaredLength: Int64?
    /// What Transfer-Encoding says.
    package var coding: TransferCoding
    /// The major version of HTTP.
    package var majorVersion: Int

    /// What Transfer-Encoding says about the body's end.
    package enum TransferCoding: Sendable, Equatable {
        case absent
        case chunked
        /// Something unknown and no chunks: the body ends with the connection (RFC 9112 section 6.3, item 4).
        case unknown
    }
}

/// Takes one line after the other and gives heads, interim and final.
///
/// Refuses what two readers might understand differently: folded lines, NUL, bare CR and LF, more than one length, a
/// length beside a Transfer-Encoding, framing in an interim response, garbage (RFC 9112 sections 2.2, 5 and 6.3, RFC 9110
/// section 8.6). libcurl frames the body by its own reading of the same lines, which is laxer: it must never differ.
package struct ResponseHeadParser: Sendable {
    /// What a line completed.
    package enum Event: Sendable {
        case interim(InterimResponse)
        case final(ResponseHead)
    }

    private enum State {
        case statusLine
        case fields
        /// After the final head: what comes are trailers, which are dropped.
        case done
    }

    private let headBytesMax: Int
    private let headLinesMax: Int
    private let interimResponsesMax: Int
    private let takesHTTP2: Bool
    private var state = State.statusLine
    private var interimResponses = 0
    // Of the head under way:
    private var bytes = 0
    private var lines = 0
    private var status = 0
    private var majorVersion = 1
    private var minorVersion = 1
    private var fields = Fields()
    private var length: Int64?
    private var codings: [UInt8]?

    /// A parser at the start of a connection's answer.
    ///
    /// - Parameters:
    ///   - configuration: The limits.
    ///   - takesHTTP2: Whether the connection may speak HTTP/2, whose status lines libcurl makes up.
    package init(_ configuration: HTTPClientConfiguration, takesHTTP2: Bool = true) {
        self.takesHTTP2 = takesHTTP2
        headBytesMax = configuration.headBytesMax
        headLinesMax = configuration.headLinesMax
        interimResponsesMax = configuration.interimResponsesMax
    }

    /// Takes one line with its line end.
    ///
    /// - Parameter line: The octets up to and including LF.
    /// - Returns: The head that this line, the empty one, ended; nil for all others.
    /// - Throws: ``HTTPClientError/Code/invalidResponse``; the response must then not be used.
    package mutating func receive(_ line: Span<UInt8>) throws(HTTPClientError) -> Event? {
        bytes += line.count
        guard bytes <= headBytesMax else {
            throw Self.invalid("a head or trailers longer than \(headBytesMax) octets")
        }
        guard state != .done else { return nil }
        if fields.isEmpty { fields.reserve(lines: 16, bytes: 512) }
        let content = line.extracting(0..<(try Self.contentEnd(line)))
        switch state {
        case .statusLine:
            try receiveStatusLine(content)
            state = .fields
            return nil
        case .fields where content.isEmpty: return try finish()
        case .fields:
            lines += 1
            guard lines <= headLinesMax else { throw Self.invalid("more than \(headLinesMax) field lines") }
            try receiveField(content)
            return nil
        case .done: return nil
        }
    }

    // MARK: Lines

    /// Where the line end begins: CRLF; CR and LF alone are refused (RFC 9112 section 2.2 lets LF pass, which would make
    /// two lines of a value that somebody put it into).
    private static func contentEnd(_ line: Span<UInt8>) throws(HTTPClientError) -> Int {
        guard line.count > 1, line[line.count - 1] == 0x0a, line[line.count - 2] == 0x0d else {
            throw invalid("a line that does not end with CRLF")
        }
        let end = line.count - 2
        for index in 0..<end where line[index] == 0x0d || line[index] == 0x0a || line[index] == 0 {
            throw Self.invalid("CR, LF or NUL within a line")
        }
        return end
    }

    /// `HTTP/1.1 200 OK`, the reason being optional (RFC 9112 section 4); `HTTP/2 200` as libcurl spells it.
    private mutating func receiveStatusLine(_ line: Span<UInt8>) throws(HTTPClientError) {
        guard line.count >= 8, line.extracting(0..<5).equals("HTTP/".utf8.span) else {
            throw Self.invalid("no status line of HTTP")
        }
        majorVersion = Int(line[5] &- 0x30)
        guard majorVersion == 1 || majorVersion == 2 && takesHTTP2 else {
            throw Self.invalid("an unknown version of HTTP")
        }
        var index = 6
        minorVersion = 0
        if line[6] == 0x2e {
            guard Octet.isDigit(line[7]) else { throw Self.invalid("no version in the status line") }
            minorVersion = Int(line[7] - 0x30)
            index = 8
        } else if majorVersion == 1 {
            throw Self.invalid("no version in the status line")
        }
        guard line.count >= index + 4, line[index] == 0x20 else { throw Self.invalid("no status code") }
        status = 0
        for digit in index + 1..<index + 4 {
            guard Octet.isDigit(line[digit]) else { throw Self.invalid("a status code that is no number") }
            status = status * 10 + Int(line[digit] - 0x30)
        }
        guard line.count == index + 4 || line[index + 4] == 0x20 else {
            throw Self.invalid("a status code of more than three digits")
        }
        guard status >= 100, status != 101 else { throw Self.invalid("the status \(status), which was not asked for") }
    }

    private mutating func receiveField(_ line: Span<UInt8>) throws(HTTPClientError) {
        // RFC 9112 section 5.2: obs-fold; a proxy may refuse it.
        guard !Octet.isWhitespace(line[0]) else { throw Self.invalid("a folded field line") }
        var colon = 0
        while colon < line.count, line[colon] != 0x3a { colon += 1 }
        guard colon < line.count else { throw Self.invalid("a field line without a colon") }
        var nameEnd = colon
        while nameEnd > 0, Octet.isWhitespace(line[nameEnd - 1]) { nameEnd -= 1 }
        guard nameEnd > 0 else { throw Self.invalid("a field line without a name") }
        for index in 0..<nameEnd where !Octet.isToken(line[index]) {
            throw Self.invalid("a field name with an octet that is no token")
        }
        let name = line.extracting(0..<nameEnd)
        let value = line.extracting(line.trimmingWhitespace(colon + 1..<line.count))
        let known = KnownField(name: name)
        if known == .contentLength || known == .transferEncoding {
            // RFC 9112 section 5.1 has a proxy remove this whitespace, but libcurl has not seen this line as framing.
            guard nameEnd == colon else {
                throw Self.invalid("whitespace between a framing field's name and its colon")
            }
            try receiveFraming(known, value)
        } else {
            // Slices, since arrays would be two allocations a line.
            name.withUnsafeBufferPointer { name in
                value.withUnsafeBufferPointer { value in fields.append(name: name, value: value) }
            }
        }
    }

    // MARK: Framing

    private mutating func receiveFraming(_ field: KnownField, _ value: Span<UInt8>) throws(HTTPClientError) {
        if field == .transferEncoding {
            // libcurl trims what C calls space.
            for index in 0..<value.count where value[index] < 0x20 && value[index] != 0x09 || value[index] >= 0x7f {
                throw Self.invalid("a Transfer-Encoding with an octet that is not ASCII text")
            }
            codings = (codings.map { $0 + [0x2c] } ?? []) + value.array
            return
        }
        // RFC 9110 section 8.6: a list of the same number is that number; anything else is refused.
        for part in value.array.split(separator: 0x2c, omittingEmptySubsequences: false) {
            let range = part.span.trimmingWhitespace(0..<part.count)
            let number = try Self.number(part.span.extracting(range))
            guard length == nil || length == number else { throw Self.invalid("two different lengths") }
            length = number
        }
    }

    private static func number(_ digits: Span<UInt8>) throws(HTTPClientError) -> Int64 {
        guard !digits.isEmpty else { throw invalid("a length that is no number") }
        var number: Int64 = 0
        for index in 0..<digits.count {
            guard Octet.isDigit(digits[index]) else { throw invalid("a length that is no number") }
            let (tenfold, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int64(digits[index] - 0x30))
            guard !overflow, !carry else { throw invalid("a length beyond 64 bits") }
            number = sum
        }
        return number
    }

    private mutating func finish() throws(HTTPClientError) -> Event? {
        if status < 200 {
            interimResponses += 1
            guard interimResponses <= interimResponsesMax else {
                throw Self.invalid("more than \(interimResponsesMax) interim responses")
            }
            // RFC 9110 section 8.6, RFC 9112 section 6.1: never sent here, and libcurl would keep it for the final response.
            guard length == nil, codings == nil else { throw Self.invalid("framing in an interim response") }
            let interim = InterimResponse(status: status, fields: fields)
            (state, bytes, lines, fields) = (.statusLine, 0, 0, Fields())
            return .interim(interim)
        }
        let coding = try transferCoding()
        (state, bytes) = (.done, 0)
        return .final(
            ResponseHead(
                status: status,
                fields: fields,
                declaredLength: length,
                coding: coding,
                majorVersion: majorVersion
            )
        )
    }

    /// RFC 9112 sections 6.1 and 6.3.
    private func transferCoding() throws(HTTPClientError) -> ResponseHead.TransferCoding {
        guard let codings else { return .absent }
        guard length == nil else { throw Self.invalid("a length beside a Transfer-Encoding") }
        guard majorVersion == 1, minorVersion > 0 else {
            throw Self.invalid("a Transfer-Encoding in a version of HTTP without it")
        }
        let names = codings.split(separator: 0x2c).map { coding in
            Array(coding[coding.span.absolute(coding.startIndex, trimmed: 0..<coding.count)])
        }.filter { !$0.isEmpty }
        let chunked = names.filter { $0.span.equalsIgnoringCase("chunked") }
        guard !chunked.isEmpty else { return .unknown }
        // We sent no TE, so that there is nothing else that the origin may have applied.
        guard names.count == 1 else { throw Self.invalid("transfer codings that cannot be undone") }
        return .chunked
    }

    private static func invalid(_ what: String) -> HTTPClientError {
        HTTPClientError(.invalidResponse, "the origin's response has \(what)")
    }
}

extension Span<UInt8> {
    /// `range` without whitespace at both ends, as indices of the slice that this span was made of.
    fileprivate func absolute(_ start: Int, trimmed range: Range<Int>) -> Range<Int> {
        let trimmed = trimmingWhitespace(range)
        return start + trimmed.lowerBound..<start + trimmed.upperBound
    }
}
