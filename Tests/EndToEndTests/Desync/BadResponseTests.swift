// Answers that could be read in two ways: 502 or a broken transfer, nothing stored, and the next request gets its own.

import TestSupport
import Testing

@Suite struct BadResponseTests {
    private static func get(_ target: String) -> [UInt8] {
        "GET \(target) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".latin1
    }

    @Test(arguments: BadResponse.Topic.allCases)
    func `a bad answer is a gateway's error or a broken transfer, and is not kept`(
        topic: BadResponse.Topic
    ) async throws {
        let all = BadResponse.all(topic)
        let origin = try ScriptedOrigin { request in
            guard let index = Int(request.target.dropFirst("/bad-".count)), request.target.hasPrefix("/bad-") else {
                return .response(200, [("Cache-Control", "max-age=600")], body: Array("own".utf8))
            }
            let reply = Reply.raw(all[index].text.latin1)
            return all[index].closes ? reply.thenClose() : reply
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none", "--origin-timeout", "2s")
        for (index, bad) in all.enumerated() {
            let context: Comment = "\(topic) \(index): \(bad.text.debugDescription.prefix(120))"
            let (octets, end) = try await RawConnection.exchange(Self.get("/bad-\(index)"), with: cdn.base)
            let (responses, left) = RawResponse.all(in: octets)
            let final = responses.first { $0.status >= 200 }
            switch bad.seen {
            case .badGateway:
                #expect(final?.status == 502 && left == 0, "\(context): \(responses)")
                #expect(final?.value("Proxy-Status")?.contains("; error=") == true, context)
            case .broken:
                #expect(final.map { $0.status >= 502 } ?? false || left > 0, "\(context): \(responses)")
            case .good(let body):
                #expect(final?.status == 200 && final?.bodyText == body && left == 0, "\(context): \(responses)")
                #expect(final?.value("Set-Cookie") == nil, context)
            }
            #expect(end == .closed || bad.seen == .broken && end == .reset, context)
            // The next request, on the same connection to the origin if that was kept, has its own answer.
            let next = try await RawConnection.exchange(Self.get("/next-\(topic)-\(index)"), with: cdn.base)
            let answer = RawResponse.all(in: next.octets).responses
            #expect(answer.map(\.status) == [200] && answer.first?.bodyText == "own", "\(context): \(answer)")
        }
        // What was bad is asked again, as nothing of it was kept.
        origin.serve { _ in .response(200, [("Cache-Control", "max-age=600")], body: Array("own".utf8)) }
        for (index, bad) in all.enumerated() {
            if case .good = bad.seen { continue }
            let again = try await RawConnection.exchange(Self.get("/bad-\(index)"), with: cdn.base)
            let answer = RawResponse.all(in: again.octets).responses
            #expect(
                answer.map(\.status) == [200] && answer.first?.bodyText == "own",
                "\(topic) \(index): \(bad.text.debugDescription.prefix(120)): \(answer)"
            )
        }
        try await cdn.stop()
    }

    /// What an origin adds to an answer that was whole.
    private static let evil = Array(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nevil".utf8
    )

    @Test(arguments: [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("POST", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ])
    func `octets behind an answer are never another's answer, whenever they come`(
        method: String,
        text: String
    ) async throws {
        let gate = Gate()
        let origin = try ScriptedOrigin { request in
            if request.target.hasPrefix("/next") { return .response(body: Array(request.target.utf8)) }
            // In one piece with the answer, cut in its middle, or later.
            let whole = text.latin1 + Self.evil
            return switch request.target.last {
            case "0": Reply([.raw(text.latin1), .wait(gate), .raw(Self.evil)])
            case "1": .raw(whole)
            default: Reply([.raw(Array(whole.dropLast(30))), .pause(.milliseconds(3)), .raw(Array(whole.suffix(30)))])
            }
        }
        defer { origin.stop() }
        let cdn = try await RunningCDN.start(origin.url, store: "none")
        // Its trial connection to the origin.
        try await origin.departures.reach(1)
        for round in 0..<7 {
            let body = method == "POST" ? "Content-Length: 1\r\n\r\nx" : "\r\n"
            let last = round == 0 ? 0 : 1 + round % 2
            let request = "\(method) /first-\(round)-\(last) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(body)"
            _ = try await RawConnection.exchange(request.latin1, with: cdn.base)
            if round == 0 {
                // The rest has been sent, or the connection is gone, before the next request comes.
                gate.open()
                while origin.completedReplies.count + origin.departures.count < 2 { await Task.yield() }
            }
            let target = "/next-\(round)"
            let next = try await RawConnection.exchange(Self.get(target), with: cdn.base)
            let answer = RawResponse.all(in: next.octets).responses
            #expect(answer.map(\.bodyText) == [target], "round \(round): \(answer)")
        }
        try await cdn.stop()
    }
}
