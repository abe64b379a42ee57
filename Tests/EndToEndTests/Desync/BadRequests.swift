// Requests that no two readers may understand differently, so that nobody but us reads them: the table.

/// A request that is refused; `$` in its text stands for the case's own name.
struct BadRequest: Sendable {
    /// One octet for each scalar below U+0100.
    let text: String
    /// What the answer may be.
    var statuses: Set<Int> = [400]

    init(_ text: String, _ statuses: Int...) {
        self.text = text
        if !statuses.isEmpty { self.statuses = Set(statuses) }
    }

    /// Cases that have one section of the RFC in common.
    enum Topic: String, Sendable, CaseIterable {
        case requestLine = "RFC 9112 section 3"
        case target = "RFC 9112 section 3.2"
        case host = "RFC 9112 section 3.2, RFC 9110 section 7.2"
        case fieldLines = "RFC 9112 sections 2.2 and 5"
        case length = "RFC 9112 section 6.2, RFC 9110 section 8.6"
        case coding = "RFC 9112 sections 6.1 and 6.3"
        case chunks = "RFC 9112 section 7.1"
        case limits = "RFC 9110 sections 15.5.15 and 5.4"
    }

    static func all(_ topic: Topic) -> [BadRequest] {
        switch topic {
        case .requestLine: requestLines.map { BadRequest($0.0 + "\r\nHost: h\r\n\r\n", $0.1) }
        case .target: targets.map { BadRequest("GET \($0) HTTP/1.1\r\nHost: h\r\n\r\n") } + otherTargets
        case .host: hosts.map { BadRequest("GET /$ HTTP/1.1\r\n\($0)\r\n") }
        case .fieldLines: fieldLines.map { BadRequest("GET /$ HTTP/1.1\r\n\($0)\r\n") }
        case .length: lengths.map { BadRequest("POST /$ HTTP/1.1\r\nHost: h\r\n\($0)\r\n\r\nhello") }
        case .coding:
            codings.map { BadRequest("POST /$ HTTP/1.1\r\nHost: h\r\n\($0.0)\r\n\r\n0\r\n\r\n", $0.1) } + oldCodings
        case .chunks:
            chunks.map { BadRequest("POST /$ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\($0)") }
        case .limits: limits
        }
    }

    private static let requestLines: [(String, Int)] = [
        ("GET /$", 400), ("GET  /$ HTTP/1.1", 400), ("GET /$  HTTP/1.1", 400), ("GET\t/$ HTTP/1.1", 400),
        ("GET /$\tHTTP/1.1", 400), (" GET /$ HTTP/1.1", 400), ("\tGET /$ HTTP/1.1", 400), ("GET /$ HTTP/1.1 ", 400),
        ("GET /$ http/1.1", 400), ("GET /$ Http/1.1", 400), ("GET /$ HTTP/1", 400), ("GET /$ HTTP/1.1.1", 400),
        ("GET /$ HTTP/01.1", 400), ("GET /$ HTTP/1.01", 400), ("GET /$ HTTP/ 1.1", 400), ("GET /$ HTTP/1,1", 400),
        ("GET /$ HTTP/1.x", 400), ("GET /$ HTTP/+1.1", 400), ("GET /$ HTTPS/1.1", 400), ("GET /$ HTTP/1.1\0", 400),
        ("GET /$ FTP/1.1", 400), ("GET /$ HTTP/1.2", 505), ("GET /$ HTTP/1.9", 505), ("GET /$ HTTP/2.0", 505),
        ("GET /$ HTTP/0.9", 505), ("GET /$ HTTP/3.0", 505), ("GET /$ HTTP/0.0", 505),
        ("PRI /$ HTTP/2.0", 505), ("G(T /$ HTTP/1.1", 400),
        ("G\0T /$ HTTP/1.1", 400),
        ("G\u{e9}T /$ HTTP/1.1", 400), ("G:T /$ HTTP/1.1", 400), (": /$ HTTP/1.1", 400), ("\"GET\" /$ HTTP/1.1", 400),
        ("GET /$ HTTP/1.1 HTTP/1.1", 400), ("GET /$ HTTP/1.1\r\n\r\nGET /$ HTTP/1.1\rX", 400),
        ("\n\nGET /$ HTTP/1.1", 400), ("\rGET /$ HTTP/1.1", 400), ("\r\n\r\n\r\n\r\n\r\nGET /$ HTTP/1.1", 400),
        ("\0GET /$ HTTP/1.1", 400), ("\u{ef}\u{bb}\u{bf}GET /$ HTTP/1.1", 400),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0/$", 400), ("CONNECT h:443 HTTP/1.1", 501), ("CONNECT /$ HTTP/1.1", 400),
        ("CONNECT http://h/$ HTTP/1.1", 400), ("/$ HTTP/1.1", 400), ("HTTP/1.1 200 OK", 400),
    ]

    private static let targets = [
        "$", "$/", "*$", "h:80", "h/$", "?$", "#$", "/$#", "/$#top", "/#/$",
        "/$\0", "/\0$", "/$\u{1}", "/$\u{1f}", "/$\u{7f}", "/$ x", "/$\u{b}x", "/$\u{c}x", "/$\u{80}", "/$\u{85}x",
        "/$\u{a0}HTTP/1.1", "/$\u{c3}\u{a9}", "/$\u{c0}\u{af}", "/$\u{ff}", "/$?\u{e9}", "https://h/$", "ftp://h/$",
        "http:/$", "http:h/$", "http://", "http:///$", "http://h?$", "http://h#$", "http://u@h/$", "http://u:p@h/$",
        "http://other/$", "http://h.h/$", "http://h:81/$", "http://h:80/$", "http://h:/$", "http://h\\@other/$",
        "http://h%2f@other/$", "http://[::1]/$", "http://h:65536/$", "http://h h/$", "http://h\u{e9}/$",
        "httpx://h/$", "h://h/$", "file:///$", "javascript:$", "HTTPS://h/$", "\\$", "../$", "%2f$", "*", "*/$", "**",
    ]

    private static let otherTargets = [
        BadRequest("HEAD * HTTP/1.1\r\nHost: h\r\n\r\n"), BadRequest("POST * HTTP/1.1\r\nHost: h\r\n\r\n"),
        BadRequest("OPTIONS *$ HTTP/1.1\r\nHost: h\r\n\r\n"), BadRequest("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n"),
        BadRequest("OPTIONS h HTTP/1.1\r\nHost: h\r\n\r\n"), BadRequest("GET http://a/$ HTTP/1.1\r\nHost: b\r\n\r\n"),
        BadRequest("GET http://a/$ HTTP/1.1\r\n\r\n"),
        BadRequest("GET http://a/$ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        BadRequest("GET http://a/$ HTTP/1.1\r\nHost:\r\n\r\n"),
        BadRequest("GET http://a/$ HTTP/1.0\r\nHost: b\r\n\r\n"),
    ]

    private static let hosts = [
        "X: y\r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhOST: b\r\n", "Host: a\r\nX: y\r\nHost: a\r\n", "Host:\r\n",
        "Host: \t\r\n", "Host: a b\r\n", "Host: a, a\r\n", "Host: a,b\r\n", "Host: a/\r\n", "Host: a/$\r\n",
        "Host: a?x\r\n", "Host: a#x\r\n", "Host: http://a\r\n", "Host: u@a\r\n", "Host: u:p@a\r\n", "Host: a:b\r\n",
        "Host: a:80x\r\n", "Host: a:-1\r\n", "Host: a:+1\r\n", "Host: a:1:2\r\n", "Host: a:65536\r\n",
        "Host: a:123456\r\n", "Host: :80\r\n", "Host: :\r\n", "Host: [::1\r\n", "Host: ::1\r\n", "Host: [::1]x\r\n",
        "Host: [::g]\r\n", "Host: []\r\n", "Host: a]\r\n", "Host: [a]\r\n", "Host: a\\b\r\n", "Host: a\tb\r\n",
        "Host: \u{e9}\r\n", "Host: a\0\r\n", "Host: a\u{7f}\r\n", "Host: \"a\"\r\n", "Host: <a>\r\n", "Host : a\r\n",
        "Host\t: a\r\n", " Host: a\r\n", "Host: a\r\n b\r\n", "Host: a\nHost: b\r\n", "Host: a\rHost: b\r\n",
        "Host\r\n",
    ]

    private static let fieldLines = [
        "Host: h\nX: y\r\n", "Host: h\r\nX: y\n", "Host: h\rX: y\r\n", "Host: h\r\r\nX: y\r\n", "\nHost: h\r\n",
        "\rHost: h\r\n", "\tHost: h\r\n", " X: y\r\nHost: h\r\n", "Host: h\r\nX: a\r\n b\r\n",
        "Host: h\r\nX: a\r\n\tb\r\n",
        "Host: h\r\nX:\r\n b\r\n", "Host: h\r\n \r\n", "Host: h\r\n\t\r\n", "Host: h\r\n: x\r\n",
        "Host: h\r\nX : y\r\n",
        "Host: h\r\nX\t: y\r\n", "Host: h\r\n X: y\r\n", "Host: h\r\nX\r\n", "Host: h\r\nX y\r\n",
        "Host: h\r\n\0: y\r\n",
        "Host: h\r\nX(: y\r\n", "Host: h\r\nX[y]: y\r\n", "Host: h\r\nX\"y: y\r\n", "Host: h\r\nX/y: y\r\n",
        "Host: h\r\nX\u{e9}: y\r\n", "Host: h\r\nX\u{7f}: y\r\n", "Host: h\r\nX\0y: y\r\n", "Host: h\r\nX: a\0b\r\n",
        "Host: h\r\nX: \0\r\n", "Host: h\r\nX: a\u{1}\r\n", "Host: h\r\nX: a\u{b}b\r\n", "Host: h\r\nX: a\u{c}b\r\n",
        "Host: h\r\nX: a\u{1f}\r\n", "Host: h\r\nX: a\u{7f}\r\n", "Host: h\r\nX: a\rb\r\n", "Host: h\r\nX: a\r\r\n",
        "Host: h\r\nX: a\nTransfer-Encoding: chunked\r\n", "Host: h\r\nX: a\rContent-Length: 44\r\n",
        "Host: h\r\nGET /$ HTTP/1.1\r\n", "Host: h\r\n{\"a\": 1}\r\n",
    ]

    private static let lengths = [
        "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\ncontent-length: 0", "Content-Length: 0\r\nX: y\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: 5,5", "Content-Length: 5, 6", "Content-Length: 5,", "Content-Length: ,5", "Content-Length: +5",
        "Content-Length: -5", "Content-Length: -0", "Content-Length: +0", "Content-Length: 0x5", "Content-Length: 5x",
        "Content-Length: 5 5", "Content-Length: 5_0", "Content-Length: 5.0", "Content-Length: 5e0",
        "Content-Length: 0o5",
        "Content-Length: \"5\"", "Content-Length: '5'", "Content-Length: 5;x", "Content-Length:", "Content-Length: \t",
        "Content-Length: five", "Content-Length: 05", "Content-Length: 00", "Content-Length: 0005",
        "Content-Length: \u{b}5", "Content-Length: 5\u{c}", "Content-Length: 5\0", "Content-Length: \0",
        "Content-Length: \u{b2}", "Content-Length: \u{d9}\u{a5}", "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551621", "Content-Length: 99999999999999999999999999", "Content-Length : 5",
        "Content-Length\t: 5", " Content-Length: 5", "Content-Length\u{b}: 5", "Content-Length\0: 5",
        "Content-Length: 5\r\n 5", "Content-Length:\r\n 5", "Content-Length: 5\nContent-Length: 6",
        "X: y\rContent-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 0\r\nTransfer-Encoding: identity", "Content-Length: x\r\nTransfer-Encoding: chunked",
        "content-length: 5\r\nTRANSFER-ENCODING: chunked", "Content-Length: 5\r\nTransfer-Encoding:",
    ]

    private static let codings: [(String, Int)] = [
        ("Transfer-Encoding:", 400), ("Transfer-Encoding: ,", 400), ("Transfer-Encoding: identity", 400),
        ("Transfer-Encoding: xchunked", 400), ("Transfer-Encoding: chunkedx", 400), ("Transfer-Encoding: chunk", 400),
        ("Transfer-Encoding: chunked, identity", 400), ("Transfer-Encoding: chunked, gzip", 400),
        ("Transfer-Encoding: gzip, chunked", 501), ("Transfer-Encoding: identity, chunked", 501),
        ("Transfer-Encoding: chunked, chunked", 400), ("Transfer-Encoding: chunked,", 400),
        ("Transfer-Encoding: ,chunked", 400), ("Transfer-Encoding: chunked;q=1", 400),
        ("Transfer-Encoding: chunked; foo", 400), ("Transfer-Encoding: \"chunked\"", 400),
        ("Transfer-Encoding: 'chunked'", 400), ("Transfer-Encoding: [chunked]", 400),
        ("Transfer-Encoding: chunked x", 400),
        ("Transfer-Encoding: x chunked", 400), ("Transfer-Encoding: \u{b}chunked", 400),
        ("Transfer-Encoding: chunked\u{c}", 400), ("Transfer-Encoding: chunked\0", 400),
        ("Transfer-Encoding: \u{1}chunked", 400), ("Transfer-Encoding: \u{ff}chunked", 400),
        ("Transfer-Encoding: chunked\u{a0}", 400), ("Transfer-Encoding : chunked", 400),
        ("Transfer-Encoding\t: chunked", 400),
        (" Transfer-Encoding: chunked", 400), ("Transfer-Encoding\u{b}: chunked", 400),
        ("Transfer-Encoding\0: chunked", 400), ("Transfer-Encoding\u{a0}: chunked", 400), ("Transfer-Encoding", 400),
        ("Transfer-Encoding:\r\n chunked", 400), ("Transfer-Encoding: chun\r\n ked", 400),
        ("Transfer-Encoding:\n chunked", 400), ("X: y\nTransfer-Encoding: chunked", 400),
        ("X: y\rTransfer-Encoding: chunked", 400), ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: x\r\ntransfer-encoding: chunked", 400), ("Transfer-Encoding: chunked\rX: y", 400),
        ("Transfer-Encoding: chunked\nX: y", 400), ("\u{ff}Transfer-Encoding: chunked", 400),
    ]

    private static let oldCodings = [
        BadRequest("POST /$ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        BadRequest("POST /$ HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        BadRequest("POST /$ HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: identity\r\n\r\n"),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"),
        BadRequest("HEAD /$ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, x\r\n\r\n"),
    ]

    private static let chunks = [
        "g\r\n", "\r\n0\r\n\r\n", " 0\r\n\r\n", "0 \r\n\r\n", "\t0\r\n\r\n", "+0\r\n\r\n", "-0\r\n\r\n", "-1\r\n\r\n",
        "0x0\r\n\r\n",
        "0X5\r\nhello\r\n0\r\n\r\n", "5_0\r\n", "0_\r\n\r\n", "0.\r\n\r\n", "0,\r\n\r\n", "\"0\"\r\n\r\n",
        "0\0\r\n\r\n", "\u{0}00\r\n\r\n",
        "5h\r\nhello\r\n0\r\n\r\n", "5 h\r\nhello\r\n0\r\n\r\n", "\u{ff}5\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n",
        "ffffffffffffffff\r\n", "fffffffffffffffff0\r\n", "8000000000000000\r\n",
        "00000000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5\r\rhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n", "5\r\nhelloxx\r\n0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\n", "0\r\n\n", "0\n\r\n", "0\r\r\n\r\n", "0\r\n\rX", "0\r\n\r\r\n",
        "5;\r\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5;x\nhello\r\n0\r\n\r\n", "5;x\n\r\nhello\r\n0\r\n\r\n",
        "5;x\r\rhello\r\n",
        "5;x\rhello\r\n", "5;x\0\r\nhello\r\n0\r\n\r\n", "5;x\u{1}\r\nhello\r\n0\r\n\r\n", "5;=x\r\nhello\r\n0\r\n\r\n",
        "5;x=\r\nhello\r\n0\r\n\r\n", "5;x y\r\nhello\r\n0\r\n\r\n", "5;x=\"y\r\nhello\r\n0\r\n\r\n",
        "5;x=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;;x\r\nhello\r\n0\r\n\r\n", "5 ;\r\nhello\r\n0\r\n\r\n", "5;x \r\nhello\r\n0\r\n\r\n", "0;\n\r\n\r\n",
        "2;\nxx\r\n4c\r\n0\r\n\r\n",
        "0;\(String(repeating: "x", count: 5000))\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX : y\r\n\r\n", "0\r\nX\r\n\r\n",
        "0\r\n: y\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX: a\0b\r\n\r\n", "0\r\nX: a\rb\r\n\r\n", "0\r\nX(: y\r\n\r\n",
        "0\r\nContent-Length : 5\r\n\r\n", "0\r\nGET /$ HTTP/1.1\r\nHost: h\r\n\r\n",
        "0\r\nX: \(String(repeating: "x", count: 9000))\r\n\r\n",
    ]

    private static let limits = [
        BadRequest("GET /$\(String(repeating: "x", count: 17_000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        BadRequest("GET /$?\(String(repeating: "x", count: 120_000)) HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        BadRequest("\(String(repeating: "G", count: 33)) /$ HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        BadRequest("\(String(repeating: "G", count: 100_000)) /$ HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 33_000))\r\n\r\n", 431),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\n\(String(repeating: "x", count: 100_000)): y\r\n\r\n", 431),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\n\(String(repeating: "X: y\r\n", count: 128))\r\n", 431),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\n\(String(repeating: "X: y\r\n", count: 10_000))\r\n", 431),
        BadRequest("GET /$ HTTP/1.1\r\nHost: \(String(repeating: "h", count: 33_000))\r\n\r\n", 431),
        BadRequest("GET /$ HTTP/1.1\r\nHost: h\r\nX:\(String(repeating: " ", count: 33_000))y\r\n\r\n", 431),
    ]
}
