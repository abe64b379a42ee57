// Tests of the canonical form: the examples that RFC 8785 publishes.

import JSON
import Testing

@Suite struct CanonicalFormTests {
    @Test func `RFC 8785 section 3.2.2: the sample`() throws {
        let text = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50,
                          2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let canonical = #"""
            {"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}
            """#
        #expect(try JSONValue(parsing: text.utf8).canonicalText == canonical)
    }

    @Test func `RFC 8785 section 3.2.3: members are sorted by UTF-16 code units`() throws {
        let text = #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
             "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """#
        let canonical = try JSONValue(parsing: try JSONValue(parsing: text.utf8).canonical)
        #expect(
            canonical.objectValue?.members.map(\.value) == [
                "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
            ]
        )
    }

    @Test(arguments: [
        ["", "a"], ["a", "aa"], ["a", "b"], ["A", "a"], ["\u{7f}", "\u{80}"], ["\u{d7ff}", "\u{10000}"],
        ["\u{10ffff}", "\u{e000}"], ["\u{1f600}", "\u{ffff}"], ["\u{10000}", "\u{1f600}"],
        ["x\u{10000}a", "x\u{fb33}"],
        ["\u{e000}", "\u{f000}"], ["\u{20ac}", "\u{10000}"], ["\u{10000}a", "\u{10000}b"],
    ])
    func `UTF-16 order is read off UTF-8`(pair: [String]) {
        let (unsorted, sorted): (JSONValue, JSONValue) = ([pair[1]: 1, pair[0]: 0], [pair[0]: 0, pair[1]: 1])
        #expect(unsorted.canonical.elementsEqual(sorted.encoded))
        #expect(Array(pair[0].utf16).lexicographicallyPrecedes(Array(pair[1].utf16)))
    }

    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)]
    )
    func `RFC 8785 appendix B: numbers`(bits: UInt64, text: String) throws {
        let number = try #require(JSONNumber(Double(bitPattern: bits)))
        #expect(JSONValue.number(number).canonicalText == text)
    }

    @Test(arguments: [0x7fff_ffff_ffff_ffff, 0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000] as [UInt64])
    func `RFC 8785 appendix B: what is no number has no form`(bits: UInt64) {
        #expect(JSONNumber(Double(bitPattern: bits)) == nil)
    }

    @Test(arguments: [
        ("9007199254740993", "9007199254740992"), ("18446744073709551615", "18446744073709552000"), ("-0", "0"),
        ("-0.0e5", "0"), ("100000000000000", "100000000000000"), ("1e2", "100"), ("1e-400", "0"), ("1.0", "1"),
        ("0.1e1", "1"), ("123456789012345", "123456789012345"), ("1234567890123456789", "1234567890123456800"),
    ])
    func `a number is written as its double`(text: String, canonical: String) throws {
        #expect(try JSONValue(parsing: text.utf8).canonicalText == canonical)
    }

    @Test func `all that must be escaped is, and nothing else`() throws {
        let controls = String(String.UnicodeScalarView((0..<0x20).map { Unicode.Scalar($0) }))
        let value = JSONValue.string(controls + "\"\\/\u{7f}\u{80}\u{2028}\u{1f600}")
        let escapes = (0..<0x20).map { (code: UInt8) -> String in
            switch code {
            case 8: "\\b"
            case 9: "\\t"
            case 10: "\\n"
            case 12: "\\f"
            case 13: "\\r"
            default: "\\u00" + (code < 16 ? "0" : "") + String(code, radix: 16)
            }
        }
        #expect(value.canonicalText == "\"" + escapes.joined() + "\\\"\\\\/\u{7f}\u{80}\u{2028}\u{1f600}\"")
        #expect(try JSONValue(parsing: value.canonical) == value)
    }
}

extension JSONValue {
    var canonicalText: String { String(decoding: canonical, as: UTF8.self) }
}
