// Connection-specific fields, and what a status code means.

import HTTP
import Testing

@Suite struct HopByHopTests {
    private func removed(_ fields: Fields) -> Fields {
        var result = fields
        result.removeHopByHop()
        return result
    }

    @Test(arguments: [
        "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Connection",
        "Proxy-Authenticate",
        "proxy-authorization", "Proxy-Authentication-Info",
    ])
    func `RFC 9110 section 7.6.1: a connection's own fields are removed`(name: String) {
        #expect(removed(["A": "1", name: "x", "B": "2"]) == ["A": "1", "B": "2"])
    }

    @Test func `RFC 9110 section 7.6.1: fields that Connection names are removed, over lines, in any letter case`() {
        let fields: Fields = [
            "connection": "close, A", "a": "1", "B": "2", "Connection": "c-d", "C-D": "3", "A": "4", "Close": "5",
            "E": "6",
        ]
        #expect(removed(fields) == ["B": "2", "E": "6"])
    }

    @Test(arguments: [
        "Cache-Control", "Authorization", "Host", "Content-Type", "Content-Length", "Set-Cookie", "Cookie", "ETag",
        "Vary", "Range",
        "Content-Encoding", "Date", "Expires", "Via", "Proxy-Status", "CDN-Loop", "CDN-Cache-Control", "Content-Range",
        "Location",
    ])
    func `Connection cannot strip a field that caching or framing hangs on`(name: String) {
        #expect(removed(["Connection": "\(name), x", name: "1", "X": "2"]) == [name: "1"])
    }

    @Test func `a malformed Connection still removes what it names`() {
        #expect(removed(["Connection": "a b, c ,,;", "C": "1", "A": "2"]) == ["A": "2"])
        #expect(removed(["Proxy-Foo": "1"]) == ["Proxy-Foo": "1"])
    }

    @Test func `RFC 9110 section 15.1: heuristics are for some statuses`() {
        let cacheable = (100...999).filter(StatusCode.isHeuristicallyCacheable)
        #expect(cacheable == [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])
        #expect((100...999).filter(StatusCode.isBodyless) == Array(100...199) + [204, 304])
        #expect(StatusCode.isUnderstood(200))
        for status in [304, 412, 416, 299, 499, 599, 999] { #expect(!StatusCode.isUnderstood(status), "\(status)") }
    }

    @Test(
        arguments: [
            (200, "OK"), (206, "Partial Content"), (304, "Not Modified"), (416, "Range Not Satisfiable"),
            (504, "Gateway Timeout"), (299, ""), (599, ""), (999, ""),
        ] as [(Int, String)]
    )
    func `RFC 9112 section 4: phrases`(status: Int, phrase: String) {
        #expect("\(StatusCode.reasonPhrase(status))" == phrase)
    }
}
