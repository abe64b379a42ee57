// What a client can ask for too much of: each limit kept to and exceeded by one.

import HTTP
import Testing

@testable import HTTPServer

@Suite struct HTTP2LimitTests {
    private static let calm: UInt32 = 11

    private static var table: TableResponder {
        var responder = TableResponder()
        responder.immediate["/"] = TableResponder.answer("hello")
        responder.immediate["/large"] = TableResponder.answer(String(repeating: "x", count: 200_000))
        return responder
    }

    /// A GET whose field list counts for `bytes` (RFC 9113 section 6.5.2).
    private static func listed(_ stream: UInt32, _ bytes: Int) -> [Frame] {
        let fields = Frame.request()
        let used = fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 } + 32 + 1
        let block = Frame.block(fields + [("x", String(repeating: "y", count: bytes - used))])
        var frames = [Frame.headers(stream, Array(block.prefix(16384)), endHeaders: block.count <= 16384)]
        for start in stride(from: 16384, to: block.count, by: 16384) {
            let end = min(start + 16384, block.count)
            frames.append(.continuation(stream, Array(block[start..<end]), end: end == block.count))
        }
        return frames
    }

    // MARK: Streams

    @Test func `as many streams as said, one more is refused so that it may be repeated`() {
        var driver = HTTP2Driver(configure: { $0.http2.streamsMax = 3 })
        for stream in [1, 3, 5] as [UInt32] { driver.receive(Frame.get(stream)) }
        #expect(driver.started.count == 3)
        driver.receive(Frame.get(7))
        #expect(driver.streams[7]?.resetCode == 7)
        driver.respond(1, Response(status: 200))
        driver.receive(Frame.get(9))
        #expect(driver.started.map(\.number) == [1, 3, 5, 9])
        #expect(driver.goAway == nil)
    }

    // MARK: Header blocks

    @Test func `a field list at the limit is answered, one octet more is 431`() {
        var driver = HTTP2Driver(Self.table, configure: { $0.headBytesMax = 20_000 })
        driver.receive(Self.listed(1, 20_000).flatMap(\.octets))
        #expect(driver.streams[1]?.status == "200")
        driver.receive(Self.listed(3, 20_001).flatMap(\.octets))
        #expect(driver.streams[3]?.status == "431")
        driver.receive(Frame.get(5))
        #expect(driver.streams[5]?.status == "200")
    }

    @Test func `as many fields as allowed, one more is 431`() {
        var driver = HTTP2Driver(Self.table, configure: { $0.fieldsMax = 3 })
        let fields = [("a", "b"), ("c", "d"), ("e", "f")]
        driver.receive(Frame.headers(1, Frame.block(Frame.request() + fields)))
        #expect(driver.streams[1]?.status == "200")
        driver.receive(Frame.headers(3, Frame.block(Frame.request() + fields + [("g", "h")])))
        #expect(driver.streams[3]?.status == "431")
    }

    @Test func `a path at the limit is answered, one octet more is 414`() {
        var responder = TableResponder()
        let path = "/" + String(repeating: "p", count: 99)
        responder.immediate[path] = TableResponder.answer("hello")
        var driver = HTTP2Driver(responder, configure: { $0.requestLineBytesMax = 100 })
        driver.receive(Frame.get(1, path), Frame.get(3, path + "p"))
        #expect(driver.streams[1]?.status == "200")
        #expect(driver.streams[3]?.status == "414")
    }

    @Test func `a header block at the limit is decoded, one octet more ends the connection`() {
        let block = Frame.block(Frame.request())
        for (bytesMax, isWithin) in [(block.count, true), (block.count - 1, false)] {
            var driver = HTTP2Driver(Self.table, configure: { $0.http2.headerBlockBytesMax = bytesMax })
            driver.receive(
                Frame.headers(1, Array(block.prefix(5)), endHeaders: false),
                Frame.continuation(1, Array(block.dropFirst(5)), end: true)
            )
            #expect(driver.streams[1]?.status == (isWithin ? "200" : nil))
            #expect(driver.goAway == (isWithin ? nil : Self.calm))
        }
    }

    @Test func `a flood of CONTINUATIONs ends at the limit, CVE-2024-27316`() {
        for (count, isWithin) in [(8, true), (9, false)] {
            var driver = HTTP2Driver(Self.table)
            driver.receive(Frame.headers(1, Frame.block(Frame.request()), endHeaders: false))
            for number in 1...count where driver.closes.isEmpty {
                driver.receive(Frame.continuation(1, [], end: number == count))
            }
            #expect(driver.streams[1]?.status == (isWithin ? "200" : nil))
            #expect(driver.goAway == (isWithin ? nil : Self.calm))
        }
    }

    @Test func `a bomb of references to one large field is not decoded to its end`() {
        var driver = HTTP2Driver(Self.table)
        // One entry of 4000 octets, then 12,000 references of one octet each: 48 MB.
        var block = Frame.block(Frame.request())
        block += [0x40, 1, 0x78]
        HPACKEncoder.append(integer: 4000, prefixBits: 7, pattern: 0, to: &block)
        block += [UInt8](repeating: 0x79, count: 4000) + [UInt8](repeating: 0xbe, count: 12_000)
        driver.receive(Frame.headers(1, block))
        #expect(driver.goAway == Self.calm)
        #expect(driver.context.http2.fields.count < 64 * 1024)
    }

    @Test func `a smaller bomb is 431, and the table stays in step`() {
        var driver = HTTP2Driver(Self.table)
        var block = Frame.block(Frame.request()) + [0x40, 1, 0x78]
        HPACKEncoder.append(integer: 3000, prefixBits: 7, pattern: 0, to: &block)
        block += [UInt8](repeating: 0x79, count: 3000) + [UInt8](repeating: 0xbe, count: 20)
        driver.receive(Frame.headers(1, block))
        #expect(driver.streams[1]?.status == "431")
        driver.receive(Frame.headers(3, Frame.block(Frame.request()) + [0xbe]))
        #expect(driver.streams[3]?.status == "200")
    }

    // MARK: Resets

    @Test func `a client may reset so many streams at once, then the connection ends, CVE-2023-44487`() {
        var driver = HTTP2Driver(configure: { $0.http2.resetsMax = 10 })
        for number in 0..<10 { driver.receive(Frame.get(UInt32(number * 2 + 1)), Frame.reset(UInt32(number * 2 + 1))) }
        #expect(driver.goAway == nil)
        #expect(driver.cancelled.count == 10)
        driver.receive(Frame.get(21), Frame.reset(21))
        #expect(driver.goAway == Self.calm)
        #expect(Set(driver.cancelled) == Set(driver.started.map(\.number)))
    }

    @Test func `with time there may be more`() {
        var driver = HTTP2Driver(configure: {
            $0.http2.resetsMax = 10
            $0.http2.resetsPerSecond = 5
        })
        var stream: UInt32 = 1
        for _ in 0..<20 {
            for _ in 0..<5 {
                driver.receive(Frame.get(stream), Frame.reset(stream))
                stream += 2
            }
            driver.wait(.seconds(1))
        }
        #expect(driver.goAway == nil)
    }

    /// What makes a server reset a stream of its own accord.
    static let provocations: [[Frame]] = [
        [.get(1), .windowUpdate(1, 0)],
        [.get(1), .windowUpdate(1, 0x7fff_ffff)],
        [.get(1), .data(1, [1])],
        [.get(1), .headers(1, Frame.block([("x", "y")]))],
        [.get(1), Frame(type: 2, stream: 1, payload: [0])],
        [.post(1, "/", [("content-length", "1")]), .data(1, [1, 2])],
        [.headers(1, Frame.block([("X", "y")]))],
    ]

    @Test(arguments: provocations)
    func `resets that we are made to send count as well, CVE-2025-8671`(_ provocation: [Frame]) {
        var driver = HTTP2Driver(configure: { $0.http2.resetsMax = 10 })
        for number in 0...10 {
            #expect(driver.goAway == nil, "after \(number)")
            for frame in provocation {
                var frame = frame
                frame.stream = UInt32(number * 2 + 1)
                driver.receive(frame)
            }
        }
        #expect(driver.goAway == Self.calm)
        #expect(Set(driver.cancelled) == Set(driver.started.map(\.number)))
    }

    // MARK: Frames that bring nothing

    static let idleFrames: [Frame] = [
        .settings(), .settingsAck, .ping, Frame(type: 6, flags: 1, payload: Frame.ping.payload), .windowUpdate(0, 1),
        Frame(type: 2, stream: 9, payload: [0, 0, 0, 0, 1]), Frame(type: 0x77), .data(1, []), .data(1, [1]),
        Frame(type: 0, flags: 8, stream: 1, payload: [UInt8](repeating: 0, count: 1)), .reset(3),
        Frame(type: 7, payload: [UInt8](repeating: 0, count: 8)),
    ]

    @Test(arguments: idleFrames)
    func `a flood of frames that bring nothing ends the connection`(_ frame: Frame) {
        var driver = HTTP2Driver(Self.table, configure: { $0.http2.controlFramesMax = 20 })
        driver.receive(Frame.post(1, "/slow"), Frame.get(3))
        // What the beginning has used up is given back by requests.
        for number in 0..<20 {
            #expect(driver.goAway == nil, "after \(number)")
            driver.receive(frame)
        }
        #expect(driver.goAway == nil)
        driver.receive(frame)
        #expect(driver.goAway == Self.calm)
    }

    @Test func `window updates for octets that were sent are no flood`() {
        var driver = HTTP2Driver(configure: { $0.http2.controlFramesMax = 20 })
        driver.receive(Frame.get(1))
        driver.respondStream(1)
        for _ in 0..<500 {
            driver.send(1, [UInt8](repeating: 1, count: 16_384))
            driver.receive(Frame.windowUpdate(1, 16_384), Frame.windowUpdate(0, 16_384))
        }
        driver.endStream(1)
        #expect(driver.goAway == nil)
        #expect(driver.streams[1]?.body.count == 500 * 16_384)
        #expect(driver.streams[1]?.hasEnded == true)
    }

    @Test func `window updates by one octet are a flood, though each brings an octet`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 0)], configure: { $0.http2.controlFramesMax = 20 })
        driver.receive(Frame.get(1, "/large"))
        for number in 0..<20 {
            #expect(driver.goAway == nil, "after \(number)")
            driver.receive(Frame.windowUpdate(1, 1))
        }
        driver.receive(Frame.windowUpdate(1, 1))
        #expect(driver.streams[1]?.body.count == 20)
        #expect(driver.goAway == Self.calm)
    }

    // MARK: Memory

    @Test func `a client that does not read makes us remember little`() {
        var driver = HTTP2Driver(Self.table)
        driver.isBlocked = true
        driver.receive(Frame.ping)
        let frames = driver.frames.count
        var stream: UInt32 = 1
        while driver.engine.wantsRead, stream < 100_000 {
            driver.receive(Frame.get(stream))
            stream += 2
        }
        #expect(stream < 2000)
        #expect(driver.frames.count == frames)
        driver.unblock()
        #expect(driver.streams.count == Int(stream / 2))
        #expect(driver.streams.values.allSatisfy { $0.hasEnded })
    }

    @Test func `one round of output is bounded, however much is wanted`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 1 << 24)])
        driver.receive(Frame.windowUpdate(0, 1 << 30))
        driver.receive((0..<100).flatMap { Frame.get(UInt32($0 * 2 + 1), "/large").octets })
        #expect(driver.streams.count == 100)
        #expect(driver.streams.values.allSatisfy { $0.body.count == 200_000 && $0.hasEnded })
        #expect(driver.largestOutput < 256 * 1024)
    }
}
