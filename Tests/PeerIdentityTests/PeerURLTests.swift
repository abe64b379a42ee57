// Tests of URLs: taken apart, and refused.

import PeerIdentity
import Testing

@Suite struct PeerURLTests {
    @Test(arguments: [
        ("http://localhost", "http", "localhost", 80, "localhost", "/"),
        ("http://localhost:80/", "http", "localhost", 80, "localhost", "/"),
        ("http://127.0.0.1:8081/a/b", "http", "127.0.0.1", 8_081, "127.0.0.1:8081", "/a/b"),
        ("https://Example.ORG", "https", "example.org", 443, "example.org", "/"),
        ("HTTPS://example.org:443/x", "https", "example.org", 443, "example.org", "/x"),
        ("https://example.org:80", "https", "example.org", 80, "example.org:80", "/"),
        ("http://[::1]:65535/", "http", "::1", 65_535, "[::1]:65535", "/"),
        ("http://[2001:DB8::1]", "http", "2001:db8::1", 80, "[2001:db8::1]", "/"),
        ("http://[::ffff:127.0.0.1]:1/", "http", "::ffff:127.0.0.1", 1, "[::ffff:127.0.0.1]:1", "/"),
        (
            "http://a_b.example.org./~x/%41;a=b,c:@!$&'()*+", "http", "a_b.example.org.", 80, "a_b.example.org.",
            "/~x/%41;a=b,c:@!$&'()*+"
        ),
        ("http://1.example/", "http", "1.example", 80, "1.example", "/"),
        ("http://x//", "http", "x", 80, "x", "//"),
    ])
    func `a URL is taken apart`(
        text: String,
        scheme: String,
        host: String,
        port: Int,
        authority: String,
        path: String
    ) throws {
        let url = try PeerURL(text)
        #expect(url.text == text)
        #expect(url.scheme == scheme)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.authority == authority)
        #expect(url.path == path)
    }

    @Test(arguments: [
        "", "http", "http:", "http:/", "http://", "http:///", "http:///a", "http://:80/", "//localhost/",
        "localhost:8080",
        "ftp://localhost/", "httpx://localhost", "javascript:alert(1)", "http:\\\\localhost\\", "http://localhost\\a",
        "http://user@localhost/", "http://user:secret@localhost/", "http://@localhost/", "http://a@b@c/",
        "http://localhost/?",
        "http://localhost?a=b", "http://localhost/#", "http://localhost#a", "http://localhost:/", "http://localhost:0/",
        "http://localhost:65536/", "http://localhost:080/", "http://localhost:+80/", "http://localhost:8 0/",
        "http://localhost:99999999999999999999/", "http://localhost:80:80/", "http://local host/",
        "http://localhost/a b",
        " http://localhost/", "http://localhost/ ", "http://localhost/\n", "http://local\thost/", "http://localhost/\0",
        "http://localhost/%", "http://localhost/%4", "http://localhost/%4g", "http://localhost/%%41",
        "http://local%41host/",
        "http://localhost/\"", "http://localhost/<", "http://localhost/|", "http://localhost/^", "http://localhost/{}",
        "http://localhost/\u{e9}", "http://b\u{fc}cher.example/", "http://localhost/\u{7f}", "http://.example/",
        "http://a..b/",
        "http://../", "http://./", "http://-a/", "http://a-/", "http://a,b/", "http://*/", "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/", "http://0x7f.1/", "http://127.0.0.01/", "http://127.0.0.256/", "http://127.0.0.1.1/",
        "http://127.0.0.1./", "http://1.2.3/", "http://a.1/", "http://[::1/", "http://::1/", "http://[]/",
        "http://[:]/", "http://[:::]/",
        "http://[::1]x/", "http://[::1]]/", "http://[::1%25lo]/", "http://[::1%lo]/", "http://[fe80::1%eth0]/",
        "http://[1::2::3]/",
        "http://[12345::]/", "http://[1:2:3:4:5:6:7]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[::1.2.3]/",
        "http://[::1.2.3.4:1]/",
        "http://[v1.a]/", "http://[::g]/", "http://[127.0.0.1]/", "http://[1:2:3:4:5:6:7::8:]/",
        "http://[:1:2:3:4:5:6:7]/",
    ])
    func `what is no URL of a peer is refused`(text: String) {
        #expect(PeerIdentityError.code { _ = try PeerURL(text) } == .badURL)
    }

    @Test func `the longest URL, host and label are accepted, and one octet more is not`() throws {
        let label = String(repeating: "a", count: 63)
        for (accepted, refused) in [
            ("http://x/" + String(repeating: "a", count: 2_039), "http://x/" + String(repeating: "a", count: 2_040)),
            ("http://\(label)/", "http://\(label)a/"),
            (
                "http://\(label).\(label).\(label).\(label.dropLast(2))/",
                "http://\(label).\(label).\(label).\(label.dropLast(1))/"
            ),
        ] {
            #expect(PeerIdentityError.code { _ = try PeerURL(accepted) } == nil)
            #expect(PeerIdentityError.code { _ = try PeerURL(refused) } == .badURL)
        }
    }
}
