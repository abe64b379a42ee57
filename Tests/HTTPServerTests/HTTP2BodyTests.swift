// Request bodies over HTTP/2: windows that hold the client back, 100 (Continue), and ends of every kind.

import HTTP
import Testing

@testable import HTTPServer

@Suite struct HTTP2BodyTests {
    /// What has been sent to open the window of `stream`.
    private static func credit(_ driver: HTTP2Driver, _ stream: UInt32) -> Int {
        driver.frames.filter { $0.type == 8 && $0.stream == stream }.reduce(0) { $0 + Int($1.code) }
    }

    @Test func `a body arrives whole, trailers are dropped`() async throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.data(1, [1, 2]), Frame.data(1, [3]))
        driver.receive(Frame.headers(1, Frame.block([("x", "y")])))
        let request = try #require(driver.started.first?.request)
        #expect(request.body.length == nil)
        #expect(try await request.body.collect(upTo: 10) == [1, 2, 3])
        driver.respond(1, Response(status: 200))
        #expect(driver.streams[1]?.resetCode == nil)
        #expect(driver.engine.isIdle)
    }

    @Test func `a body has the length that it says`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1, "/", [("content-length", "5")]))
        #expect(driver.started.first?.request.body.length == 5)
    }

    @Test func `a request with an empty body begins at the body's end, and never if octets come`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1, "/", [("content-length", "0")]))
        #expect(driver.started.isEmpty)
        driver.receive(Frame.data(1, [], end: true))
        #expect(driver.started.map(\.number) == [1])
        driver.receive(Frame.post(3, "/", [("content-length", "0")]))
        driver.receive(Frame.data(3, [1], end: true))
        #expect(driver.started.map(\.number) == [1])
        #expect(driver.streams[3]?.resetCode == 1)
    }

    @Test func `windows open as a body is read, and not before`() async throws {
        var driver = HTTP2Driver(configure: { $0.requestBodyBufferBytes = 20_000 })
        let before = Self.credit(driver, 0)
        driver.receive(Frame.post(1))
        driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 10_000)))
        driver.receive(Frame.data(1, [UInt8](repeating: 2, count: 10_000)))
        #expect(Self.credit(driver, 1) == 0)
        let body = try #require(driver.started.first?.body)
        _ = try await body.next()
        driver.bodyWanted(1)
        #expect(Self.credit(driver, 1) == 0)
        _ = try await body.next()
        driver.bodyWanted(1)
        #expect(Self.credit(driver, 1) == 20_000)
        for _ in 0..<2 {
            driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 10_000)))
            _ = try await body.next()
            driver.bodyWanted(1)
        }
        #expect(Self.credit(driver, 0) - before >= 32 * 1024)
    }

    @Test func `a body larger than its window is an error of the stream, and at the window it is not`() {
        var driver = HTTP2Driver(configure: { $0.requestBodyBufferBytes = 70_000 })
        driver.receive(Frame.post(1))
        for _ in 0..<7 { driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 10_000))) }
        #expect(driver.streams[1] == nil)
        driver.receive(Frame.data(1, [1]))
        #expect(driver.streams[1]?.resetCode == 3)
        #expect(driver.cancelled == [1])
        #expect(driver.goAway == nil)
    }

    @Test func `all bodies larger than the connection's window are an error of the connection`() {
        var driver = HTTP2Driver(configure: {
            $0.requestBodyBufferBytes = 70_000
            $0.http2.receiveWindowBytes = 65535
        })
        driver.receive(Frame.post(1), Frame.post(3))
        for stream in [1, 3, 1, 3, 1, 3] as [UInt32] {
            driver.receive(Frame.data(stream, [UInt8](repeating: 1, count: 10_000)))
        }
        driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 5535)))
        #expect(driver.goAway == nil)
        driver.receive(Frame.data(3, [1]))
        #expect(driver.goAway == 3)
        #expect(Set(driver.cancelled) == [1, 3])
    }

    @Test func `a stream whose reader rests does not hold up another`() async throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.post(3))
        for _ in 0..<4 { driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 16_000))) }
        let body = try #require(driver.started.last?.body)
        for _ in 0..<200 {
            driver.receive(Frame.data(3, [UInt8](repeating: 3, count: 16_000)))
            _ = try await body.next()
            driver.bodyWanted(3)
        }
        #expect(driver.goAway == nil)
        #expect(driver.streams[3] == nil)
    }

    @Test func `padding counts, and is given back`() {
        var driver = HTTP2Driver(configure: { $0.requestBodyBufferBytes = 1000 })
        driver.receive(Frame.post(1))
        for _ in 0..<20 {
            driver.receive(Frame(type: 0, flags: 8, stream: 1, payload: [200] + [UInt8](repeating: 0, count: 201)))
        }
        #expect(driver.streams[1] == nil)
        #expect(Self.credit(driver, 1) >= 20 * 202 - 65535)
    }

    @Test func `a client that waits is told to continue when the body is wanted, once`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1, "/", [("expect", "100-continue")]))
        #expect(driver.streams[1] == nil)
        driver.bodyWanted(1)
        driver.bodyWanted(1)
        #expect(driver.streams[1]?.heads == [["100"]])
    }

    @Test func `a response before the body's end stops the client without an error`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1))
        driver.respond(1, Response(status: 413, body: Body("no")))
        #expect(driver.streams[1]?.status == "413")
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.streams[1]?.resetCode == 0)
        // What was on its way is dropped.
        driver.receive(Frame.data(1, [1]), Frame.data(1, [2], end: true))
        driver.receive(Frame.headers(1, Frame.block([("x", "y")])))
        #expect(driver.goAway == nil)
        #expect(driver.frames.filter { $0.type == 3 }.count == 1)
    }

    @Test func `a body that nobody reads keeps only its own window shut`() {
        var driver = HTTP2Driver(configure: { $0.requestBodyBufferBytes = 40_000 })
        driver.receive(Frame.post(1))
        let before = Self.credit(driver, 0)
        driver.started.first?.body?.cancel()
        driver.bodyAbandoned(1)
        for _ in 0..<4 { driver.receive(Frame.data(1, [UInt8](repeating: 1, count: 10_000))) }
        #expect(Self.credit(driver, 1) == 0)
        #expect(Self.credit(driver, 0) - before == 40_000)
    }

    @Test func `the end of the connection is not the end of a body`() async throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.data(1, [1]))
        driver.connectionLost()
        let body = try #require(driver.started.first?.body)
        await #expect(throws: BodyError.truncated) {
            while try await body.next() != nil {}
        }
        #expect(driver.cancelled == [1])
    }

    @Test func `neither is the end of the client's sending side`() async throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.data(1, [1]))
        driver.endInput()
        let body = try #require(driver.started.first?.body)
        await #expect(throws: BodyError.truncated) {
            while try await body.next() != nil {}
        }
        driver.respond(1, Response(status: 400))
        #expect(driver.streams[1]?.status == "400")
        #expect(driver.closes == [.flush])
    }

    @Test func `neither is a reset`() async throws {
        var driver = HTTP2Driver()
        driver.receive(Frame.post(1), Frame.data(1, [1]), Frame.reset(1))
        let body = try #require(driver.started.first?.body)
        await #expect(throws: BodyError.truncated) {
            while try await body.next() != nil {}
        }
    }
}
