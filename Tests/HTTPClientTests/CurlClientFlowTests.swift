// How octets flow: backpressure, cancellation, sharing of connections, limits, the end of the client.

import HTTP
import HTTPClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CurlClientFlowTests {
    /// Octets that the origin got rid of for its first request, once it gets rid of no more while twenty others are answered
    /// on the same loop.
    private func standstill(_ origin: ScriptedOrigin, _ client: CurlClient) async throws -> Int64 {
        var before: Int64 = -1
        while origin.bodyOctetsSent[0] != before {
            before = origin.bodyOctetsSent[0]
            for _ in 0..<20 { _ = try await client.respond(to: origin.request("/other")).body.collect(upTo: 1) }
        }
        return before
    }

    @Test func `a reader that does not read stops the origin`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.queueBytesMax = 128 << 10
        let medium = Medium(count: 256 << 20)
        let script: ScriptedOrigin.Script = { request in
            request.target == "/other" ? .response(body: [1]) : .response(medium: medium)
        }
        try await withClient(configuration, asking: script) { client, origin in
            let response = try await client.respond(to: origin.request())
            // The queue and the kernel's two buffers.
            #expect(try await standstill(origin, client) < 24 << 20)
            guard case .stream(let source) = response.body.content else { throw BodyError.tooLong }
            var position: Int64 = 0
            while case .bytes(let bytes) = try await source.next() {
                #expect(bytes.count <= 1 << 20)
                try #require(medium.matches(bytes, at: position))
                position += Int64(bytes.count)
            }
            #expect(position == 256 << 20)
        }
    }

    @Test func `a paused transfer does not hold up another`() async throws {
        let medium = Medium(count: 64 << 20)
        try await withClient(asking: { _ in .response(medium: medium) }) { client, origin in
            let paused = try await client.respond(to: origin.request("/paused"))
            let other = try await client.respond(to: origin.request("/other"))
            #expect(medium.matches(try await other.body.collect(upTo: 64 << 20)[...], at: 0))
            #expect(medium.matches(try await paused.body.collect(upTo: 64 << 20)[...], at: 0))
        }
    }

    @Test func `octets are handed on while the body is still under way`() async throws {
        let gate = Gate()
        let reply = Reply.response(body: Array("abcdef".utf8)).stall(afterBodyOctets: 3, until: gate)
        try await withClient(asking: { _ in reply }) { client, origin in
            let response = try await client.respond(to: origin.request())
            guard case .stream(let source) = response.body.content else { throw BodyError.tooLong }
            guard case .bytes(let first) = try await source.next() else { throw BodyError.tooLong }
            #expect(Array(first) == Array("abc".utf8))
            gate.open()
            guard case .bytes(let second) = try await source.next() else { throw BodyError.tooLong }
            #expect(Array(second) == Array("def".utf8))
            #expect(try await source.next() == nil)
        }
    }

    @Test func `connections are used again, one after the other`() async throws {
        try await withClient(asking: { _ in .response(body: [1]) }) { client, origin in
            for _ in 0..<50 {
                let response = try await client.respond(to: origin.request())
                _ = try await response.body.collect(upTo: 1)
            }
            #expect(origin.connections.count == 1)
            #expect(origin.requests.count == 50)
        }
    }

    @Test func `a thousand requests at once are all answered`() async throws {
        try await withClient(asking: { request in
            .response(body: Array(request.target.utf8))
        }) { client, origin in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let response = try await client.respond(to: origin.request("/\(number)"))
                        return try await response.body.text() == "/\(number)"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(origin.requests.count == 1000)
            #expect(origin.connections.count <= 256)
        }
    }

    // MARK: Cancellation

    @Test func `cancelling the task that waits for a response ends its connection`() async throws {
        try await withClient(asking: { _ in Reply([.hang]) }) { client, origin in
            let code = try await withThrowingTaskGroup(of: HTTPClientError.Code?.self) { group in
                group.addTask { await HTTPClientTests.code { _ = try await client.respond(to: origin.request()) } }
                _ = try await origin.requests(count: 1)
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(code == .cancelled)
            try await origin.departures.reach(1)
        }
    }

    @Test(arguments: ["cancel", "drop", "task"])
    func `giving a body up ends its connection`(way: String) async throws {
        let reply = Reply.response(body: [1, 2]).stall(afterBodyOctets: 1, until: Gate())
        try await withClient(asking: { _ in reply }) { client, origin in
            var response: Response? = try await client.respond(to: origin.request())
            switch way {
            case "cancel":
                response?.body.cancel()
                let body = response?.body
                #expect(await code { _ = try await body?.collect(upTo: 2) } == .cancelled)
            case "drop": response = nil
            default:
                let body = response?.body
                let code = try await withThrowingTaskGroup(of: HTTPClientError.Code?.self) { group in
                    group.addTask { await HTTPClientTests.code { _ = try await body?.collect(upTo: 2) } }
                    group.cancelAll()
                    return try await group.next() ?? nil
                }
                #expect(code == .cancelled)
            }
            try await origin.departures.reach(1)
        }
    }

    @Test func `cancelling a body wakes the reader that waits`() async throws {
        let reply = Reply.response(body: [1, 2]).stall(afterBodyOctets: 0, until: Gate())
        try await withClient(asking: { _ in reply }) { client, origin in
            let body = try await client.respond(to: origin.request()).body
            async let code = code { _ = try await body.collect(upTo: 2) }
            body.cancel()
            #expect(await code == .cancelled)
            try await origin.departures.reach(1)
        }
    }

    // MARK: Limits

    @Test func `transfers beyond the limit wait their turn and beyond that are refused`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.transfersMax = 2
        configuration.transfersWaitingMax = 1
        let gate = Gate()
        try await withClient(configuration, asking: { _ in Reply.response().waiting(for: gate) }) { client, origin in
            try await withThrowingTaskGroup(of: HTTPClientError.Code?.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        await HTTPClientTests.code { _ = try await client.respond(to: origin.request("/\(number)")) }
                    }
                }
                // The one too many fails while the others have had no answer.
                #expect(try await group.next() == .some(.overloaded))
                _ = try await origin.requests(count: 2)
                #expect(origin.requests.count == 2)
                gate.open()
                for try await code in group { #expect(code == nil) }
            }
            #expect(origin.requests.count == 3)
        }
    }

    @Test func `a transfer that waits its turn can be cancelled`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.transfersMax = 1
        try await withClient(configuration, asking: { _ in Reply([.hang]) }) { client, origin in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await client.respond(to: origin.request("/first")) }
                _ = try await origin.requests(count: 1)
                let code = try await withThrowingTaskGroup(of: HTTPClientError.Code?.self) { inner in
                    inner.addTask {
                        await HTTPClientTests.code { _ = try await client.respond(to: origin.request("/second")) }
                    }
                    inner.cancelAll()
                    return try await inner.next() ?? nil
                }
                #expect(code == .cancelled)
                group.cancelAll()
            }
            #expect(origin.requests.count == 1)
        }
    }

    @Test func `connections to one host are at most the limit`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.connectionsPerHostMax = 2
        configuration.connectTimeout = .milliseconds(300)
        let gate = Gate()
        try await withClient(configuration, asking: { _ in Reply.response().waiting(for: gate) }) { client, origin in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { _ = try await client.respond(to: origin.request()) } }
                _ = try await origin.requests(count: 2)
                #expect(origin.connections.count == 2)
                gate.open()
                try await group.waitForAll()
            }
            #expect(origin.connections.count == 2)
            #expect(origin.requests.count == 3)
        }
    }

    @Test(arguments: [0, 1])
    func `a head at the limit passes and one octet more is refused`(extra: Int) async throws {
        var configuration = HTTPClientConfiguration()
        configuration.headBytesMax = 200
        let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n"
        let value = String(repeating: "x", count: 200 - empty.utf8.count + extra)
        let raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \(value)\r\n\r\n"
        try await withClient(configuration, asking: { _ in .raw(raw) }) { client, origin in
            let code = await code { _ = try await client.respond(to: origin.request()) }
            #expect(code == (extra == 0 ? nil : .invalidResponse))
        }
    }

    // MARK: The end

    @Test func `shutting down fails what is under way and returns`() async throws {
        let origin = try ScriptedOrigin { request in
            request.target == "/body"
                ? .response(body: [1, 2]).stall(afterBodyOctets: 1, until: Gate()) : Reply([.hang])
        }
        defer { origin.stop() }
        let client = CurlClient()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let body = try await client.respond(to: origin.request("/body")).body
            async let waiting = code { _ = try await client.respond(to: origin.request("/hang")) }
            _ = try await origin.requests(count: 2)
            client.shutdown()
            #expect(await waiting == .shutDown)
            #expect(await code { _ = try await body.collect(upTo: 2) } == .shutDown)
            try await group.waitForAll()
        }
        #expect(await code { _ = try await client.respond(to: origin.request()) } == .shutDown)
        #expect(await code { try await client.run() } == .other)
        try await origin.departures.reach(2)
    }

    @Test func `cancelling run ends it`() async throws {
        let client = CurlClient()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
