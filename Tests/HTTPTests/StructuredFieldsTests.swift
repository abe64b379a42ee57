// Structured Fields: each type's syntax at its limits.

import HTTP
import Testing

@Suite struct StructuredFieldsTests {
    private typealias Item = StructuredFields.Item

    private func item(_ text: String) -> StructuredFields.BareItem? {
        StructuredFields.parseItem([Array(text.utf8)[...]])?.value
    }

    @Test(
        arguments: [
            ("42", .integer(42)), ("-42", .integer(-42)), ("-0", .integer(0)), ("007", .integer(7)),
            ("  1  ", .integer(1)),
            ("999999999999999", .integer(999_999_999_999_999)), ("-999999999999999", .integer(-999_999_999_999_999)),
            ("1.5", .decimal(thousandths: 1500)), ("-0.001", .decimal(thousandths: -1)),
            ("999999999999.999", .decimal(thousandths: 999_999_999_999_999)),
            ("\"\"", .string("")), ("\"a \\\"b\\\\\"", .string("a \"b\\")),
            ("*a/b:c%", .token("*a/b:c%")), ("Foo", .token("Foo")),
            ("::", .bytes([])), (":aGVsbG8=:", .bytes(Array("hello".utf8))), (":aGVsbG8:", .bytes(Array("hello".utf8))),
            (":/+8=:", .bytes([0xff, 0xef])), (":AAECAw==:", .bytes([0, 1, 2, 3])),
            ("?1", .boolean(true)), ("?0", .boolean(false)), ("@1659578233", .date(1_659_578_233)), ("@-1", .date(-1)),
            ("%\"f%c3%bc\"", .displayString("f\u{fc}")), ("%\"\"", .displayString("")),
        ] as [(String, StructuredFields.BareItem)]
    )
    func `RFC 9651 section 4.2.3: items are read`(text: String, value: StructuredFields.BareItem) {
        #expect(item(text) == value)
    }

    @Test(arguments: [
        "", "-", "--1", "1.", ".1", "1.2345", "1234567890123.1", "1000000000000000", "1 2", "+1", "0x1", "1.1.1",
        "\"", "\"\\a\"", "\"a", "\"\u{fc}\"", "\"\t\"", "'a'", "&", ":a:", ":aGVsbG8", ":a=Vs:", ":aGV-:", ":====:",
        ":aGVsbG8==:", "?", "?2", "?true", "@", "@1.5", "@a", "%\"%C3%BC\"", "%\"%c3\"", "%\"%\"", "%a", "%\"", "(1)",
        "a, b", "\t1", "1\t",
    ])
    func `RFC 9651 section 4.2.3: what is malformed fails`(text: String) {
        #expect(item(text) == nil)
    }

    @Test func `RFC 9651 section 4.2.3.2: parameters follow an item, the last of a key counts`() {
        let item = StructuredFields.parseItem([Array("a;b; c=1;b=?0;*d=\"x\"".utf8)[...]])
        #expect(item?.parameters.keys == ["b", "c", "*d"])
        #expect(item?.parameters["b"] == .boolean(false))
        #expect(item?.parameters["c"] == .integer(1))
        #expect(item?.parameters["*d"] == .string("x"))
        for text in ["a;", "a; ", "a;B", "a ;b", "a;b=", "a;b=(1)", "a;1"] {
            #expect(self.item(text) == nil, "\(text)")
        }
    }

    @Test func `RFC 9651 section 4.2.1: lists hold items and inner lists, over lines`() {
        let list = StructuredFields.parseList([Array("1,(a  \"b\" );q=1".utf8)[...], Array("()".utf8)[...]])
        #expect(list?.count == 3)
        guard case .innerList(let inner)? = list?[1] else {
            Issue.record("the second member is no inner list")
            return
        }
        #expect(inner.items == [Item(.token("a")), Item(.string("b"))])
        #expect(inner.parameters["q"] == .integer(1))
        #expect(StructuredFields.parseList([]) == [])
        for text in ["1,", ",1", "1 2", "(", "(1", "(1,2)", "(1)2", "(1\t2)", "1,,2", "(a)(b)"] {
            #expect(StructuredFields.parseList([Array(text.utf8)[...]]) == nil, "\(text)")
        }
    }

    @Test func `RFC 9651 section 4.2.2: a dictionary keeps the place of the first and the value of the last`() {
        let dictionary = StructuredFields.parseDictionary([Array("a=1, b;x=2 ,\tc=(1), a=3;y".utf8)[...]])
        #expect(dictionary?.keys == ["a", "b", "c"])
        var a = Item(.integer(3))
        a.parameters["y"] = .boolean(true)
        #expect(dictionary?["a"] == .item(a))
        var b = Item(.boolean(true))
        b.parameters["x"] = .integer(2)
        #expect(dictionary?["b"] == .item(b))
        #expect(StructuredFields.parseDictionary([])?.isEmpty == true)
        for text in ["A=1", "a=", "a==1", "a =1", "a= 1", "a,", "1=a", "a b", "a;b=1;", "-a", "=1"] {
            #expect(StructuredFields.parseDictionary([Array(text.utf8)[...]]) == nil, "\(text)")
        }
    }
}
