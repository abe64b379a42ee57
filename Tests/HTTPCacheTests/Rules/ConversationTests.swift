// The rules of caching as conversations, by topic: what is stored and for whom; each row names its section.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct ConversationTests {
    private static let post = "http://origin.test/media/film.mp4"

    @Test(arguments: [
        Conversation(
            "RFC 9110 9.3.3",
            "a POST answer that is the target's own representation serves GET and HEAD",
            Exchange(
                source: .origin,
                method: .post,
                answer: ["Content-Location": "/media/film.mp4", "Cache-Control": "max-age=60"],
                cacheStatus: "fwd=method; stored"
            ),
            Exchange(source: .cache),
            Exchange(source: .cache, method: .head),
            Exchange(source: .origin, method: .post)
        ),
        Conversation(
            "RFC 9110 9.3.3",
            "so does one with an absolute Content-Location and Expires",
            Exchange(
                source: .origin,
                method: .post,
                answer: ["Content-Location": post, "CDN-Cache-Control": "max-age=9"]
            ),
            Exchange(source: .cache)
        ),
        Conversation(
            "RFC 9110 9.3.3",
            "it takes the place of what was stored before",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60", "X": "1"]),
            Exchange(
                source: .origin,
                method: .post,
                answer: ["Content-Location": post, "Cache-Control": "max-age=60", "X": "2"]
            ),
            Exchange(source: .cache, told: ["X": "2"])
        ),
        Conversation(
            "RFC 9110 9.3.3",
            "an error is no representation of the target",
            Exchange(
                source: .origin,
                method: .post,
                status: 500,
                answer: ["Content-Location": post, "Cache-Control": "max-age=60"]
            ),
            Exchange(source: .origin)
        ),
        Conversation(
            "RFC 9110 9.3.3",
            "another Content-Location is not stored, and makes nothing but the target invalid",
            Exchange(
                source: .origin,
                method: .post,
                answer: ["Content-Location": "other", "Cache-Control": "max-age=60"]
            ),
            Exchange(source: .origin)
        ),
        Conversation(
            "RFC 9110 9.3.3",
            "without a stated lifetime nothing is stored",
            Exchange(source: .origin, method: .post, answer: ["Content-Location": post, "ETag": "\"e\""]),
            Exchange(source: .origin, isConditional: false)
        ),
        Conversation(
            "http-cache.md, poisoning",
            "a POST with a field that could change the answer unseen stores nothing",
            Exchange(
                source: .origin,
                method: .post,
                request: ["X-Forwarded-Host": "evil.test"],
                answer: ["Content-Location": post, "Cache-Control": "max-age=60"]
            ),
            Exchange(source: .origin)
        ),
        Conversation(
            "3.5",
            "nor does one with Authorization",
            Exchange(
                source: .origin,
                method: .post,
                request: ["Authorization": "x"],
                answer: ["Content-Location": post, "Cache-Control": "max-age=60"]
            ),
            Exchange(source: .origin)
        ),
    ])
    func `POST that answers GET`(_ rule: Conversation) async throws { try await rule.hold() }

    @Test(arguments: [
        Conversation(
            "5.2.2.4",
            "a field that no-cache lists goes to who asked, and to nobody else",
            Exchange(
                source: .origin,
                answer: ["Cache-Control": "max-age=60, no-cache=\"x-me\"", "X-Me": "1", "X": "2"],
                told: ["X-Me": "1", "X": "2"]
            ),
            Exchange(source: .cache, told: ["X": "2"], untold: ["X-Me"])
        ),
        Conversation(
            "5.2.2.7",
            "so does one that private lists, in a 304 too",
            Exchange(
                source: .origin,
                answer: ["Cache-Control": "max-age=1, private=x-me", "X-Me": "1", "ETag": "\"e\""],
                told: ["X-Me": "1"]
            ),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 5,
                answer: ["Cache-Control": "max-age=60, private=\"x-me\"", "X-Me": "3", "ETag": "\"e\""],
                told: ["X-Me": "3"]
            ),
            Exchange(source: .cache, untold: ["X-Me"])
        ),
        Conversation(
            "5.2.2.4",
            "a field that nothing can do without makes it no-cache as a whole",
            Exchange(
                source: .origin,
                answer: [
                    "Cache-Control": "max-age=60, no-cache=\"content-type\"", "Content-Type": "a", "ETag": "\"e\"",
                ]
            ),
            Exchange(source: .cacheAfterAsking, isConditional: true, cacheStatus: "fwd=stale; fwd-status=304")
        ),
    ])
    func `fields that are not stored`(_ rule: Conversation) async throws { try await rule.hold() }

    private static func language(_ wanted: String, _ answer: Fields, _ source: Exchange.Source) -> Exchange {
        Exchange(source: source, request: ["Accept-Language": wanted], answer: answer)
    }

    private static let german: Fields = [
        "Cache-Control": "max-age=60", "Vary": "Accept-Language", "Content-Language": "de",
    ]

    @Test(arguments: [
        Conversation(
            "RFC 9110 12.5.4",
            "the stored language that is wanted above all is chosen",
            language("en, de", german, .origin),
            language("fr;q=0.5, de;q=1.0", german, .cache),
            language("de", german, .cache),
            language("DE, *;q=0.1", german, .cache)
        ),
        Conversation(
            "RFC 9110 12.5.4",
            "one that is wanted no more than another is not",
            language("en, de", german, .origin),
            language("fr, de", german, .origin),
            language("fr, de;q=0.9", german, .origin),
            language("*", german, .origin),
            language("de-AT", german, .origin)
        ),
        Conversation(
            "RFC 9110 12.5.4",
            "once stale it is not validated for another's Accept-Language",
            Exchange(
                source: .origin,
                request: ["Accept-Language": "en, de"],
                answer: [
                    "ETag": "\"e\"", "Cache-Control": "max-age=1", "Vary": "Accept-Language", "Content-Language": "de",
                ]
            ),
            Exchange(
                source: .origin,
                afterSeconds: 5,
                request: ["Accept-Language": "de"],
                answer: german,
                isConditional: false
            )
        ),
        Conversation(
            "4.1",
            "without Vary or with another field that differs it is no matter",
            Exchange(
                source: .origin,
                request: ["Accept-Language": "en, de", "Foo": "1"],
                answer: ["Cache-Control": "max-age=9", "Vary": "Accept-Language, Foo", "Content-Language": "de"]
            ),
            Exchange(source: .origin, request: ["Accept-Language": "de", "Foo": "2"], answer: german)
        ),
        Conversation(
            "4.1",
            "a coded response is for those who say the same in Accept-Encoding, named in Vary or not",
            Exchange(
                source: .origin,
                request: ["Accept-Encoding": "br"],
                answer: ["Cache-Control": "max-age=60", "Content-Encoding": "br"]
            ),
            Exchange(source: .cache, request: ["Accept-Encoding": "br"], told: ["Content-Encoding": "br"]),
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60"], untold: ["Content-Encoding"]),
            Exchange(source: .cache, untold: ["Content-Encoding"])
        ),
    ])
    func `selection of variants`(_ rule: Conversation) async throws { try await rule.hold() }
}
