// Storability: each condition of RFC 9111 section 3, alone.

import HTTP
import HTTPCache
import Testing

@Suite struct StorabilityTests {
    private let uri = TargetURI(scheme: "http", authority: "host", target: Array("/a?b".utf8))

    private func decide(
        _ response: Fields,
        status: Int = 200,
        method: Method = .get,
        request: Fields = [:],
        options: Storability.Options = Storability.Options()
    ) -> Storability {
        Storability.decide(
            method: method,
            uri: uri,
            request: request,
            status: status,
            response: response,
            options: options
        )
    }

    @Test(
        arguments: [
            ("3", [:], 200, .storable), ("5.2.2.5", ["Cache-Control": "no-store"], 200, .refused(.noStore)),
            ("5.2.2.5", ["Cache-Control": "max-age=60, No-StOrE"], 200, .refused(.noStore)),
            ("5.2.2.7", ["Cache-Control": "private, max-age=60"], 200, .refused(.isPrivate)),
            ("5.2.2.7", ["Cache-Control": "private=\"x\", max-age=60"], 200, .storable),
            ("5.2.2.7", ["Cache-Control": "private=\"content-type\", max-age=60"], 200, .refused(.isPrivate)),
            ("5.2.2.4", ["Cache-Control": "no-cache"], 200, .storable),
            ("5.2.2.3", ["Cache-Control": "no-store, must-understand, max-age=60"], 200, .storable),
            ("5.2.2.3", ["Cache-Control": "no-store, must-understand, max-age=60"], 599, .refused(.notUnderstood)),
            ("5.2.2.3", ["Cache-Control": "must-understand, max-age=60"], 599, .refused(.notUnderstood)),
            ("4.1", ["Vary": "a, *"], 200, .refused(.varyAny)), ("4.1", ["Vary": "a"], 200, .storable),
            ("3", [:], 599, .refused(.noLifetime)), ("3", ["Cache-Control": "public"], 599, .storable),
            ("3", ["Expires": "0"], 599, .storable),
            ("3", ["Last-Modified": Moment.date()], 503, .refused(.noLifetime)),
            ("3", ["Cache-Control": "max-age=0"], 503, .storable),
            ("3", ["Cache-Control": "max-age=5"], 103, .refused(.notFinal)),
            ("RFC 9213 2.2", ["Cache-Control": "no-store", "CDN-Cache-Control": "max-age=5"], 200, .storable),
            ("RFC 9213 2.2", ["Cache-Control": "max-age=5", "CDN-Cache-Control": "no-store"], 200, .refused(.noStore)),
            (
                "RFC 9213 2.2", ["Cache-Control": "max-age=5", "CDN-Cache-Control": "private"], 200,
                .refused(.isPrivate)
            ),
            (
                "RFC 9213 2.1", ["Cache-Control": "no-store", "CDN-Cache-Control": "max-age=5, &&&&"], 200,
                .refused(.noStore)
            ),
            ("RFC 9213 3.1", ["Cache-Control": "no-store", "CDN-Cache-Control": "none"], 200, .storable),
            ("RFC 9213 2.2", ["Expires": Moment.date(5), "CDN-Cache-Control": "none"], 599, .refused(.noLifetime)),
            ("7.3", ["Set-Cookie": "a=b", "Cache-Control": "max-age=5"], 200, .storable),
            ("7.3", ["Set-Cookie": "a=b"], 200, .refused(.setCookie)),
            ("7.3", ["Set-Cookie": "a=b", "Cache-Control": "no-cache=\"Set-Cookie\""], 200, .storable),
        ] as [(String, Fields, Int, Storability)]
    )
    func `RFC 9111 section 3: what may be stored`(section: String, response: Fields, status: Int, expected: Storability)
    {
        #expect(decide(response, status: status) == expected, "section \(section)")
    }

    @Test(arguments: [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599, 999])
    func `RFC 9111 section 3: with a lifetime any final status is stored`(status: Int) {
        #expect(decide(["Cache-Control": "max-age=60"], status: status) == .storable)
    }

    @Test(arguments: [304, 407, 408, 412, 416, 417, 421, 425, 426, 428, 429, 431, 511])
    func `statuses about one request, and those that RFC 6585 forbids to store, are not`(status: Int) {
        #expect(decide(["Cache-Control": "max-age=60, public"], status: status) == .refused(.status))
    }

    @Test(
        arguments: [
            ("max-age=60", false), ("public", true), ("must-revalidate", true), ("s-maxage=60", true),
            ("proxy-revalidate", false), ("", false),
        ] as [(String, Bool)]
    )
    func `RFC 9111 section 3.5: an authorised request's response needs permission`(control: String, isStored: Bool) {
        let result = decide(["Cache-Control": control], request: ["Authorization": "Basic eA=="])
        #expect(result == (isStored ? .storable : .refused(.authorization)))
        let targeted = decide(
            ["Cache-Control": "public", "CDN-Cache-Control": "max-age=60"],
            request: ["Authorization": "x"]
        )
        #expect(targeted == .refused(.authorization))
    }

    @Test func `RFC 9111 section 5.2.1.5: no-store in the request counts unless switched off`() {
        let request: Fields = ["Cache-Control": "no-store"]
        #expect(decide(["Cache-Control": "max-age=60"], request: request) == .refused(.requestNoStore))
        var options = Storability.Options()
        options.ignoreClientCacheControl = true
        #expect(decide(["Cache-Control": "max-age=60"], request: request, options: options) == .storable)
    }

    @Test func `Set-Cookie can be refused`() {
        var options = Storability.Options()
        options.storeSetCookie = false
        #expect(decide(["Cache-Control": "max-age=60", "Set-Cookie": "a"], options: options) == .refused(.setCookie))
        #expect(
            decide(["Cache-Control": "max-age=60, private=\"set-cookie\"", "Set-Cookie": "a"], options: options)
                == .storable
        )
        #expect(decide(["Cache-Control": "max-age=60"], options: options) == .storable)
    }

    @Test(
        arguments: [
            ("bytes 0-9/100", true), ("bytes 0-9/*", true), ("bytes */100", false), ("bytes 9-0/100", false),
            ("", false),
        ] as [(String, Bool)]
    )
    func `RFC 9111 section 3.3: a 206 is stored as the range that it says`(value: String, isStored: Bool) {
        let result = decide(["Content-Range": value, "Cache-Control": "max-age=5"], status: 206)
        let range = ContentRange.parse(value.utf8.span)
        if isStored, let range {
            #expect(result == .storableAsPartial(range))
        } else {
            #expect(result == .refused(.contentRange))
        }
        #expect(decide(["Content-Type": "multipart/byteranges; boundary=x"], status: 206) == .refused(.contentRange))
        #expect(decide(["Content-Range": value]) == .storable)
    }

    @Test(
        arguments: [
            ("/a?b", true), ("http://host/a?b", true), ("http://HOST:80/a?b", true), ("?b", true), ("/a", false),
            ("http://other/a?b", false), ("", true),
        ] as [(String, Bool)]
    )
    func `RFC 9110 section 9.3.3: a POST answer with its own URL as Content-Location is stored`(
        location: String,
        isStored: Bool
    ) {
        let fields: Fields = ["Content-Location": location, "Cache-Control": "max-age=60"]
        #expect(decide(fields, method: .post) == (isStored ? .storable : .refused(.method)))
        #expect(decide(["Content-Location": location], method: .post) == .refused(.method))
    }

    @Test(
        arguments: [
            (200, true), (201, true), (203, true), (206, false), (301, false), (303, false), (404, false), (500, false),
        ] as [(Int, Bool)]
    )
    func `RFC 9110 section 9.3.3: only a success is the target's representation`(status: Int, isStored: Bool) {
        let fields: Fields = ["Content-Location": "/a?b", "Cache-Control": "max-age=60"]
        #expect(decide(fields, status: status, method: .post) == (isStored ? .storable : .refused(.method)))
    }

    @Test(arguments: [Method.head, .put, .delete, .options, Method("M-SEARCH"), .post])
    func `RFC 9111 section 3: other methods' responses are not stored`(method: Method) {
        #expect(decide(["Cache-Control": "max-age=60, public"], method: method) == .refused(.method))
    }
}
