// Tests of the mapping from a client's target to the origin's.

import HTTP
import HTTPCache
import Testing

@Suite struct OriginMapTests {
    static func target(_ url: String, _ target: String) throws -> String {
        String(decoding: try OriginMap(url).originTarget(for: target.utf8.span), as: UTF8.self)
    }

    @Test(arguments: [
        // One medium: `/` is the medium, all else stands beside it.
        ("http://host/media/film.mp4", "/", "/media/film.mp4"),
        ("http://host/media/film.mp4", "/?a=1", "/media/film.mp4?a=1"),
        ("http://host/media/film.mp4", "/?", "/media/film.mp4?"),
        ("http://host/media/film.mp4", "/film.mp4", "/media/film.mp4"),
        ("http://host/media/film.mp4", "/seg1.ts", "/media/seg1.ts"),
        ("http://host/media/film.mp4", "/720p/seg1.ts?x=/y", "/media/720p/seg1.ts?x=/y"),
        ("http://host/film.mp4", "/seg1.ts", "/seg1.ts"),
        ("http://host/film.mp4", "//", "//"),
        // Its query goes with `/` only.
        ("http://host/media/film.mp4?key=1", "/", "/media/film.mp4?key=1"),
        ("http://host/media/film.mp4?key=1", "/?", "/media/film.mp4?key=1"),
        ("http://host/media/film.mp4?key=1", "/?a=2", "/media/film.mp4?key=1&a=2"),
        ("http://host/media/film.mp4?key=1", "/seg1.ts", "/media/seg1.ts"),
        ("http://host/media/film.mp4?key=1", "/seg1.ts?b", "/media/seg1.ts?b"),
        ("http://host/media/film.mp4?", "/", "/media/film.mp4?"),
        ("http://host/media/film.mp4?", "/?a", "/media/film.mp4?a"),
        ("http://host/media/film.mp4?u=/a/b/", "/seg1.ts", "/media/seg1.ts"),
        // A directory or site.
        ("http://host", "/", "/"),
        ("http://host", "/a/b?c", "/a/b?c"),
        ("http://host/", "/a", "/a"),
        ("http://host?q", "/", "/?q"),
        ("http://host?q", "/a", "/a"),
        ("http://host/media/", "/", "/media/"),
        ("http://host/media/", "/a.mp4", "/media/a.mp4"),
        ("http://host/media/", "//a.mp4", "/media//a.mp4"),
        ("http://host/media/?list=1", "/", "/media/?list=1"),
        ("http://host/media/?list=1", "/?a", "/media/?list=1&a"),
        ("http://host/media/?list=1", "/a.mp4", "/media/a.mp4"),
        // Nothing is normalised.
        ("http://host/media/", "/../x/./y", "/media/../x/./y"),
        ("http://host/media/", "/%2e%2E/%7Ea", "/media/%2e%2E/%7Ea"),
        ("http://host/a%2Fb/c%20d.mp4", "/", "/a%2Fb/c%20d.mp4"),
        ("http://host/a%2Fb/c%20d.mp4", "/e", "/a%2Fb/e"),
        // What no parser lets through is mapped too.
        ("http://host/media/film.mp4", "", "/media/film.mp4"),
        ("http://host/media/film.mp4?k", "?a", "/media/film.mp4?k&a"),
        ("http://host/media/", "a", "/media/a"),
        ("http://host/media/", "*", "*"),
        ("http://host/media/", "/*", "/media/*"),
    ])
    func `a path of ours maps to one of the origin`(url: String, target: String, expected: String) throws {
        #expect(try Self.target(url, target) == expected)
    }

    @Test(arguments: [
        // RFC 3986 section 5.2.4.
        ("/..", true), ("/../", true), ("/../x", true), ("/a/../../x", true), ("/a/./../../x", true), ("/./..", true),
        ("/a/..", false), ("/a/../b", false), ("/a/b/../..", false), ("/...", false), ("/..a", false), ("/a..", false),
        ("/.", false), ("/./x", false), ("/a/.../../..", false), ("/x?/../..", false), ("/?..", false),
        // Empty segments are no depth: many servers merge slashes.
        ("//..", true), ("/a//../../x", true), ("//a/../x", false),
        // RFC 3986 section 6.2.2.2: %2e is a dot for everybody; %2f and %5c are separators for some.
        ("/%2e%2e/x", true), ("/%2E./x", true), (".%2e", true), ("/a/%2e%2e", false), ("/%2e%2e%2fx", true),
        ("/..%2fx", true), ("/..%5Cx", true), ("/a%2f..%2f..%2fx", true), ("/a%2fb/../..", true),
        ("/a/..%2f..", true), ("/a%2f..", false), ("/%252e%252e/x", true), ("/%252e%252e%252fx", true), ("/%2", false),
        ("/%zz/..", false), ("/100%/x", false),
        // Backslashes for slashes, parameters cut off.
        ("/..\\x", true), ("/a\\..\\..\\x", true), ("/a\\b/../../x", true), ("/a\\b", false), ("/..;/x", true),
        ("/..;a=b/x", true), ("/..%3b/x", true), ("/;../x", false), ("/a/..;/x", false),
    ])
    func `a path that climbs out of the directory in any reading is refused, where there is one`(
        target: String,
        climbs: Bool
    ) throws {
        for url in ["http://host/media/", "http://host/media/film.mp4?k"] {
            #expect(try OriginMap(url).refusal(of: target.utf8.span) == (climbs ? .leavesDirectory : nil), "\(url)")
        }
        for url in ["http://host", "http://host/film.mp4"] {
            #expect(try OriginMap(url).refusal(of: target.utf8.span) == nil, "\(url)")
        }
    }

    @Test(arguments: [
        ("/a%00", true), ("/%0d%0aX:%20y", true), ("/%0Ax", true), ("/a/%0D", true), ("/a%20%09%01", false),
        ("/%000", true), ("/a?%0d%0a%00", false), ("/%0", false), ("/%0g", false), ("/%250a", false),
    ])
    func `a path with an encoded line end or NUL is refused`(target: String, isRefused: Bool) throws {
        for url in ["http://host", "http://host/media/"] {
            #expect(try OriginMap(url).refusal(of: target.utf8.span) == (isRefused ? .encodedControl : nil))
        }
    }

    @Test(arguments: ["/", "/?", "/?a", "/x", "/x/y?z", "*", "", "?", "//"])
    func `the two pieces are the whole, whatever the URL`(target: String) throws {
        for url in ["http://h", "http://h/a/b", "http://h/a/b?q", "http://h/a/?q", "http://h/a/"] {
            let map = try OriginMap(url)
            let octets = Array(target.utf8)
            let (prefix, rest) = map.pieces(for: octets.span)
            #expect(map.octets(of: prefix) + octets[rest] == map.originTarget(for: octets.span))
            #expect(rest.upperBound == octets.count)
        }
    }

    @Test(arguments: [
        ("http://host/", "http", "host"),
        ("HTTP://Host.Example:80/", "http", "host.example"),
        ("https://host:443", "https", "host"),
        ("https://host:80", "https", "host:80"),
        ("http://host:443", "http", "host:443"),
        ("http://host:", "http", "host"),
        ("http://host:08080/", "http", "host:8080"),
        ("http://host:65535/", "http", "host:65535"),
        ("http://127.0.0.1:9000/film.mp4", "http", "127.0.0.1:9000"),
        ("http://media_server.local./", "http", "media_server.local."),
        ("http://[::1]:9000/", "http", "[::1]:9000"),
        ("http://[::]", "http", "[::]"),
        ("http://[2001:DB8::7]/", "http", "[2001:db8::7]"),
        ("http://[1:2:3:4:5:6:7:8]/", "http", "[1:2:3:4:5:6:7:8]"),
        ("http://[1::]/", "http", "[1::]"),
        ("http://[::ffff:192.0.2.1]/", "http", "[::ffff:192.0.2.1]"),
        ("http://[1:2:3:4:5:6:192.0.2.1]/", "http", "[1:2:3:4:5:6:192.0.2.1]"),
        ("http://@host/", "http", "host"),
    ])
    func `scheme and authority`(url: String, scheme: String, authority: String) throws {
        let map = try OriginMap(url)
        #expect(map.scheme == scheme)
        #expect(map.authority == authority)
        #expect(map.credentials == nil)
    }

    @Test(arguments: [
        ("http://ann:secret@host/a", "ann", "secret"),
        ("http://ann@host/a", "ann", ""),
        ("http://ann:@host/a", "ann", ""),
        ("http://:secret@host/a", "", "secret"),
        ("http://a%40b:p%3Aq%2F%40%25@host/a", "a@b", "p:q/@%"),
        ("http://ann:a:b@host/a", "ann", "a:b"),
        ("http://ann:%C3%A9@host/a", "ann", "é"),
    ])
    func `credentials are split off and decoded`(url: String, user: String, password: String) throws {
        let map = try OriginMap(url)
        #expect(map.credentials == OriginCredentials(user: user, password: password))
        #expect(map.authority == "host")
        #expect(map.displayURL == "http://host/a")
    }

    @Test func `nothing printable of a map holds its password or its query`() throws {
        let map = try OriginMap("https://ann:s3cret@host/a.mp4?token=t0ken")
        var dumped = ""
        dump(try #require(map.credentials), to: &dumped)
        let credentials = try #require(map.credentials)
        for text in [dumped, "\(credentials)", String(reflecting: credentials), map.displayURL] {
            #expect(!text.contains("s3cret") && !text.contains("ann") && !text.contains("t0ken"))
        }
        #expect(map.displayURL == "https://host/a.mp4?...")
    }

    @Test(
        arguments: [
            ("", OriginMapError.scheme), ("film.mp4", .scheme), ("ftp://host/", .scheme), ("http:/host/", .scheme),
            ("http:host", .scheme), (" http://host/", .scheme), ("//host/", .scheme), ("httpss://host/", .scheme),
            ("http://", .hostMissing), ("http:///a", .hostMissing), ("http://?a", .hostMissing),
            ("http://:80/", .hostMissing), ("http://ann:b@/", .hostMissing), ("http://ann@:80/", .hostMissing),
            ("http://a..b/", .host), ("http://.a/", .host), ("http://a%20b/", .host), ("http://a,b/", .host),
            ("http://a\\b/", .host), ("http://[::1]x/", .host),
            ("http://\(String(repeating: "a", count: 254))/", .host),
            ("http://[::1/", .ipv6), ("http://[]/", .ipv6), ("http://[1::2::3]/", .ipv6), ("http://[1:2]/", .ipv6),
            ("http://[1:2:3:4:5:6:7:8:9]/", .ipv6), ("http://[1:2:3:4:5:6:7::8]/", .ipv6),
            ("http://[1:2:3:4:5:6:7::]/", nil), ("http://[12345::]/", .ipv6),
            ("http://[fe80::1%25eth0]/", .ipv6), ("http://[:::1]/", .ipv6), ("http://[::1.2.3]/", .ipv6),
            ("http://[::1.2.3.256]/", .ipv6), ("http://[1:]/", .ipv6), ("http://[1:2:3:4:5:6:7:8::]/", .ipv6),
            ("http://host:0/", .port), ("http://host:65536/", .port), ("http://host:8o/", .port),
            ("http://host:-1/", .port), ("http://host:99999999999999999999999/", .port), ("http://a:b:c/", .port),
            ("http://a@b@host/", .credentials), ("http://a:%4@host/", .credentials),
            ("http://a:%zz@host/", .credentials),
            ("http://a%00@host/", .credentials), ("http://a%3Ab:c@host/", .credentials),
            ("http://%ff@host/", .credentials),
            ("http://host/a#b", .fragment), ("http://host#", .fragment),
            ("http://host/a b", .octet(name: "a space", encoded: "%20")),
            ("http://host/a\u{7f}", .octet(name: "a control character", encoded: "%7F")),
            ("http://host/a\r\nb", .octet(name: "a control character", encoded: "%0D")),
            ("http://host/ø", .octet(name: "'ø', which is not ASCII", encoded: "%C3%B8")),
            ("http://host/\(String(repeating: "a", count: OriginMap.octetsMax - 11))", .tooLong),
            ("http://host/\(String(repeating: "a", count: OriginMap.octetsMax - 12))", nil),
        ] as [(String, OriginMapError?)]
    )
    func `a malformed URL is refused for what is wrong with it`(url: String, expected: OriginMapError?) {
        var found: OriginMapError?
        do throws(OriginMapError) { _ = try OriginMap(url) } catch { found = error }
        #expect(found == expected)
    }

    @Test func `a moved map keeps its credentials at the same origin only`() throws {
        let map = try OriginMap("http://ann:b@host/a/film.mp4?q")
        let same = map.moved(to: OriginReference(scheme: "http", authority: "host", target: Array("/b/f.mp4?r".utf8)))
        #expect(same.originTarget(for: "/".utf8.span) == Array("/b/f.mp4?r".utf8))
        #expect(same.originTarget(for: "/s.ts".utf8.span) == Array("/b/s.ts".utf8))
        #expect(same.credentials == map.credentials)
        let elsewhere = map.moved(to: OriginReference(scheme: "https", authority: "host", target: [0x2f]))
        #expect(elsewhere.credentials == nil)
        #expect(elsewhere.displayURL == "https://host/")
    }
}
