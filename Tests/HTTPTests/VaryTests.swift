// Vary: its value, and which requests select the same response.

import HTTP
import Testing

@Suite struct VaryTests {
    private func names(_ text: String...) -> [[UInt8]] { text.map { Array($0.utf8) } }

    @Test(arguments: [
        ["*"], ["*, *"], ["*", "*"], [", *"], ["", "*"], ["*, Foo"], ["Foo, *"], ["Foo", "Bar, *"], ["Foo;Bar"],
        ["Foo Bar"], ["\"Foo\""],
    ])
    func `RFC 9110 section 12.5.5: a star anywhere, or a member that is no name, never matches`(lines: [String]) {
        #expect(Vary.parse(lines.map { Array($0.utf8)[...] }) == .any)
    }

    @Test(
        arguments: [
            ([], []), ([""], []), ([","], []), (["Foo"], ["foo"]), (["foo, FOO", "Foo"], ["foo"]),
            (["b, A", ",c"], ["a", "b", "c"]),
        ] as [([String], [String])]
    )
    func `RFC 9110 section 12.5.5: names are sorted and unique`(lines: [String], expected: [String]) {
        #expect(Vary.parse(lines.map { Array($0.utf8)[...] }) == .names(expected.map { Array($0.utf8) }))
    }

    /// Whether both requests have one key; the in-place matcher must agree.
    private func same(_ a: Fields, _ b: Fields, _ names: [[UInt8]]) -> Bool {
        let key = VaryKey.make(names: names, request: a)
        let result = key == VaryKey.make(names: names, request: b)
        #expect(matches(key, names, b) == result)
        return result
    }

    private func matches(_ key: VaryKey, _ names: [[UInt8]], _ request: Fields) -> Bool {
        var head = RequestHead()
        head.lines = request.lines
        head.present = request.present
        let result = key.matches(names: names, head: head, in: request.bytes.span)
        let made = VaryKey.make(names: names, head: head, in: request.bytes.span)
        #expect((made == key) == result)
        return result
    }

    @Test func `RFC 9111 section 4.1: every listed field must match, others do not count`() {
        let foo = names("foo")
        #expect(same(["Foo": "1"], ["foo": "1"], foo))
        #expect(!same(["Foo": "1"], ["Foo": "2"], foo))
        #expect(same(["Foo": "1", "Other": "2"], ["Foo": "1", "Other": "3"], foo))
        let three = names("bar", "baz", "foo")
        #expect(same(["Foo": "1", "Bar": "abc", "Baz": "789"], ["Baz": "789", "Bar": "abc", "Foo": "1"], three))
        #expect(!same(["Foo": "1", "Bar": "abc", "Baz": "789"], ["Foo": "1", "Bar": "abcde", "Baz": "789"], three))
        #expect(same(["Foo": "1", "Baz": "789"], ["Foo": "1", "Baz": "789"], three))
        #expect(same([:], ["Foo": "1"], []))
    }

    @Test func `RFC 9111 section 4.1: absent equals absent only`() {
        let foo = names("foo")
        #expect(same([:], [:], foo))
        #expect(!same(["Foo": "1"], [:], foo))
        #expect(!same([:], ["Foo": "1"], foo))
        #expect(!same([:], ["Foo": ""], foo))
        #expect(!same(["Foo": "1"], ["Bar": "1"], names("bar", "foo")))
        #expect(!same(["Bar": "1"], ["Foo": "1"], names("bar", "foo")))
    }

    @Test(
        arguments: [
            (["1,2"], ["1, 2"], true), (["1,2"], [" 1 ,\t2 "], true), (["1, 2"], ["1", "2"], true),
            (["1, 2"], ["2, 1"], false),
            (["1,2"], ["12"], false), (["\"a, b\""], ["\"a,b\""], false), (["\"a\\\", b\""], ["\"a\\\",b\""], false),
            (["A"], ["a"], false),
            (["1 2"], ["1  2"], false), (["1,,2"], ["1,2"], false), (["1"], ["1", ""], false),
        ] as [([String], [String], Bool)]
    )
    func `RFC 9111 section 4.1: lines are one list, whitespace around commas does not count`(
        a: [String],
        b: [String],
        isSame: Bool
    ) {
        var first = Fields()
        for value in a { first.append("Foo", value) }
        var second = Fields()
        for value in b { second.append("foo", value) }
        #expect(same(first, second, names("foo")) == isSame)
        #expect(same(second, first, names("foo")) == isSame)
    }

    @Test(
        arguments: [
            ("en, de", "de, en", true), ("en-US,de;q=0.5", "DE ; Q=0.5 ,\ten-us", true), ("en, de", "en", false),
            ("en;q=0.5", "en;q=0.8", false), ("en, de", "en,,de,", true), ("e n", "en", false),
            ("en;q=1.0, de;q=0.50", "de;q=0.5, en", true), ("en;q=x", "en", false), ("en;q=0", "en;q=0.000", true),
        ] as [(String, String, Bool)]
    )
    func `RFC 9110 section 12.5.4: languages match in any order, case and spacing`(a: String, b: String, isSame: Bool) {
        #expect(same(["Accept-Language": a], ["Accept-Language": b], names("accept-language")) == isSame)
    }

    @Test(
        arguments: [
            ([:], []), (["Vary": "Foo"], ["foo"]), (["Content-Encoding": "br"], ["accept-encoding"]),
            (["Content-Encoding": "gzip", "Vary": "Foo"], ["accept-encoding", "foo"]),
            (["Content-Encoding": "gzip", "Vary": "Accept-Encoding"], ["accept-encoding"]),
            (["Content-Encoding": "Identity"], []), (["Content-Encoding": ""], []),
        ] as [(Fields, [String])]
    )
    func `a coded response is selected by Accept-Encoding, named or not`(response: Fields, expected: [String]) {
        #expect(Vary.selecting(response) == .names(expected.map { Array($0.utf8) }))
        #expect(Vary.selecting(["Vary": "*", "Content-Encoding": "br"]) == .any)
    }

    @Test func `fields that are no lists match octet for octet`() {
        #expect(!same(["Cookie": "a=1,b"], ["Cookie": "a=1, b"], names("cookie")))
        #expect(!same(["User-Agent": "x (a, b)"], ["User-Agent": "x (a,b)"], names("user-agent")))
        #expect(same(["User-Agent": "x (a, b)"], ["User-Agent": "x (a, b)"], names("user-agent")))
    }

    @Test func `values cannot pass for their neighbours`() {
        let two = names("a", "b")
        #expect(!same(["A": "1", "B": "2"], ["A": "1,2"], two))
        #expect(!same(["A": "12", "B": ""], ["A": "1", "B": "2"], two))
        let key = VaryKey.make(names: two, request: ["A": "1", "B": "2"])
        #expect(VaryKey(bytes: key.bytes) == key)
        let request: Fields = ["A": "1", "B": "2"]
        #expect(matches(key, two, request))
        #expect(!matches(VaryKey(bytes: []), two, request))
        #expect(!matches(VaryKey(bytes: [0, 0, 0, 9, 1]), names("a"), request))
        #expect(!matches(key, names("a"), request))
    }

    @Test func `keys and the in-place matcher agree on any values`() {
        var random = SeededRandom(seed: 0x5eed_0003)
        let alphabet = Array("ab,; =\tA-".utf8)
        func value() -> String {
            let count = Int.random(in: 0...5, using: &random)
            return String(decoding: (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }, as: UTF8.self)
        }
        for _ in 0..<20_000 {
            let name = Bool.random(using: &random) ? "Accept-Language" : "Foo"
            let other = value()
            _ = same(
                [name: value()],
                Bool.random(using: &random) ? [name: other] : [name: other, name: value()],
                names(name.lowercased())
            )
        }
    }
}
