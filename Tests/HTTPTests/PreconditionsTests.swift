// Conditional requests against a stored response, from fields and in place.

import HTTP
import Testing

@Suite struct PreconditionsTests {
    private static let now = Timestamp(seconds: 1_790_000_000)
    private static let modified = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"
    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"

    /// The outcome both ways, which must agree.
    private func outcome(_ request: Fields, _ stored: Fields, status: Int = 200) -> Preconditions.Outcome {
        let validators = Validators(stored, received: Self.now)
        let result = Preconditions.evaluate(request, status: status, stored: validators, now: Self.now)
        var head = RequestHead()
        head.lines = request.lines
        head.present = request.present
        let inPlace = Preconditions.evaluate(
            head,
            in: request.bytes.span,
            status: status,
            stored: validators,
            now: Self.now
        )
        #expect(result == inPlace)
        return result
    }

    private func rangeApplies(_ request: Fields, _ stored: Fields) -> Bool {
        let validators = Validators(stored, received: Self.now)
        let result = Preconditions.rangeApplies(request, stored: validators, now: Self.now)
        var head = RequestHead()
        head.lines = request.lines
        head.present = request.present
        #expect(result == Preconditions.rangeApplies(head, in: request.bytes.span, stored: validators, now: Self.now))
        return result
    }

    @Test(
        arguments: [
            ("\"a\"", "\"a\"", .notModified), ("W/\"a\"", "\"a\"", .notModified), ("\"a\"", "W/\"a\"", .notModified),
            ("\"1\", \"a\"", "\"a\"", .notModified), ("\"b\"", "\"a\"", .proceed), ("*", "\"a\"", .notModified),
            ("*, \"b\"", "\"a\"", .proceed), ("a", "\"a\"", .proceed), ("", "\"a\"", .proceed),
        ] as [(String, String, Preconditions.Outcome)]
    )
    func `RFC 9110 section 13.1.2: If-None-Match compares weakly`(
        field: String,
        tag: String,
        expected: Preconditions.Outcome
    ) {
        #expect(outcome(["If-None-Match": field], ["ETag": tag]) == expected)
    }

    @Test func `RFC 9110 section 13.1.2: If-None-Match is one list over all lines`() {
        #expect(outcome(["If-None-Match": "\"1\"", "If-None-Match": "\"a\""], ["ETag": "\"a\""]) == .notModified)
        #expect(outcome(["If-None-Match": "*", "If-None-Match": "\"b\""], ["ETag": "\"a\""]) == .proceed)
        #expect(outcome(["If-None-Match": "*"], [:]) == .notModified)
        #expect(outcome(["If-None-Match": "\"a\""], [:]) == .proceed)
        #expect(outcome(["If-None-Match": "\"a\""], ["ETag": "\"a\"", "ETag": "\"b\""]) == .proceed)
        #expect(outcome([:], ["ETag": "\"a\""]) == .proceed)
    }

    @Test func `RFC 9110 section 13.1.3: If-None-Match outranks If-Modified-Since`() {
        let stored: Fields = ["ETag": "\"a\"", "Last-Modified": Self.modified]
        #expect(outcome(["If-None-Match": "\"a\"", "If-Modified-Since": Self.earlier], stored) == .notModified)
        #expect(outcome(["If-None-Match": "\"b\"", "If-Modified-Since": Self.later], stored) == .proceed)
        #expect(outcome(["If-None-Match": "junk", "If-Modified-Since": Self.later], stored) == .proceed)
    }

    @Test(
        arguments: [
            (modified, .notModified), (later, .notModified), (earlier, .proceed),
            ("Sunday, 06-Nov-94 08:49:37 GMT", .notModified), ("Sun Nov  6 08:49:37 1994", .notModified),
            ("Sun, 06 Nov 1994 08:49:37 UTC", .proceed), ("", .proceed), ("0", .proceed),
        ] as [(String, Preconditions.Outcome)]
    )
    func `RFC 9110 section 13.1.3: If-Modified-Since compares dates`(field: String, expected: Preconditions.Outcome) {
        #expect(outcome(["If-Modified-Since": field], ["Last-Modified": Self.modified]) == expected)
    }

    @Test func `RFC 9111 section 4.3.2: without Last-Modified, Date is compared, then the time of receipt`() {
        #expect(outcome(["If-Modified-Since": Self.modified], ["Date": Self.modified]) == .notModified)
        #expect(outcome(["If-Modified-Since": Self.earlier], ["Date": Self.modified]) == .proceed)
        let received = String(decoding: HTTPDate.format(Self.now), as: UTF8.self)
        #expect(outcome(["If-Modified-Since": received], [:]) == .notModified)
        #expect(outcome(["If-Modified-Since": Self.later], [:]) == .proceed)
        #expect(
            outcome(["If-Modified-Since": Self.later], ["Last-Modified": "junk", "Date": Self.modified]) == .notModified
        )
    }

    @Test func `RFC 9110 section 13.1.3: two If-Modified-Since lines are ignored`() {
        let request: Fields = ["If-Modified-Since": Self.later, "If-Modified-Since": Self.later]
        #expect(outcome(request, ["Last-Modified": Self.modified]) == .proceed)
    }

    @Test(arguments: [200, 203, 206, 204, 301, 404, 410, 500])
    func `RFC 9110 section 13.2.1: conditions count for successes only`(status: Int) {
        let expected: Preconditions.Outcome = status < 300 ? .notModified : .proceed
        #expect(outcome(["If-None-Match": "\"a\""], ["ETag": "\"a\""], status: status) == expected)
    }

    @Test func `RFC 9111 section 4.3.2: If-Match and If-Unmodified-Since are the origin's`() {
        #expect(outcome(["If-Match": "\"a\""], ["ETag": "\"a\""]) == .forward)
        #expect(outcome(["If-Unmodified-Since": Self.later], ["ETag": "\"a\""]) == .forward)
        #expect(outcome(["If-Match": "\"b\"", "If-None-Match": "\"a\""], ["ETag": "\"a\""]) == .forward)
    }

    @Test(
        arguments: [
            ("\"a\"", "\"a\"", true), ("\"b\"", "\"a\"", false), ("W/\"a\"", "W/\"a\"", false),
            ("W/\"a\"", "\"a\"", false),
            ("\"a\"", "W/\"a\"", false), ("a", "a", false), ("*", "\"a\"", false), ("\"a\", \"b\"", "\"a\"", false),
            ("", "", false),
            ("\"a\"", "", false),
        ] as [(String, String, Bool)]
    )
    func `RFC 9110 section 13.1.5: If-Range compares tags strongly`(field: String, tag: String, applies: Bool) {
        #expect(rangeApplies(["Range": "bytes=0-1", "If-Range": field], ["ETag": tag]) == applies)
    }

    @Test func `RFC 9110 section 13.1.5: If-Range takes a date only if it is exact and strong`() {
        let request: Fields = ["If-Range": Self.modified]
        #expect(rangeApplies(request, ["Last-Modified": Self.modified, "Date": Self.later]))
        #expect(!rangeApplies(request, ["Last-Modified": Self.modified, "Date": Self.modified]))
        #expect(!rangeApplies(request, ["Last-Modified": Self.modified]))
        #expect(!rangeApplies(["If-Range": Self.later], ["Last-Modified": Self.modified, "Date": Self.later]))
        #expect(!rangeApplies(["If-Range": Self.earlier], ["Last-Modified": Self.modified, "Date": Self.later]))
        #expect(!rangeApplies(request, ["ETag": "\"a\""]))
        #expect(!rangeApplies(["If-Range": "\"a\"", "If-Range": "\"a\""], ["ETag": "\"a\""]))
        #expect(rangeApplies([:], ["ETag": "\"a\""]))
    }

    @Test func `only a strong, well-formed tag allows to combine responses`() {
        func strong(_ fields: Fields) -> EntityTag? { Validators(fields, received: Self.now).strongEntityTag }
        #expect(strong(["ETag": "\"a\""]) != nil)
        #expect(strong(["ETag": "W/\"a\""]) == nil)
        #expect(strong(["ETag": "a"]) == nil)
        #expect(strong(["ETag": "\"a\"", "ETag": "\"a\""]) == nil)
        #expect(strong([:]) == nil)
        #expect(Validators([:], received: Self.now).isEmpty)
        #expect(!Validators(["Last-Modified": Self.modified], received: Self.now).isEmpty)
    }
}
