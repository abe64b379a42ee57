// A cache in memory in front of a stub, with a clock that the test turns.

import HTTP
import Synchronization

@testable import HTTPCache

/// One cache, its origin and its clock.
struct CacheFixture: Sendable {
    let origin: StubOrigin
    let cache: CachingResponder
    let clock: TestClock

    /// Runs `body` with a cache in front of `origin`, and stops the cache afterwards.
    static func run(
        origin: StubOrigin,
        store: any CacheStore = MemoryStore(),
        configuration: HTTPCacheConfiguration = HTTPCacheConfiguration(),
        clock: TestClock = TestClock(),
        url: String = "http://origin.test/media/film.mp4",
        _ body: @escaping @Sendable (CacheFixture) async throws -> Void
    ) async throws {
        let cache = CachingResponder(
            origin: origin,
            upstream: try OriginMap(url),
            store: store,
            overflow: MemoryStore(),
            configuration: configuration,
            now: { clock.now }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await cache.run() }
            try await body(CacheFixture(origin: origin, cache: cache, clock: clock))
            group.cancelAll()
        }
    }

    /// Returns when nothing is asked of the origin any more, and all that it has brought is where it is to be.
    func isIdle() async {
        while cache.coordinator.jobCount > 0 { await Task.yield() }
    }

    /// GETs `target` and returns the whole answer.
    func get(_ target: String = "/", _ fields: Fields = [:]) async throws -> (response: Response, body: [UInt8]) {
        let response = try await cache.respond(to: request(target, fields))
        return (response, try await response.body.collect(upTo: 1 << 30))
    }

    func request(_ target: String = "/", _ fields: Fields = [:], method: Method = .get) -> Request {
        Request(method: method, authority: "localhost:8080", target: Array(target.utf8), fields: fields)
    }

    /// Asks the express lane; nil if it does not answer.
    func express(_ target: String = "/", _ fields: Fields = [:], method: String = "GET") -> ImmediateResponse? {
        var buffer = Array("\(method) \(target) HTTP/1.1\r\n".utf8)
        var head = RequestHead()
        head.method = method == "GET" ? .get : method == "HEAD" ? .head : .other
        head.methodRange = 0..<method.utf8.count
        let start = method.utf8.count + 1
        head.target = start..<start + target.utf8.count
        for line in fields.lines {
            let name = buffer.count
            buffer.append(contentsOf: fields.name(of: line))
            buffer.append(contentsOf: ": ".utf8)
            let value = buffer.count
            buffer.append(contentsOf: fields.value(of: line))
            let end = buffer.count
            buffer.append(contentsOf: "\r\n".utf8)
            head.lines.append(Fields.Line(name: name..<value - 2, value: value..<end, known: line.known))
            head.present.insert(line.known)
        }
        var response = ImmediateResponse()
        return cache.respondImmediately(to: head, in: buffer.span, into: &response) ? response : nil
    }
}

/// A wall clock that stands still until it is turned.
final class TestClock: Sendable {
    private let time = Mutex(Timestamp(seconds: 1_800_000_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(seconds: Int64) {
        time.withLock { $0 = $0.advanced(bySeconds: seconds) }
    }
}

extension Response {
    /// The value of Cache-Status.
    var cacheStatus: String { fields.text("Cache-Status") ?? "" }
}

extension ImmediateResponse {
    /// The head as text.
    var head: String { String(decoding: output, as: UTF8.self) }
}
