// Cache-Control: what counts as a directive and how unclear ones are read.

import HTTP
import Testing

@Suite struct CacheControlTests {
    private func parse(_ lines: String...) -> CacheControl {
        CacheControl.parse(lines.map { Array($0.utf8)[...] })
    }

    @Test(
        arguments: [
            ("max-age=3600", 3600), ("MaX-aGe=3600", 3600), ("max-age=003600", 3600), ("max-age=\"3600\"", 3600),
            ("max-age=\"36\\00\"", 3600), ("max-age=0", 0), ("foo, max-age=60", 60), ("max-age=60,,foo=bar", 60),
            (",max-age=60", 60), ("  max-age=60\t", 60), ("max-age=60, foo=\"bar, max-age=1\"", 60),
            ("foo=\"\\\"\", max-age=60", 60), ("max-age=2147483647", 2_147_483_647),
            ("max-age=2147483648", 2_147_483_648), ("max-age=99999999999", 2_147_483_648),
            ("max-age=99999999999999999999999999", 2_147_483_648), ("foo", nil), ("", nil), ("maxage=60", nil),
            ("\"max-age=60\"", nil), ("xmax-age=60", nil), ("max-age2=60", nil),
        ] as [(String, Int64?)]
    )
    func `RFC 9111 section 1.2.2: a lifetime is a number of seconds`(line: String, seconds: Int64?) {
        #expect(parse(line).maxAge == seconds)
    }

    @Test(arguments: [
        "max-age=-1", "max-age=-3600", "max-age=3600.0", "max-age=3600.5", "max-age=a3600", "max-age=3600a",
        "max-age='3600'", "max-age =3600", "max-age= 3600", "max-age = 3600", "max-age=", "max-age", "max-age=\"\"",
        "max-age=\"3600", "max-age=\" 3600\"", "max-age=36 00", "max-age=+3600", "max-age=1e3", "max-age=3600;foo",
        "foo;max-age=3600", "max-age=\"3600\"x", "max-age=60, max-age=1", "max-age=1, max-age=60",
        "max-age:3600, max-age=5",
    ])
    func `RFC 9111 section 4.2.1: an unclear or conflicting lifetime is none`(line: String) {
        #expect(parse(line).maxAge == 0)
    }

    @Test func `RFC 9111 section 4.2.1: the same lifetime twice is that lifetime, also across lines`() {
        #expect(parse("max-age=60", "max-age=60").maxAge == 60)
        #expect(parse("max-age=60", "max-age=61").maxAge == 0)
        #expect(parse("max-age=60", "max-age=61", "max-age=61").maxAge == 0)
        #expect(parse("max-age=1", "s-maxage=60").sMaxAge == 60)
        #expect(parse("s-maxage=60, max-age=1").maxAge == 1)
    }

    @Test func `RFC 9110 section 5.6.4: text in a quoted string is no directive`() {
        #expect(parse("extension=\"max-age=3600\", max-age=1").maxAge == 1)
        #expect(parse("max-age=1, extension=\"max-age=3600\"").maxAge == 1)
        #expect(parse("extension=\"no-store, public\"") == CacheControl())
        #expect(parse("extension= \"a, public\"").isPublic == false)
        #expect(parse("extension \"a, public, \\\" public\"").isPublic == false)
        #expect(parse("extension='a, public'").isPublic == false)
        #expect(parse("extension='a, public, b'").isPublic)
    }

    @Test func `a quoted string without end may have swallowed anything`() {
        #expect(parse("max-age=60, extension=\"a, private").noStore)
        #expect(parse("extension=\"a\\").noStore)
        #expect(parse("extension=\"a", "public").isPublic)
    }

    @Test(arguments: [
        "no-store", "nO-StOrE", "max-age=60, no-store", "no-store=1", "no-store=\"x\"", "no-store;max-age=60",
        "max-age=60; no-store", "no-store garbage", "no-store =", "foo=bar, no-store", "no-store,", "\u{e9}, no-store",
    ])
    func `a directive that restricts counts however it is written`(line: String) {
        #expect(parse(line).noStore)
    }

    @Test(arguments: ["public=1", "public;foo", "foo;public", "public x", "\"public\"", "public=", "x public"])
    func `a directive that permits counts only if it is well-formed`(line: String) {
        #expect(!parse(line).isPublic)
        #expect(!parse(line.replacingPublic(by: "immutable")).immutable)
        #expect(!parse(line.replacingPublic(by: "must-understand")).mustUnderstand)
    }

    @Test func `all response directives are told apart`() {
        let all = parse(
            "public, must-revalidate, proxy-revalidate, must-understand, immutable, no-transform, private",
            "stale-while-revalidate=30, stale-if-error=40, s-maxage=50"
        )
        var expected = CacheControl()
        expected.isPublic = true
        expected.mustRevalidate = true
        expected.proxyRevalidate = true
        expected.mustUnderstand = true
        expected.immutable = true
        expected.noTransform = true
        expected.isPrivate = true
        expected.staleWhileRevalidate = 30
        expected.staleIfError = 40
        expected.sMaxAge = 50
        #expect(all == expected)
        #expect(parse("stale-while-revalidate=x, stale-if-error=-1").staleWhileRevalidate == 0)
        #expect(parse("stale-while-revalidate=x, stale-if-error=-1").staleIfError == 0)
    }

    @Test(
        arguments: [
            ("no-cache", true, []), ("no-cache=\"a, B\"", false, ["a", "b"]), ("no-cache=a", false, ["a"]),
            ("no-cache=\"a\", no-cache=\"b,a\"", false, ["a", "b"]), ("no-cache=\"a\", no-cache", true, ["a"]),
            ("no-cache=\"\"", true, []), ("no-cache=\"a b\"", true, []), ("no-cache=\"a\" x", true, []),
            ("no-cache=", true, []),
            ("no-cache=\",a,\"", false, ["a"]), ("No-CaChE", true, []),
        ] as [(String, Bool, [String])]
    )
    func `RFC 9111 section 5.2.2.4: no-cache with field names is about these only`(
        line: String,
        all: Bool,
        names: [String]
    ) {
        let control = parse(line)
        #expect(control.noCache == all)
        #expect(control.noCacheFields == names.map { Array($0.utf8) })
        let other = parse(line.replacing("no-cache", with: "private").replacing("No-CaChE", with: "PRIVATE"))
        #expect(other.isPrivate == all)
        #expect(other.privateFields == names.map { Array($0.utf8) })
    }

    @Test(
        arguments: [
            ("max-stale", .any), ("max-stale=10", .seconds(10)), ("max-stale, max-stale=10", .seconds(10)),
            ("max-stale=10, max-stale", .seconds(10)), ("max-stale=10, max-stale=5", .seconds(5)),
            ("max-stale=x", .seconds(0)), ("max-stale=", .seconds(0)), ("foo", nil),
        ] as [(String, CacheControl.MaxStale?)]
    )
    func `RFC 9111 section 5.2.1.2: max-stale takes a limit or none`(line: String, expected: CacheControl.MaxStale?) {
        #expect(parse(line).maxStale == expected)
    }

    @Test func `RFC 9111 section 5.2.1: the other request directives`() {
        #expect(parse("min-fresh=10").minFresh == 10)
        #expect(parse("min-fresh=x").minFresh == 2_147_483_648)
        #expect(parse("min-fresh=10, min-fresh=20").minFresh == 20)
        #expect(parse("only-if-cached").onlyIfCached)
        #expect(!parse("max-age=0").onlyIfCached)
    }

    @Test func `a request head gives what its fields give`() {
        let buffer = Array("GET / HTTP/1.1\r\nCache-Control: max-age=5\r\nA: b\r\ncache-control: no-cache\r\n\r\n".utf8)
        var head = RequestHead()
        head.lines = [
            Fields.Line(name: 16..<29, value: 31..<40, known: .cacheControl),
            Fields.Line(name: 42..<43, value: 45..<46, known: .other),
            Fields.Line(name: 48..<61, value: 63..<71, known: .cacheControl),
        ]
        #expect(CacheControl.parse(head, in: buffer.span) == CacheControl())
        head.present = [.cacheControl, .other]
        let control = CacheControl.parse(head, in: buffer.span)
        #expect(control.maxAge == 5)
        #expect(control.noCache)
        #expect(control == CacheControl.parse(Fields(head: head, in: buffer.span)))
    }

    @Test func `no line stops the reader, whatever its octets`() {
        var random = SeededRandom(seed: 0x5eed_0001)
        let alphabet = Array("max-age=\"\\,; 0123'\u{ff}no-store".utf8)
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            let control = CacheControl.parse([line[...]])
            #expect((0...DeltaSeconds.deltaSecondsMax).contains(control.maxAge ?? 0))
        }
    }
}

extension String {
    fileprivate func replacingPublic(by name: String) -> String { replacing("public", with: name) }
}
