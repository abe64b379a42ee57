// Freshness: lifetime, age and their encoding.

import HTTP
import HTTPCache
import Testing

/// A time for the tests of this folder, in September 2026, and dates around it.
enum Moment {
    static let now = Timestamp(seconds: 1_790_000_000)

    /// The date so many seconds from ``now``.
    static func date(_ offset: Int64 = 0) -> String {
        String(decoding: HTTPDate.format(now.advanced(bySeconds: offset)), as: UTF8.self)
    }
}

@Suite struct FreshnessTests {
    private func freshness(_ fields: Fields, status: Int = 200, delay: Int64 = 0) -> Freshness {
        Freshness(
            status: status,
            fields: fields,
            requested: Moment.now.advanced(bySeconds: -delay),
            received: Moment.now
        )
    }

    @Test(
        arguments: [
            ("5.2.2.1", ["Cache-Control": "max-age=60"], 60),
            ("5.2.2.10", ["Cache-Control": "max-age=1, s-maxage=60"], 60),
            ("5.2.2.10", ["Cache-Control": "s-maxage=60", "cache-control": "max-age=1"], 60),
            ("4.2.1", ["Cache-Control": "max-age=60, max-age=70"], 0), ("4.2.1", ["Cache-Control": "max-age=a"], 0),
            ("1.2.2", ["Cache-Control": "max-age=99999999999"], 2_147_483_648),
            ("5.3", ["Cache-Control": "max-age=60", "Expires": Moment.date(-10)], 60),
            ("5.3", ["Cache-Control": "max-age=60", "Expires": "0"], 60),
            ("5.3", ["Cache-Control": "max-age=0", "Expires": Moment.date(100)], 0),
            ("5.3", ["Expires": Moment.date(100), "Date": Moment.date()], 100),
            ("4.2.1", ["Expires": Moment.date(100), "Date": Moment.date(50)], 50),
            ("4.2.1", ["Expires": Moment.date(100), "Date": Moment.date(-50)], 150),
            ("5.3", ["Expires": Moment.date(), "Date": Moment.date()], 0),
            ("5.3", ["Expires": Moment.date(-10), "Date": Moment.date()], 0), ("5.3", ["Expires": "0"], 0),
            ("5.3", ["Expires": Moment.date(100), "expires": Moment.date(100)], 0),
            ("5.3", ["Expires": Moment.date(100), "Date": "foo"], 100), ("5.3", ["Expires": Moment.date(100)], 100),
            ("5.3", ["Expires": "Fri, 31 Dec 9999 23:59:59 GMT"], 2_147_483_648),
            ("RFC 9213 2.2", ["Cache-Control": "max-age=1", "CDN-Cache-Control": "max-age=60", "Expires": "0"], 60),
            ("RFC 9213 2.2", ["Cache-Control": "max-age=60", "CDN-Cache-Control": "max-age=1"], 1),
            ("RFC 9213 2.1", ["Cache-Control": "max-age=60", "CDN-Cache-Control": "max-age=\"1\""], 60),
            ("RFC 9213 2.1", ["Cache-Control": "max-age=60", "CDN-Cache-Control": ""], 60),
            (
                "RFC 9213 2.2",
                ["Expires": Moment.date(100), "Cache-Control": "max-age=5", "CDN-Cache-Control": "none"], 0
            ),
            ("RFC 9213 2.2", ["CDN-Cache-Control": "max-age=1, s-maxage=60"], 60),
            ("4.2", [:], 0), ("4.2", ["Cache-Control": "public"], 0), ("4.2", ["ETag": "\"a\""], 0),
        ] as [(String, Fields, Int64)]
    )
    func `RFC 9111 section 4.2.1: the lifetime of a shared cache`(section: String, fields: Fields, seconds: Int64) {
        #expect(freshness(fields).lifetimeSeconds == seconds, "section \(section)")
    }

    @Test(
        arguments: [
            (["Last-Modified": Moment.date(-1000)], 200, 100),
            (["Last-Modified": Moment.date(-1000), "Date": Moment.date(-500)], 200, 50),
            (["Last-Modified": Moment.date(-10_000_000)], 200, 86_400), (["Last-Modified": Moment.date(1000)], 200, 0),
            (["Last-Modified": "foo"], 200, 0),
            (["Last-Modified": Moment.date(-1000), "last-modified": Moment.date(-1000)], 200, 0),
            (["Last-Modified": Moment.date(-1000)], 599, 0),
            (["Last-Modified": Moment.date(-1000), "Cache-Control": "public"], 599, 100),
            (["Last-Modified": Moment.date(-1000), "Cache-Control": "max-age=0"], 200, 0),
            (["Last-Modified": Moment.date(-1000), "Expires": "0"], 200, 0),
            (["Last-Modified": Moment.date(-1000), "CDN-Cache-Control": "none", "Expires": "0"], 200, 100),
        ] as [(Fields, Int, Int64)]
    )
    func `RFC 9111 section 4.2.2: a guess needs Last-Modified and a status that allows it`(
        fields: Fields,
        status: Int,
        seconds: Int64
    ) {
        #expect(freshness(fields, status: status).lifetimeSeconds == seconds)
    }

    @Test(arguments: [200, 203, 204, 404, 405, 410, 414, 501, 201, 202, 403, 502, 503, 504, 299, 302])
    func `RFC 9110 section 15.1: statuses with and without heuristic freshness`(status: Int) {
        let isAllowed = [200, 203, 204, 404, 405, 410, 414, 501].contains(status)
        #expect(
            freshness(["Last-Modified": Moment.date(-1000)], status: status).lifetimeSeconds == (isAllowed ? 100 : 0)
        )
    }

    @Test(
        arguments: [
            ([:], 0, 0), (["Age": "100"], 0, 100), (["Age": "100"], 7, 107), ([:], 7, 7),
            (["Date": Moment.date(-50), "Via": "1.0 old"], 0, 50), (["Date": Moment.date(-50)], 0, 0),
            (["Date": Moment.date(50)], 0, 0), (["Date": Moment.date(-50), "Age": "100"], 7, 107),
            (["Date": Moment.date(-500), "Age": "100", "Via": "1.0 old"], 7, 500),
            (["Date": Moment.date(-500), "Age": "100", "Via": "1.1 a, 1.1 b"], 7, 107),
            (["Date": Moment.date(-500), "Age": "100", "Via": "1.1 a, HTTP/1.0 b"], 7, 500),
            (["Date": Moment.date(-500), "Age": "x", "Via": "1.1 a"], 7, 500),
            (["Date": Moment.date(-500), "Via": "1.1 a"], 7, 500),
            (["Date": Moment.date(-500), "Age": "100"], 7, 107),
            (["Date": "foo"], 3, 3), (["Age": "abc"], 0, 0), (["Age": "100, 0"], 0, 100),
            (["Age": "99999999999"], 0, 2_147_483_648),
        ] as [(Fields, Int64, Int64)]
    )
    func `RFC 9111 section 4.2.3: the age at arrival`(fields: Fields, delay: Int64, age: Int64) {
        let result = freshness(fields, delay: delay)
        #expect(result.age(at: Moment.now) == age)
        #expect(result.age(at: Moment.now.advanced(bySeconds: 10)) == min(age + 10, 2_147_483_648))
    }

    @Test func `RFC 9111 section 4.2: fresh until the age reaches the lifetime`() {
        let result = freshness(["Cache-Control": "max-age=60", "Age": "50"])
        #expect(result.isFresh(at: Moment.now.advanced(byNanoseconds: 9_999_999_999)))
        #expect(!result.isFresh(at: Moment.now.advanced(bySeconds: 10)))
        #expect(result.remaining(at: Moment.now) == 10)
        #expect(result.remaining(at: Moment.now.advanced(bySeconds: 15)) == -5)
        #expect(!freshness(["Cache-Control": "max-age=0"]).isFresh(at: Moment.now))
        #expect(!freshness(["Cache-Control": "max-age=3600", "Age": "7200"]).isFresh(at: Moment.now))
        #expect(!freshness(["Cache-Control": "max-age=99999999999", "Age": "99999999999"]).isFresh(at: Moment.now))
        #expect(freshness(["Cache-Control": "max-age=60"]).age(at: Moment.now.advanced(bySeconds: -5)) == 0)
    }

    @Test func `a second that has begun does not age a response`() {
        let received = Moment.now.advanced(byNanoseconds: 900_000_000)
        let fields: Fields = ["Cache-Control": "max-age=1", "Date": Moment.date()]
        let result = Freshness(status: 200, fields: fields, requested: received, received: received)
        #expect(result.isFresh(at: received.advanced(byNanoseconds: 999_999_999)))
        #expect(!result.isFresh(at: received.advanced(bySeconds: 1)))
    }

    @Test(
        arguments: [
            ("max-age=1", [.explicit]), ("max-age=1, must-revalidate", [.explicit, .neverStale]),
            ("max-age=1, proxy-revalidate", [.explicit, .neverStale]), ("s-maxage=1", [.explicit, .neverStale]),
            ("no-cache", [.alwaysValidate, .neverStale]), ("no-cache=\"a\"", []),
            ("no-cache=\"content-type\"", [.alwaysValidate, .neverStale]),
            ("max-age=1, immutable", [.explicit, .immutable]), ("", []),
        ] as [(String, Freshness.Flags)]
    )
    func `RFC 9111 section 5.2.2: what restricts the use`(control: String, flags: Freshness.Flags) {
        #expect(freshness(["Cache-Control": control]).flags == flags)
        if !control.isEmpty {
            #expect(freshness(["CDN-Cache-Control": control, "Cache-Control": "no-cache, immutable"]).flags == flags)
        }
    }

    @Test func `the encoding is read back, and what was not written is refused`() {
        let all: [Fields] = [
            [:], ["Cache-Control": "max-age=60, stale-while-revalidate=5, stale-if-error=0, immutable", "Age": "100"],
            ["Cache-Control": "s-maxage=99999999999, stale-if-error=99999999999"],
            ["Last-Modified": Moment.date(-1000)],
        ]
        for fields in all {
            let result = freshness(fields)
            var bytes: [UInt8] = []
            result.encode(into: &bytes)
            #expect(bytes.count == Freshness.encodedCount)
            #expect(Freshness(encoded: bytes.span) == result)
            let short = bytes.dropLast()
            #expect(Freshness(encoded: short.span) == nil)
            bytes[0] = 2
            #expect(Freshness(encoded: bytes.span) == nil)
            bytes[0] = 1
            bytes[10] = 0xff
            #expect(Freshness(encoded: bytes.span) == nil)
        }
    }
}
