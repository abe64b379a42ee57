// HTTP/2 and time: what waits too long is ended, and a server that stops lets its clients know first.

import HTTP
import Testing

@testable import HTTPServer

@Suite struct HTTP2TimeTests {
    private static var table: TableResponder {
        var responder = TableResponder()
        responder.immediate["/"] = TableResponder.answer("hello")
        responder.immediate["/large"] = TableResponder.answer(String(repeating: "x", count: 200_000))
        return responder
    }

    // MARK: Timeouts

    @Test func `an idle connection is told to go, PINGs or not`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive(Frame.get(1))
        for _ in 0..<74 {
            driver.wait(.seconds(1))
            driver.receive(Frame.ping)
        }
        #expect(driver.goAway == nil)
        driver.wait(.seconds(1))
        #expect(driver.goAway == 0)
        #expect(driver.closes == [.linger])
        driver.wait(.seconds(2))
        #expect(driver.closes == [.linger, .flush])
    }

    @Test func `a connection with a stream is not idle`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive(Frame.get(1, "/slow"))
        driver.wait(.seconds(1000))
        #expect(driver.goAway == nil)
    }

    static let halves: [[UInt8]] = [
        [], Array("PRI *".utf8), HTTP2Driver.preface,
        HTTP2Driver.preface + Frame.settings().octets + Frame.get(1).octets.dropLast(),
        HTTP2Driver.preface + Frame.settings().octets + Frame.headers(1, [], endHeaders: false).octets,
        HTTP2Driver.preface + Frame.settings().octets + [0, 0],
    ]

    @Test(arguments: halves)
    func `what is begun must be ended in time`(_ octets: [UInt8]) {
        var driver = HTTP2Driver(Self.table, preface: false)
        driver.receive(octets)
        driver.wait(.milliseconds(9999))
        #expect(driver.closes == [])
        driver.wait(.milliseconds(1))
        #expect(driver.closes == [.linger])
    }

    @Test func `a body that does not come is 408, and a late one too`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.post(3))
        for _ in 0..<29 {
            driver.wait(.seconds(1))
            driver.receive(Frame.data(3, [UInt8](repeating: 1, count: 32)))
        }
        #expect(driver.streams.isEmpty)
        driver.wait(.seconds(1))
        #expect(driver.streams[1]?.status == "408")
        #expect(driver.streams[3]?.status == "408")
        #expect(driver.streams[1]?.resetCode == 0)
        #expect(driver.cancelled == [1, 3])
    }

    @Test func `a body is not late while its reader rests`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1))
        for _ in 0..<4 { driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 16_000))) }
        driver.wait(.seconds(1000))
        #expect(driver.streams.isEmpty)
    }

    @Test func `a stream whose window stays shut is reset, the others go on`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 0)])
        driver.receive(Frame.get(1, "/large"), Frame.get(3, "/large"), Frame.windowUpdate(3, 100))
        driver.wait(.seconds(59))
        driver.receive(Frame.windowUpdate(3, 1024))
        driver.wait(.seconds(1))
        #expect(driver.streams[1]?.resetCode == 8)
        #expect(driver.streams[3]?.resetCode == nil)
        driver.receive(Frame.windowUpdate(3, 1 << 20), Frame.windowUpdate(0, 1 << 20))
        #expect(driver.streams[3]?.hasEnded == true)
    }

    @Test func `a tiny window held open is not progress`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 0)])
        driver.receive(Frame.get(1, "/large"))
        for _ in 0..<60 {
            driver.receive(Frame.windowUpdate(1, 1))
            driver.wait(.seconds(1))
        }
        #expect(driver.streams[1]?.body.count == 60)
        #expect(driver.streams[1]?.resetCode == 8)
    }

    @Test func `the connection's window held shut ends the connection`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 1 << 20)])
        driver.receive(Frame.get(1, "/large"))
        for _ in 0..<60 {
            #expect(driver.goAway == nil)
            driver.receive(Frame.windowUpdate(0, 1))
            driver.wait(.seconds(1))
        }
        #expect(driver.goAway == 11)
    }

    @Test func `a client that takes nothing from the socket is reset`() {
        var driver = HTTP2Driver(Self.table)
        driver.isBlocked = true
        driver.receive(Frame.get(1))
        driver.wait(.seconds(59))
        #expect(driver.closes == [])
        driver.wait(.seconds(1))
        #expect(driver.closes == [.abort])
    }

    @Test func `a client that has closed its side gets what is running, or is taken to have left`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1), Frame.get(3))
        driver.endInput()
        driver.respond(1, Response(status: 200, body: Body("x")))
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.closes == [])
        driver.wait(.seconds(5))
        #expect(driver.closes == [.abort])
        #expect(driver.cancelled == [3])
        var idle = HTTP2Driver()
        idle.endInput()
        #expect(idle.closes == [.flush])
    }

    // MARK: Shutdown (section 6.8)

    @Test func `an idle connection is told and closed at once`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive(Frame.get(1))
        driver.shutDown()
        #expect(driver.goAway == 0)
        #expect(driver.frames.last?.payload.prefix(4) == [0, 0, 0, 1])
        #expect(driver.closes == [.linger])
    }

    @Test func `what runs is finished, and what was on its way when the client was told`() throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        driver.shutDown()
        #expect(driver.frames.suffix(2).map(\.type) == [7, 6])
        #expect(driver.frames.suffix(2).first?.payload.prefix(4) == [0x7f, 0xff, 0xff, 0xff])
        driver.receive(Frame.get(3))
        #expect(driver.started.count == 2)
        var ping = try #require(driver.frames.last)
        ping.flags = 1
        driver.receive(ping)
        #expect(driver.frames.last?.payload.prefix(4) == [0, 0, 0, 3])
        // A stream beyond the last one is nobody's; its fields still count for the table.
        driver.receive(Frame.post(5), Frame.data(5, [1], end: true), Frame.windowUpdate(5, 1), Frame.reset(5))
        #expect(driver.started.count == 2)
        #expect(driver.goAway == 0)
        driver.respond(1, Response(status: 200))
        #expect(driver.closes == [])
        driver.respond(3, Response(status: 200))
        #expect(driver.closes == [.linger])
        #expect(driver.streams[3]?.hasEnded == true)
        driver.endInput()
        #expect(driver.closes == [.linger, .flush])
    }

    @Test func `a client that answers no PING is waited for a second`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        driver.shutDown()
        driver.respond(1, Response(status: 200))
        #expect(driver.closes == [])
        driver.wait(.seconds(1))
        #expect(driver.closes == [.linger])
    }

    @Test func `a reset of the connection cancels what runs`() {
        var driver = HTTP2Driver()
        let source = ProbeSource()
        driver.receive(Frame.get(1), Frame.get(3), Frame.get(5))
        driver.respondStream(3, source)
        driver.engine.abort(in: &driver.context)
        driver.unblock()
        #expect(driver.closes == [.abort])
        #expect(driver.cancelled == [1, 3, 5])
        #expect(source.cancelCount == 1)
    }

    // MARK: From HTTP/1.1

    @Test func `the preface of a client that knows makes HTTP 1-1 give way, in any pieces`() {
        let octets = HTTP2Driver.preface + Frame.settings().octets
        for count in 1...octets.count {
            var driver = EngineDriver()
            var sent = 0
            while sent < octets.count, !driver.speaksHTTP2 {
                driver.receive(Array(octets[sent..<min(octets.count, sent + count)]))
                sent = min(octets.count, sent + count)
            }
            #expect(driver.speaksHTTP2)
            let (kept, hasEnded) = driver.engine.giveWay()
            #expect(kept == Array(octets[..<sent]))
            #expect(!hasEnded)
            #expect(driver.sent.isEmpty)
            #expect(driver.closes == [])
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n"])
    func `a preface behind something else is refused`(_ before: String) {
        var driver = EngineDriver(Self.table)
        driver.receive(before + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        #expect(!driver.speaksHTTP2)
        #expect(driver.takeSent().contains("HTTP/1.1 505"))
    }

    @Test(arguments: [
        "PRI * HTTP/1.1\r\nHost: h\r\n\r\n", "PRI / HTTP/2.0\r\n", "PRI * HTTP/2.1\r\n", "GET * HTTP/2.0\r\n",
    ])
    func `what only resembles a preface is a request of HTTP 1-1`(_ text: String) {
        var driver = EngineDriver()
        driver.receive(text)
        #expect(!driver.speaksHTTP2)
        #expect(driver.takeSent().hasPrefix("HTTP/1.1 "))
    }
}
