// Connections full of requests for parsers to disagree about: mostly right, some odd, some broken.

/// Makes octets of one to three requests, and mutates a third of them.
enum RequestGenerator {
    static func connection(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var octets: [UInt8] = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) { octets += request(using: &generator) }
        if Int.random(in: 0..<3, using: &generator) == 0 { mutate(&octets, using: &generator) }
        return octets
    }

    private static func request(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let isOdd = Int.random(in: 0..<4, using: &generator) == 0
        let method = pick(isOdd ? oddMethods : methods, &generator)
        let target = pick(isOdd ? oddTargets : targets, &generator)
        let version = pick(isOdd ? oddVersions : versions, &generator)
        var lines = ["Host: example.org"]
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            lines.append(pick(Int.random(in: 0..<12, using: &generator) == 0 ? oddFields : fields, &generator))
        }
        var body = ""
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            body = String(repeating: "b", count: Int.random(in: 0...40, using: &generator))
            lines.append("Content-Length: \(body.utf8.count)")
        case 1:
            lines.append("Transfer-Encoding: \(pick(codings, &generator))")
            for _ in 0..<Int.random(in: 0...3, using: &generator) { body += pick(chunks, &generator) }
            body += pick(endings, &generator)
        default: break
        }
        lines.shuffle(using: &generator)
        let head = "\(method) \(target) \(version)\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return Array((head + body).utf8)
    }

    private static func mutate(_ octets: inout [UInt8], using generator: inout some RandomNumberGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !octets.isEmpty {
            let index = Int.random(in: 0..<octets.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: octets.remove(at: index)
            case 1: octets.insert(pick(odd, &generator), at: index)
            case 2: octets[index] = pick(odd, &generator)
            default:
                let end = min(octets.count, index + Int.random(in: 1...12, using: &generator))
                octets.insert(contentsOf: octets[index..<end], at: index)
            }
        }
    }

    private static func pick<Element>(_ all: [Element], _ generator: inout some RandomNumberGenerator) -> Element {
        all[Int.random(in: 0..<all.count, using: &generator)]
    }

    private static let methods = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE"]
    private static let oddMethods = ["GET", "OPTIONS", "get", "FETCH", "X!#$%&'*+-.^_`|~9", "CONNECT", "G=T", ""]
    private static let targets = ["/", "/a/b.mp4", "/x?y=z&a=%20", "http://example.org/abs?q"]
    private static let oddTargets = [
        "*", "/a#b", "/caf\u{e9}", "//", "/\"<>|^`{}\\", "http://other.org/", "http://example.org", "example.org:80",
        "",
        "/a b", "/\u{7f}", "https://example.org/",
    ]
    private static let versions = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]
    private static let oddVersions = [
        "HTTP/1.1", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "HTTP/11", "",
    ]
    private static let fields = [
        "Accept: */*", "Range: bytes=0-99", "User-Agent: test/1.0 (x; y)", "X-Empty:", "X-Space: \t a b \t",
        "Connection: keep-alive", "If-None-Match: \"e\"", "Cookie: a=b; c=d",
    ]
    private static let oddFields = [
        "Connection: close", "Host: example.org", "Host: two", "X : y", ": y", "X", "X: a\r\n b", " X: y", "X: a\u{0}b",
        "X: a\u{1}b", "X(: y", "X: caf\u{e9}", "Content-Length: 3", "Content-Length: 3, 3", "Content-Length: +3",
        "Transfer-Encoding: chunked", "X: a\nY: b", "X: a\rY: b", "Expect: 100-continue", "Upgrade: websocket",
    ]
    private static let codings = [
        "chunked", "chunked", "chunked", "Chunked", "gzip, chunked", "identity", "chunked, x",
    ]
    private static let chunks = ["3\r\nabc\r\n", "A;e=1\r\n0123456789\r\n", "1;\"q\"\r\nx\r\n", "02\r\n\r\n\r\n"]
    private static let endings = [
        "0\r\n\r\n", "0\r\n\r\n", "000\r\n\r\n", "0\r\nX: y\r\n\r\n", "0;e\r\n\r\n", "0\n\n", "0 \r\n\r\n", "g\r\n", "",
    ]
    private static let odd: [UInt8] = [
        0x00, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x2c, 0x3a, 0x3b, 0x2f, 0x23, 0x30, 0x41, 0x7f, 0x80, 0xff,
    ]
}
