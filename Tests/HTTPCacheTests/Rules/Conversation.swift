// A rule told as a conversation: what a client asks, what the origin would answer, and where the answer must come from.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

/// One request of a conversation.
struct Exchange: Sendable {
    /// Where the answer must come from.
    enum Source: Sendable, Equatable {
        /// The origin, with its own body.
        case origin
        /// The stored response, and the origin hears nothing.
        case cache
        /// The stored response, and the origin hears something.
        case cacheAfterAsking
        /// The cache itself, and the origin hears nothing.
        case nobody
    }

    var source: Source
    var afterSeconds: Int64 = 0
    var method = Method.get
    var request: Fields = [:]
    /// The origin's answer; it says 304 by itself if a condition names the last validators.
    var status = 200
    var answer: Fields = [:]
    /// The connection ends without an answer.
    var drops = false
    /// What the client must be told.
    var toldStatus: Int?
    var told: Fields = [:]
    var untold: [String] = []
    /// Whether it must have been asked with a condition.
    var isConditional: Bool?
    /// A second field of Cache-Status, if that matters.
    var cacheStatus: String?
}

/// A rule: its section and the requests that show it.
struct Conversation: Sendable, CustomTestStringConvertible {
    let section: String
    let text: String
    let exchanges: [Exchange]
    var configuration = HTTPCacheConfiguration()

    init(_ section: String, _ text: String, _ exchanges: Exchange...) {
        self.section = section
        self.text = text
        self.exchanges = exchanges
    }

    var testDescription: String { "\(section): \(text)" }

    /// Holds the conversation and checks each answer.
    func hold() async throws {
        let script = Script()
        let origin = StubOrigin { try script.answer($0) }
        try await CacheFixture.run(origin: origin, configuration: configuration) { fixture async throws in
            for (number, exchange) in exchanges.enumerated() {
                fixture.clock.advance(seconds: exchange.afterSeconds)
                script.next(exchange, number)
                let before = origin.requests.count
                try await check(exchange, number, fixture)
                await fixture.isIdle()
                checkOrigin(exchange, number, Array(origin.requests[before...]))
            }
        }
    }

    private func check(_ exchange: Exchange, _ number: Int, _ fixture: CacheFixture) async throws {
        let place: Comment = "\(testDescription), request \(number + 1)"
        let isExpress =
            exchange.method == .get && fixture.express("/", exchange.request) != nil
        #expect(!isExpress || exchange.source == .cache, place)
        var request = fixture.request("/", exchange.request, method: exchange.method)
        if exchange.method == .post { request.body = Body("question") }
        let response = try await fixture.cache.respond(to: request)
        let body = String(decoding: try await response.body.collect(upTo: 1000), as: UTF8.self)
        if let status = exchange.toldStatus {
            #expect(response.status == status, place)
        } else if exchange.source == .origin {
            #expect(response.status == exchange.status, place)
        }
        if response.status != 304, exchange.method != .head, response.status != 204, exchange.source != .nobody {
            #expect((body == "body \(number)") == (exchange.source == .origin), "\(place): \(body)")
        }
        for line in exchange.told.lines {
            let name = String(decoding: exchange.told.name(of: line), as: UTF8.self)
            let value = String(decoding: exchange.told.value(of: line), as: UTF8.self)
            #expect(response.fields.text(name) == value, "\(place): \(name)")
        }
        for name in exchange.untold { #expect(response.fields.text(name) == nil, "\(place): \(name)") }
        if let cacheStatus = exchange.cacheStatus {
            #expect(response.cacheStatus.contains(cacheStatus), "\(place): \(response.cacheStatus)")
        }
    }

    private func checkOrigin(_ exchange: Exchange, _ number: Int, _ asked: [Request]) {
        let place: Comment = "\(testDescription), request \(number + 1)"
        switch exchange.source {
        case .origin, .cacheAfterAsking: #expect(!asked.isEmpty, place)
        case .cache, .nobody: #expect(asked.isEmpty, place)
        }
        if let isConditional = exchange.isConditional, let first = asked.first {
            let isSo = first.fields.contains(.ifNoneMatch) || first.fields.contains(.ifModifiedSince)
            #expect(isSo == isConditional, place)
        }
    }
}

/// An origin that answers by the exchange at hand.
private final class Script: Sendable {
    private struct State {
        var exchange = Exchange(source: .origin)
        var number = 0
        /// All tags and dates that were ever sent.
        var validators: Set<String> = []
    }

    private let state = Mutex(State())

    func next(_ exchange: Exchange, _ number: Int) {
        state.withLock { ($0.exchange, $0.number) = (exchange, number) }
    }

    func answer(_ request: Request) throws -> Response {
        let (exchange, number, isKnown) = state.withLock { state in
            let condition = request.fields.text(.ifNoneMatch) ?? request.fields.text(.ifModifiedSince)
            // 304 only to what was sent before, and is sent again.
            let sent = [state.exchange.answer.text(.etag), state.exchange.answer.text(.lastModified)].compactMap(\.self)
            let isKnown =
                condition.map { state.validators.contains($0) && (sent.isEmpty || sent.contains($0)) } ?? false
            state.validators.formUnion(sent)
            return (state.exchange, state.number, isKnown && state.exchange.status == 200)
        }
        if exchange.drops { throw BodyError.truncated }
        if isKnown { return Response(status: 304, fields: exchange.answer, body: Body(length: nil, content: .none)) }
        let isBodyless = request.method == .head || exchange.status == 204
        return Response(
            status: exchange.status,
            fields: exchange.answer,
            body: isBodyless ? Body(length: nil, content: .none) : Body("body \(number)")
        )
    }
}
