// The medium's redirects are followed; those of others pass.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct RedirectingResponderTests {
    private static let url = "http://origin.test/media/film.mp4?key=1"

    /// An origin where each place leads to the next, as given, and what has no next is there.
    private func origin(_ redirects: [String: (Int, String)]) -> StubOrigin {
        StubOrigin { request in
            let place = "\(request.scheme)://\(request.authority)\(request.targetText)"
            guard let (status, location) = redirects[place] else {
                return Response(status: 200, body: Body(place))
            }
            return Response(status: status, fields: ["Location": location], body: Body("moved"))
        }
    }

    private func respond(
        _ origin: StubOrigin,
        _ target: String = "/media/film.mp4?key=1",
        _ fields: Fields = [:],
        method: Method = .get
    ) async throws -> Response {
        let responder = RedirectingResponder(origin, map: try OriginMap(Self.url))
        return try await responder.respond(
            to: Request(
                method: method,
                scheme: "http",
                authority: "origin.test",
                target: Array(target.utf8),
                fields: fields
            )
        )
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect of the medium is followed to its end`(_ status: Int) async throws {
        let origin = origin([
            Self.url: (status, "/a"), "http://origin.test/a": (status, "//cdn.test/b?c"),
            "http://cdn.test/b?c": (status, "https://edge.test"),
        ])
        let response = try await respond(origin)
        #expect(response.status == 200)
        #expect(try await response.body.collect(upTo: 100) == Array("https://edge.test/".utf8))
        #expect(origin.requests.count == 4)
    }

    @Test func `a redirect that is followed has its body cancelled`() async throws {
        let body = FedBody()
        let origin = StubOrigin { request in
            request.targetText == "/end"
                ? Response(status: 200)
                : Response(
                    status: 302,
                    fields: ["Location": "/end"],
                    body: Body(length: nil, content: .stream(body))
                )
        }
        #expect(try await respond(origin).status == 200)
        #expect(body.isCancelled)
    }

    @Test func `what is meant for one server is not shown to another`() async throws {
        let fields: Fields = ["Authorization": "Basic x", "Cookie": "a=1", "Range": "bytes=0-1"]
        let origin = origin([
            Self.url: (302, "/a"), "http://origin.test/a": (302, "http://cdn.test/b"),
            "http://cdn.test/b": (302, "http://origin.test/c"),
        ])
        _ = try await respond(origin, "/media/film.mp4?key=1", fields)
        let shown = origin.requests.map { $0.fields.contains(.authorization) || $0.fields.contains(.cookie) }
        #expect(shown == [true, true, false, false])
        #expect(origin.requests.allSatisfy { $0.fields.text(.range) == "bytes=0-1" })
    }

    @Test func `ten redirects are followed, and eleven are too many`() async throws {
        for (count, isFound) in [(9, true), (10, false)] {
            let origin = StubOrigin { request in
                let step = Int(request.targetText.dropFirst(2)) ?? 0
                return step < count
                    ? Response(status: 302, fields: ["Location": "/s\(step + 1)"]) : Response(status: 200)
            }
            if isFound {
                #expect(try await respond(origin).status == 200)
            } else {
                await #expect(throws: TooManyRedirects.self) { try await respond(origin) }
            }
            #expect(origin.requests.count == RedirectingResponder.redirectsMax)
        }
    }

    @Test(arguments: ["ftp://origin.test/a", "http://user:secret@origin.test/", "mailto:a@b"])
    func `a redirect that leads nowhere is the answer`(_ location: String) async throws {
        let origin = origin([Self.url: (302, location)])
        #expect(try await respond(origin).status == 302)
        #expect(origin.requests.count == 1)
    }

    @Test func `a redirect of another method than GET and HEAD passes`() async throws {
        let origin = origin([Self.url: (307, "/elsewhere")])
        #expect(try await respond(origin, method: .post).status == 307)
        #expect(try await respond(origin, method: .head).status == 200)
    }

    @Test func `a redirect of something beside the medium passes`() async throws {
        let origin = origin(["http://origin.test/media/a.ts": (302, "/media/b.ts")])
        let response = try await respond(origin, "/media/a.ts")
        #expect(response.status == 302)
        #expect(response.fields.text(.location) == "/media/b.ts")
        #expect(origin.requests.count == 1)
    }
}
