// Requests that are right and odd, from a seed: what our parser takes and others might take for something else.

import TestSupport

/// One odd request as a client sends it.
struct OddRequest: Sendable {
    let id: Int
    let method: String
    let target: String
    let octets: [UInt8]

    /// A request with `id` in its query; all that is odd about it comes out of `generator`.
    init(id: Int, using generator: inout SeededGenerator) {
        self.id = id
        method = Self.pick(Int.random(in: 0..<3, using: &generator) == 0 ? Self.oddMethods : Self.methods, &generator)
        var target = "/"
        for _ in 0..<Int.random(in: 0...4, using: &generator) { target += Self.pick(Self.pathParts, &generator) }
        target +=
            "?" + (Bool.random(using: &generator) ? Self.pick(Self.queryParts, &generator) + "&" : "") + "id=\(id)"
        self.target = target
        let isOld = Int.random(in: 0..<12, using: &generator) == 0
        var lines = [Self.pick(["Host: h", "host:h", "HOST: \t[::1]:80 ", "Host: other.example"], &generator)]
        for _ in 0..<Int.random(in: 0...5, using: &generator) { lines.append(Self.pick(Self.fields, &generator)) }
        var body = ""
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            body = Self.pick(Self.bodies, &generator)
            lines.append("Content-Length: \(body.unicodeScalars.count)")
        case 1 where !isOld:
            lines.append(Self.pick(["Transfer-Encoding: chunked", "transfer-encoding:\tCHUNKED "], &generator))
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let data = Self.pick(Self.bodies, &generator)
                guard !data.isEmpty else { continue }
                body +=
                    "\(String(data.unicodeScalars.count, radix: 16))\(Self.pick(Self.extensions, &generator))\r\n\(data)\r\n"
            }
            body += Self.pick(Self.endings, &generator)
        default: break
        }
        // A client of HTTP/1.0 that wants to go on says so.
        if isOld { lines.append("Connection: keep-alive") }
        lines.shuffle(using: &generator)
        let head = "\(method) \(target) HTTP/1.\(isOld ? 0 : 1)\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        octets = (head + body).latin1
    }

    private static func pick<Element>(_ all: [Element], _ generator: inout SeededGenerator) -> Element {
        all[Int.random(in: 0..<all.count, using: &generator)]
    }

    private static let methods = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
    private static let oddMethods = [
        "PATCH", "PROPFIND", "M-SEARCH", "get", "X!$%&'*+-.^_`|~9", "GETGET", "HTTP", "PRI",
    ]
    private static let pathParts = [
        "a", "b/", "/", "//", "..", "../", "./", ".", "%2F", "%2f", "%2e%2e/", "%41", "A", "%", "%zz", "%20", "%C3%A9",
        "%ff",
        "+", "&", "=", ";x=y", ";", ":", "@", "!", "$", "'", "(", ")", "*", ",", "~", "_", "-", "\"", "<", ">", "[",
        "]", "{",
        "}", "|", "\\", "^", "`", "http://x/", "HTTP/1.1", "%3f", "%23", "%25", "%5c", "x.css", "index.php/",
    ]
    private static let queryParts = [
        "a=b", "?", "/../", "%0d%0aX:%20y", "%00", "a[]=1", "\"", "<x>", "|", "\\", "{}", "a=b;c", "&&", "=",
        "HTTP/1.1",
        "http://x/?y", "%", "+", "'",
    ]
    private static let fields = [
        "X-Empty:", "X-Space: \t a \t b \t", "X-Raw: \u{e9}\u{ff}\u{80}",
        "X-Long: \(String(repeating: "x", count: 2000))",
        "Cookie: a=b; c=\"d\"", "Cookie: e", "Accept: */*;q=0.5,", "Accept-Encoding: gzip, br", "Range: bytes=0-3",
        "If-None-Match: \"x\", W/\"y\"", "If-Modified-Since: never", "If-Match: *", "Connection: x-gone, keep-alive",
        "X-Gone: here",
        "Connection: close-not", "TE: trailers, deflate;q=0.5", "Upgrade: h2c, websocket", "Keep-Alive: timeout=5",
        "Proxy-Connection: close", "Expect: 100-continue", "Expect: nothing", "Trailer: X-T", "Max-Forwards: 0",
        "X-HTTP-Method-Override: DELETE", "X-Forwarded-Host: evil", "Forwarded: host=evil", "Content_Length: 3",
        "Transfer_Encoding: chunked", "X-Original-URL: /evil", "Content-Type: text/plain", "Via: 1.0 other",
        "!#$%&'*+.^`|~: y",
        "Content-Encoding: chunked", "X-Transfer-Encoding: chunked", "Transfer-Encodin: chunked",
        "HTTP2-Settings: AAMAAABk",
        "Connection: content-length", "Connection: transfer-encoding, host", "Pragma: no-cache",
        "Cache-Control: no-store",
    ]
    private static let bodies = [
        "", "x", "hello", "0\r\n\r\n", "\r\n\r\n", "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", String(repeating: "b", count: 3000), "\u{0}\u{ff}\n\r",
    ]
    private static let extensions = ["", "", "", ";a", ";a=b", " ; a=\"\\\"x\\\"\"", ";a;b=c;d"]
    private static let endings = [
        "0\r\n\r\n", "0\r\n\r\n", "000;last\r\n\r\n", "0\r\nX-T: y\r\n\r\n",
        "0\r\nHost: evil\r\nContent-Length: 5\r\n\r\n",
    ]
}
