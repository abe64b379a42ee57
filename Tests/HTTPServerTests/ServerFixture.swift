// What the end-to-end tests of the server share: responders, sources and a running server.

import HTTP
import HTTPServer
import Logging
import ServiceLifecycle
import Synchronization
import Testing

/// A responder made of closures.
struct ClosureResponder: Responder {
    var immediate: (@Sendable (_ target: String) -> (head: String, body: BodyChunk?)?)?
    var answer: @Sendable (Request) async throws -> Response = { _ in Response(status: 404) }

    func respond(to request: Request) async throws -> Response { try await answer(request) }

    func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        let target = String(decoding: buffer.extracting(head.target).array, as: UTF8.self)
        guard let found = immediate?(target) else { return false }
        response.output.append(contentsOf: found.head.utf8)
        response.isDated = found.head.contains("\r\nDate: ")
        response.body = found.body
        return true
    }
}

/// A signal that can be waited for.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func fire() {
        continuation.yield()
        continuation.finish()
    }

    func wait() async {
        for await _ in stream { return }
    }
}

/// A stream that gives `chunks` chunks of one size, then waits for its cancellation or ends.
final class ScriptedSource: BodySource {
    private struct State {
        var given = 0
        var waiter: CheckedContinuation<Void, Never>?
        var isCancelled = false
    }

    private let state = Mutex(State())
    private let chunks: Int
    private let chunkBytes: Int
    private let stalls: Bool
    let cancelled = Signal()
    let stalled = Signal()

    init(chunks: Int, of chunkBytes: Int, stalls: Bool = false) {
        self.chunks = chunks
        self.chunkBytes = chunkBytes
        self.stalls = stalls
    }

    var given: Int { state.withLock { $0.given } }

    func next() async throws -> BodyChunk? {
        let isNext = state.withLock { state in
            state.given += 1
            return state.given <= chunks
        }
        if isNext { return .bytes([UInt8](repeating: 0x78, count: chunkBytes)[...]) }
        guard stalls else { return nil }
        stalled.fire()
        await withCheckedContinuation { continuation in
            let isCancelled = state.withLock { state in
                if !state.isCancelled { state.waiter = continuation }
                return state.isCancelled
            }
            if isCancelled { continuation.resume() }
        }
        throw BodyError.cancelled
    }

    func cancel() {
        cancelled.fire()
        let waiter = state.withLock { state in
            state.isCancelled = true
            return state.waiter.take()
        }
        waiter?.resume()
    }
}

/// Runs a server on a free loopback port for as long as `body` does.
func withServer(
    over carrier: Carrier,
    _ responder: some Responder,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    adjustTLS: (inout TLSConfiguration) -> Void = { _ in },
    log: (any LogHandler)? = nil,
    body: (_ port: Int, _ group: ServiceGroup) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(unixTime: { 784_111_777 })
    configuration.addresses = [.loopback(port: 0)]
    configuration.eventLoops = 1
    configure(&configuration)
    try await carrier.run(configuration) { configuration in
        var configuration = configuration
        if var tls = configuration.tls {
            adjustTLS(&tls)
            configuration.tls = tls
        }
        try await withServer(configuration, responder, log: log, body: body)
    }
}

/// Runs a server of that configuration for as long as `body` does.
func withServer(
    _ configuration: HTTPServerConfiguration,
    _ responder: some Responder,
    log: (any LogHandler)? = nil,
    body: (_ port: Int, _ group: ServiceGroup) async throws -> Void
) async throws {
    var logger = Logger(label: "test", factory: { log ?? StreamLogHandler.standardError(label: $0) })
    logger.logLevel = log == nil ? .critical : .trace
    let server = Server(configuration: configuration, responder: responder, logger: logger)
    let port = try #require(try await server.bind().first?.port)
    let group = ServiceGroup(services: [server], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        do {
            try await body(port, group)
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}
