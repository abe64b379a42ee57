// Tests of which form Accept asks for.

import HTTP
import Testing

@testable import PeerRegistry

struct AcceptTests {
    @Test(arguments: [
        ("", Representation.url), ("*/*", .url), ("application/jwt", .record), ("APPLICATION/JWT", .record),
        ("application/json", .json), ("application/jwt, application/json", .record),
        ("application/jwt;q=0.5, application/json", .json), ("text/html, */*;q=0.1", .url),
        ("application/*", .record), ("text/plain;q=0, */*", .record), ("text/*;q=0.2,application/json;q=0.3", .json),
        ("*/*;q=0.9, application/json;q=0.91", .json), ("image/png", .url), ("application/jwt;q=0", .url),
        ("application/json ; q=1", .json), (",,application/json,,", .json), ("application/json;q=2", .url),
        ("application/json;q=", .url), (";q=1", .url), ("application/json;q=0.0001", .url),
        ("application/jwt;v=1", .record),
    ])
    func `the form wanted most is chosen`(_ accept: String, _ form: Representation) {
        var accepted = AcceptedForms()
        accepted.add(Array(accept.utf8).span)
        #expect(accepted.best(hasRecord: true) == form)
    }

    @Test func `a record that is not there is not chosen`() {
        var accepted = AcceptedForms()
        accepted.add(Array("application/jwt, application/json;q=0.1".utf8).span)
        #expect(accepted.best(hasRecord: false) == .json)
    }
}
