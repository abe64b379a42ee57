// What reaches the origin of what a client sent.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct OriginRequestTests {
    private let requests = OriginRequest(scheme: "https", authority: "origin.test", name: "waystation", node: "abc")
    private let target = Array("/media/film.mp4".utf8)

    private func client(_ fields: Fields, _ method: Method = .get) -> Request {
        Request(method: method, authority: "localhost:8080", target: [0x2f], fields: fields)
    }

    @Test(arguments: [(ProtocolVersion.http10, "1.0"), (.http11, "1.1"), (.http2, "2")])
    func `RFC 9110 section 7.6.3: Via names the version in which the request came`(
        _ version: ProtocolVersion,
        _ text: String
    ) {
        var client = Request()
        client.version = version
        let requests = OriginRequest(scheme: "http", authority: "o", name: "waystation", node: "abc")
        for request in [
            requests.forwarded(client, target: [0x2f]), requests.head(client, target: [0x2f]),
            requests.cacheable(client, target: [0x2f], range: nil, validating: nil),
        ] {
            #expect(request.fields.text(.via) == "\(text) waystation")
        }
    }

    @Test func `a question has the origin's place and the cache's marks`() {
        let request = requests.cacheable(client([:], .head), target: target, range: nil, validating: nil)
        #expect(request.method == .get)
        #expect(request.scheme == "https")
        #expect(request.authority == "origin.test")
        #expect(request.targetText == "/media/film.mp4")
        #expect(request.fields == ["Via": "1.1 waystation", "CDN-Loop": "waystation; node=abc"])
    }

    @Test(arguments: [
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Host",
        "Content-Length", "Expect", "Connection", "Keep-Alive", "TE", "Upgrade", "X-Forwarded-Host",
        "x-forwarded-proto", "X-Original-URL", "X-HTTP-Method-Override", "Forwarded",
    ])
    func `a field that is the client's own, or may change the answer unseen, is not sent`(_ name: String) {
        let request = requests.cacheable(
            client([name: "x", "X-Kept": "1"]),
            target: target,
            range: nil,
            validating: nil
        )
        #expect(request.fields.text(name) == nil)
        #expect(request.fields.text("X-Kept") == "1")
    }

    @Test(arguments: [
        ("Content_Length", false), ("content-LENGTH_", true), ("Transfer_Encoding", false), ("X_Forwarded_Host", false),
        ("X-Forwarded_Proto", false), ("X_HTTP_Method_Override", false), ("If_None_Match", false), ("My_Field", true),
    ])
    func `a name that CGI would read as another field's is not sent`(_ name: String, _ isSent: Bool) {
        let request = requests.forwarded(client([name: "x"], .post), target: target)
        #expect((request.fields.text(name) != nil) == isSent)
    }

    @Test func `what Connection names is not sent`() {
        let request = requests.forwarded(client(["Connection": "close, X-Mine", "X-Mine": "1"]), target: target)
        #expect(request.fields.text("X-Mine") == nil)
    }

    @Test func `a validation carries the stored validators, octet for octet`() {
        let stored: Fields = ["ETag": "W/\"v 1\"", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"]
        let request = requests.cacheable(
            client(["If-None-Match": "\"mine\""]),
            target: target,
            range: nil,
            validating: stored
        )
        #expect(request.fields.values(.ifNoneMatch).map { String(decoding: $0, as: UTF8.self) } == ["W/\"v 1\""])
        #expect(request.fields.text(.ifModifiedSince) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func `a fill asks for its octets of the same representation only`() {
        let request = requests.fill(
            client(["Range": "bytes=0-", "Cookie": "a"]),
            target: target,
            range: 10..<20,
            of: 21,
            entityTag: Array("\"v1\"".utf8)
        )
        #expect(request.fields.values(.range).map { String(decoding: $0, as: UTF8.self) } == ["bytes=10-19"])
        #expect(request.fields.text(.ifRange) == "\"v1\"")
        #expect(request.fields.text(.ifNoneMatch) == nil)
    }

    @Test func `a fill of all up to the end says so, and one of unknown length does not`() {
        func range(of length: Int64?) -> String? {
            let tag = Array("\"v1\"".utf8)
            return requests.fill(client([:]), target: target, range: 10..<20, of: length, entityTag: tag)
                .fields.text(.range)
        }
        #expect(range(of: 20) == "bytes=10-")
        #expect(range(of: 21) == "bytes=10-19")
        #expect(range(of: nil) == "bytes=10-19")
    }

    @Test(arguments: [
        (RangeSpec.closed(0, 0), "bytes=0-0"), (.from(7), "bytes=7-"), (.suffix(9), "bytes=-9"),
    ])
    func `a range is written as it is read`(_ spec: RangeSpec, _ text: String) {
        #expect(spec.fieldValue == text)
        let fields: Fields = ["Range": text]
        #expect(ByteRange.parse(fields, specsMax: 1) == [spec])
    }

    @Test func `what has been here before is known, and what was at another node is not`() {
        let here = requests.forwarded(client([:]), target: target)
        #expect(requests.isLoop(here))
        #expect(requests.isLoop(client(["CDN-Loop": "other", "cdn-loop": "waystation; node=abc"])))
        #expect(!requests.isLoop(client(["CDN-Loop": "waystation; node=def"])))
        #expect(!requests.isLoop(client([:])))
    }

    @Test func `a HEAD keeps the client's conditions, and nothing that could change the answer unseen`() {
        let sent = requests.head(
            client(["If-None-Match": "\"a\"", "X-Forwarded-Host": "evil.test", "Foo": "1"], .head),
            target: target
        )
        #expect(sent.method == .head)
        #expect(sent.fields.text(.ifNoneMatch) == "\"a\"")
        #expect(sent.fields.text("Foo") == "1")
        #expect(sent.fields.text("X-Forwarded-Host") == nil)
    }

    @Test func `what belongs to one connection is taken out of interim responses`() {
        let heard = Mutex<[Fields]>([])
        var request = client([:])
        request.onInterim = { interim in heard.withLock { $0.append(interim.fields) } }
        let sent = requests.cacheable(request, target: target, range: nil, validating: nil)
        sent.onInterim?(InterimResponse(status: 103, fields: ["Connection": "x-h", "X-H": "1", "Link": "<a>"]))
        #expect(heard.withLock { $0 } == [["Link": "<a>"]])
    }

    @Test(arguments: [("OPTIONS", "4"), ("TRACE", "4"), ("GET", "5")])
    func `RFC 9110 section 7.6.2: Max-Forwards is one less behind this cache`(_ method: String, _ expected: String) {
        let sent = requests.forwarded(client(["Max-Forwards": "5"], Method(method)), target: target)
        #expect(sent.fields.text("Max-Forwards") == expected)
    }

    @Test func `a quote that somebody left open does not hide a loop`() {
        #expect(requests.isLoop(client(["CDN-Loop": "other; x=\"a, waystation; node=abc; y=\"b\""])))
    }
}
