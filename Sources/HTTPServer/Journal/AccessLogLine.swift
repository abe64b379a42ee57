// How an answered request is written down: the Combined Log Format, with what a cache adds.

import HTTP

/// Lines in the Combined Log Format.
///
///     192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 1024 "-" "curl/8.5" "hit" 0.000042
///
/// that is: client, date in UTC, request line, status, octets of the body, Referer, User-Agent, what the cache did
/// (``CacheOutcome``), seconds from the end of the request's head to the last octet handed on. What a client sent is
/// escaped as nginx does it: `"`, `\`, and all that is not printable ASCII becomes `\xHH`, so that no line can be forged.
enum AccessLogLine {
    /// Of a request, that which only its head tells.
    struct Request: Sendable {
        /// `GET /a HTTP/1.1`, escaped; empty if the request could not be read.
        var line: [UInt8] = []
        /// `"referer" "user agent"`, escaped.
        var agents: [UInt8] = []
    }

    /// What a client that left before it was answered is noted with, as no response has a status then.
    static let clientLeft = 499

    // MARK: The request

    /// Appends the request line of a head that was read in place.
    ///
    /// `version`: ` HTTP/2.0`, where the head does not say it.
    static func appendRequestLine(
        _ head: borrowing RequestHead,
        in octets: Span<UInt8>,
        version: StaticString? = nil,
        to output: inout [UInt8]
    ) {
        switch head.method {
        case .get: append("GET ", to: &output)
        case .head: append("HEAD ", to: &output)
        case .other:
            appendEscaped(octets.extracting(head.methodRange), to: &output)
            output.append(0x20)
        }
        appendEscaped(octets.extracting(head.target), to: &output)
        append(version ?? (head.minorVersion == 0 ? " HTTP/1.0" : " HTTP/1.1"), to: &output)
    }

    /// Appends Referer and User-Agent of a head that was read in place, each between quotes.
    static func appendAgents(_ head: borrowing RequestHead, in octets: Span<UInt8>, to output: inout [UInt8]) {
        var (referer, agent) = (0..<0, 0..<0)
        for index in head.lines.indices where head.lines[index].known == .other {
            let line = head.lines[index]
            // Both names by their length first: there are few of either.
            if line.nameCount == 7, octets.extracting(line.name).equalsIgnoringCase("referer") {
                referer = line.value
            } else if line.nameCount == 10, octets.extracting(line.name).equalsIgnoringCase("user-agent") {
                agent = line.value
            }
        }
        appendQuoted(octets.extracting(referer), to: &output)
        output.append(0x20)
        appendQuoted(octets.extracting(agent), to: &output)
    }

    /// What is noted of a request that came as a value, by whichever version of HTTP.
    static func request(_ request: HTTP.Request, version: StaticString) -> Request {
        var result = Request()
        let method = Array(request.method.rawValue.utf8)
        appendEscaped(method.span, to: &result.line)
        result.line.append(0x20)
        appendEscaped(request.target.span, to: &result.line)
        result.line.append(0x20)
        append(version, to: &result.line)
        let (referer, agent) = (request.fields["referer"] ?? [], request.fields["user-agent"] ?? [])
        appendQuoted(referer.span, to: &result.agents)
        result.agents.append(0x20)
        appendQuoted(agent.span, to: &result.agents)
        return result
    }

    // MARK: Parts

    /// Appends `octets` between quotes; `"-"` for none.
    static func appendQuoted(_ octets: Span<UInt8>, to output: inout [UInt8]) {
        output.append(0x22)
        if octets.isEmpty { output.append(0x2d) } else { appendEscaped(octets, to: &output) }
        output.append(0x22)
    }

    /// Appends `octets`, those that are not to be trusted as `\xHH`.
    static func appendEscaped(_ octets: Span<UInt8>, to output: inout [UInt8]) {
        var start = 0
        for index in 0..<octets.count where !isPlain(octets[index]) {
            append(octets.extracting(start..<index), to: &output)
            append("\\x", to: &output)
            output.append(hexDigit(octets[index] >> 4))
            output.append(hexDigit(octets[index] & 0xf))
            start = index + 1
        }
        append(octets.extracting(start...), to: &output)
    }

    /// Appends a duration as seconds with six places: `0.000042`.
    static func append(nanoseconds: UInt64, to output: inout [UInt8]) {
        let microseconds = nanoseconds / 1000
        output.append(decimal: Int64(clamping: microseconds / 1_000_000))
        output.append(0x2e)
        var divisor: UInt64 = 100_000
        while divisor > 0 {
            output.append(0x30 + UInt8(microseconds / divisor % 10))
            divisor /= 10
        }
    }

    static func append(_ text: StaticString, to output: inout [UInt8]) {
        text.withUTF8Buffer { output.append(contentsOf: $0) }
    }

    private static func append(_ octets: Span<UInt8>, to output: inout [UInt8]) {
        octets.withUnsafeBufferPointer { output.append(contentsOf: $0) }
    }

    private static func isPlain(_ octet: UInt8) -> Bool {
        octet &- 0x20 < 0x5f && octet != 0x22 && octet != 0x5c
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x37 + value
    }

    /// `[10/Oct/2026:13:55:36 +0000]` of `unixTime` seconds since 1970.
    static func time(unixTime: Int64) -> [UInt8] {
        // "Sat, 10 Oct 2026 13:55:36 GMT"
        let words = DateLine.text(unixTime: unixTime).split(separator: " ")
        guard words.count == 6 else { return Array("[-]".utf8) }
        return Array("[\(words[1])/\(words[2])/\(words[3]):\(words[4]) +0000]".utf8)
    }
}
