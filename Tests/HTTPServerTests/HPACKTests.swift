// HPACK against the examples of RFC 7541 appendix C, and against what must not be decoded.

import HTTP
import Testing

@testable import HTTPServer

@Suite struct HPACKTests {
    // MARK: Appendix C

    @Test(
        arguments: [
            ("C.1.1", 5, [0x0a], 10), ("C.1.2", 5, [0x1f, 0x9a, 0x0a], 1337), ("C.1.3", 8, [0x2a], 42),
        ] as [(String, Int, [UInt8], Int)]
    )
    func `integers of appendix C-1`(section: String, bits: Int, octets: [UInt8], value: Int) throws {
        var at = 0
        #expect(try HPACKDecoder.integer(octets.span, &at, prefixBits: bits) == value)
        #expect(at == octets.count)
        var written: [UInt8] = []
        HPACKEncoder.append(integer: value, prefixBits: bits, pattern: 0, to: &written)
        #expect(written == octets)
    }

    @Test(arguments: [
        ("C.2.1", "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header", 55),
        ("C.2.2", "040c2f73616d706c652f70617468", ":path: /sample/path", 0),
        ("C.2.3", "100870617373776f726406736563726574", "password: secret", 0),
        ("C.2.4", "82", ":method: GET", 0),
    ])
    func `fields of appendix C-2`(section: String, hex: String, field: String, size: Int) throws {
        var decoder = HPACKDecoder(tableSizeLimit: 4096)
        #expect(try decoder.lines(hex) == [field])
        #expect(decoder.tableSize == size)
    }

    static let requestLines = [
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
        [
            ":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com",
            "custom-key: custom-value",
        ],
    ]

    @Test(arguments: [
        (
            "C.3",
            [
                "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
                "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
            ]
        ),
        (
            "C.4",
            [
                "828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            ]
        ),
    ])
    func `requests of appendices C-3 and C-4`(section: String, blocks: [String]) throws {
        var decoder = HPACKDecoder(tableSizeLimit: 4096)
        for (block, (lines, size)) in zip(blocks, zip(Self.requestLines, [57, 110, 164])) {
            #expect(try decoder.lines(block) == lines)
            #expect(decoder.tableSize == size)
        }
    }

    @Test(arguments: [
        (
            "C.5",
            [
                "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                    + "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                "4803333037c1c0bf",
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d"
                    + "4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20"
                    + "76657273696f6e3d31",
            ]
        ),
        (
            "C.6",
            [
                "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae"
                    + "43d3",
                "4883640effc1c0bf",
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af"
                    + "27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            ]
        ),
    ])
    func `responses of appendices C-5 and C-6 with evictions from a table of 256 octets`(
        section: String,
        blocks: [String]
    ) throws {
        var decoder = HPACKDecoder(tableSizeLimit: 256)
        let date = "date: Mon, 21 Oct 2013 20:13:2"
        let place = "location: https://www.example.com"
        let cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
        let lines = [
            [":status: 302", "cache-control: private", "\(date)1 GMT", place],
            [":status: 307", "cache-control: private", "\(date)1 GMT", place],
            [":status: 200", "cache-control: private", "\(date)2 GMT", place, "content-encoding: gzip", cookie],
        ]
        for (block, (lines, size)) in zip(blocks, zip(lines, [222, 222, 215])) {
            #expect(try decoder.lines(block) == lines)
            #expect(decoder.tableSize == size)
        }
    }

    // MARK: Huffman

    @Test func `every octet has its code`() {
        // All 256 octets in order, as another implementation (hpack 4 for Python) encodes them.
        let hex = """
            ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffeb\
            fffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3f\
            ffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58\
            f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7f\
            fbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffb\
            fffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdaff\
            feeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0fff\
            f17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fff\
            ff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87fff\
            fe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcffffb7fffcdffff4ffff9ff\
            ffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fff\
            ffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf
            """
        var decoded: [UInt8] = []
        #expect(HPACKHuffman.shared.decode([UInt8](hex: hex).span, into: &decoded))
        #expect(decoded.elementsEqual(0...255))
    }

    @Test(arguments: [
        ("5.2: padding of zeros", "18"), ("5.2: padding longer than 7 bits", "1fff"), ("5.2: EOS", "3fffffff"),
        ("5.2: only padding of 8 bits", "ff"), ("appendix B: half a code", "fffe"),
    ])
    func `what is no Huffman string is refused`(section: String, hex: String) {
        var decoded: [UInt8] = []
        #expect(!HPACKHuffman.shared.decode([UInt8](hex: hex).span, into: &decoded))
    }

    @Test(arguments: [("1f", "a"), ("07", "0"), ("", "")])
    func `padding of up to 7 ones is none of the string`(hex: String, text: String) {
        var decoded: [UInt8] = []
        #expect(HPACKHuffman.shared.decode([UInt8](hex: hex).span, into: &decoded))
        #expect(decoded == Array(text.utf8))
    }

    // MARK: Faults

    @Test(
        arguments: [
            ("6.1: index 0", "80", .badIndex), ("2.3.3: beyond both tables", "be", .badIndex),
            ("2.3.3: name beyond both tables", "7f0000", .badIndex), ("5.1: no end", "ff", .endedEarly),
            ("5.1: endless", "ff808080808001", .integerTooLarge),
            ("5.2: string without end", "0005616263", .endedEarly),
            ("5.2: no value", "000161", .endedEarly), ("4.2: above the limit", "3fe21f", .badSizeUpdate),
            ("4.2: behind a field", "8220", .badSizeUpdate), ("5.2: bad Huffman", "008118", .badHuffman),
        ] as [(String, String, HPACKError)]
    )
    func `a block that cannot be decoded says why`(section: String, hex: String, error: HPACKError) {
        var decoder = HPACKDecoder(tableSizeLimit: 4096)
        #expect(throws: error) { try decoder.lines(hex) }
    }

    @Test func `a table size at the limit is taken`() throws {
        var decoder = HPACKDecoder(tableSizeLimit: 4096)
        #expect(try decoder.lines("3fe11f82") == [":method: GET"])
    }

    @Test func `a field as large as the table stays alone one larger empties it`() throws {
        var decoder = HPACKDecoder(tableSizeLimit: 64)
        _ = try decoder.lines("40016101624001630164")
        #expect(decoder.tableSize == 34)
        _ = try decoder.lines("400178" + "1f" + String(repeating: "79", count: 31))
        #expect(decoder.tableSize == 64)
        #expect(try decoder.lines("be").first?.hasPrefix("x: yyy") == true)
        _ = try decoder.lines("400178" + "20" + String(repeating: "79", count: 32))
        #expect(decoder.tableSize == 0)
    }

    @Test func `a name taken from the entry that its own insertion evicts is still there`() throws {
        var decoder = HPACKDecoder(tableSizeLimit: 40)
        _ = try decoder.lines("40026e6e0176")
        // RFC 7541 section 4.4.
        #expect(try decoder.lines("7e0177") == ["nn: w"])
        #expect(try decoder.lines("be") == ["nn: w"])
    }

    @Test(arguments: (1...20).map { UInt64($0) })
    func `whatever blocks come the table keeps its size`(_ seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        for _ in 0..<200 {
            var decoder = HPACKDecoder(tableSizeLimit: 200)
            for _ in 0..<10 {
                var block = Frame.block(Frame.request(path: "/\(UInt8.random(in: 0...255, using: &generator))"))
                for _ in 0..<Int.random(in: 0...40, using: &generator) {
                    block.insert(
                        UInt8.random(in: 0...255, using: &generator),
                        at: Int.random(in: 0...block.count, using: &generator)
                    )
                }
                // What cannot be decoded throws; the state is then of no use, but must not be harmful.
                _ = try? decoder.lines(block)
                #expect(decoder.tableSize <= 200, "seed \(seed)")
            }
        }
    }
}

extension HPACKDecoder {
    /// All fields of a block, a line each.
    mutating func lines(_ hex: String) throws(HPACKError) -> [String] { try lines([UInt8](hex: hex)) }

    mutating func lines(_ block: [UInt8]) throws(HPACKError) -> [String] {
        var lines: [String] = []
        var octets: [UInt8] = []
        var at = try begin(block.span)
        while at < block.count {
            let field = try next(block.span, at: &at, into: &octets)
            let name = String(decoding: octets[field.name], as: UTF8.self)
            lines.append("\(name): \(String(decoding: octets[field.value], as: UTF8.self))")
        }
        return lines
    }
}

extension [UInt8] {
    /// The octets that hexadecimal digits spell.
    init(hex: String) {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        self = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
