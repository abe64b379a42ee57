// A whole connection: the same requests and answers however the octets are cut, the same as a plain reading of them, and
// each request one request again when it goes to the origin.

import Dispatch
import HTTP
import HTTPServer
import Synchronization

@testable import HTTPCache
@testable import HTTPClient

/// Octets: two that say how to cut, then what a client sends.
struct EngineFuzz: FuzzTarget {
    private struct Seen: Equatable {
        var method: String
        var target: [UInt8]
        var authority: String
        var fields: Fields
        /// Nil if it broke off.
        var body: [UInt8]?
    }

    func run(_ octets: [UInt8]) {
        guard octets.count > 2 else { return }
        let text = Array(octets.dropFirst(2))
        let whole = play([text])
        let pieces = play(text.cut(by: octets.prefix(2)))
        hold(pieces.requests == whole.requests, "other requests in pieces")
        hold(pieces.sent == whole.sent, "other answers in pieces")
        let plain = plainReading(text)
        hold(whole.requests.filter { $0.body != nil } == plain, "a plain reading gives other requests")
        for request in whole.requests where request.body != nil { forward(request) }
    }

    // MARK: The engine

    private func play(_ pieces: [[UInt8]]) -> (requests: [Seen], sent: [UInt8]) {
        var driver = EngineDriver()
        for piece in pieces { driver.receive(piece) }
        driver.endInput()
        var requests: [Seen] = []
        while requests.count < driver.started.count {
            let started = driver.started[requests.count]
            requests.append(
                Seen(
                    method: started.request.method.rawValue,
                    target: started.request.target,
                    authority: started.request.authority,
                    fields: started.request.fields,
                    body: body(of: started.request)
                )
            )
            driver.respond(started.number, Response(status: 200, body: Body("b")))
        }
        return (requests, driver.sent)
    }

    /// The body, which has come or has failed by now; nil if it failed.
    private func body(of request: Request) -> [UInt8]? {
        if case .bytes(let bytes) = request.body.content { return Array(bytes) }
        guard case .stream = request.body.content else { return [] }
        let outcome = Outcome()
        let done = DispatchSemaphore(value: 0)
        Task {
            // Whatever it throws, the body is not whole.
            let bytes = try? await request.body.collect(upTo: 1 << 20)
            outcome.bytes.withLock { $0 = bytes }
            done.signal()
        }
        done.wait()
        return outcome.bytes.withLock { $0 }
    }

    private final class Outcome: Sendable {
        let bytes = Mutex<[UInt8]?>(nil)
    }

    // MARK: A plain reading

    /// The whole requests, by the parsers alone.
    private func plainReading(_ octets: [UInt8], _ limits: RequestParser.Limits = RequestParser.Limits()) -> [Seen] {
        var requests: [Seen] = []
        var rest = octets
        var parser = RequestParser()
        var head = RequestHead()
        do {
            while !rest.isEmpty {
                guard let count = try parser.parse(rest.span, limits: limits, into: &head) else { break }
                if parser.semantics.isConnect { break }
                var seen = Seen(
                    method: String(decoding: rest[head.methodRange], as: UTF8.self),
                    target: Array(rest[head.target]),
                    authority: String(decoding: rest[head.authority], as: UTF8.self),
                    fields: Fields(head: head, in: rest.span)
                )
                rest.removeFirst(count)
                switch parser.semantics.framing {
                case .none: seen.body = []
                case .length(let length):
                    guard length <= Int64(rest.count) else { return requests }
                    seen.body = Array(rest.prefix(Int(length)))
                    rest.removeFirst(Int(length))
                case .chunked:
                    guard let (data, count) = try decodeChunked([rest]) else { return requests }
                    seen.body = data
                    rest.removeFirst(count)
                }
                requests.append(seen)
                if !parser.semantics.keepsAlive { break }
            }
        } catch {
            // What follows a refusal is never read.
        }
        return requests
    }

    // MARK: The origin's side

    /// What goes to the origin is one request, the same one, and nothing behind it.
    private func forward(_ seen: Seen) {
        let requests = OriginRequest(scheme: "http", authority: "origin:81", name: "c", node: "n")
        guard let map = try? OriginMap("http://origin:81/dir/film?q") else { fail("no map") }
        let client = Request(
            method: Method(seen.method),
            authority: seen.authority,
            target: seen.target,
            fields: seen.fields,
            body: Body(seen.body ?? [])
        )
        let request = requests.forwarded(client, target: map.originTarget(for: seen.target.span))
        guard let prepared = try? PreparedRequest(request, HTTPClientConfiguration()) else {
            fail("a request that was taken cannot be passed on")
        }
        var octets = prepared.method.dropLast() + [0x20] + prepared.target.dropLast() + " HTTP/1.1\r\n".octets
        for line in prepared.lines.split(separator: 0) {
            // libcurl's forms: a name and a colon alone is left out, a name and a semicolon has no value.
            if line.last == 0x3a { continue }
            octets += (line.last == 0x3b && !line.contains(0x3a) ? line.dropLast() + [0x3a] : line) + [13, 10]
        }
        let body = seen.method == "HEAD" ? [] : seen.body ?? []
        if !body.isEmpty { octets += "Content-Length: \(body.count)\r\n".octets }
        // A few lines are added on the way.
        var limits = RequestParser.Limits()
        (limits.fieldsMax, limits.headBytesMax) = (limits.fieldsMax + 10, limits.headBytesMax + 1000)
        let read = plainReading(Array(octets) + [13, 10] + body, limits)
        hold(
            read.count == 1,
            "not one request at the origin but \(read.count): \(String(decoding: octets, as: UTF8.self))"
        )
        hold(read[0].method == seen.method && read[0].body == body, "another request at the origin")
        hold(read[0].target == map.originTarget(for: seen.target.span), "another target at the origin")
        hold(read[0].authority == "origin:81", "another host at the origin")
    }

    var seeds: [[UInt8]] {
        let cases = [
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            "\r\nHEAD /a/b.mp4?x=y HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n",
            "POST /p HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 5\r\nX:\r\n\r\nhelloGET /n HTTP/1.1\r\nHost: h\r\n\r\n",
            "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nT: u\r\n\r\n"
                + "GET /after HTTP/1.1\r\nHost: h\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\nGET http://h/abs HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\nHost: h\n\n", "GET /\u{e9} HTTP/1.1\r\nHost: h\r\n\r\n",
            "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\nX: y\r\nContent_Length: 4\r\nCookie: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]
        return cases.enumerated().map { [UInt8(truncatingIfNeeded: $0.offset * 7), 3] + $0.element.octets }
    }
}
