// The engine of one connection: HTTP/1.1's, or HTTP/2's once the client has said that it speaks that.

import HTTP

/// What a transport drives; each call goes to the engine that the connection has.
///
/// HTTP/1.1's is stored in place, and HTTP/2's is an object beside it, so that a connection of HTTP/1.1 takes one word
/// and one comparison more for each event than it would by itself.
struct ConnectionEngine {
    private var http1: HTTP1Engine
    private var http2: HTTP2Engine?

    /// A connection that was accepted now.
    init(in context: borrowing EngineContext) {
        http1 = HTTP1Engine(in: context)
    }

    /// The client speaks HTTP/2: it said so in the handshake of TLS, or by the octets that it sent.
    mutating func speakHTTP2(in context: inout EngineContext) {
        guard http2 == nil else { return }
        let engine = HTTP2Engine(in: &context)
        engine.client = http1.client
        http2 = engine
        let (octets, hasEnded) = http1.giveWay()
        if !octets.isEmpty { engine.receive(octets.span, in: &context) }
        if hasEnded { engine.endInput(in: &context) }
    }

    // MARK: What the transport may ask

    /// The client, for the journal.
    var client: JournalClient {
        get { http2?.client ?? http1.client }
        set {
            http1.client = newValue
            http2?.client = newValue
        }
    }

    var wantsRead: Bool {
        if let http2 { return http2.wantsRead }
        return http1.wantsRead
    }

    var wantsAcceptance: Bool {
        if let http2 { return http2.wantsAcceptance }
        return http1.wantsAcceptance
    }

    // MARK: Events of the connection

    /// The connection's idle time begins anew.
    mutating func noteActivity(in context: borrowing EngineContext) {
        http1.idleSince = context.now
        http2?.idleSince = context.now
    }

    mutating func receive(_ octets: Span<UInt8>, in context: inout EngineContext) {
        if let http2 { return http2.receive(octets, in: &context) }
        http1.receive(octets, in: &context)
    }

    mutating func endInput(in context: inout EngineContext) {
        if let http2 { return http2.endInput(in: &context) }
        http1.endInput(in: &context)
    }

    mutating func blockOutput(in context: inout EngineContext) {
        if let http2 { return http2.blockOutput(in: &context) }
        http1.blockOutput(in: &context)
    }

    mutating func noteOutputProgress(in context: inout EngineContext) {
        if let http2 { return http2.noteOutputProgress(in: &context) }
        http1.noteOutputProgress(in: &context)
    }

    mutating func outputAccepted(in context: inout EngineContext) {
        if let http2 { return http2.outputAccepted(in: &context) }
        http1.outputAccepted(in: &context)
    }

    mutating func connectionLost(in context: inout EngineContext) {
        if let http2 { return http2.connectionLost(in: &context) }
        http1.connectionLost(in: &context)
    }

    // MARK: Events of the server

    mutating func tick(in context: inout EngineContext) {
        if let http2 { return http2.tick(in: &context) }
        http1.tick(in: &context)
    }

    mutating func shutDown(in context: inout EngineContext) {
        if let http2 { return http2.shutDown(in: &context) }
        http1.shutDown(in: &context)
    }

    mutating func abort(in context: inout EngineContext) {
        if let http2 { return http2.abort(in: &context) }
        http1.abort(in: &context)
    }

    mutating func refuseConnection(_ refusal: RequestRefusal, in context: inout EngineContext) {
        if let http2 { return http2.refuseConnection(refusal, in: &context) }
        http1.refuseConnection(refusal, in: &context)
    }

    // MARK: Events of requests

    mutating func respond(_ number: RequestNumber, with response: Response, in context: inout EngineContext) {
        if let http2 { return http2.respond(number, with: response, in: &context) }
        http1.respond(number, with: response, in: &context)
    }

    mutating func interim(_ number: RequestNumber, _ interim: InterimResponse, in context: inout EngineContext) {
        if let http2 { return http2.interim(number, interim, in: &context) }
        http1.interim(number, interim, in: &context)
    }

    mutating func send(_ number: RequestNumber, _ chunk: BodyChunk, in context: inout EngineContext) {
        if let http2 { return http2.send(number, chunk, in: &context) }
        http1.send(number, chunk, in: &context)
    }

    mutating func endStream(_ number: RequestNumber, in context: inout EngineContext) {
        if let http2 { return http2.endStream(number, in: &context) }
        http1.endStream(number, in: &context)
    }

    mutating func failStream(_ number: RequestNumber, in context: inout EngineContext) {
        if let http2 { return http2.failStream(number, in: &context) }
        http1.failStream(number, in: &context)
    }

    mutating func requestBodyWanted(_ number: RequestNumber, in context: inout EngineContext) {
        if let http2 { return http2.requestBodyWanted(number, in: &context) }
        http1.requestBodyWanted(number, in: &context)
    }

    mutating func requestBodyAbandoned(_ number: RequestNumber, in context: inout EngineContext) {
        if let http2 { return http2.requestBodyAbandoned(number, in: &context) }
        http1.requestBodyAbandoned(number, in: &context)
    }
}
