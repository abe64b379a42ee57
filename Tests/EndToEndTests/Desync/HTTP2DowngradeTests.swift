// What HTTP/2 can say and HTTP/1.1 cannot: none of it gets to an origin as something else.

import TestSupport
import Testing

@Suite struct HTTP2DowngradeTests {
    /// Field lines in order, and DATA, of one request.
    struct Case: Sendable, CustomStringConvertible {
        var fields: [(String, String)]
        var data: String?

        var description: String { "\(fields) \(data ?? "")" }
    }

    private static func get(_ path: String = "/$") -> [(String, String)] {
        [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "h")]
    }

    /// GET with one more field.
    private static func with(_ name: String, _ value: String) -> Case { Case(fields: get() + [(name, value)]) }

    /// GET with another value for a pseudo-field.
    private static func replacing(_ name: String, _ value: String) -> Case {
        Case(fields: get().map { $0.0 == name ? (name, value) : $0 })
    }

    private static let next = "GET /next-$ HTTP/1.1\r\nHost: h\r\n\r\n"

    private static let post = [(":method", "POST"), (":scheme", "http"), (":path", "/$"), (":authority", "h")]

    private static let cases: [Case] =
        [
            with("x", "a\r\n\r\n\(next)"), with("x", "a\r\nTransfer-Encoding: chunked"), with("x", "a\nb"),
            with("x", "a\rb"),
            with("x", "a\0b"), with("x", " a"), with("x", "a\t"), with("x: y\r\nz", "a"), with("x:y", "a"),
            with("x y", "a"),
            with("x\n", "a"), with("X", "a"), with("", "a"), with("x\0", "a"), with("x\u{e9}", "a"), with(":x", "a"),
            with("transfer-encoding", "chunked"), with("connection", "keep-alive"), with("connection", "x"),
            with("keep-alive", "1"),
            with("upgrade", "h2c"), with("proxy-connection", "close"), with("te", "chunked"), with("host", "other"),
            with("host", ""),
            with(":path", "/other-$"), with(":method", "POST"), with("content-length", "5"),
            with("content-length", "x"),
            replacing(":method", "GET /$ HTTP/1.1\r\nHost: h\r\n\r\nGET"), replacing(":method", "GE T"),
            replacing(":method", ""),
            replacing(":method", "G\0"), replacing(":path", "/$ HTTP/1.1\r\nHost: h\r\n\r\n\(next)"),
            replacing(":path", "/$ x"),
            replacing(":path", "/$#x"), replacing(":path", "/$\r\nX: y"), replacing(":path", "/$\u{e9}"),
            replacing(":path", "$"),
            replacing(":path", ""), replacing(":path", "*"), replacing(":path", "http://h/$"),
            replacing(":path", "/$\t"),
            replacing(":path", "/$\0"), replacing(":authority", "h h"), replacing(":authority", "h\r\nX: y"),
            replacing(":authority", ""),
            replacing(":authority", "u@h"), replacing(":authority", "h/$"), replacing(":authority", "h:99999"),
            replacing(":scheme", "http://h/$ "), replacing(":scheme", "file"), replacing(":scheme", "http\r\nX: y"),
            Case(fields: get().filter { $0.0 != ":path" }), Case(fields: get().filter { $0.0 != ":method" }),
            Case(fields: get().filter { $0.0 != ":scheme" }), Case(fields: get().filter { $0.0 != ":authority" }),
            Case(fields: [("x", "y")] + get()), Case(fields: get() + [("host", "h"), ("host", "h")]),
            // H2.CL and H2.TE: a length that is not that of the DATA, and a coding beside them.
            Case(fields: post + [("content-length", "0")], data: next),
            Case(fields: post + [("content-length", "5")], data: next),
            Case(fields: post + [("content-length", "500")], data: next),
            Case(fields: post + [("content-length", "5, 5")], data: "hello"),
            Case(fields: post + [("content-length", "5"), ("content-length", "5")], data: "hello"),
            Case(fields: post + [("content-length", "+5")], data: "hello"),
            Case(fields: post + [("transfer-encoding", "chunked")], data: "0\r\n\r\n\(next)"),
        ]

    @Test func `what HTTP/1,1 cannot say is refused, and no origin sees anything of it`() async throws {
        let origin = try ScriptedOrigin { _ in .response(body: [0x61]) }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        for (index, odd) in Self.cases.enumerated() {
            let outcome = try await ask(odd, name: "case-\(index)", cdn)
            #expect(outcome == .refused, "\(index): \(odd): \(outcome)")
        }
        let good = Case(fields: Self.get("/good") + [("te", "trailers"), ("cookie", "a"), ("cookie", "b"), ("x", "y")])
        #expect(try await ask(good, name: "", cdn) == .answered)
        #expect(
            try await ask(Case(fields: Self.post + [("content-length", "5")], data: "hello"), name: "body", cdn)
                == .answered
        )
        // What is a request in itself is a body like any other.
        #expect(try await ask(Case(fields: Self.post, data: Self.next), name: "request", cdn) == .answered)
        #expect(origin.requests.map(\.target) == ["/good", "/body", "/request"])
        #expect(origin.requests.first?.values("Cookie") == ["a; b"])
        #expect(origin.requests.last?.body == Self.next.replacing("$", with: "request").latin1)
        try await cdn.stop()
    }

    private enum Outcome: Equatable {
        /// Headers with status 200.
        case answered
        /// Headers with another status, the stream reset, or the connection ended with an error.
        case refused
        case silence
    }

    /// Sends one request over a connection of its own by prior knowledge (RFC 9113 section 3.3).
    private func ask(_ odd: Case, name: String, _ cdn: RunningCDN) async throws -> Outcome {
        let connection = try RawConnection(cdn.base)
        defer { connection.close() }
        var block: [UInt8] = []
        for (field, value) in odd.fields {
            // RFC 7541 section 6.2.2: literal, not indexed, new name, no Huffman code.
            block += [0] + Self.string(field.replacing("$", with: name)) + Self.string(value.replacing("$", with: name))
        }
        var octets = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".latin1 + Self.frame(4, 0, stream: 0, [])
        octets += Self.frame(1, odd.data == nil ? 5 : 4, stream: 1, block)
        if let data = odd.data { octets += Self.frame(0, 1, stream: 1, data.replacing("$", with: name).latin1) }
        await connection.send(octets)
        let received = await connection.receive { Self.outcome($0) != nil }
        return Self.outcome(received.octets) ?? (received.end == .silent ? .silence : .refused)
    }

    private static func string(_ text: String) -> [UInt8] {
        let octets = text.latin1
        // Prefix of 7 bits (section 5.1).
        guard octets.count >= 127 else { return [UInt8(octets.count)] + octets }
        var rest = octets.count - 127
        var length: [UInt8] = [127]
        while rest >= 128 {
            length.append(UInt8(rest % 128) | 128)
            rest /= 128
        }
        return length + [UInt8(rest)] + octets
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags, 0, 0, 0, stream] + payload
    }

    /// What the frames so far say about stream 1; nil if nothing yet.
    private static func outcome(_ octets: [UInt8]) -> Outcome? {
        var rest = octets[...]
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + count else { return nil }
            let payload = rest.dropFirst(9).prefix(count)
            switch head[3] {
            // 8 is :status 200 in the static table (RFC 7541 appendix A); a new size of the dynamic one may come first.
            case 1 where head[8] == 1: return payload.first { $0 & 0xe0 != 0x20 } == 0x88 ? .answered : .refused
            case 3 where head[8] == 1, 7: return .refused
            default: rest = rest.dropFirst(9 + count)
            }
        }
        return nil
    }
}
