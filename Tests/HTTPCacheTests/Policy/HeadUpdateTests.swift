// What is stored of a head, and what a 304 or a HEAD changes in it.

import HTTP
import HTTPCache
import Testing

@Suite struct HeadUpdateTests {
    @Test func `RFC 9111 section 3.1: all but the connection's fields is stored, octet for octet`() {
        let fields: Fields = [
            "Date": "whatever", "X": "1", "Connection": "x, close", "Set-Cookie": "a", "Keep-Alive": "5",
            "set-cookie": "b", "Y": "",
            "Content-Range": "bytes 0-1/2", "Transfer-Encoding": "chunked", "Proxy-Status": "p",
        ]
        let expected: Fields = [
            "Date": "whatever", "Set-Cookie": "a", "set-cookie": "b", "Y": "", "Content-Range": "bytes 0-1/2",
            "Proxy-Status": "p",
        ]
        #expect(StoredHead.make(from: fields, received: Moment.now) == expected)
    }

    @Test func `RFC 9111 section 5.2.2.4: fields that no-cache or private list are not stored`() {
        let control = "no-cache=\"a, b\", private=\"set-cookie\", max-age=5"
        let fields: Fields = ["A": "1", "b": "2", "C": "3", "Set-Cookie": "4", "Cache-Control": control, "Date": "x"]
        #expect(
            StoredHead.make(from: fields, received: Moment.now) == ["C": "3", "Cache-Control": control, "Date": "x"]
        )
        let protected: Fields = ["Content-Type": "a", "Cache-Control": "max-age=5", "Date": "x"]
        #expect(StoredHead.make(from: protected, received: Moment.now) == protected)
    }

    @Test func `RFC 9110 section 6.6.1: a missing Date is when the response was received`() {
        #expect(StoredHead.make(from: ["A": "1"], received: Moment.now) == ["A": "1", "Date": Moment.date()])
    }

    @Test func `RFC 9111 section 3.2: a 304 replaces all lines of a name, and absent names stay`() {
        let stored: Fields = [
            "A": "1", "B": "2", "a": "3", "Date": Moment.date(-60), "Content-Type": "x", "Cache-Control": "max-age=1",
        ]
        let update: Fields = ["A": "4", "Date": Moment.date(), "cache-control": "max-age=2", "Cache-Control": "public"]
        let expected: Fields = [
            "B": "2", "Content-Type": "x", "A": "4", "Date": Moment.date(), "cache-control": "max-age=2",
            "Cache-Control": "public",
        ]
        #expect(HeadUpdate.updated(stored, by: update, received: Moment.now) == expected)
    }

    @Test(arguments: [
        "Content-Length", "Content-Encoding", "ETag",
    ])
    func `RFC 9111 section 3.2: what describes the stored octets stays`(name: String) {
        let stored: Fields = ["X": "1", name: "old", "Date": Moment.date()]
        let result = HeadUpdate.updated(stored, by: [name: "new", "Date": Moment.date()], received: Moment.now)
        #expect(result == stored)
    }

    @Test(arguments: [
        "Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Upgrade", "Proxy-Connection", "Content-Length",
        "Content-Encoding",
    ])
    func `RFC 9111 section 3.2: fields that are never taken from a 304`(name: String) {
        let stored: Fields = ["X": "1", "Date": Moment.date()]
        #expect(HeadUpdate.updated(stored, by: [name: "new", "Date": Moment.date()], received: Moment.now) == stored)
    }

    @Test(
        arguments: [
            ("\"a\"", "\"a\"", "new"), ("\"a\"", "W/\"a\"", "old"), ("W/\"a\"", "W/\"a\"", "old"), ("\"a\"", "", "old"),
        ] as [(String, String, String)]
    )
    func `RFC 9111 section 3.2: Content-Encoding changes only if equal strong tags say that the octets do not`(
        stored: String,
        update: String,
        expected: String
    ) {
        let before: Fields = ["Content-Encoding": "old", "ETag": stored, "Date": Moment.date()]
        var after: Fields = ["Content-Encoding": "new", "Date": Moment.date()]
        if !update.isEmpty { after.append("ETag", update) }
        let result = HeadUpdate.updated(before, by: after, received: Moment.now)
        #expect(result.text(.contentEncoding) == expected)
        #expect(result.values(.contentEncoding).count == 1)
    }

    @Test func `RFC 9111 section 3.2: Content-Range of a whole response is updated, and never comes new`() {
        let stored: Fields = ["Content-Range": "old", "Date": Moment.date()]
        let update: Fields = ["Content-Range": "new", "Date": Moment.date()]
        #expect(HeadUpdate.updated(stored, by: update, received: Moment.now).text(.contentRange) == "new")
        #expect(HeadUpdate.updated([:], by: update, received: Moment.now).text(.contentRange) == nil)
    }

    @Test func `RFC 9111 section 5.2.2.7: what is not stored is known by name, but for the connection's own`() {
        let fields: Fields = [
            "A": "1", "B": "2", "Connection": "b", "Cache-Control": "private=\"a, b\", no-cache=\"c, keep-alive\"",
            "c": "3",
            "D": "4", "Keep-Alive": "5", "a": "6",
        ]
        #expect(StoredHead.withheld(from: fields) == ["A": "1", "B": "2", "c": "3", "a": "6"])
        #expect(StoredHead.withheld(from: ["A": "1"]).isEmpty)
    }

    @Test func `RFC 9111 section 4.3.4: after a 304 the response is as young as the 304`() {
        let stored: Fields = [
            "Cache-Control": "max-age=60", "Age": "7200", "Date": Moment.date(-7200), "ETag": "\"a\"",
        ]
        let result = HeadUpdate.updated(stored, by: [:], received: Moment.now)
        #expect(result == ["Cache-Control": "max-age=60", "ETag": "\"a\"", "Date": Moment.date()])
        let freshness = Freshness(status: 200, fields: result, requested: Moment.now, received: Moment.now)
        #expect(freshness.isFresh(at: Moment.now))
        #expect(HeadUpdate.updated(stored, by: ["Age": "5"], received: Moment.now).text(.age) == "5")
        #expect(HeadUpdate.updated([:], by: ["ETag": "\"a\""], received: Moment.now).text(.etag) == "\"a\"")
    }

    @Test func `a 304 that forbids to store a field takes it away`() {
        let stored: Fields = ["A": "1", "B": "2", "Date": Moment.date()]
        let update: Fields = ["A": "3", "Cache-Control": "no-cache=\"a\"", "Date": Moment.date()]
        #expect(
            HeadUpdate.updated(stored, by: update, received: Moment.now) == [
                "B": "2", "Cache-Control": "no-cache=\"a\"", "Date": Moment.date(),
            ]
        )
    }

    @Test(
        arguments: [
            (["ETag": "\"a\""], ["ETag": "\"a\""], true), (["ETag": "\"a\""], ["ETag": "\"b\""], false),
            (["ETag": "\"a\""], ["ETag": "W/\"a\""], true),
            (["ETag": "W/\"a\""], ["ETag": "\"a\""], true), (["ETag": "\"a\""], [:], true),
            ([:], ["ETag": "\"a\""], false), ([:], [:], true),
            (["Last-Modified": Moment.date(-9)], ["Last-Modified": Moment.date(-9)], true),
            (["Last-Modified": Moment.date(-9)], ["Last-Modified": Moment.date(-8)], false),
            (["Last-Modified": Moment.date(-9)], [:], true), (["Last-Modified": "x"], ["Last-Modified": "x"], false),
            (
                ["ETag": "\"a\"", "Last-Modified": Moment.date(-9)],
                ["ETag": "\"a\"", "Last-Modified": Moment.date(-8)], true
            ),
            (["ETag": "\"a\"", "Last-Modified": Moment.date(-9)], ["Last-Modified": Moment.date(-9)], true),
            (["Last-Modified": Moment.date(-9)], ["ETag": "\"a\""], false),
            (["Last-Modified": Moment.date(-9)], ["ETag": "\"a\"", "Last-Modified": Moment.date(-9)], true),
            (["ETag": "a"], ["ETag": "a"], true),
        ] as [(Fields, Fields, Bool)]
    )
    func `RFC 9111 section 4.3.4: a 304 about another representation updates nothing`(
        stored: Fields,
        update: Fields,
        isAbout: Bool
    ) {
        #expect(HeadUpdate.isAbout(stored, notModified: update, received: Moment.now) == isAbout)
    }

    @Test(
        arguments: [
            (200, ["ETag": "\"a\""], 10, .refresh), (200, ["ETag": "\"b\""], 10, .invalidate),
            (200, ["ETag": "\"a\""], 11, .invalidate),
            (200, ["ETag": "W/\"a\""], 10, .invalidate), (200, [:], nil, .refresh),
            (200, ["Last-Modified": Moment.date()], 10, .invalidate),
            (410, ["ETag": "\"b\""], 10, .ignore), (404, [:], nil, .ignore), (304, ["ETag": "\"a\""], nil, .ignore),
        ] as [(Int, Fields, Int64?, HeadUpdate.HeadOutcome)]
    )
    func `RFC 9111 section 4.3.5: a HEAD refreshes or invalidates`(
        status: Int,
        head: Fields,
        length: Int64?,
        expected: HeadUpdate.HeadOutcome
    ) {
        let outcome = HeadUpdate.outcome(
            status: status,
            head: head,
            headLength: length,
            stored: ["ETag": "\"a\"", "Last-Modified": Moment.date(-9)],
            storedLength: 10,
            received: Moment.now
        )
        #expect(outcome == expected)
    }
}
