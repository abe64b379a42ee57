// The HTTP/2 engine: requests to responders, responses to frames, windows and turns.

import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct HTTP2EngineTests {
    private static var table: TableResponder {
        var responder = TableResponder()
        responder.immediate["/"] = TableResponder.answer("hello")
        responder.immediate["/large"] = TableResponder.answer(String(repeating: "x", count: 200_000))
        responder.immediate["/none"] = ("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nConnection: close\r\n", nil)
        return responder
    }

    // MARK: The express lane

    @Test func `a hit is one HEADERS and one DATA frame and leaves no stream`() {
        var driver = HTTP2Driver(Self.table)
        let before = driver.frames.count
        driver.receive(Frame.get(1))
        #expect(driver.frames.dropFirst(before).map(\.type) == [1, 0])
        #expect(driver.streams[1]?.heads == [["200", "content-length: 5", "date: then"]])
        #expect(driver.streams[1]?.text == "hello")
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.engine.streams.isEmpty)
        #expect(driver.engine.isIdle)
    }

    @Test func `a hundred requests in one read are answered in one output`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive((0..<100).flatMap { Frame.get(UInt32($0 * 2 + 1)).octets })
        #expect(driver.streams.count == 100)
        #expect(driver.streams.values.allSatisfy { $0.text == "hello" && $0.hasEnded })
        #expect(driver.largestOutput > 100 * 20)
    }

    @Test func `HEAD, 304 and what belongs to a connection`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive(Frame.headers(1, Frame.block(Frame.request("HEAD"))), Frame.get(3, "/none"))
        #expect(driver.streams[1]?.heads == [["200", "content-length: 5", "date: then"]])
        #expect(driver.streams[1]?.body == [])
        #expect(driver.streams[1]?.hasEnded == true)
        let date = "date: Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(driver.streams[3]?.heads == [["304", "etag: \"a\"", date]])
        #expect(driver.streams[3]?.hasEnded == true)
    }

    @Test func `a body that no window has room for waits, and goes on as they open`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 10)])
        driver.receive(Frame.get(1, "/large"))
        #expect(driver.streams[1]?.body.count == 10)
        driver.receive(Frame.windowUpdate(1, 1_000_000))
        #expect(driver.streams[1]?.body.count == 65535)
        #expect(driver.streams[1]?.hasEnded == false)
        driver.receive(Frame.windowUpdate(0, 1_000_000))
        #expect(driver.streams[1]?.body.count == 200_000)
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.engine.isIdle)
    }

    @Test func `a smaller initial window takes back what is not sent, down below 0`() {
        var driver = HTTP2Driver(Self.table, settings: [(4, 100)])
        driver.receive(Frame.get(1, "/large"))
        driver.receive(Frame.settings([(4, 40)]))
        #expect(driver.engine.streams.first?.sendWindow == -60)
        driver.receive(Frame.windowUpdate(1, 60))
        #expect(driver.streams[1]?.body.count == 100)
        driver.receive(Frame.windowUpdate(1, 1))
        #expect(driver.streams[1]?.body.count == 101)
        driver.receive(Frame.settings([(4, 1 << 20)]), Frame.windowUpdate(0, 1 << 20))
        #expect(driver.streams[1]?.hasEnded == true)
    }

    @Test func `the table of the client's decoder is said to stay empty, once`() {
        var driver = HTTP2Driver(Self.table)
        driver.receive(Frame.get(1), Frame.settings([(1, 0)]), Frame.get(3))
        let blocks = driver.frames.filter { $0.type == 1 }
        #expect(blocks.map { $0.payload.first } == [0x20, 0x88])
    }

    @Test func `the log is told of every response, and of those that are cut`() {
        let summaries = Mutex<[ResponseSummary]>([])
        var driver = HTTP2Driver(
            Self.table,
            configure: { $0.onResponse = { summary in summaries.withLock { $0.append(summary) } } }
        )
        driver.receive(Frame.get(1), Frame.get(3, "/large"), Frame.get(5, "/slow"), Frame.get(7, "/none"))
        // The cut response has used up the connection's window.
        driver.receive(Frame.windowUpdate(0, 1000), Frame.reset(3))
        driver.receive(Frame.headers(9, Frame.block([(":method", "CONNECT"), (":authority", "h")])))
        driver.respond(5, Response(status: 404, body: Body("no")))
        let told = summaries.withLock { $0 }
        #expect(told.map(\.status) == [200, 304, 200, 501, 404])
        #expect(told.map(\.isComplete) == [true, true, false, true, true])
        #expect(told.map { String(decoding: $0.target, as: UTF8.self) } == ["/", "/none", "/large", "", "/slow"])
        #expect(told.map(\.method) == [.get, .get, .get, nil, .get])
        #expect(told[0].bytesSent > 20 && told[0].bytesSent < 200)
    }

    // MARK: Requests for responders

    @Test func `a request is what HTTP 1-1 would have made of it`() throws {
        var driver = HTTP2Driver()
        let cookies = [("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2"), ("x", "ü")]
        driver.receive(Frame.headers(1, Frame.block(Frame.request("PURGE", path: "/a?b") + cookies)))
        let request = try #require(driver.started.first?.request)
        #expect(request.method == Method("PURGE"))
        #expect(request.targetText == "/a?b")
        #expect(request.authority == "h")
        #expect(request.scheme == "http")
        #expect(request.fields == ["host": "h", "accept": "*/*", "x": "ü", "cookie": "a=1; b=2"])
        #expect(request.body.length == 0)
    }

    @Test func `OPTIONS for the whole server`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.headers(1, Frame.block(Frame.request("OPTIONS", path: "*"))))
        #expect(driver.started.first?.request.targetText == "*")
    }

    @Test func `responses come in the order of the answers`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1), Frame.get(3))
        driver.respond(3, Response(status: 404, body: Body("no")))
        driver.respond(1, Response(status: 201, fields: ["X-A": " b ", "Connection": "x"], body: Body("yes")))
        #expect(driver.frames.suffix(4).map(\.stream) == [3, 3, 1, 1])
        #expect(driver.streams[1]?.heads.first?.prefix(3) == ["201", "x-a: b", "content-length: 3"])
        #expect(driver.streams[1]?.text == "yes")
        #expect(driver.streams[3]?.status == "404")
    }

    @Test(arguments: [(204, false), (304, false), (200, true)])
    func `a response without content ends with its head and its stream is cancelled`(status: Int, isHead: Bool) {
        var driver = HTTP2Driver()
        let source = ProbeSource()
        driver.receive(Frame.headers(1, Frame.block(Frame.request(isHead ? "HEAD" : "GET"))))
        driver.respond(1, Response(status: status, body: Body(length: 7, content: .stream(source))))
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.streams[1]?.body == [])
        #expect(driver.streams[1]?.heads.first?.contains("content-length: 7") == isHead)
        #expect(source.cancelCount > 0)
        #expect(driver.cancelled == [1])
        #expect(driver.engine.isIdle)
    }

    @Test(arguments: [Response(status: 99), Response(status: 200, body: Body(length: 5, content: .bytes([1])))])
    func `a response that cannot be sent is 500`(_ response: Response) {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        driver.respond(1, response)
        #expect(driver.streams[1]?.status == "500")
    }

    @Test func `a head larger than a frame is continued`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        let value = String(repeating: "v", count: 40_000)
        driver.respond(1, Response(status: 200, fields: ["X": value], body: Body("a")))
        #expect(driver.frames.suffix(4).map(\.type) == [1, 9, 9, 0])
        #expect(driver.frames.suffix(4).map(\.flags) == [0, 0, 4, 1])
        #expect(driver.streams[1]?.heads.first?.contains("x: \(value)") == true)
    }

    @Test func `interim responses come before the final one, and 101 does not`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        for status in [100, 101, 103] { driver.interim(1, InterimResponse(status: status, fields: ["Link": "</a>"])) }
        driver.respond(1, Response(status: 200))
        driver.interim(1, InterimResponse(status: 103))
        #expect(driver.streams[1]?.heads.map(\.first) == ["103", "200"])
        #expect(driver.streams[1]?.heads.first == ["103", "link: </a>"])
    }

    // MARK: Streams of responses

    @Test func `a stream ends with END_STREAM only when its source says that it is whole`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1))
        driver.respondStream(1, length: 4)
        #expect(driver.pulls == [1])
        driver.send(1, Array("body".utf8))
        #expect(driver.streams[1]?.text == "body")
        #expect(driver.streams[1]?.hasEnded == false)
        driver.endStream(1)
        #expect(driver.streams[1]?.hasEnded == true)
    }

    @Test func `a source that breaks off, is short or too long resets its stream alone`() {
        var driver = HTTP2Driver()
        driver.receive(Frame.get(1), Frame.get(3), Frame.get(5), Frame.get(7))
        for number in [1, 3, 5, 7] as [UInt64] { driver.respondStream(number, length: 4) }
        driver.send(1, [1, 2])
        driver.failStream(1)
        driver.send(3, [1, 2])
        driver.endStream(3)
        driver.send(5, [1, 2, 3, 4, 5])
        for stream in [1, 3, 5] as [UInt32] {
            #expect(driver.streams[stream]?.resetCode == 2)
            #expect(driver.streams[stream]?.hasEnded == false)
        }
        #expect(driver.cancelled == [5])
        driver.send(7, [1, 2, 3, 4])
        driver.endStream(7)
        #expect(driver.streams[7]?.hasEnded == true)
        #expect(driver.goAway == nil)
    }

    @Test func `a source is asked again only when its chunk is in frames`() {
        var driver = HTTP2Driver(settings: [(4, 5)])
        driver.receive(Frame.get(1))
        driver.respondStream(1)
        driver.send(1, Array("too much".utf8))
        #expect(driver.pulls == [1])
        driver.receive(Frame.windowUpdate(1, 2))
        #expect(driver.pulls == [1])
        driver.receive(Frame.windowUpdate(1, 1))
        #expect(driver.pulls == [1, 1])
        #expect(driver.streams[1]?.text == "too much")
    }

    @Test func `streams take turns, and one without a window holds up nobody`() {
        var driver = HTTP2Driver(settings: [(4, 40_000)])
        driver.receive(Frame.windowUpdate(0, 1 << 24))
        driver.isBlocked = true
        driver.receive(Frame.get(1), Frame.get(3), Frame.get(5))
        driver.unblock()
        let body = Body([UInt8](repeating: 1, count: 100_000))
        driver.isBlocked = true
        driver.receive(Frame.ping)
        for number in [1, 3, 5] as [UInt64] { driver.respond(number, Response(status: 200, body: body)) }
        driver.unblock()
        let order = driver.frames.filter { $0.type == 0 }.map(\.stream)
        #expect(order == [1, 3, 5, 1, 3, 5, 1, 3, 5])
        driver.receive(Frame.windowUpdate(3, 1 << 20))
        #expect(driver.streams[3]?.hasEnded == true)
        #expect(driver.streams[1]?.body.count == 40_000)
        driver.receive(Frame.get(7))
        driver.respond(7, Response(status: 200, body: Body("x")))
        #expect(driver.streams[7]?.hasEnded == true)
    }

    @Test func `streams that wait for the connection's window go on in turn`() {
        var driver = HTTP2Driver(settings: [(4, 1 << 20)])
        driver.receive(Frame.get(1), Frame.get(3))
        driver.respond(1, Response(status: 200, body: Body([UInt8](repeating: 1, count: 100_000))))
        driver.respond(3, Response(status: 200, body: Body([UInt8](repeating: 3, count: 100_000))))
        #expect(driver.streams[1]?.body.count == 65535)
        #expect(driver.streams[3]?.status == "200")
        driver.receive(Frame.windowUpdate(0, 100))
        driver.receive(Frame.windowUpdate(0, 100))
        #expect(driver.streams[3]?.body.count == 100)
        #expect(driver.streams[1]?.body.count == 65635)
        driver.receive(Frame.windowUpdate(0, 1 << 20))
        #expect(driver.streams[1]?.hasEnded == true)
        #expect(driver.streams[3]?.hasEnded == true)
    }

    // MARK: Files

    @Test func `a file is read into frames, and one that is too short resets the stream`() throws {
        let directory = try TemporaryDirectory()
        let octets = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        let file = OpenFile(owning: open(try directory.write(octets, to: "medium"), O_RDONLY))
        var driver = HTTP2Driver(settings: [(4, 1 << 20)])
        driver.receive(Frame.windowUpdate(0, 1 << 20), Frame.get(1), Frame.get(3))
        let region = FileRegion(file: file, offset: 10, count: 90_000)
        driver.respond(1, Response(status: 200, body: Body(length: 90_000, content: .file(region))))
        #expect(driver.streams[1]?.body.elementsEqual(octets[10..<90_010]) == true)
        #expect(driver.streams[1]?.hasEnded == true)
        let beyond = FileRegion(file: file, offset: 50_000, count: 90_000)
        driver.respond(3, Response(status: 200, body: Body(length: 90_000, content: .file(beyond))))
        #expect(driver.streams[3]?.resetCode == 2)
        #expect(driver.streams[3]?.hasEnded == false)
    }
}
