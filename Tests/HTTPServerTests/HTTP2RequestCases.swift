// Requests of RFC 9113 section 8: well-formed, malformed (RST_STREAM), and refused as HTTP/1.1 refuses them (a response).

@testable import HTTPServer

extension FrameCase {
    /// The request of `fields`, whole in one frame.
    private static func request(
        _ description: String,
        _ fields: [(String, String)],
        _ outcome: FrameOutcome
    ) -> FrameCase {
        FrameCase(description, [.headers(1, Frame.block(fields))], outcome)
    }

    /// A GET with more fields.
    private static func get(_ description: String, _ fields: (String, String)..., is outcome: FrameOutcome) -> FrameCase
    {
        request(description, Frame.request() + fields, outcome)
    }

    private static let malformed = FrameOutcome.streamError(1)
    private static let method = (":method", "GET")
    private static let scheme = (":scheme", "http")
    private static let path = (":path", "/")
    private static let authority = (":authority", "h")

    static let requests: [FrameCase] = [
        get("8.2: lower case", ("x-a", "b"), is: ok),
        get("8.2: upper case", ("X-a", "b"), is: malformed),
        get("8.2.1: NUL in a name", ("x\0", "b"), is: malformed),
        get("8.2.1: space in a name", ("x a", "b"), is: malformed),
        get("8.2.1: an octet above 0x7f in a name", ("xü", "b"), is: malformed),
        get("8.2.1: colon in a name", ("x:", "b"), is: malformed),
        get("8.2.1: no name", ("", "b"), is: malformed),
        get("8.2.1: NUL in a value", ("x", "a\0b"), is: malformed),
        get("8.2.1: CR in a value", ("x", "a\rb"), is: malformed),
        get("8.2.1: LF in a value", ("x", "a\nb: c"), is: malformed),
        get("RFC 9110 5.5: a control in a value", ("x", "a\u{1}"), is: malformed),
        get("RFC 9110 5.5: DEL in a value", ("x", "a\u{7f}"), is: malformed),
        get("8.2.1: space before a value", ("x", " a"), is: malformed),
        get("8.2.1: tab behind a value", ("x", "a\t"), is: malformed),
        get("8.2.1: tab within a value", ("x", "a\tb"), is: ok),
        get("8.2.1: an empty value", ("x", ""), is: ok),
        get("8.2.2: connection", ("connection", "close"), is: malformed),
        get("8.2.2: keep-alive", ("keep-alive", "1"), is: malformed),
        get("8.2.2: proxy-connection", ("proxy-connection", "close"), is: malformed),
        get("8.2.2: transfer-encoding", ("transfer-encoding", "chunked"), is: malformed),
        get("8.2.2: upgrade", ("upgrade", "h2c"), is: malformed),
        get("8.2.2: te trailers", ("te", "trailers"), is: ok),
        get("8.2.2: te gzip", ("te", "gzip"), is: malformed),
        get("8.2.2: te trailers and more", ("te", "trailers, deflate"), is: malformed),

        get("8.3: an unknown pseudo field", (":x", "y"), is: malformed),
        get("8.3: a pseudo field of responses", (":status", "200"), is: malformed),
        get("8.4 of RFC 8441: :protocol", (":protocol", "websocket"), is: malformed),
        request("8.3: one behind another field", [method, scheme, path, ("x", "y"), authority], malformed),
        get("8.3.1: :method twice", method, is: malformed),
        get("8.3.1: :scheme twice", scheme, is: malformed),
        get("8.3.1: :path twice", path, is: malformed),
        get("8.3.1: :authority twice", authority, is: malformed),
        request("8.3.1: no :method", [scheme, path, authority], malformed),
        request("8.3.1: no :scheme", [method, path, authority], malformed),
        request("8.3.1: no :path", [method, scheme, authority], malformed),
        request("8.3.1: an empty :path", [method, scheme, (":path", ""), authority], malformed),
        request("8.3.1: :path in absolute-form", [method, scheme, (":path", "http://h/"), authority], malformed),
        request("8.3.1: :path without slash", [method, scheme, (":path", "a"), authority], malformed),
        request("8.3.1: * for GET", [method, scheme, (":path", "*"), authority], malformed),
        request("8.3.1: another :scheme", [method, (":scheme", "ftp"), path, authority], malformed),
        request("8.3.1: a :scheme that smuggles", [method, (":scheme", "http://x/"), path, authority], malformed),
        request("8.3.1: an empty :method", [(":method", ""), scheme, path, authority], malformed),
        request("8.3.1: a :method with a space", [(":method", "GET /x"), scheme, path, authority], malformed),
        request(
            "a :method too long",
            [(":method", String(repeating: "M", count: 33)), scheme, path, authority],
            .answered("501")
        ),
        request("8.3.1: space in :path", [method, scheme, (":path", "/ HTTP/1.1"), authority], malformed),
        request("8.3.1: LF in :path", [method, scheme, (":path", "/\nx"), authority], malformed),
        request("a fragment in :path", [method, scheme, (":path", "/#x"), authority], .answered("400")),
        request("8.5: CONNECT", [(":method", "CONNECT"), authority], .answered("501")),
        request("8.5: CONNECT with :path", [(":method", "CONNECT"), scheme, path, authority], malformed),

        request("8.3.1: Host alone", [method, scheme, path, ("host", "h")], ok),
        request("8.3.1: no authority at all", [method, scheme, path], .answered("400")),
        request("8.3.1: an empty authority", [method, scheme, path, (":authority", "")], .answered("400")),
        request("8.3.1: userinfo", [method, scheme, path, (":authority", "u@h")], .answered("400")),
        request("RFC 9110 7.2: a path in Host", [method, scheme, path, ("host", "h/x")], .answered("400")),
        get("8.3.1: the same Host", ("host", "H"), is: ok),
        get("8.3.1: another Host", ("host", "other"), is: .answered("400")),
        get("RFC 9112 3.2: two Hosts", ("host", "h"), ("host", "h"), is: .answered("400")),

        get("8.1.1: Content-Length without DATA", ("content-length", "5"), is: malformed),
        get("8.1.1: Content-Length 0 without DATA", ("content-length", "0"), is: ok),
        get("RFC 9110 8.6: Content-Length twice", ("content-length", "0"), ("content-length", "0"), is: malformed),
        get("RFC 9110 8.6: no number", ("content-length", "+0"), is: malformed),
        get("RFC 9110 8.6: a list", ("content-length", "0, 0"), is: malformed),
        get("RFC 9110 8.6: too large", ("content-length", "9223372036854775808"), is: malformed),
    ]

    private static func upload(
        _ description: String,
        _ fields: [(String, String)],
        _ frames: [Frame],
        _ outcome: FrameOutcome
    ) -> FrameCase {
        FrameCase(description, [.post(1, "/slow", fields)] + frames, outcome)
    }

    private static func trailer(_ fields: [(String, String)], end: Bool = true) -> Frame {
        .headers(1, Frame.block(fields), end: end)
    }

    static let trailers: [FrameCase] = [
        upload("8.1: trailers", [], [.data(1, [1]), trailer([("x", "y")])], .nothing),
        upload("8.1: trailers without DATA", [], [trailer([("x", "y")])], .nothing),
        upload("8.1: without END_STREAM", [], [trailer([("x", "y")], end: false)], malformed),
        upload("8.1: a pseudo field in trailers", [], [trailer([(":path", "/")])], malformed),
        upload("8.2: upper case in trailers", [], [trailer([("X", "y")])], malformed),
        upload("8.2.2: a connection's field in trailers", [], [trailer([("connection", "x")])], malformed),
        upload("8.1.1: as long as it says", [("content-length", "2")], [.data(1, [1, 2], end: true)], .nothing),
        upload("8.1.1: shorter", [("content-length", "2")], [.data(1, [1], end: true)], malformed),
        upload("8.1.1: longer", [("content-length", "2")], [.data(1, [1, 2, 3])], malformed),
        upload(
            "8.1.1: longer, in two frames",
            [("content-length", "2")],
            [.data(1, [1, 2]), .data(1, [3])],
            malformed
        ),
        upload("8.1.1: shorter before trailers", [("content-length", "2")], [trailer([("x", "y")])], malformed),
        upload("8.1.1: no octets as it says", [("content-length", "0")], [.data(1, [], end: true)], .nothing),
    ]
}
