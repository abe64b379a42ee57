// Tests of where a Location field leads, first the table of RFC 3986 itself.

import HTTPCache
import Testing

@Suite struct OriginReferenceTests {
    static func resolve(_ location: String, against target: String = "/b/c/d;p?q") -> String? {
        OriginReference(scheme: "http", authority: "a", target: Array(target.utf8))
            .resolving(location.utf8.span)
            .map { "\($0.scheme)://\($0.authority)\(String(decoding: $0.target, as: UTF8.self))" }
    }

    @Test(
        arguments: [
            // RFC 3986 section 5.4.1, normal examples; fragments are dropped (RFC 9110 section 10.2.2).
            ("g:h", nil), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"), ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"), ("g#s", "http://a/b/c/g"), ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"), ("g;x?y#s", "http://a/b/c/g;x?y"),
            ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"), ("..", "http://a/b/"),
            ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../", "http://a/"),
            ("../../g", "http://a/g"),
            // RFC 3986 section 5.4.2, abnormal examples.
            ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"), ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"), ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"), ("g?y/../x", "http://a/b/c/g?y/../x"), ("http:g", nil),
            // Absolute.
            ("HTTPS://Host:443/x", "https://host/x"), ("http://h:81", "http://h:81/"), ("http://h?x", "http://h/?x"),
            ("http://h/a/../b//c/.", "http://h/b//c/"), ("//h:80/x?y", "http://h/x?y"), ("  /x\t", "http://a/x"),
            // Sent by origins though no URL.
            ("/a b/ø", "http://a/a%20b/%C3%B8"), ("/a%20b", "http://a/a%20b"),
            // Leads nowhere.
            ("ftp://h/x", nil), ("mailto:x@y", nil), ("http://u:p@h/", nil), ("http:///x", nil), ("//h:0/", nil),
            ("http:/x", nil), ("javascript:1", nil),
        ] as [(String, String?)]
    )
    func `RFC 3986 section 5.4 and what origins send`(location: String, expected: String?) {
        #expect(Self.resolve(location) == expected)
    }

    @Test func `a relative reference resolves against the root`() {
        #expect(Self.resolve("x", against: "/") == "http://a/x")
        #expect(Self.resolve("x", against: "/?q=/y/") == "http://a/x")
        #expect(Self.resolve("/\(String(repeating: "a", count: OriginMap.octetsMax - 1))") != nil)
        #expect(Self.resolve("/\(String(repeating: "a", count: OriginMap.octetsMax))") == nil)
    }
}
