// A client and a transport in memory for the HTTP/2 engine: frames in, frames out.

import HTTP
import Testing

@testable import HTTPServer

/// One frame as tests write and read them.
struct Frame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.append(frame: type, flags: flags, stream: stream, length: payload.count)
        return octets + payload
    }

    var description: String { "frame \(type) flags \(flags) stream \(stream) payload \(payload.count)" }
    var endsStream: Bool { type <= 1 && flags & 1 != 0 }
    /// The error code of RST_STREAM and GOAWAY.
    var code: UInt32 {
        payload.suffix(payload.count >= 8 ? payload.count - 4 : 4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func settings(_ pairs: [(UInt16, UInt32)] = []) -> Frame {
        var octets: [UInt8] = []
        octets.append(settings: pairs)
        return Frame(type: 4, payload: Array(octets.dropFirst(9)))
    }

    static let settingsAck = Frame(type: 4, flags: 1)

    static func headers(_ stream: UInt32, _ block: [UInt8], end: Bool = true, endHeaders: Bool = true) -> Frame {
        Frame(type: 1, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, payload: block)
    }

    /// A GET of `path`.
    static func get(_ stream: UInt32, _ path: String = "/", end: Bool = true) -> Frame {
        headers(stream, block(request(path: path)), end: end)
    }

    static func post(_ stream: UInt32, _ path: String = "/", _ fields: [(String, String)] = []) -> Frame {
        headers(stream, block(request("POST", path: path) + fields), end: false)
    }

    static func data(_ stream: UInt32, _ octets: [UInt8], end: Bool = false) -> Frame {
        Frame(type: 0, flags: end ? 1 : 0, stream: stream, payload: octets)
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
        Frame(type: 8, stream: stream, payload: big(increment))
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> Frame {
        Frame(type: 3, stream: stream, payload: big(code))
    }

    static func continuation(_ stream: UInt32, _ block: [UInt8], end: Bool) -> Frame {
        Frame(type: 9, flags: end ? 4 : 0, stream: stream, payload: block)
    }

    static let ping = Frame(type: 6, payload: [1, 2, 3, 4, 5, 6, 7, 8])

    static func big(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
    }

    static func request(_ method: String = "GET", path: String = "/") -> [(String, String)] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "h")]
    }

    /// A header block of literals that are not indexed.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in fields {
            block.append(0)
            for text in [name, value] {
                HPACKEncoder.append(integer: text.utf8.count, prefixBits: 7, pattern: 0, to: &block)
                block += text.utf8
            }
        }
        return block
    }

    /// The frames in `octets`; nil if they end within one.
    static func parse(_ octets: [UInt8]) -> [Frame]? {
        var frames: [Frame] = []
        var at = 0
        while at < octets.count {
            guard octets.count - at >= 9 else { return nil }
            let header = HTTP2FrameHeader(octets.span, at: at)
            let end = at + 9 + header.length
            guard end <= octets.count else { return nil }
            frames.append(
                Frame(
                    type: header.type,
                    flags: header.flags,
                    stream: header.streamID,
                    payload: Array(octets[(at + 9)..<end])
                )
            )
            at = end
        }
        return frames
    }
}

/// What a client has read of one stream.
struct ReadStream: Equatable {
    var heads: [[String]] = []
    var body: [UInt8] = []
    var hasEnded = false
    var resetCode: UInt32?

    var status: String? { heads.last?.first }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Plays transport and client: takes output before actions, reports acceptance unless blocked, and keeps account of what
/// the server sends.
struct HTTP2Driver {
    var context: EngineContext
    let engine: HTTP2Engine
    /// Every frame that the server sent.
    var frames: [Frame] = []
    var streams: [UInt32: ReadStream] = [:]
    var started: [StartedRequest] = []
    var pulls: [RequestNumber] = []
    var cancelled: [RequestNumber] = []
    var closes: [EngineClose] = []
    var summaries = 0
    var isBlocked = false
    /// The largest output of one round.
    var largestOutput = 0

    private var decoder = HPACKDecoder(tableSizeLimit: 4096)
    private var sent: [UInt8] = []
    private var block: [UInt8] = []

    init(
        _ responder: TableResponder = TableResponder(),
        preface: Bool = true,
        settings: [(UInt16, UInt32)] = [],
        configure: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) {
        var configuration = HTTPServerConfiguration(unixTime: { 784_111_777 })
        configure(&configuration)
        context = EngineContext(configuration: configuration, responder: responder, monotonicNanoseconds: { 0 })
        engine = HTTP2Engine(in: &context)
        perform()
        guard preface else { return }
        receive(HTTP2Driver.preface + Frame.settings(settings).octets + Frame.settingsAck.octets)
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// The code of the GOAWAY that ended the connection.
    var goAway: UInt32? { frames.last { $0.type == 7 }?.code }

    mutating func receive(_ frames: Frame...) { receive(frames.flatMap(\.octets)) }

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

    /// Answers with a stream of that length, which the test plays.
    mutating func respondStream(_ number: RequestNumber, length: Int64? = nil, _ source: ProbeSource = ProbeSource()) {
        respond(number, Response(status: 200, body: Body(length: length, content: .stream(source))))
    }

    mutating func send(_ number: RequestNumber, _ octets: [UInt8]) {
        engine.send(number, .bytes(octets[...]), in: &context)
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

    mutating func unblock() {
        isBlocked = false
        engine.outputAccepted(in: &context)
        perform()
    }

    /// Lets time pass in one tick.
    mutating func wait(_ duration: Duration) {
        context.advance(to: context.now + duration.milliseconds)
        engine.tick(in: &context)
        perform()
    }

    private mutating func perform() {
        repeat {
            if context.hasOutput() {
                largestOutput = max(largestOutput, context.output.output.count)
                sent += context.output.output
                context.clearOutput()
                read()
            }
            let actions = context.actions
            context.actions = []
            for action in actions {
                switch action {
                case .start(let request): started.append(request)
                case .pull(let number): pulls.append(number)
                case .cancel(let number): cancelled.append(number)
                case .close(let kind): closes.append(kind)
                case .speakHTTP2: break
                }
            }
            if isBlocked {
                engine.blockOutput(in: &context)
            } else if engine.wantsAcceptance {
                engine.outputAccepted(in: &context)
            }
        } while context.hasWork()
    }

    /// Reads what the server sent as a client does.
    private mutating func read() {
        guard let new = Frame.parse(sent) else {
            Issue.record("output ends within a frame")
            return
        }
        sent = []
        frames += new
        for frame in new {
            switch frame.type {
            case 0:
                streams[frame.stream, default: ReadStream()].body += frame.payload
            case 1, 9:
                block += frame.payload
                if frame.flags & 4 != 0 { readBlock(of: frame.stream) }
            case 3: streams[frame.stream, default: ReadStream()].resetCode = frame.code
            default: break
            }
            if frame.endsStream { streams[frame.stream, default: ReadStream()].hasEnded = true }
        }
    }

    private mutating func readBlock(of stream: UInt32) {
        let block = self.block
        self.block = []
        do {
            var lines: [String] = []
            var at = try decoder.begin(block.span)
            while at < block.count {
                var octets: [UInt8] = []
                let field = try decoder.next(block.span, at: &at, into: &octets)
                #expect(field.kind.isNameValid || field.kind.pseudo == .unknown)
                #expect(field.kind.isValueValid)
                let name = String(decoding: octets[field.name], as: UTF8.self)
                let value = String(decoding: octets[field.value], as: UTF8.self)
                lines.append(name == ":status" ? value : "\(name): \(value)")
            }
            streams[stream, default: ReadStream()].heads.append(lines)
        } catch {
            Issue.record("a header block cannot be decoded: \(error)")
        }
    }
}
