// HTTP-date: the three forms, and what only looks like one.

import HTTP
import Testing

@Suite struct HTTPDateTests {
    private let now = Timestamp(seconds: 1_790_000_000)  // In September 2026.

    private func parse(_ text: String, now: Timestamp? = nil) -> Int64? {
        HTTPDate.parse(text.utf8.span, now: now ?? self.now)?.seconds
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Wednesday, 09-Nov-94 08:49:37 GMT", 784_370_977),
            ("Wed Nov 16 08:49:37 1994", 784_975_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648),
            ("Sat, 20 Nov 2286 17:46:40 GMT", 9_223_372_036),  // The end of what a Timestamp can express.
            ("Fri, 31 Dec 9999 23:59:59 GMT", 9_223_372_036),
            ("Thu, 18 Aug 2050 02:01:18 GMT", 2_544_400_878),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
        ] as [(String, Int64)]
    )
    func `RFC 9110 section 5.6.7: each of the three forms is understood`(text: String, seconds: Int64) {
        #expect(parse(text) == seconds)
    }

    @Test(arguments: [
        "THU, 18 Aug 2050 02:01:18 GMT", "Thu, 18 AUG 2050 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 gMT",
        "THURSDAY, 18-aug-50 02:01:18 gmt", "thu aug 18 02:01:18 2050",
        "Fri, 18 Aug 2050 02:01:18 GMT",
    ])
    func `letter case is free and another day's name is tolerated`(text: String) {
        #expect(parse(text) == 2_544_400_878)
    }

    @Test(arguments: [
        "", "0", "-1", "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 2050 02:01:18 +00", "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18 Aug 2050  2:01:18 GMT",
        "Thu,  8 Aug 2050 02:01:18 GMT", "Thu, 8 Aug 2050 02:01:18 GMT", "Abc, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 Abc 2050 02:01:18 GMT", "Thu, 31 Jun 2050 02:01:18 GMT", "Thu, 29 Feb 2100 02:01:18 GMT",
        "Thu, 00 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 2050 24:00:00 GMT", "Thu, 18 Aug 2050 02:60:18 GMT",
        "Thu, 18 Aug 2050 02:01:61 GMT", "Thu, 18 Aug 2050 02:01:18 GMT ", " Thu, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01:18", "Thu, +8 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 20 50 02:01:18GMT",
        "Thu, 18-Aug-50 02:01:18 GMT", "Thursday, 18 Aug 50 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 UTC",
        "Thu Aug 18 02:01:18 50  ", "Thu Aug 18 2:01:18 2050 ", "Thu Aug 018 02:01:18 2050",
        "Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT",
    ])
    func `RFC 9111 section 5.3: what only looks like a date is none`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test(
        arguments: [
            ("Saturday, 01-Jan-00 00:00:00 GMT", 2026, 946_684_800),  // 2000
            ("Friday, 01-Jan-76 00:00:00 GMT", 2026, 3_345_062_400),  // 2076: 49 years and some months ahead
            ("Saturday, 01-Jan-77 00:00:00 GMT", 2026, 220_924_800),  // 1977: 2077 would be over 50 years ahead
            ("Friday, 01-Jan-99 00:00:00 GMT", 2026, 915_148_800),
            ("Thursday, 01-Jan-05 00:00:00 GMT", 2099, 4_260_211_200),  // 2105
        ] as [(String, Int, Int64)]
    )
    func `RFC 9110 section 5.6.7: a two-digit year is at most 50 years ahead`(text: String, year: Int, seconds: Int64) {
        let now = Timestamp(seconds: year == 2026 ? 1_790_000_000 : 4_090_000_000)
        #expect(parse(text, now: now) == seconds)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_825_600, "Tue, 29 Feb 2000 12:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (Int64.max, "Fri, 11 Apr 2262 23:47:16 GMT"), (Int64.min, "Tue, 21 Sep 1677 00:12:43 GMT"),
        ] as [(Int64, String)]
    )
    func `a time is written as IMF-fixdate`(seconds: Int64, text: String) {
        #expect(String(decoding: HTTPDate.format(Timestamp(seconds: seconds)), as: UTF8.self) == text)
    }

    @Test func `what is written is read back, and each day has the next name`() {
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        for day in stride(from: Int64(-100_000), to: 100_000, by: 1) {
            let time = Timestamp(seconds: day * 86_400 + (day & 0xffff))
            let text = HTTPDate.format(time)
            #expect(HTTPDate.parse(text.span, now: now) == time)
            #expect(String(decoding: text[..<3], as: UTF8.self) == names[Int((day % 7 + 7) % 7)])
        }
    }
}
