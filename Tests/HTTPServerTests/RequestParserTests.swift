// The request parser against the rules of RFC 9112, each desync case by its name, and the limits.

import HTTP
import HTTPServer
import Testing

/// What one head came to.
struct ParsedHead: Equatable {
    var method = ""
    var target = ""
    var authority = ""
    var minorVersion = 1
    var fields: [String] = []
    var semantics = RequestSemantics()
    var count = 0
}

/// Parses one head given in pieces; nil: more octets are needed.
func parseHead(
    _ pieces: [[UInt8]],
    limits: RequestParser.Limits = RequestParser.Limits()
) throws(RequestRefusal) -> ParsedHead? {
    var parser = RequestParser()
    var head = RequestHead()
    var octets: [UInt8] = []
    for piece in pieces {
        octets += piece
        guard let count = try parser.parse(octets.span, limits: limits, into: &head) else { continue }
        func text(_ range: Range<Int>) -> String { String(decoding: octets[range], as: UTF8.self) }
        return ParsedHead(
            method: text(head.methodRange),
            target: text(head.target),
            authority: text(head.authority),
            minorVersion: head.minorVersion,
            fields: head.lines.map { "\(text($0.name))=\(text($0.value))" },
            semantics: parser.semantics,
            count: count
        )
    }
    return nil
}

func parseHead(_ text: String) throws(RequestRefusal) -> ParsedHead? {
    try parseHead([Array(text.utf8)])
}

@Suite struct RequestParserTests {
    @Test func `a request of a browser is taken apart`() throws {
        let text =
            "GET /a/b.mp4?x=1&y=%20 HTTP/1.1\r\nHost: example.org:8080\r\nRange: bytes=0-\r\nX:\t a  b \t\r\n\r\nrest"
        let head = try #require(try parseHead(text))
        #expect(head.method == "GET")
        #expect(head.target == "/a/b.mp4?x=1&y=%20")
        #expect(head.authority == "example.org:8080")
        #expect(head.fields == ["Host=example.org:8080", "Range=bytes=0-", "X=a  b"])
        #expect(head.semantics == RequestSemantics())
        #expect(head.count == text.utf8.count - 4)
    }

    @Test(arguments: [
        // Request line, RFC 9112 section 3.
        ("\n GET / HTTP/1.1\r\n", RequestRefusal.bareLF),
        (" GET / HTTP/1.1\r\n", .badMethod),
        ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", .emptyLines),
        ("\rGET / HTTP/1.1\r\n", .bareCR),
        ("G(T / HTTP/1.1\r\n", .badMethod),
        ("GET\t/ HTTP/1.1\r\n", .badMethod),
        ("GET\r\n", .badMethod),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", .methodTooLong),
        ("GET  / HTTP/1.1\r\n", .badTarget),
        ("GET /\r\n", .badTarget),
        ("GET /\n", .badTarget),
        ("GET /a b HTTP/1.1\r\n", .badVersion),
        ("GET /\u{1} HTTP/1.1\r\n", .badTarget),
        ("GET /\u{7f} HTTP/1.1\r\n", .badTarget),
        ("GET /\0 HTTP/1.1\r\n", .badTarget),
        ("GET /a\tb HTTP/1.1\r\n", .badTarget),
        ("GET /\u{e9}\u{4e2d} HTTP/1.1\r\n", .badTarget),
        ("GET /#top HTTP/1.1\r\n", .fragmentInTarget),
        ("GET /  HTTP/1.1\r\n", .badVersion),
        ("GET / HTTP/1.1 \r\n", .badVersion),
        ("GET / http/1.1\r\n", .badVersion),
        ("GET / HTTP/11\r\n", .badVersion),
        ("GET / HTTP/1.11\r\n", .badVersion),
        ("GET / HTTP/1.1\n", .bareLF),
        ("GET / HTTP/1.1\rX", .bareCR),
        ("GET / HTTP/0.9\r\nHost: h\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        // Forms of the target, RFC 9112 section 3.2.
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET a/b HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
        ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", .hostDiffers),
        ("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", .hostDiffers),
        ("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", .badHost),
        ("GET http://a:65536/ HTTP/1.1\r\nHost: a:65536\r\n\r\n", .badHost),
    ])
    func `a request line that could be read in two ways is refused`(_ text: String, _ refusal: RequestRefusal) {
        #expect(throws: refusal) { try parseHead(text) }
    }

    @Test(arguments: [
        ("Host: h\nX: y\r\n", RequestRefusal.bareLF),
        ("Host: h\rX: y\r\n", .bareCR),
        ("Host: h\r\rX: y\r\n", .bareCR),
        ("\nHost: h\r\n", .bareLF),
        ("\rHost: h\r\n", .bareCR),
        (" Host: h\r\n", .whitespaceBeforeField),
        ("\tHost: h\r\n", .whitespaceBeforeField),
        ("Host: h\r\nX: a\r\n b\r\n", .lineFolding),
        ("Host: h\r\nX: a\r\n\tb\r\n", .lineFolding),
        ("Host: h\r\n \r\n", .lineFolding),
        ("Host: h\r\n: x\r\n", .emptyFieldName),
        ("Host : h\r\n", .spaceBeforeColon),
        ("Host\t: h\r\n", .spaceBeforeColon),
        ("Host: h\r\nTransfer-Encoding : chunked\r\n", .spaceBeforeColon),
        ("Host\r\n", .missingColon),
        ("Ho(st: h\r\n", .badFieldName),
        ("Ho\0st: h\r\n", .badFieldName),
        ("Host: h\r\nH\u{e9}: h\r\n", .badFieldName),
        ("Host: h\r\nX: a\0b\r\n", .badFieldValue),
        ("Host: h\r\nX: a\u{1f}\r\n", .badFieldValue),
        ("Host: h\r\nX: a\u{7f}\r\n", .badFieldValue),
    ])
    func `a field line that could be read in two ways is refused`(_ lines: String, _ refusal: RequestRefusal) {
        #expect(throws: refusal) { try parseHead("GET / HTTP/1.1\r\n\(lines)\r\n") }
    }

    @Test(arguments: [
        ("X: y\r\n", RequestRefusal.missingHost),
        ("Host: a\r\nHost: a\r\n", .repeatedHost),
        ("Host: a\r\nhOST: b\r\n", .repeatedHost),
        ("Host: a b\r\n", .badHost),
        ("Host: a, b\r\n", .badHost),
        ("Host: a/b\r\n", .badHost),
        ("Host: u@a\r\n", .badHost),
        ("Host: a:b\r\n", .badHost),
        ("Host: a:1:2\r\n", .badHost),
        ("Host: a:123456\r\n", .badHost),
        ("Host: a:65536\r\n", .badHost),
        ("Host:\r\n", .badHost),
        ("Host: \t \r\n", .badHost),
        ("Host: :80\r\n", .badHost),
        ("Host: [::1\r\n", .badHost),
        ("Host: [::1]x\r\n", .badHost),
        ("Host: [::g]\r\n", .badHost),
        ("Host: \u{e9}\r\n", .badHost),
    ])
    func `RFC 9112 section 3,2: a Host that is not one host is refused`(_ lines: String, _ refusal: RequestRefusal) {
        #expect(throws: refusal) { try parseHead("GET / HTTP/1.1\r\n\(lines)\r\n") }
    }

    @Test(arguments: [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", RequestRefusal.lengthWithCoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", .lengthWithCoding),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", .repeatedLength),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", .repeatedLength),
        ("Content-Length: 5, 5\r\n", .badLength),
        ("Content-Length: +5\r\n", .badLength),
        ("Content-Length: -5\r\n", .badLength),
        ("Content-Length: 0x5\r\n", .badLength),
        ("Content-Length: 5 5\r\n", .badLength),
        ("Content-Length: 5_0\r\n", .badLength),
        ("Content-Length:\r\n", .badLength),
        ("Content-Length: 9223372036854775808\r\n", .badLength),
        ("Content-Length: 99999999999999999999999\r\n", .badLength),
        ("Content-Length: 05\r\n", .badLength),
        ("Content-Length: 00\r\n", .badLength),
        ("Transfer-Encoding: gzip, chunked\r\n", .unknownCoding),
        ("Transfer-Encoding: gzip,x ,\tCHUNKED\r\n", .unknownCoding),
        ("Transfer-Encoding: identity\r\n", .badCoding),
        ("Transfer-Encoding: chunked, identity\r\n", .badCoding),
        ("Transfer-Encoding: chunked, chunked\r\n", .badCoding),
        ("Transfer-Encoding: chunked,\r\n", .badCoding),
        ("Transfer-Encoding: ,chunked\r\n", .badCoding),
        ("Transfer-Encoding: \"chunked\"\r\n", .badCoding),
        ("Transfer-Encoding: chunked;q=1\r\n", .badCoding),
        ("Transfer-Encoding: xchunked\r\n", .badCoding),
        ("Transfer-Encoding: \u{b}chunked\r\n", .badFieldValue),
        ("Transfer-Encoding:\r\n", .badCoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .repeatedCoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", .repeatedCoding),
    ])
    func `RFC 9112 section 11,2: framing that could be read in two ways is refused`(
        _ lines: String,
        _ refusal: RequestRefusal
    ) {
        #expect(throws: refusal) { try parseHead("POST / HTTP/1.1\r\nHost: h\r\n\(lines)\r\n") }
    }

    @Test func `Transfer-Encoding in HTTP 1,0 is refused`() {
        #expect(throws: RequestRefusal.codingInOldVersion) {
            try parseHead("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", "/", ""),
        ("GET /\"<>[]{}|\\^` HTTP/1.1\r\nHost: h\r\n\r\n", "/\"<>[]{}|\\^`", "h"),
        ("GET //x/../y HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "//x/../y", "[::1]:80"),
        ("GET http://H.example/a?b HTTP/1.1\r\nHost: h.EXAMPLE\r\n\r\n", "/a?b", "H.example"),
        ("GET HTTP://h HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h"),
        ("GET http://h/ HTTP/1.0\r\n\r\n", "/", "h"),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "*", "h"),
        ("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n", "", "h"),
        ("OPTIONS http://h:80 HTTP/1.0\r\n\r\n", "", "h:80"),
        ("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "/", "h"),
        ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "h:443", "h"),
        ("\r\n\r\n\r\n\r\nGET /x HTTP/1.1\r\nHost:h:65535\r\n\r\n", "/x", "h:65535"),
        ("get /x HTTP/1.1\r\nHost: h:\r\n\r\n", "/x", "h:"),
    ])
    func `what is legal is taken verbatim`(_ text: String, _ target: String, _ authority: String) throws {
        let head = try #require(try parseHead(text))
        #expect(head.target == target)
        #expect(head.authority == authority)
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "close", false), ("HTTP/1.1", "x, CLOSE ,y", false),
        ("HTTP/1.1", "keep-alive", true), ("HTTP/1.1", "keep-alive, close", false), ("HTTP/1.1", "closed", true),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Keep-Alive", true), ("HTTP/1.0", "keep-alive, close", false),
    ])
    func `RFC 9112 section 9,3: whether the connection persists`(
        _ version: String,
        _ option: String,
        _ keeps: Bool
    ) throws {
        let head = try #require(try parseHead("GET / \(version)\r\nHost: h\r\nConnection: \(option)\r\n\r\n"))
        #expect(head.semantics.keepsAlive == keeps)
    }

    @Test func `framing and expectation are read`() throws {
        let chunked = try #require(
            try parseHead("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n")
        )
        #expect(chunked.semantics.framing == .chunked)
        #expect(chunked.semantics.expectsContinue)
        let long = try #require(
            try parseHead("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n")
        )
        #expect(long.semantics.framing == .length(.max))
        let none = try #require(
            try parseHead("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
        )
        #expect(none.semantics.framing == RequestSemantics.Framing.none)
        #expect(!none.semantics.expectsContinue)
        let old = try #require(
            try parseHead("POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        )
        #expect(!old.semantics.expectsContinue)
    }

    // MARK: Pieces

    @Test func `a head in single octets is the head in one piece`() throws {
        let text = "\r\nPOST /a?b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\nX-Empty:\r\nCookie: \ta=b \r\n\r\n"
        let octets = Array(text.utf8)
        #expect(try parseHead(octets.map { [$0] }) == parseHead([octets]))
        for split in 1..<octets.count {
            #expect(try parseHead([Array(octets[..<split]), Array(octets[split...])]) == parseHead([octets]))
        }
    }

    @Test func `a head that lacks its last octet is incomplete at every length`() throws {
        let octets = Array("GET /abc HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n".utf8)
        for count in 0..<octets.count {
            #expect(try parseHead([Array(octets[..<count])]) == nil)
        }
    }

    /// The parser may not look again at what it has seen: it is given a buffer in which that is destroyed.
    @Test func `octets of a finished element are not read again`() throws {
        let octets = Array("GET /abc HTTP/1.1\r\nAccept: x\r\nHost: h\r\n\r\n".utf8)
        let split = octets.count - 4
        var parser = RequestParser()
        var head = RequestHead()
        let start = Array(octets[..<split])
        let none = try parser.parse(start.span, limits: RequestParser.Limits(), into: &head)
        #expect(none == nil)
        // Only the lines that still matter for the whole are left: method, target, and the Host line.
        var destroyed = octets
        for index in 9..<27 { destroyed[index] = 0 }
        let count = try parser.parse(destroyed.span, limits: RequestParser.Limits(), into: &head)
        #expect(count == octets.count)
    }

    @Test func `one parser reads one head after another`() throws {
        let octets = Array("GET /1 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
        var parser = RequestParser()
        var head = RequestHead()
        let firstCount = try parser.parse(octets.span, limits: RequestParser.Limits(), into: &head)
        let first = try #require(firstCount)
        #expect(head.lines.count == 2)
        let rest = octets.span.extracting(first...)
        let secondCount = try parser.parse(rest, limits: RequestParser.Limits(), into: &head)
        let second = try #require(secondCount)
        #expect(head.lines.count == 1)
        #expect(head.method == .head)
        #expect(first + second == octets.count)
    }

    // MARK: Limits

    @Test func `a head of 32 KiB is taken, one octet more is not`() throws {
        let limits = RequestParser.Limits()
        let frame = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n"
        func head(_ count: Int) -> [UInt8] {
            let filler = String(repeating: "a", count: count - frame.utf8.count)
            return Array(frame.replacing("X: ", with: "X: \(filler)").utf8)
        }
        #expect(try parseHead([head(limits.headBytesMax)])?.count == limits.headBytesMax)
        #expect(throws: RequestRefusal.headTooLong) { try parseHead([head(limits.headBytesMax + 1)]) }
        // And it is refused as soon as that is certain, not when the end comes.
        #expect(throws: RequestRefusal.headTooLong) {
            try parseHead([Array(head(limits.headBytesMax + 100)[..<limits.headBytesMax])])
        }
    }

    @Test func `a request line of 16 KiB is taken, one octet more is not`() throws {
        let limits = RequestParser.Limits()
        func head(_ count: Int) -> [UInt8] {
            let path = String(repeating: "a", count: count - "GET / HTTP/1.1".utf8.count)
            return Array("GET /\(path) HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        }
        #expect(try parseHead([head(limits.requestLineBytesMax)]) != nil)
        #expect(throws: RequestRefusal.requestLineTooLong) { try parseHead([head(limits.requestLineBytesMax + 1)]) }
        #expect(throws: RequestRefusal.requestLineTooLong) {
            try parseHead([Array(head(limits.requestLineBytesMax + 100)[..<(limits.requestLineBytesMax + 1)])])
        }
    }

    @Test func `128 fields are taken, 129 are not`() throws {
        func head(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: y\r\n", count: count - 1) + "\r\n"
        }
        #expect(try parseHead(head(128))?.fields.count == 128)
        #expect(throws: RequestRefusal.tooManyFields) { try parseHead(head(129)) }
    }

    @Test(arguments: RequestRefusal.allCases)
    func `every refusal has an answer that names it`(_ refusal: RequestRefusal) async throws {
        #expect((400..<600).contains(refusal.status))
        let text = String(decoding: try await refusal.response.body.collect(upTo: 1000), as: UTF8.self)
        #expect(text.contains(refusal.rawValue))
        #expect(text.hasPrefix("\(refusal.status) "))
    }
}
