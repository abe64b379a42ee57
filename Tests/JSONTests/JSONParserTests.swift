// Tests of the parser: what RFC 8259 allows, what it does not, and the limits.

import JSON
import TestSupport
import Testing

@Suite struct JSONParserTests {
    @Test(
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("\t\r\nfalse\n", false), ("0", 0), ("-0", 0), ("-12", -12),
            ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("\"\"", ""), ("[1, [2], {}]", [1, [2], [:]]),
            (#"{"a":1,"b":[true,null]}"#, ["a": 1, "b": [true, nil]]),
            (#"{"":0}"#, ["": 0]),
            (#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDe00""#, "\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1f600}"),
            (#""\u0000""#, "\0"), ("\"\u{7f}\u{10ffff}\u{2028}\"", "\u{7f}\u{10ffff}\u{2028}"),
            ("\"\u{feff}\"", "\u{feff}"),
        ] as [(String, JSONValue)]
    )
    func `a JSON text is read (RFC 8259)`(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text.utf8) == value)
    }

    @Test(
        arguments: [
            ("", JSONError.Code.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("tru", .unexpectedEnd, 3),
            ("trux", .unexpectedOctet, 3), ("True", .unexpectedOctet, 0), ("nulL", .unexpectedOctet, 3),
            ("NaN", .unexpectedOctet, 0), ("Infinity", .unexpectedOctet, 0), ("-Infinity", .unexpectedOctet, 1),
            ("truefalse", .trailingOctets, 4), ("1 2", .trailingOctets, 2), ("{}\0", .trailingOctets, 2),
            ("\u{feff}1", .unexpectedOctet, 0), ("\u{a0}1", .unexpectedOctet, 0), ("\u{b}1", .unexpectedOctet, 0),
            ("+1", .unexpectedOctet, 0), ("01", .trailingOctets, 1), ("-", .unexpectedEnd, 1),
            ("-01", .trailingOctets, 2),
            ("1.", .unexpectedEnd, 2), (".5", .unexpectedOctet, 0), ("1.e2", .unexpectedOctet, 2),
            ("1e", .unexpectedEnd, 2),
            ("1e+", .unexpectedEnd, 3), ("1e+-2", .unexpectedOctet, 3), ("0x10", .trailingOctets, 1),
            ("1e309", .numberOutOfRange, 0), ("[-1e999]", .numberOutOfRange, 1), ("--1", .unexpectedOctet, 1),
            ("[1,]", .unexpectedOctet, 3), ("[,1]", .unexpectedOctet, 1), ("[1 2]", .unexpectedOctet, 3),
            ("[1", .unexpectedEnd, 2), ("[", .unexpectedEnd, 1), ("]", .unexpectedOctet, 0),
            ("[1}", .unexpectedOctet, 2),
            ("{", .unexpectedEnd, 1), (#"{"a"}"#, .unexpectedOctet, 4), (#"{"a":}"#, .unexpectedOctet, 5),
            (#"{"a":1,}"#, .unexpectedOctet, 7), (#"{a:1}"#, .unexpectedOctet, 1), (#"{1:1}"#, .unexpectedOctet, 1),
            (#"{"a":1 "b":2}"#, .unexpectedOctet, 7), (#"{"a" 1}"#, .unexpectedOctet, 5),
            ("{'a':1}", .unexpectedOctet, 1),
            (#"{"a":1,"a":1}"#, .duplicateName, 7), (#"{"a":1,"\u0061":2}"#, .duplicateName, 7),
            (#"""#, .unexpectedEnd, 1), (#""a"#, .unexpectedEnd, 2), ("\"a\nb\"", .unexpectedOctet, 2),
            ("\"\0\"", .unexpectedOctet, 1), ("\"\u{1f}\"", .unexpectedOctet, 1), (#""\"#, .unexpectedEnd, 2),
            (#""\x""#, .unexpectedOctet, 2), (#""\u12"#, .unexpectedEnd, 5), (#""\u12g4""#, .unexpectedOctet, 5),
            (#""\U0041""#, .unexpectedOctet, 2), (#""\'""#, .unexpectedOctet, 2), ("\"\\n\n\"", .unexpectedOctet, 3),
            (#""\ud800""#, .loneSurrogate, 3), (#""\udc00""#, .loneSurrogate, 3),
            (#""\udc00\ud800""#, .loneSurrogate, 3),
            (#""\ud800\ud800""#, .loneSurrogate, 3), (#""\ud800\n""#, .loneSurrogate, 3),
            (#""\ud800A""#, .loneSurrogate, 3),
            ("/**/1", .unexpectedOctet, 0), ("1//", .trailingOctets, 1),
        ] as [(String, JSONError.Code, Int)]
    )
    func `what is no JSON text is refused where it goes wrong`(text: String, code: JSONError.Code, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error?.code == code)
        #expect(error?.offset == offset)
    }

    @Test(
        arguments: [
            [0x80], [0xff], [0xc3], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
            [0xed, 0xbf, 0xbf],
            [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82],
        ] as [[UInt8]]
    )
    func `a string that is not UTF-8 is refused`(octets: [UInt8]) {
        for escape in ["", "\\n"] {
            let text = [UInt8](ascii: "\"\(escape)") + octets + [0x22]
            #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
            #expect(throws: JSONError.self) { try JSONValue(parsing: octets) }
        }
    }

    @Test func `the limits hold, and one more does not`() throws {
        let nested = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        #expect(throws: Never.self) { try JSONValue(parsing: nested(64).utf8) }
        #expect(code(nested(65)) == .tooDeep)
        #expect(code(String(repeating: "[", count: 1_000_000)) == .tooDeep)
        #expect(code(String(repeating: #"{"a":"#, count: 100_000)) == .tooDeep)
        #expect(code("[1]", JSONLimits(depthMax: 0)) == .tooDeep)
        #expect(code("1", JSONLimits(depthMax: 0)) == nil)
        #expect(code("[1,{\"a\":2}]", JSONLimits(membersMax: 3)) == nil)
        #expect(code("[1,{\"a\":2}]", JSONLimits(membersMax: 2)) == .tooManyMembers)
        #expect(code("12345", JSONLimits(octetsMax: 5)) == nil)
        #expect(code("12345 ", JSONLimits(octetsMax: 5)) == .tooLarge)
        // The deepest that can be asked for fits a thread's stack.
        #expect(code(nested(512), JSONLimits(depthMax: .max)) == nil)
        #expect(code(nested(513), JSONLimits(depthMax: .max)) == .tooDeep)
    }

    @Test func `a large object is read, found in, and its duplicates refused`() throws {
        let members = (0..<5_000).map { #""name \#($0)":\#($0)"# }
        let object = try JSONValue(parsing: "{\(members.joined(separator: ","))}".utf8)
        #expect(object.objectValue?.count == 5_000)
        for index in stride(from: 0, to: 5_000, by: 7) {
            #expect(object["name \(index)"] == .number(JSONNumber(Int64(index))))
        }
        #expect(code("{\((members + [members[17]]).joined(separator: ","))}") == .duplicateName)
        for count in 1...40 {
            #expect(code("{\((members.prefix(count) + [members[0]]).joined(separator: ","))}") == .duplicateName)
        }
    }

    @Test func `names and strings are told apart by code points, not by canonical equivalence`() throws {
        let object = try JSONValue(parsing: "{\"\u{e9}\":1,\"e\u{301}\":2}".utf8)
        #expect(object.objectValue?.count == 2)
        #expect(object["e\u{301}"] == 2)
        #expect(JSONValue.string("\u{e9}") != JSONValue.string("e\u{301}"))
    }

    @Test func `order of members and digits of numbers are kept`() throws {
        let text = #"{"z":1.50,"a":[-0,1E+2,0.10e-1,123456789012345678901234567890],"m":"\u20ac"}"#
        let value = try JSONValue(parsing: text.utf8)
        #expect(value.description == text.replacing("\\u20ac", with: "\u{20ac}"))
    }

    private func code(_ text: String, _ limits: JSONLimits = .standard) -> JSONError.Code? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: text.utf8, limits: limits)
            return nil
        } catch {
            return error.code
        }
    }
}

extension [UInt8] {
    init(ascii text: String) { self = Array(text.utf8) }
}
