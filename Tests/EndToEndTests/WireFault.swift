// What origins do wrong on the wire, each as raw octets, and what a client of the cdn is to see of it.

import TestSupport

/// One fault of an origin's first answer about one target; later answers are good.
struct WireFault: Sendable, CustomStringConvertible {
    /// What the client sees.
    enum Seen: Sendable, Equatable {
        /// A head, then a body that breaks off, or an error before it.
        case broken
        /// As `broken`, and who comes next may find only in the end that the length was a lie.
        case lie
        /// All of the medium.
        case whole
        /// An answer of that status, whole.
        case status(Int)
    }

    let name: String
    let seen: Seen
    /// How long the medium is.
    let count: Int64
    /// Lines of the client's request.
    let lines: String
    let reply: @Sendable (OriginFile) -> Reply

    var description: String { name }

    init(
        _ name: String,
        _ seen: Seen,
        count: Int64 = 2000,
        lines: String = "",
        _ reply: @escaping @Sendable (OriginFile) -> Reply
    ) {
        (self.name, self.seen, self.count, self.lines, self.reply) = (name, seen, count, lines, reply)
    }

    static let all: [WireFault] =
        truncations(of: 200_000) + truncations(of: 1000) + chunkFaults + wholeBodies + badHeads + partials

    // MARK: Bodies

    /// RFC 9112 section 8: incomplete messages.
    private static func truncations(of count: Int64) -> [WireFault] {
        [Int64(0), 1, count / 2, count - 1].flatMap { octets -> [WireFault] in
            let at = "\(octets) of \(count)"
            return [
                WireFault("FIN after \(at) by length", .broken, count: count) { good($0).cut(afterBodyOctets: octets) },
                WireFault("RST after \(at) by length", .broken, count: count) {
                    good($0).reset(afterBodyOctets: octets)
                },
                WireFault("a stall after \(at) by length", .broken, count: count) {
                    good($0).stall(afterBodyOctets: octets, until: Gate())
                },
                WireFault("FIN after \(at) in chunks", .broken, count: count) {
                    chunked($0).cut(afterBodyOctets: octets)
                },
                WireFault("RST after \(at) in chunks", .broken, count: count) {
                    chunked($0).reset(afterBodyOctets: octets)
                },
                WireFault("a stall after \(at) in chunks", .broken, count: count) {
                    chunked($0).stall(afterBodyOctets: octets, until: Gate())
                },
                WireFault("RST after \(at) until the close", .broken, count: count) {
                    reply($0, .close).reset(afterBodyOctets: octets)
                },
            ]
        } + [
            WireFault("a length of one too many for \(count)", .lie, count: count) {
                reply($0, .declared(count + 1)).thenClose()
            },
            WireFault("a missing last chunk after \(count)", .broken, count: count) {
                reply($0, .chunkedWithoutEnd(size: 999))
            },
        ]
    }

    /// RFC 9112 section 7.1.
    private static let chunkFaults: [WireFault] = [
        ("a last chunk without its empty line", "3\r\nabc\r\n0\r\n"),
        ("a last chunk without a line end", "3\r\nabc\r\n0"),
        ("trailers that end in the middle", "3\r\nabc\r\n0\r\nX: y\r\n"),
        ("a chunk size that is no number", "3\r\nabc\r\nxyz\r\n"),
        ("a chunk size that is empty", "3\r\nabc\r\n\r\n0\r\n\r\n"),
        ("a chunk size below zero", "3\r\nabc\r\n-3\r\nabc\r\n0\r\n\r\n"),
        ("a chunk size beyond 64 bits", "3\r\nabc\r\n99999999999999991\r\nabc\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "3\r\nabcdef\r\n0\r\n\r\n"),
        ("a chunk without its line end", "3\r\nabc3\r\nabc\r\n0\r\n\r\n"),
    ].map { name, body in
        WireFault(name, .broken) { file in
            // The medium's own octets in place of letters, so that they can be told from others.
            let octets = file.medium.octets(in: 0..<6)
            let raw = body.utf8.map { $0 >= 0x61 && $0 <= 0x66 ? octets[Int($0) - 0x61] : $0 }
            return Reply([.raw(head(file, "Transfer-Encoding: chunked")), .raw(raw), .close])
        }
    }

    private static let wholeBodies: [WireFault] = [
        WireFault("octets behind the declared length", .whole) { file in
            // In one write: what comes after the next request can be told from an answer by nobody.
            let more = Array("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".utf8)
            return .raw(head(file, "Content-Length: 2000") + file.medium.octets(in: 0..<2000) + more)
        },
        WireFault("a body until the close", .whole, count: 200_000) { reply($0, .close) },
        WireFault("a small body until the close", .whole) { reply($0, .close) },
        WireFault("chunks", .whole, count: 200_000) { chunked($0) },
        WireFault("an octet at a time", .whole) { good($0).octetByOctet() },
        WireFault("chunks, an octet at a time", .whole) { reply($0, .chunked(size: 7)).octetByOctet() },
        WireFault("an unknown transfer coding, read to the close", .whole) { file in
            let body = file.medium.octets(in: 0..<2000)
            return Reply([.raw(head(file, "Transfer-Encoding: strange")), .body(body), .close])
        },
        WireFault("the same length twice", .whole) { file in
            let body = file.medium.octets(in: 0..<2000)
            return Reply([.raw(head(file, "Content-Length: 2000\r\nContent-Length: 2000")), .body(body)])
        },
        WireFault("sixteen interim responses", .whole) { file in
            (0..<16).reduce(good(file)) { reply, _ in reply.afterInterim(102) }
        },
        WireFault("a head with bare line feeds alone", .status(502)) { file in
            let text = "HTTP/1.1 200 OK\nCache-Control: max-age=600\nETag: \"v1\"\nContent-Length: 2000\n\n"
            return Reply([.raw(Array(text.utf8)), .body(file.medium.octets(in: 0..<2000))])
        },
        WireFault("a length beside 204", .status(204)) { _ in
            .raw("HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n")
        },
    ]

    // MARK: Heads

    /// RFC 9112 sections 2.2, 4, 5 and 6.3; each is answered with 502 or 504, and nothing of it is stored.
    private static let badHeads: [WireFault] =
        [
            ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            ("a list of two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd"),
            ("a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc"),
            (
                "a length with chunks",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            ("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("chunks twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
            ("gzip in chunks, not asked for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            ("NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
            ("a bare CR in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"),
            ("a bare LF among CRLF", "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n"),
            ("a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
            ("a line without a colon", "HTTP/1.1 200 OK\r\nnothing\r\nContent-Length: 0\r\n\r\n"),
            ("status 000", "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n"),
            ("status 099", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"),
            ("status 1000", "HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n"),
            ("status 101, not asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            ("no HTTP", "<html>hello</html>"),
            ("no HTTP, long", String(repeating: "hello ", count: 100_000)),
            ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n"),
            ("HTTP/3 on TCP", "HTTP/3 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ("nothing", ""),
            ("a cut status line", "HTTP/1."),
            ("a cut head", "HTTP/1.1 200 OK\r\nContent-Len"),
            ("a head of 1 MiB in one line", "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 1 << 20))\r\n\r\n"),
            (
                "a head of 1 MiB in many lines",
                "HTTP/1.1 200 OK\r\n\(String(repeating: "X: \(String(repeating: "x", count: 1020))\r\n", count: 1024))\r\n"
            ),
            (
                "a flood of interim responses",
                String(repeating: "HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n", count: 10_000)
            ),
        ].map { name, octets in
            WireFault(name, .status(502)) { _ in .raw(octets).thenClose() }
        } + [
            WireFault("RST instead of a head", .status(502)) { _ in Reply([.abort]) },
            WireFault("a head that stands still", .status(504)) { _ in Reply([.raw(Array("HTTP/1.1 2".utf8)), .hang]) },
            WireFault("no answer at all", .status(504)) { _ in Reply([.hang]) },
        ]

    // MARK: Ranges

    /// RFC 9110 section 15.3.7.
    private static let partials: [WireFault] = [
        WireFault("a 206 that is cut", .broken, count: 200_000, lines: "Range: bytes=1000-199999\r\n") { file in
            partial(file, 1000..<200_000, "1000-199999/200000").cut(afterBodyOctets: 50_000)
        },
        WireFault("a 206 that is reset", .broken, count: 200_000, lines: "Range: bytes=1000-199999\r\n") { file in
            partial(file, 1000..<200_000, "1000-199999/200000").reset(afterBodyOctets: 50_000)
        },
        WireFault("a 206 in chunks that is cut", .broken, count: 200_000, lines: "Range: bytes=1000-199999\r\n") {
            file in
            .response(
                206,
                fields(file) + [("Content-Range", "bytes 1000-199999/200000")],
                medium: file.medium,
                range: 1000..<200_000,
                framing: .chunkedWithoutEnd(size: 999)
            ).cut(afterBodyOctets: 50_000)
        },
    ]

    // MARK: Private

    private static func fields(_ file: OriginFile) -> [(String, String)] {
        file.fields + (file.etag.map { [("ETag", $0)] } ?? [])
    }

    private static func head(_ file: OriginFile, _ framing: String) -> [UInt8] {
        let lines = fields(file).map { "\($0.0): \($0.1)\r\n" }.joined()
        return Array("HTTP/1.1 200 OK\r\n\(lines)\(framing)\r\n\r\n".utf8)
    }

    private static func reply(_ file: OriginFile, _ framing: Reply.Framing) -> Reply {
        .response(200, fields(file), medium: file.medium, framing: framing)
    }

    private static func good(_ file: OriginFile) -> Reply { reply(file, .length) }

    private static func chunked(_ file: OriginFile) -> Reply { reply(file, .chunked(size: 999)) }

    private static func partial(_ file: OriginFile, _ range: Range<Int64>, _ contentRange: String) -> Reply {
        .response(
            206,
            fields(file) + [("Content-Range", "bytes \(contentRange)")],
            medium: file.medium,
            range: range
        )
    }
}
