// The rules of caching as conversations, by topic: what updates a stored response, errors, limits; each row names its section.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct UpdateConversationTests {
    private static let tag: Fields = ["Cache-Control": "max-age=10", "ETag": "\"e\""]

    @Test(arguments: [
        Conversation(
            "4.3.4",
            "a 304 with another Vary selects by what its request said",
            Exchange(source: .origin, request: ["Foo": "1"], answer: tag),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 20,
                request: ["Foo": "1"],
                answer: ["Cache-Control": "max-age=60", "ETag": "\"e\"", "Vary": "Foo"],
                toldStatus: 200
            ),
            Exchange(source: .cache, request: ["Foo": "1"]),
            Exchange(source: .origin, request: ["Foo": "2"])
        ),
        Conversation(
            "4.1",
            "a 304 with Vary: * is for its own request alone",
            Exchange(source: .origin, answer: tag),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 20,
                answer: ["Cache-Control": "max-age=60", "ETag": "\"e\"", "Vary": "*"],
                toldStatus: 200
            ),
            Exchange(source: .origin)
        ),
        Conversation(
            "4.3.4",
            "a strong tag freshens every variant that has it",
            Exchange(
                source: .origin,
                request: ["Foo": "1"],
                answer: ["Cache-Control": "max-age=10", "ETag": "\"e\"", "Vary": "Foo"]
            ),
            Exchange(
                source: .origin,
                request: ["Foo": "2"],
                answer: ["Cache-Control": "max-age=10", "ETag": "\"e\"", "Vary": "Foo"]
            ),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 20,
                request: ["Foo": "1"],
                answer: ["Cache-Control": "max-age=60", "ETag": "\"e\"", "X": "new"]
            ),
            Exchange(source: .cache, request: ["Foo": "2"], told: ["X": "new"])
        ),
        Conversation(
            "4.3.4",
            "a weak one freshens only what was asked about",
            Exchange(
                source: .origin,
                request: ["Foo": "1"],
                answer: ["Cache-Control": "max-age=10", "ETag": "W/\"e\"", "Vary": "Foo"]
            ),
            Exchange(
                source: .origin,
                request: ["Foo": "2"],
                answer: ["Cache-Control": "max-age=10", "ETag": "W/\"e\"", "Vary": "Foo"]
            ),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 20,
                request: ["Foo": "1"],
                answer: ["Cache-Control": "max-age=60", "ETag": "W/\"e\""]
            ),
            Exchange(
                source: .cacheAfterAsking,
                request: ["Foo": "2"],
                answer: ["Cache-Control": "max-age=60", "ETag": "W/\"e\""]
            )
        ),
        Conversation(
            "3.5",
            "what an authorised client's 304 says is not for others, and takes nothing from them",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60", "ETag": "\"e\""]),
            Exchange(
                source: .cacheAfterAsking,
                request: ["Authorization": "x", "Cache-Control": "no-cache"],
                answer: ["ETag": "\"e\"", "X": "mine"],
                told: ["X": "mine"]
            ),
            Exchange(source: .cache, untold: ["X"])
        ),
        Conversation(
            "4.3.5",
            "a HEAD that makes it private takes it away, and does not publish what it said",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=1"]),
            Exchange(
                source: .origin,
                afterSeconds: 5,
                method: .head,
                answer: ["Cache-Control": "private, max-age=60", "X": "mine"]
            ),
            Exchange(source: .origin, untold: ["X"])
        ),
        Conversation(
            "4.3.5",
            "an authorised client's HEAD changes nothing",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60", "X": "all"]),
            Exchange(
                source: .origin,
                method: .head,
                request: ["Authorization": "x", "Cache-Control": "no-cache"],
                answer: ["Cache-Control": "max-age=60", "X": "mine"],
                cacheStatus: "fwd=request"
            ),
            Exchange(source: .cache, told: ["X": "all"])
        ),
        Conversation(
            "4.3.5",
            "nor does one that is about another representation",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60", "ETag": "\"all\""]),
            Exchange(
                source: .origin,
                method: .head,
                request: ["Authorization": "x", "Cache-Control": "no-cache"],
                answer: ["Cache-Control": "max-age=60", "ETag": "\"mine\""]
            ),
            Exchange(source: .cache, told: ["ETag": "\"all\""]),
            Exchange(
                source: .origin,
                method: .head,
                request: ["Cache-Control": "no-cache"],
                answer: ["Cache-Control": "max-age=60", "ETag": "\"new\""]
            ),
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=60", "ETag": "\"new\""])
        ),
    ])
    func `updates of what is stored`(_ rule: Conversation) async throws { try await rule.hold() }

    @Test(arguments: [
        Conversation(
            "RFC 5861 4",
            "an error with a lifetime of its own does not take the place of what stands in for it",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=1, stale-if-error=60", "X": "good"]),
            Exchange(
                source: .cacheAfterAsking,
                afterSeconds: 5,
                status: 503,
                answer: ["Cache-Control": "max-age=60"],
                toldStatus: 200,
                told: ["X": "good"],
                cacheStatus: "fwd=stale; fwd-status=503"
            ),
            Exchange(source: .cacheAfterAsking, status: 503, answer: ["Cache-Control": "max-age=60"], toldStatus: 200),
            Exchange(source: .origin, afterSeconds: 60, status: 503, answer: ["Cache-Control": "max-age=60"]),
            Exchange(source: .cache, toldStatus: 503)
        ),
        Conversation(
            "RFC 5861 4",
            "404 is no error of that kind",
            Exchange(source: .origin, answer: ["Cache-Control": "max-age=1, stale-if-error=60"]),
            Exchange(source: .origin, afterSeconds: 5, status: 404)
        ),
        Conversation(
            "RFC 9110 7.6.2",
            "OPTIONS goes no further than Max-Forwards says, TRACE not at all",
            Exchange(source: .nobody, method: .options, request: ["Max-Forwards": "0"], toldStatus: 204),
            Exchange(source: .origin, method: .options, request: ["Max-Forwards": "1"]),
            Exchange(source: .nobody, method: .trace, toldStatus: 405)
        ),
        Conversation(
            "RFC 9209 2.3",
            "what the cache says itself says so",
            Exchange(
                source: .nobody,
                request: ["Cache-Control": "only-if-cached"],
                toldStatus: 504,
                told: ["Proxy-Status": "waystation; error=proxy_internal_response"]
            )
        ),
        Conversation(
            "RFC 9213 2.2",
            "the field of this very cache outranks that of all, which outranks Cache-Control",
            Exchange(
                source: .origin,
                answer: [
                    "Waystation-Cache-Control": "max-age=60", "CDN-Cache-Control": "no-store",
                    "Cache-Control": "no-store",
                ]
            ),
            Exchange(source: .cache, told: ["Waystation-Cache-Control": "max-age=60", "CDN-Cache-Control": "no-store"])
        ),
        Conversation(
            "RFC 9213 2.1",
            "an invalid one is as none",
            Exchange(
                source: .origin,
                answer: ["Waystation-Cache-Control": "max-age=\"60\"", "CDN-Cache-Control": "no-store"]
            ),
            Exchange(source: .origin)
        ),
    ])
    func `errors, limits and targets`(_ rule: Conversation) async throws { try await rule.hold() }

    @Test func `RFC 9111 section 5.2.1: directives of clients that are ignored do not reach the origin either`()
        async throws
    {
        var rule = Conversation(
            "5.2.1",
            "ignored",
            Exchange(source: .origin, request: ["Cache-Control": "only-if-cached"], answer: Self.tag),
            Exchange(source: .cache, request: ["Cache-Control": "no-cache", "Pragma": "no-cache"])
        )
        rule.configuration.ignoresClientCacheControl = true
        try await rule.hold()
        let requests = OriginRequest(
            scheme: "http",
            authority: "o",
            name: "waystation",
            node: "n",
            ignoresClientCacheControl: true
        )
        let client = Request(fields: ["Cache-Control": "no-cache", "Pragma": "no-cache"])
        let sent = requests.cacheable(client, target: [0x2f], range: nil, validating: nil)
        #expect(!sent.fields.contains(.cacheControl) && !sent.fields.contains(.pragma))
    }
}
