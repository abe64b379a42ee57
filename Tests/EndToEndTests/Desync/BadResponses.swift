// Answers of an origin that two readers might understand differently: the table.

import TestSupport

/// What an origin says to one request, and what a client of ours is to see of it.
struct BadResponse: Sendable {
    /// What the client sees.
    enum Seen: Sendable, Equatable {
        /// 502 that says why.
        case badGateway
        /// The response as far as it went, and an end that nobody takes for a good one.
        case broken
        /// A good response with this body: what was wrong with it is of no consequence.
        case good(String)
    }

    /// One octet for each scalar below U+0100; then the connection stays open unless ``closes``.
    let text: String
    var seen = Seen.badGateway
    var closes = false

    /// A head that begins well, with these lines, then the empty line and `body`.
    private static func head(_ lines: String, _ body: String = "abc") -> BadResponse {
        BadResponse(text: "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n\(lines)\r\n\r\n\(body)")
    }

    /// A chunked body; seen as `seen`.
    private static func chunks(_ body: String, _ seen: Seen = .broken) -> BadResponse {
        let text = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
        return BadResponse(text: text, seen: seen)
    }

    /// Cases that have one section of the RFC in common.
    enum Topic: String, Sendable, CaseIterable {
        case statusLine = "RFC 9112 section 4"
        case fieldLines = "RFC 9112 sections 2.2 and 5"
        case framing = "RFC 9112 sections 6.1 to 6.3"
        case interim = "RFC 9110 section 15.2"
        case chunked = "RFC 9112 section 7.1"
        case limits = "RFC 9110 section 5.4"
    }

    static func all(_ topic: Topic) -> [BadResponse] {
        switch topic {
        case .statusLine:
            statusLines.map { BadResponse(text: "\($0)\r\nContent-Length: 3\r\n\r\nabc") }
                + [
                    BadResponse(text: "", closes: true), BadResponse(text: "\r\n\r\n", closes: true),
                    BadResponse(text: "<html>hello</html>", closes: true),
                    BadResponse(text: "HTTP/1.1 200 OK", closes: true),
                    BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 3", closes: true),
                    BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", closes: true),
                    BadResponse(text: "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", closes: true),
                    // The connection stays open: it is not waited for more.
                    BadResponse(text: "\0"), BadResponse(text: "\0HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
                    BadResponse(text: "\u{16}\u{3}\u{1}"), BadResponse(text: "hello"), BadResponse(text: "HTTQ"),
                ]
        case .fieldLines:
            fieldLines.map { head("\($0)\r\nContent-Length: 3") }
                + fieldLines.map { head("Content-Length: 3\r\n\($0)") }
                + [
                    BadResponse(text: "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
                    BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc"),
                    BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc"),
                    head("X : y\r\nContent-Length: 3").seen(.good("abc")),
                    // libcurl 7.88 stands still at this line, until the time is up.
                    head("\0\r\nContent-Length: 3").seen(.broken),
                ]
        case .framing: framings.map { head($0, "0\r\n\r\n") } + others
        case .interim: interims.map { BadResponse(text: "\($0)HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") }
        case .chunked:
            badChunks.map { chunks($0) } + goodChunks.map { chunks($0, .good("hello")) }
        case .limits:
            [
                head("X: \(String(repeating: "x", count: 70_000))\r\nContent-Length: 3"),
                head("\(String(repeating: "x", count: 70_000)): y\r\nContent-Length: 3"),
                head("\(String(repeating: "X: y\r\n", count: 256))Content-Length: 3"),
                BadResponse(
                    text: "HTTP/1.1 200 \(String(repeating: "x", count: 70_000))\r\nContent-Length: 3\r\n\r\nabc"
                ),
                BadResponse(
                    text: String(repeating: "HTTP/1.1 103 x\r\n\r\n", count: 17)
                        + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
                ),
            ]
        }
    }

    private func seen(_ seen: Seen) -> BadResponse {
        BadResponse(text: text, seen: seen, closes: closes)
    }

    private static let statusLines = [
        "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1 20x OK", "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200OK", "HTTP/1.1 099 OK", "HTTP/1.1 000 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 +20 OK", "HTTP/1.1 0x2 OK", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 two OK", "http/1.1 200 OK",
        " HTTP/1.1 200 OK", "HTTP/1 200 OK", "HTTP/1.x 200 OK", "HTTP/11 200 OK", "HTTP/1.11 200 OK", "HTTP/0.9 200 OK",
        "HTTP/2 200 OK", "HTTP/2.0 200 OK", "HTTP/3 200 OK", "HTTPS/1.1 200 OK", "ICY 200 OK", "RTSP/1.0 200 OK",
        "HTTP/1.1 200 O\0K", "HTTP/1.1 200 O\rK", "GET / HTTP/1.1", "Content-Type: text/plain",
        "HTTP/1.1 200 OK\r\nHTTP/1.1 404 Not Found", "HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\nHTTP/1.1 404 Not Found",
    ]

    private static let fieldLines = [
        "X: a\0b", "X\0: a", "X: a\rb", "X\r: a", "X: a\r\r", "X: a\nY: b", "X: a\n", "X: a\r\n b", "X: a\r\n\tb",
        " X: a", "\tX: a", "X", "no colon", ": a", " : a", "X y: a", "X\u{e9}: a", "X(: a", "HTTP/1.1 200 OK",
        "X: a\nSet-Cookie: evil=1", "X: a\r\n Set-Cookie: evil=1",
    ]

    private static let framings = [
        "Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3, 4", "Content-Length: 3,", "Content-Length: ,3",
        "Content-Length: 3x", "Content-Length: -3", "Content-Length: +3", "Content-Length: 0x3", "Content-Length: 3 3",
        "Content-Length: 3.0", "Content-Length:", "Content-Length: \"3\"", "Content-Length: three",
        "Content-Length: 9223372036854775808", "Content-Length: 18446744073709551619",
        "Content-Length: 99999999999999999999", "Content-Length : 3", "Content-Length\t: 3", "Content-Length: \u{b}3",
        "Content-Length: 3\u{c}", "Content-Length: 3\0", "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 3\r\nTransfer-Encoding: strange", "Content-Length: 3\r\nTransfer-Encoding:",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\u{b}", "Transfer-Encoding: \u{c}chunked", "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: x\u{1}y",
    ]

    private static let others = [
        BadResponse(text: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        BadResponse(
            text: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
        ),
        BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", seen: .broken, closes: true),
        BadResponse(text: "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", seen: .good("abc")),
        BadResponse(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: strange\r\n\r\nabc", seen: .good("abc"), closes: true),
        BadResponse(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc",
            seen: .good("abc"),
            closes: true
        ),
        // Not undone, as nobody asked for it: what the origin took for the body is the body.
        BadResponse(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", seen: .good("abc"), closes: true),
    ]

    private static let interims = [
        "HTTP/1.1 103 Early\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 103 Early\r\n\r\nhello",
        "HTTP/1.1 103 Early\r\n\r\n\r\n", "HTTP/1.1 100 Continue\r\nX: a\0\r\n\r\n", "HTTP/1.1 103 Early\nLink: x\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ]

    private static let badChunks = [
        "zz\r\n", "5\r\nhelloxx\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5x\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n",
        "5;x\nhello\r\n0\r\n\r\n", "5;x\r\rhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\n\n", "5\r\nhello\r\n0\r\n\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff5\r\nhello\r\n0\r\n\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nX\r\n\r\n", "5\r\nhello\r\n0\r\nX: a\0\r\n\r\n",
    ]

    private static let goodChunks = [
        "5\r\nhello\r\n0\r\n\r\n", "005\r\nhello\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n",
        "5\r\nhello\r\n0\r\nSet-Cookie: evil=1\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\n",
    ]
}
