// Invalidation, and the references that it resolves.

import HTTP
import HTTPCache
import Testing

@Suite struct InvalidationTests {
    private let uri = TargetURI(scheme: "http", authority: "host:8080", target: Array("/a/b?c".utf8))

    private func targets(_ method: Method, _ status: Int, _ response: Fields = [:]) -> [String] {
        Invalidation.uris(method: method, uri: uri, status: status, response: response).map {
            #expect($0.scheme == "http")
            #expect($0.authority == "host:8080")
            return String(decoding: $0.target, as: UTF8.self)
        }
    }

    @Test(arguments: [Method.post, .put, .delete, Method("M-SEARCH"), Method("get")])
    func `RFC 9111 section 4.4: a non-error answer to an unsafe or unknown method drops its target`(method: Method) {
        for status in [200, 201, 204, 299, 302, 303] { #expect(targets(method, status) == ["/a/b?c"]) }
        for status in [100, 400, 404, 412, 500, 599] { #expect(targets(method, status) == []) }
    }

    @Test(arguments: [Method.get, .head, .options, .trace])
    func `RFC 9111 section 4.4: safe methods drop nothing`(method: Method) {
        #expect(targets(method, 200, ["Location": "/x"]) == [])
    }

    @Test(
        arguments: [
            ("/x", "/x"), ("x", "/a/x"), ("x?y#z", "/a/x?y"), ("?y", "/a/b?y"), ("../x", "/x"), ("../../../x", "/x"),
            ("./", "/a/"), (".", "/a/"), ("..", "/"),
            ("http://host:8080/x", "/x"), ("HTTP://HOST:8080/x", "/x"), ("//host:8080/x", "/x"),
            ("http://host:8080", "/"), ("http://host:8080?q", "/?q"),
            ("/x/./y/../z", "/x/z"), ("/x//y", "/x//y"), ("/x?a/../b", "/x?a/../b"), ("/x%2e%2e", "/x%2e%2e"),
            ("/a:b", "/a:b"), ("/..", "/"),
        ] as [(String, String)]
    )
    func `RFC 9111 section 4.4: Location and Content-Location of the same origin go too`(
        reference: String,
        target: String
    ) {
        #expect(targets(.post, 201, ["Location": reference]) == ["/a/b?c", target])
        #expect(targets(.post, 200, ["Content-Location": reference]) == ["/a/b?c", target])
    }

    @Test(arguments: [
        "http://other/x", "https://host:8080/x", "http://host/x", "http://host:80801/x", "http://user@host:8080/x",
        "//other/x", "mailto:x",
        "http:x", "x:y", "http://host:8080\\@other/x", "/x y", "/\u{fc}", "/a/b?c", "", "#x",
    ])
    func `RFC 9111 section 4.4: other origins and what is no reference are left alone`(reference: String) {
        #expect(targets(.post, 201, ["Location": reference]) == ["/a/b?c"])
    }

    @Test func `both fields count, each URI once`() {
        let response: Fields = ["Location": "/x", "Content-Location": "/y", "location": "/x"]
        #expect(targets(.put, 200, response) == ["/a/b?c", "/x", "/y"])
    }

    @Test(arguments: [
        ("http", "host", "http://host:80/x"), ("https", "host:443", "https://host/x"),
        ("http", "host", "http://host:/x"),
    ])
    func `the scheme's own port may be left out`(scheme: String, authority: String, reference: String) {
        let base = TargetURI(scheme: scheme, authority: authority, target: Array("/".utf8))
        #expect(base.resolve(reference.utf8.span)?.target == Array("/x".utf8))
        #expect(base.resolve(reference.utf8.span)?.authority == authority)
    }
}
