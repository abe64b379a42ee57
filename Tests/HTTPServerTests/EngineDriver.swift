// A transport in memory: drives one engine and keeps what it sends and asks for.

import HTTP
import HTTPServer
import Synchronization

/// Answers at once what `immediate` knows, by target; everything else is for the test to answer.
struct TableResponder: Responder {
    var immediate: [String: (head: String, body: BodyChunk?)] = [:]

    func respond(to request: Request) async throws -> Response { Response(status: 404) }

    func respondImmediately(
        to head: borrowing RequestHead,
        in buffer: Span<UInt8>,
        into response: inout ImmediateResponse
    ) -> Bool {
        let target = String(decoding: buffer.extracting(head.target).array, as: UTF8.self)
        guard let answer = immediate[target] else { return false }
        response.output.append(contentsOf: answer.head.utf8)
        response.isDated = answer.head.contains("\r\nDate: ")
        if head.method != .head { response.body = answer.body }
        return true
    }

    /// A 200 with a body in memory.
    static func answer(_ body: String) -> (head: String, body: BodyChunk?) {
        ("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nDate: then\r\n", .bytes(Array(body.utf8)[...]))
    }
}

/// Plays the transport: like it, takes output before actions, and reports acceptance unless the test blocks it.
struct EngineDriver {
    var context: EngineContext
    var engine: HTTP1Engine
    /// Everything sent so far.
    var sent: [UInt8] = []
    /// Each output by itself, to see what would be one write.
    var writes: [String] = []
    var started: [StartedRequest] = []
    var pulls: [RequestNumber] = []
    var cancelled: [RequestNumber] = []
    var closes: [EngineClose] = []
    /// Whether the engine has given way to HTTP/2's.
    var speaksHTTP2 = false
    /// Whether the client takes no output.
    var isBlocked = false

    init(
        _ responder: TableResponder = TableResponder(),
        configure: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) {
        var configuration = HTTPServerConfiguration(unixTime: { 784_111_777 })
        configure(&configuration)
        context = EngineContext(configuration: configuration, responder: responder, monotonicNanoseconds: { 0 })
        engine = HTTP1Engine(in: context)
    }

    /// What was sent since the last call, as text.
    mutating func takeSent() -> String {
        defer { sent = [] }
        return String(decoding: sent, as: UTF8.self)
    }

    mutating func receive(_ text: String) {
        receive(Array(text.utf8))
    }

    mutating func receive(_ octets: [UInt8]) {
        engine.receive(octets.span, in: &context)
        perform()
    }

    mutating func endInput() {
        engine.endInput(in: &context)
        perform()
    }

    mutating func respond(_ number: RequestNumber, _ response: Response) {
        engine.respond(number, with: response, in: &context)
        perform()
    }

    mutating func send(_ number: RequestNumber, _ text: String) {
        engine.send(number, .bytes(Array(text.utf8)[...]), in: &context)
        perform()
    }

    mutating func endStream(_ number: RequestNumber) {
        engine.endStream(number, in: &context)
        perform()
    }

    mutating func failStream(_ number: RequestNumber) {
        engine.failStream(number, in: &context)
        perform()
    }

    mutating func interim(_ number: RequestNumber, _ response: InterimResponse) {
        engine.interim(number, response, in: &context)
        perform()
    }

    mutating func bodyWanted(_ number: RequestNumber) {
        engine.requestBodyWanted(number, in: &context)
        perform()
    }

    mutating func bodyAbandoned(_ number: RequestNumber) {
        engine.requestBodyAbandoned(number, in: &context)
        perform()
    }

    mutating func connectionLost() {
        engine.connectionLost(in: &context)
        perform()
    }

    mutating func shutDown() {
        engine.shutDown(in: &context)
        perform()
    }

    /// The client takes what it was sent.
    mutating func unblock() {
        isBlocked = false
        engine.outputAccepted(in: &context)
        perform()
    }

    /// Lets time pass and ticks.
    mutating func wait(_ duration: Duration) {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        context.advance(to: context.now + milliseconds)
        engine.tick(in: &context)
        perform()
    }

    private mutating func perform() {
        repeat {
            if context.hasOutput() {
                var octets = context.output.output
                context.clearOutput()
                switch context.output.body.take() {
                case .bytes(let bytes)?: octets += bytes
                case .file(let region)?: octets += (try? region.read()) ?? []
                case nil: break
                }
                if context.bodyEndsChunk { octets += [0x0d, 0x0a] }
                context.bodyEndsChunk = false
                sent += octets
                writes.append(String(decoding: octets, as: UTF8.self))
            }
            let actions = context.actions
            context.actions = []
            for action in actions {
                switch action {
                case .start(let request): started.append(request)
                case .pull(let number): pulls.append(number)
                case .cancel(let number): cancelled.append(number)
                case .close(let kind): closes.append(kind)
                case .speakHTTP2: speaksHTTP2 = true
                }
            }
            if isBlocked {
                engine.blockOutput(in: &context)
            } else if engine.wantsAcceptance {
                engine.outputAccepted(in: &context)
            }
        } while context.hasWork()
    }
}

/// A stream that does nothing but remember that it was cancelled; the tests play its part.
final class ProbeSource: BodySource {
    private let cancellations = Mutex(0)

    var cancelCount: Int { cancellations.withLock { $0 } }

    func next() async throws -> BodyChunk? { nil }

    func cancel() { cancellations.withLock { $0 += 1 } }
}
