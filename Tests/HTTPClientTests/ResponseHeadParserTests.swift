// Heads line by line, without a socket.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite struct ResponseHeadParserTests {
    /// All events that `text` gives, fed line by line as libcurl does.
    private func events(
        _ text: String,
        _ configuration: HTTPClientConfiguration = HTTPClientConfiguration()
    ) throws -> [ResponseHeadParser.Event] {
        var parser = ResponseHeadParser(configuration)
        var events: [ResponseHeadParser.Event] = []
        var line: [UInt8] = []
        for octet in text.utf8 {
            line.append(octet)
            guard octet == 0x0a else { continue }
            if let event = try parser.receive(line.span) { events.append(event) }
            line = []
        }
        return events
    }

    private func head(_ text: String) throws -> ResponseHead? {
        guard case .final(let head) = try events(text).last else { return nil }
        return head
    }

    @Test func `a head is a status and fields without the framing's`() throws {
        let head = try #require(try head("HTTP/1.1 200 OK\r\nA:  b \r\nContent-Length: 12\r\na:\tc\t\r\nE:\r\n\r\n"))
        #expect(head.status == 200)
        #expect(head.declaredLength == 12)
        #expect(head.coding == .absent)
        #expect(head.majorVersion == 1)
        #expect(head.fields == ["A": "b", "a": "c", "E": ""])
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK", 200, 1), ("HTTP/1.0 404 Not Found", 404, 1), ("HTTP/1.1 200", 200, 1),
        ("HTTP/1.1 200 ", 200, 1), ("HTTP/2 200 ", 200, 2), ("HTTP/2 999", 999, 2), ("HTTP/1.1 299 \u{fc}", 299, 1),
    ])
    func `status lines of RFC 9112 section 4 and of libcurl's HTTP/2`(line: String, status: Int, version: Int) throws {
        let head = try #require(try head("\(line)\r\n\r\n"))
        #expect(head.status == status)
        #expect(head.majorVersion == version)
    }

    @Test(arguments: [
        "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 20x", "HTTP/1.1  200", "HTTP/1.1\t200 OK",
        "http/1.1 200 OK",
        "HTTP/3 200", "HTTP/1 200 OK", "HTTP/0.9 200 OK", "HTTP/1.x 200 OK", "HTTP/1.1 099 x", "HTTP/1.1 101 x",
        "ICY 200 OK",
        "", " HTTP/1.1 200 OK", "HTTP/1.1 200OK", "HTTP/10 200 OK", "HTTP/1.11 200 OK",
    ])
    func `what is no status line is refused`(line: String) {
        #expect(throws: HTTPClientError.self) { try events("\(line)\r\n\r\n") }
    }

    @Test(arguments: [
        "no colon", ": v", " folded: v", "\tfolded", "a b: v", "a\u{e9}: v", "a\u{0}: v", "a: v\u{0}", "a: \rv",
        "a\r: v",
        "Content-Length : 5", "Transfer-Encoding\t: chunked", "Content-Length:", "Content-Length: +5",
        "Content-Length: 5 5",
        "Content-Length: 0x5", "Content-Length: 9223372036854775808", "Content-Length: 5,",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6", "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: strange\r\nContent-Length: 5",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", "Transfer-Encoding: chunked\u{b}",
        "Transfer-Encoding: \u{c}chunked", "Transfer-Encoding: \u{7f}", "Transfer-Encoding: x\u{e9}", "a: b\nc: d",
        "a: b\n",
    ])
    func `what two readers might read differently is refused`(lines: String) {
        #expect(throws: HTTPClientError.self) { try events("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\n") }
    }

    @Test func `a chunked HTTP/1.0 response is refused, RFC 9112 section 6.1`() {
        #expect(throws: HTTPClientError.self) { try events("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") }
    }

    @Test(
        arguments: [
            ("Content-Length: 5\r\nContent-Length: 5", 5, ResponseHead.TransferCoding.absent),
            ("Content-Length: 5 ,\t5", 5, .absent), ("content-length:0005", 5, .absent),
            ("Content-Length: 9223372036854775807", .max, .absent), ("Transfer-Encoding: Chunked", nil, .chunked),
            ("Transfer-Encoding: ,chunked ,", nil, .chunked), ("Transfer-Encoding: gzip", nil, .unknown),
            ("X-Content-Length: 7", nil, .absent),
        ] as [(String, Int64?, ResponseHead.TransferCoding)]
    )
    func `framing is understood`(lines: String, length: Int64?, coding: ResponseHead.TransferCoding) throws {
        let head = try #require(try head("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\n"))
        #expect(head.declaredLength == length)
        #expect(head.coding == coding)
    }

    @Test func `whitespace before an ordinary colon goes, RFC 9112 section 5.1`() throws {
        let head = try #require(try head("HTTP/1.1 200 OK\r\nA : b\r\nC:d\r\n\r\n"))
        #expect(head.fields == ["A": "b", "C": "d"])
    }

    @Test func `interim heads come before the final one and lines after it are trailers`() throws {
        let text =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nX: \r\n y\r\n\r\n"
        let events = try events(text)
        #expect(events.count == 3)
        guard case .interim(let early) = events[1], case .final(let head) = events[2] else {
            Issue.record("not two interim responses and a final one")
            return
        }
        #expect(early.status == 103)
        #expect(early.fields == ["Link": "a"])
        #expect(head.declaredLength == nil)
    }

    @Test(arguments: [0, 1])
    func `field lines and interim responses have limits`(extra: Int) throws {
        var configuration = HTTPClientConfiguration()
        configuration.headLinesMax = 3
        configuration.interimResponsesMax = 2
        let lines = String(repeating: "A: b\r\n", count: 3 + extra)
        let interims = String(repeating: "HTTP/1.1 103 x\r\n\r\n", count: 2 + extra)
        for text in ["HTTP/1.1 200 OK\r\n\(lines)\r\n", "\(interims)HTTP/1.1 200 OK\r\n\r\n"] {
            if extra == 0 {
                #expect(try events(text, configuration).isEmpty == false)
            } else {
                #expect(throws: HTTPClientError.self) { try events(text, configuration) }
            }
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `mutated heads are read or refused and never trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let seedHead = Array("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n".utf8)
        var refused = 0
        for _ in 0..<2000 {
            var head = seedHead
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<head.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: head[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: head.remove(at: index)
                default:
                    head.insert([0x0d, 0x0a, 0x20, 0x3a, 0, 0x2c].randomElement(using: &generator) ?? 0, at: index)
                }
            }
            if (try? events(String(decoding: head, as: UTF8.self))) == nil { refused += 1 }
        }
        #expect(refused > 1000, "seed \(seed)")
    }

    /// Lines of which an origin may make an answer, in whatever order.
    private static let lines = [
        "HTTP/1.1 200 OK", "HTTP/1.1 103 Early Hints", "HTTP/1.1 100 Continue", "HTTP/1.0 404 Not Found", "HTTP/2 200 ",
        "HTTP/1.1 304 Not Modified", "HTTP/1.1 101 Switching Protocols", "", "", "", "Content-Length: 3",
        "Content-Length: 4",
        "Content-Length: 3, 3", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "X: y", "X : y", " folded",
        "Set-Cookie: a=b",
        "no colon", ": v", "Link: <x>", "X: \u{e9}",
    ]

    @Test(arguments: (1...4).map { UInt64($0) &* 7_919 })
    func `lines in any order give interim heads, one final head, or an error, and never two readings`(
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var finals = 0
        for _ in 0..<5000 {
            let count = Int.random(in: 1...12, using: &generator)
            let first = Int.random(in: 0..<3, using: &generator) == 0 ? [] : ["HTTP/1.1 200 OK"]
            let lines = first + (0..<count).map { _ in Self.lines.randomElement(using: &generator) ?? "" }
            let text = lines.joined(separator: "\r\n") + "\r\n"
            // `try?`: most of these are refused, as they should be.
            guard let events = try? events(text) else { continue }
            let heads = events.indices.filter { if case .final = events[$0] { true } else { false } }
            #expect(heads.count <= 1 && heads.first ?? events.count - 1 == events.count - 1, "seed \(seed): \(lines)")
            guard case .final(let head)? = events.last else { continue }
            finals += 1
            // What is understood of the framing stands in the lines between the status line and the empty one.
            let start = lines.lastIndex {
                $0 == "HTTP/1.1 200 OK" || $0 == "HTTP/1.0 404 Not Found" || $0 == "HTTP/2 200 "
            }
            #expect(start != nil || head.status == 304, "seed \(seed): \(lines)")
            #expect(head.declaredLength == nil || head.coding == .absent, "seed \(seed): \(lines)")
            #expect(!head.fields.contains(.contentLength) && !head.fields.contains(.transferEncoding), "seed \(seed)")
            let statuses = lines.prefix { !$0.isEmpty }.count { $0.hasPrefix("HTTP/") }
            #expect(statuses == 1, "seed \(seed): a second status line within a head: \(lines)")
        }
        #expect(finals > 200, "seed \(seed): only \(finals) heads were good")
    }
}
