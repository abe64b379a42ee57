// Entity tags and lists of them.

import HTTP
import Testing

@Suite struct EntityTagTests {
    @Test(
        arguments: [
            ("\"abc\"", false, "abc"), ("W/\"abc\"", true, "abc"), ("\"\"", false, ""), ("W/\"\"", true, ""),
            ("\"a,b\"", false, "a,b"), ("\"a\\b\"", false, "a\\b"), ("\"\u{fc}\"", false, "\u{fc}"),
            ("\"!#~\"", false, "!#~"),
        ] as [(String, Bool, String)]
    )
    func `RFC 9110 section 8.8.3: a tag is quoted and may be weak`(text: String, isWeak: Bool, opaque: String) {
        #expect(EntityTag.parse(text.utf8.span) == EntityTag(isWeak: isWeak, opaque: Array(opaque.utf8)))
    }

    @Test(arguments: [
        "", "abc", "\"", "\"abc", "abc\"", "w/\"abc\"", "W\"abc\"", "W\\\"abc\"", "W/abc", "W/", "W/\"", "W /\"a\"",
        "\"a b\"",
        "\"a\"b\"", " \"abc\"", "\"abc\" ", "'abc'", "*", "\"a\u{7f}\"", "\"a\t\"", "\"a\", \"b\"",
    ])
    func `RFC 9110 section 8.8.3: what is no tag is refused`(text: String) {
        #expect(EntityTag.parse(text.utf8.span) == nil)
    }

    @Test(
        arguments: [
            ("W/\"1\"", "W/\"1\"", false, true), ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true), ("\"1\"", "\"2\"", false, false), ("\"a\"", "\"A\"", false, false),
        ] as [(String, String, Bool, Bool)]
    )
    func `RFC 9110 section 8.8.3.2: strong and weak comparison`(a: String, b: String, strong: Bool, weak: Bool) throws {
        let tags = (EntityTag.parse(a.utf8.span), EntityTag.parse(b.utf8.span))
        let first = try #require(tags.0)
        let second = try #require(tags.1)
        #expect(first.stronglyEquals(second) == strong)
        #expect(second.stronglyEquals(first) == strong)
        #expect(first.weaklyEquals(second) == weak)
    }

    @Test func `RFC 9110 section 13.1.2: a list is read over lines, members that are no tags are left out`() {
        func parse(_ lines: String...) -> EntityTagList { EntityTagList.parse(lines.map { Array($0.utf8)[...] }) }
        func tag(_ text: String, isWeak: Bool = false) -> EntityTag {
            EntityTag(isWeak: isWeak, opaque: Array(text.utf8))
        }
        #expect(parse("*") == .any)
        #expect(parse(" * ") == .any)
        #expect(parse("*, \"a\"") == .tags([tag("a")]))
        #expect(parse("*", "*") == .tags([]))
        #expect(
            parse("\"a\", W/\"b,c\",,\"d\"", "\"e\"")
                == .tags([tag("a"), tag("b,c", isWeak: true), tag("d"), tag("e")])
        )
        #expect(parse("abc, \"d\", \"e") == .tags([tag("d")]))
        #expect(parse() == .tags([]))
    }

    @Test(
        arguments: [
            ("\"a\"", "\"a\"", true), ("W/\"a\"", "\"a\"", true), ("\"a\"", "W/\"a\"", true), ("\"b\"", "\"a\"", false),
            ("\"a\", \"1\", \"2\"", "\"a\"", true), ("\"1\", \"a\", \"2\"", "\"a\"", true),
            ("\"1\",\"2\",W/\"a\"", "\"a\"", true),
            ("\"1,\"a\"", "\"a\"", false), ("x, \"a\"", "\"a\"", true), ("abcdef", "\"abcdef\"", false),
            ("\"abcdef\"", "abcdef", false), ("abcdef", "abcdef", true), ("w/\"a\"", "\"a\"", false),
            ("w/\"a\"", "w/\"a\"", true),
            ("x, abcdef", "abcdef", true), ("", "", false), (",", "", false), ("\"\u{fc}\"", "\"\u{fc}\"", true),
            ("*", "\"a\"", false),
            ("\"\"", "\"a\"", false), ("\"a\" \"b\"", "\"a\"", false),
        ] as [(String, String, Bool)]
    )
    func `RFC 9110 section 13.1.2: a line is searched in place`(line: String, tag: String, isFound: Bool) {
        #expect(EntityTagList.line(line.utf8.span, weaklyContains: tag.utf8.span) == isFound)
    }
}
