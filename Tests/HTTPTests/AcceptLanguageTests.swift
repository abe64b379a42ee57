// Accept-Language: what a member is, and which language is wanted above all others.

import HTTP
import Testing

@Suite struct AcceptLanguageTests {
    @Test(
        arguments: [
            ("de", "de", true), ("DE", "de", true), ("de", "De", true), ("fr;q=0.5, de;q=1.0", "de", true),
            ("fr;q=0.5, de", "fr", false), ("fr, de", "de", false), ("fr;q=0.8,de;q=0.8", "de", false),
            ("de;q=0", "de", false), ("*", "de", false), ("de, *", "de", false), ("de, *;q=0.5", "de", true),
            ("de-AT", "de", false), ("de", "de-AT", false), ("de-AT, de;q=0.9", "de-at", true),
            ("de;q=0.5, de;q=0.9, fr;q=0.7", "de", false), ("de ; q = 0.5, fr;q=0.4", "de", true),
            ("en, de;q=0.001, fr;q=0", "de", false), ("de;q=0.001, fr;q=0", "de", true),
        ] as [(String, String, Bool)]
    )
    func `RFC 9110 section 12.5.4: a language is preferred if nothing else weighs as much`(
        field: String,
        tag: String,
        isPreferred: Bool
    ) throws {
        let preference = try #require(AcceptLanguage([Array(field.utf8)[...]]))
        #expect(preference.prefers(Array(tag.utf8).span) == isPreferred)
    }

    @Test(arguments: [
        "", " , ,", "de;q=2", "de;q=1.001", "de;q=0.1234", "de;q=", "de;q", "de;r=1", "de;q=0.5;q=0.6", "d e",
        "de;q=.5",
        "de;q=-1", "de;q=0,5 ;", "\"de\"", "fr, de;q=x",
    ])
    func `RFC 9110 section 12.4.2: a malformed member voids the field`(field: String) {
        #expect(AcceptLanguage([Array(field.utf8)[...]]) == nil)
    }

    @Test func `RFC 9110 section 5.3: several lines are one list`() {
        let lines = ["fr;q=0.5", "de"].map { Array($0.utf8)[...] }
        #expect(AcceptLanguage(lines)?.prefers(Array("de".utf8).span) == true)
        #expect(AcceptLanguage([]) == nil)
    }

    @Test(
        arguments: [
            ("EN", "en"), ("en;q=1", "en"), ("en;q=1.000", "en"), ("en;q=0.500", "en;q=0.5"),
            ("en;q=0.050", "en;q=0.05"),
            ("en ; Q=0.125", "en;q=0.125"), ("en;q=0", "en;q=0"), ("en;q=0.000", "en;q=0"), ("*;q=0.1", "*;q=0.1"),
        ] as [(String, String)]
    )
    func `RFC 9110 section 12.4.2: each member has one shortest form`(member: String, normal: String) {
        #expect(LanguageRange(Array(member.utf8))?.normal == Array(normal.utf8))
    }
}
