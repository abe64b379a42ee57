// CDN-Cache-Control: when it decides and when it is void.

import HTTP
import Testing

@Suite struct TargetedCacheControlTests {
    private func parse(_ lines: String...) -> CacheControl? {
        TargetedCacheControl.parse(lines.map { Array($0.utf8)[...] })
    }

    @Test(
        arguments: [
            ("max-age=3600", 3600), ("max-age=0", 0), ("max-age=-5", 0), ("max-age=2147483648", 2_147_483_648),
            ("max-age=99999999999", 2_147_483_648), ("foobar, max-age=3600", 3600), ("max-age=60;foo=bar", 60),
            ("max-age=1, max-age=60", 60), ("max-age=060", 60), ("foo=(a b), max-age=60", 60), ("  max-age=60  ", 60),
            ("max-age=60,\tfoo=\"max-age=1\"", 60),
        ] as [(String, Int64)]
    )
    func `RFC 9213 section 2.1: a lifetime is an integer`(line: String, seconds: Int64) {
        #expect(parse(line)?.maxAge == seconds)
    }

    @Test(arguments: [
        "", "   ", "max-age=10000, &&&&&", "max-age=\"10000\"", "max-age=1.5", "max-age=10.0", "max-age", "max-age=a",
        "max-age=(60)", "MaX-aGe=3600", "max-age =100", "max-age= 100", "max-age=100,", "max-age=1000000000000000",
        "no-store=1", "no-store=?0", "no-store=\"\"", "private=1", "no-cache=?0", "public=a", "s-maxage=?1",
        "max-age=60, no-store=x", "max-age=60;", "stale-if-error=@60", "private=(a)", ",max-age=60",
    ])
    func `RFC 9213 section 2.1: an empty or malformed field, or a wrong type, is as no field`(line: String) {
        #expect(parse(line) == nil)
    }

    @Test func `RFC 9213 section 2.2: an absent field does not decide`() {
        #expect(TargetedCacheControl.parse([:]) == nil)
        #expect(TargetedCacheControl.parse(["Cache-Control": "max-age=5"]) == nil)
    }

    @Test func `RFC 9213 section 3.1: a field of unknown directives decides that there are none`() {
        #expect(parse("none") == CacheControl())
        #expect(parse("none=5, max-stale=\"x\"") == CacheControl())
    }

    @Test func `several lines are one dictionary`() {
        let control = TargetedCacheControl.parse(["CDN-Cache-Control": "max-age=5", "cdn-cache-control": "private"])
        #expect(control?.maxAge == 5)
        #expect(control?.isPrivate == true)
    }

    @Test func `every directive has its type`() {
        var expected = CacheControl()
        expected.noStore = true
        expected.noTransform = true
        expected.mustRevalidate = true
        expected.proxyRevalidate = true
        expected.isPublic = true
        expected.mustUnderstand = true
        expected.immutable = true
        expected.staleWhileRevalidate = 1
        expected.staleIfError = 2
        expected.sMaxAge = 3
        expected.noCacheFields = [Array("a".utf8), Array("b".utf8)]
        expected.privateFields = [Array("c".utf8)]
        let control = parse(
            "no-store, no-transform=?1, must-revalidate, proxy-revalidate, public, must-understand, immutable",
            "stale-while-revalidate=1, stale-if-error=2, s-maxage=3, no-cache=\"A, b\", private=c"
        )
        #expect(control == expected)
        #expect(parse("no-cache, private")?.noCache == true)
        #expect(parse("no-cache=\"a b\"")?.noCache == true)
    }
}
