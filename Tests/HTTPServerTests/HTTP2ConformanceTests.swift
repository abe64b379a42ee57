// RFC 9113 section by section: raw frames in, and whether they are an error of the connection, of the stream, or none.

import HTTP
import Testing

@testable import HTTPServer

/// What must come of some frames.
enum FrameOutcome: Equatable {
    /// GOAWAY of that code, and the connection ends.
    case connectionError(UInt32)
    /// RST_STREAM of that code on stream 1, and the connection goes on.
    case streamError(UInt32)
    /// Stream 1 is answered, and the connection goes on.
    case answered(String)
    /// Nothing happens to stream 1, and the connection goes on.
    case nothing
}

struct FrameCase: CustomStringConvertible, Sendable {
    let description: String
    let frames: [Frame]
    let outcome: FrameOutcome

    init(_ description: String, _ frames: [Frame], _ outcome: FrameOutcome) {
        self.description = description
        self.frames = frames
        self.outcome = outcome
    }

    /// Codes of section 7.
    static let protocolError = FrameOutcome.connectionError(1)
    static let flowControlError = FrameOutcome.connectionError(3)
    static let streamClosed = FrameOutcome.connectionError(5)
    static let frameSizeError = FrameOutcome.connectionError(6)
    static let compressionError = FrameOutcome.connectionError(9)

    static let slow = Frame.get(1, "/slow")
    static let upload = Frame.post(1, "/slow")
    static let ok = FrameOutcome.answered("200")
    private static let get = Frame.block(Frame.request())
    private static let priority: [UInt8] = [0, 0, 0, 5, 15]

    private static func padded(_ frame: Frame, _ count: UInt8) -> Frame {
        var frame = frame
        frame.flags |= 8
        frame.payload = [count] + frame.payload + [UInt8](repeating: 0, count: Int(count))
        return frame
    }

    private static func frame(
        _ type: UInt8,
        _ stream: UInt32,
        _ payload: [UInt8] = [],
        flags: UInt8 = 0
    ) -> Frame {
        Frame(type: type, flags: flags, stream: stream, payload: payload)
    }

    static let frameRules: [FrameCase] = [
        FrameCase("4.1: an unknown type is ignored", [frame(0x16, 1, [1, 2]), .get(1)], ok),
        FrameCase(
            "4.1: unknown flags are ignored",
            [frame(6, 0, [UInt8](repeating: 0, count: 8), flags: 0xfe), .get(1)],
            ok
        ),
        FrameCase("4.1: the reserved bit is ignored", [frame(1, 0x8000_0001, get, flags: 5)], ok),
        FrameCase("4.2: DATA of the largest size", [upload, .data(1, [UInt8](repeating: 1, count: 16384))], .nothing),
        FrameCase(
            "4.2: DATA larger than that",
            [upload, .data(1, [UInt8](repeating: 1, count: 16385))],
            frameSizeError
        ),
        FrameCase(
            "4.2: HEADERS larger than that",
            [.headers(1, get + [UInt8](repeating: 0, count: 16384))],
            frameSizeError
        ),
        FrameCase("4.3: a block that cannot be decoded", [.headers(1, [0x80])], compressionError),
        FrameCase("4.3: a trailer that cannot be decoded", [upload, .headers(1, [0xff, 0xff])], compressionError),
        FrameCase("5.1: DATA on an idle stream", [.data(1, [1], end: true)], protocolError),
        FrameCase("5.1: RST_STREAM on an idle stream", [.reset(1)], protocolError),
        FrameCase("5.1: WINDOW_UPDATE on an idle stream", [.windowUpdate(1, 1)], protocolError),
        FrameCase("5.1: CONTINUATION on an idle stream", [.continuation(1, get, end: true)], protocolError),
        FrameCase("5.1: PRIORITY on an idle stream", [frame(2, 7, priority), .get(1)], ok),
        FrameCase("5.1: DATA on half-closed (remote)", [slow, .data(1, [1], end: true)], .streamError(5)),
        FrameCase("5.1: HEADERS on half-closed (remote)", [slow, .headers(1, get)], .streamError(5)),
        FrameCase(
            "5.1: CONTINUATION on half-closed (remote)",
            [slow, .continuation(1, get, end: true)],
            protocolError
        ),
        FrameCase("5.1: WINDOW_UPDATE on half-closed (remote)", [slow, .windowUpdate(1, 1)], .nothing),
        FrameCase("5.1: DATA on closed", [.get(1), .data(1, [1], end: true)], .streamError(5)),
        FrameCase("5.1: HEADERS on closed", [.get(1), .headers(1, get)], streamClosed),
        FrameCase("5.1: WINDOW_UPDATE on closed", [.get(1), .windowUpdate(1, 1)], ok),
        FrameCase("5.1: RST_STREAM on closed", [.get(1), .reset(1)], ok),
        FrameCase("5.1: PRIORITY on closed", [.get(1), frame(2, 1, priority)], ok),
        FrameCase("5.1: DATA after RST_STREAM", [slow, .reset(1), .data(1, [1], end: true)], .streamError(5)),
        FrameCase("5.1: HEADERS after RST_STREAM", [slow, .reset(1), .headers(1, get)], streamClosed),
        FrameCase("5.1.1: an even stream", [.get(2)], protocolError),
        FrameCase("5.1.1: a stream below the last", [.get(5, "/slow"), .get(3)], protocolError),
        FrameCase("5.1.1: the first one, below the last", [.get(3), .get(1)], protocolError),
        FrameCase("5.1.1: a closed one among those left out", [.get(3), .get(7), .get(3)], streamClosed),
        FrameCase("5.1.1: one between closed ones", [.get(3), .get(7), .get(5)], protocolError),
        FrameCase(
            "5.5: an unknown frame in a block",
            [.headers(1, get, endHeaders: false), frame(0x16, 1)],
            protocolError
        ),
    ]

    static let types: [FrameCase] = [
        FrameCase("6.1: DATA on stream 0", [frame(0, 0, [1])], protocolError),
        FrameCase("6.1: DATA with padding", [upload, padded(.data(1, [1, 2], end: true), 5)], .nothing),
        FrameCase("6.1: padding as long as the payload", [upload, frame(0, 1, [2, 0], flags: 8)], protocolError),
        FrameCase("6.1: no pad length", [upload, frame(0, 1, [], flags: 8)], frameSizeError),
        FrameCase("6.2: HEADERS on stream 0", [.headers(0, get)], protocolError),
        FrameCase("6.2: HEADERS with padding", [padded(.headers(1, get), 7)], ok),
        FrameCase("6.2: padding longer than the payload", [frame(1, 1, [99] + get, flags: 13)], protocolError),
        FrameCase("6.2: HEADERS with priority", [frame(1, 1, priority + get, flags: 0x25)], ok),
        FrameCase("6.2: HEADERS with half a priority", [frame(1, 1, [0, 0], flags: 0x25)], frameSizeError),
        FrameCase("6.3: PRIORITY on stream 0", [frame(2, 0, priority)], protocolError),
        FrameCase("6.3: PRIORITY of another length", [slow, frame(2, 1, [0, 0, 0, 5])], .streamError(6)),
        FrameCase("5.3.1 of RFC 7540: PRIORITY on itself", [slow, frame(2, 1, [0, 0, 0, 1, 15])], .streamError(1)),
        FrameCase(
            "5.3.1 of RFC 7540: HEADERS on itself",
            [frame(1, 1, [0, 0, 0, 1, 15] + get, flags: 0x25)],
            .streamError(1)
        ),
        FrameCase("6.4: RST_STREAM on stream 0", [.reset(0)], protocolError),
        FrameCase("6.4: RST_STREAM of another length", [slow, frame(3, 1, [0, 0, 0])], frameSizeError),
        FrameCase("6.5: SETTINGS on a stream", [frame(4, 1)], protocolError),
        FrameCase("6.5: an ACK with octets", [frame(4, 0, [0, 3, 0, 0, 0, 1], flags: 1)], frameSizeError),
        FrameCase("6.5: half a setting", [frame(4, 0, [0, 3, 0])], frameSizeError),
        FrameCase("6.5.2: an unknown setting", [.settings([(0xff, 1)]), .get(1)], ok),
        FrameCase("6.5.2: ENABLE_PUSH 2", [.settings([(2, 2)])], protocolError),
        FrameCase("6.5.2: INITIAL_WINDOW_SIZE 2^31", [.settings([(4, 1 << 31)])], flowControlError),
        FrameCase("6.5.2: MAX_FRAME_SIZE 16383", [.settings([(5, 16383)])], protocolError),
        FrameCase("6.5.2: MAX_FRAME_SIZE 2^24 - 1", [.settings([(5, 1 << 24 - 1)]), .get(1)], ok),
        FrameCase("6.5.2: MAX_FRAME_SIZE 2^24", [.settings([(5, 1 << 24)])], protocolError),
        FrameCase("6.6: PUSH_PROMISE", [frame(5, 1, [0, 0, 0, 2])], protocolError),
        FrameCase("6.7: PING on a stream", [frame(6, 1, Frame.ping.payload)], protocolError),
        FrameCase("6.7: PING of another length", [frame(6, 0, [1])], frameSizeError),
        FrameCase("6.7: an ACK that nobody asked for", [frame(6, 0, Frame.ping.payload, flags: 1), .get(1)], ok),
        FrameCase("6.8: GOAWAY on a stream", [frame(7, 1, [UInt8](repeating: 0, count: 8))], protocolError),
        FrameCase("6.8: GOAWAY of the client", [.get(1), frame(7, 0, [UInt8](repeating: 0, count: 8))], ok),
        FrameCase("6.9: WINDOW_UPDATE of another length", [slow, frame(8, 1, [0, 0, 1])], frameSizeError),
        FrameCase("6.9: 0 on the connection", [.windowUpdate(0, 0)], protocolError),
        FrameCase("6.9: 0 on a stream", [slow, .windowUpdate(1, 0)], .streamError(1)),
        FrameCase("6.9.1: the connection's window at 2^31 - 1", [.windowUpdate(0, 0x7fff_0000), .get(1)], ok),
        FrameCase("6.9.1: and beyond", [.windowUpdate(0, 0x7fff_0001)], flowControlError),
        FrameCase("6.9.1: a stream's at 2^31 - 1", [slow, .windowUpdate(1, 0x7fff_0000)], .nothing),
        FrameCase("6.9.1: and beyond", [slow, .windowUpdate(1, 0x7fff_0001)], .streamError(3)),
        FrameCase(
            "6.9.2: and by a setting",
            [slow, .windowUpdate(1, 0x7fff_0000), .settings([(4, 65536)])],
            flowControlError
        ),
        FrameCase(
            "6.10: two CONTINUATIONs",
            [
                .headers(1, Array(get.prefix(5)), endHeaders: false), .continuation(1, Array(get[5..<9]), end: false),
                .continuation(1, Array(get[9...]), end: true),
            ],
            ok
        ),
        FrameCase(
            "6.10: one of another stream",
            [.headers(1, get, endHeaders: false), .continuation(3, [], end: true)],
            protocolError
        ),
        FrameCase("6.10: DATA within a block", [.headers(1, get, endHeaders: false), .data(1, [1])], protocolError),
        FrameCase("6.10: PING within a block", [.headers(1, get, endHeaders: false), .ping], protocolError),
        FrameCase("6.10: after END_HEADERS", [slow, .continuation(1, [], end: true)], protocolError),
    ]
}

@Suite struct HTTP2ConformanceTests {
    private static var responder: TableResponder {
        var responder = TableResponder()
        responder.immediate["/"] = TableResponder.answer("hello")
        return responder
    }

    @Test(arguments: FrameCase.frameRules + FrameCase.types + FrameCase.requests + FrameCase.trailers)
    func `frames are answered as RFC 9113 says`(_ row: FrameCase) {
        var whole = HTTP2Driver(Self.responder)
        whole.receive(row.frames.flatMap(\.octets))
        Self.check(row, whole)
        // In the smallest pieces it is the same.
        var pieces = HTTP2Driver(Self.responder)
        for octet in row.frames.flatMap(\.octets) where pieces.closes.isEmpty { pieces.receive([octet]) }
        Self.check(row, pieces)
    }

    private static func check(_ row: FrameCase, _ driver: HTTP2Driver) {
        var driver = driver
        let first = driver.streams[1]
        if case .connectionError(let code) = row.outcome {
            #expect(driver.goAway == code)
            #expect(driver.closes == [.linger])
            return
        }
        switch row.outcome {
        case .connectionError: break
        case .streamError(let code):
            #expect(first?.resetCode == code)
            #expect(Set(driver.cancelled) == Set(driver.started.map(\.number)))
        case .answered(let status):
            #expect(first?.status == status)
            #expect(first?.hasEnded == true)
        case .nothing:
            #expect(first == nil)
            #expect(driver.cancelled == [])
        }
        #expect(driver.goAway == nil)
        driver.receive(Frame.get(101))
        #expect(driver.streams[101]?.text == "hello")
    }

    // MARK: The beginning (section 3.4)

    @Test func `the server begins with its settings`() {
        let driver = HTTP2Driver(preface: false)
        #expect(driver.frames.first?.type == 4)
        #expect(driver.frames.first?.flags == 0)
        #expect(driver.frames.dropFirst().map(\.type) == [8])
    }

    @Test(arguments: [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "X",
    ])
    func `another preface ends the connection`(_ preface: String) {
        var driver = HTTP2Driver(preface: false)
        driver.receive(Array(preface.utf8))
        #expect(driver.goAway == 1)
        #expect(driver.closes == [.linger])
    }

    @Test(arguments: [Frame.get(1), Frame.ping, Frame.settingsAck])
    func `a preface without SETTINGS ends the connection`(_ frame: Frame) {
        var driver = HTTP2Driver(preface: false)
        driver.receive(HTTP2Driver.preface + frame.octets)
        #expect(driver.goAway == 1)
    }

    @Test func `settings and pings are acknowledged in their order`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.settings([(1, 0)]), Frame.ping, Frame.settings())
        let frames = driver.frames.suffix(3)
        #expect(frames.map(\.type) == [4, 6, 4])
        #expect(frames.map(\.flags) == [1, 1, 1])
        #expect(frames.dropFirst().first?.payload == Frame.ping.payload)
    }
}
