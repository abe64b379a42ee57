// The chunked decoder against RFC 9112 section 7.1, in every way of cutting the octets.

import HTTP
import Testing

/// The data of a chunked body given in pieces and how many octets it took; nil: more are needed.
func decodeChunked(_ pieces: [[UInt8]]) throws(ChunkedFault) -> (data: [UInt8], count: Int)? {
    var decoder = ChunkedDecoder()
    var data: [UInt8] = []
    var before = 0
    for piece in pieces {
        var at = 0
        reading: while true {
            switch try decoder.next(piece.span, from: at) {
            case .needsMore: break reading
            case .data(let range):
                data += piece[range]
                at = range.upperBound
            case .end(let end): return (data, before + end)
            }
        }
        before += piece.count
    }
    return nil
}

func decodeChunked(_ text: String) throws(ChunkedFault) -> (data: [UInt8], count: Int)? {
    try decodeChunked([Array(text.utf8)])
}

@Suite struct ChunkedDecoderTests {
    @Test(arguments: [
        ("0\r\n\r\n", ""),
        ("3\r\nabc\r\n0\r\n\r\n", "abc"),
        ("A\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\n", "0123456789x"),
        ("a;name=value;q=\"a;b\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"),
        ("3 ;x\r\nabc\r\n0\t ;y\r\n\r\n", "abc"),
        ("1;a\r\nx\r\n1; a = b\t;c=\"\\\"\\\\ \t;\" ; d\r\ny\r\n0\r\n\r\n", "xy"),
        ("3\r\n\r\n\r\r\n0\r\nExpires: now\r\nX:\r\n\r\n", "\r\n\r"),
        ("000000000000003\r\nabc\r\n0\r\n\r\n", "abc"),
    ])
    func `a body is decoded, however it is cut`(_ text: String, _ data: String) throws {
        let octets = Array(text.utf8)
        for split in 0...octets.count {
            let rest = Array(octets[split...]) + Array("GET".utf8)
            let result = try #require(try decodeChunked([Array(octets[..<split]), rest]))
            #expect(result.data == Array(data.utf8))
            #expect(result.count == octets.count)
        }
        let single = try #require(try decodeChunked(octets.map { [$0] }))
        #expect(single.data == Array(data.utf8))
        #expect(try decodeChunked([octets.dropLast()]) == nil)
    }

    @Test(arguments: [
        ("\r\n", ChunkedFault.badSize),
        ("g\r\n", .badSize),
        ("-1\r\n", .badSize),
        ("+1\r\n", .badSize),
        ("0x1\r\n", .badSize),
        (" 1\r\n", .badSize),
        ("1,\r\n", .badSize),
        ("1\n", .bareLF),
        ("1\rX", .bareCR),
        ("1 \r\n", .badExtension),
        ("1 x\r\n", .badExtension),
        ("1;\r\n", .badExtension),
        ("1;;a\r\n", .badExtension),
        ("1;a;\r\n", .badExtension),
        ("1;=a\r\n", .badExtension),
        ("1;a=\r\n", .badExtension),
        ("1;a b\r\n", .badExtension),
        ("1;a \r\n", .badExtension),
        ("1;a=b \r\n", .badExtension),
        ("1;a=b c\r\n", .badExtension),
        ("1;a=\"b\r\n", .badExtension),
        ("1;a=\"b\"c\r\n", .badExtension),
        ("1;a=\"\\\0\"\r\n", .badExtension),
        ("1;a=\"\nb\"\r\n", .bareLF),
        ("1;\"q\"\r\n", .badExtension),
        ("1;\n", .bareLF),
        ("1;a\nb\r\n", .bareLF),
        ("1;a\u{1}\r\n", .badExtension),
        ("1;a\rb", .bareCR),
        ("1000000000000000\r\n", .sizeTooLarge),
        ("0000000000000001\r\n", .sizeTooLarge),
        ("ffffffffffffffff1\r\n", .sizeTooLarge),
        ("3\r\nabcd\r\n", .missingEnd),
        ("3\r\nabc\n", .missingEnd),
        ("3\r\nabc\rX", .missingEnd),
        ("3\r\nab\r\n0\r\n\r\n", .missingEnd),
        ("0\r\n\n", .bareLF),
        ("0\r\n\rX", .bareCR),
        ("0\r\n X: y\r\n\r\n", .badTrailer),
        ("0\r\nX : y\r\n\r\n", .badTrailer),
        ("0\r\nX\r\n\r\n", .badTrailer),
        ("0\r\n: y\r\n\r\n", .badTrailer),
        ("0\r\nX: y\r\n z\r\n\r\n", .badTrailer),
        ("0\r\nX: y\nz: a\r\n\r\n", .bareLF),
        ("0\r\nX: \0\r\n\r\n", .badTrailer),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", .badTrailer),
    ])
    func `a body that could be read in two ways is refused`(_ text: String, _ refusal: ChunkedFault) {
        #expect(throws: refusal) { try decodeChunked(text) }
    }

    @Test func `4 KiB of extensions are taken, one octet more is not`() throws {
        // The semicolon itself is not counted; the CR that ends the extension is.
        let extensions = String(repeating: "e", count: 4095)
        #expect(try decodeChunked("0;\(extensions)\r\n\r\n") != nil)
        #expect(throws: ChunkedFault.extensionsTooLong) { try decodeChunked("0;\(extensions)e\r\n\r\n") }
        // Over many chunks they add up.
        let many = String(repeating: "1;eeee\r\nx\r\n", count: 1000)
        #expect(throws: ChunkedFault.extensionsTooLong) { try decodeChunked(many) }
    }

    @Test func `8 KiB of trailers are taken, one octet more is not`() throws {
        let value = String(repeating: "v", count: 8 * 1024 - "X: \r\n\r\n".utf8.count)
        #expect(try decodeChunked("0\r\nX: \(value)\r\n\r\n") != nil)
        #expect(throws: ChunkedFault.trailerTooLong) { try decodeChunked("0\r\nX: \(value)v\r\n\r\n") }
    }

    @Test func `the largest size is handed on without overflow`() throws {
        var decoder = ChunkedDecoder()
        let octets = Array("fffffffffffffff\r\nabc".utf8)
        let step = try decoder.next(octets.span, from: 0)
        #expect(step == .data(17..<20))
    }
}
