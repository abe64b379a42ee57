// Who is present, as a scripted registry tells it.

import Chat
import HTTP
import PeerIdentity
import Synchronization
import TestSupport
import Testing

struct PresenceTests {
    /// A body that gives what a test pushes, until it is cut or cancelled.
    final class PushedBody: BodySource {
        private let stream: AsyncStream<String>
        private let continuation: AsyncStream<String>.Continuation

        init(_ pieces: String...) {
            (stream, continuation) = AsyncStream.makeStream()
            for piece in pieces { continuation.yield(piece) }
        }

        func push(_ text: String) { continuation.yield(text) }
        func cut() { continuation.finish() }
        func cancel() { continuation.finish() }

        func next() async throws -> BodyChunk? {
            for await piece in stream { return .bytes(Array(piece.utf8)[...]) }
            return nil
        }

        var response: Response {
            Response(
                status: 200,
                fields: ["Content-Type": "text/event-stream"],
                body: Body(length: nil, content: .stream(self))
            )
        }
    }

    /// Names in the order in which they joined, for who waits for the next.
    final class Joined: Sendable {
        private let state = Mutex<(names: [String], waiters: [(Int, CheckedContinuation<Void, Never>)])>(([], []))

        var names: [String] { state.withLock { $0.names } }

        func append(_ name: String) {
            let woken = state.withLock { state in
                state.names.append(name)
                let count = state.names.count
                defer { state.waiters.removeAll { $0.0 <= count } }
                return state.waiters.filter { $0.0 <= count }.map(\.1)
            }
            for waiter in woken { waiter.resume() }
        }

        func count(_ count: Int) async {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.names.count >= count { return true }
                    state.waiters.append((count, continuation))
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    static func listing(_ names: String..., next: String? = nil) -> Response {
        let peers = names.map { "{\"id\":\"\($0)\"}" }.joined(separator: ",")
        let text = "{\"peers\":[\(peers)]\(next.map { ",\"next\":\"\($0)\"" } ?? "")}"
        return Response(status: 200, fields: ["Content-Type": "application/json"], body: Body(text))
    }

    static func event(_ revision: Int, _ kind: String, _ name: String) -> String {
        "id: \(revision)\nevent: \(kind)\ndata: {\"id\":\"\(name)\",\"revision\":\(revision)}\n\n"
    }

    private func presence(
        _ fixture: DirectoryFixture,
        _ joined: Joined,
        namesMax: Int = 100
    ) -> Presence {
        var configuration = PresenceConfiguration()
        configuration.namesMax = namesMax
        return Presence(client: fixture.client, configuration: configuration, random: { 0 }) { joined.append($0.text) }
    }

    private func texts(_ peers: [PeerIdentifier]) -> [String] { peers.map(\.text) }

    @Test func `it lists all pages, then follows the changes and resumes after a cut`() async throws {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let first = PushedBody("retry: 1000\nid: 7\n\n")
        let second = PushedBody("retry: 1000\nid: 8\n\n")
        fixture.registry.answer { request in
            if request.targetText.contains("/peers?after=Bob") { return Self.listing("Carol") }
            if request.targetText.contains("/peers?") { return Self.listing("Alice", "Bob", next: "Bob") }
            return request.targetText.contains("since=8&") ? second.response : first.response
        }
        let presence = presence(fixture, joined)
        let task = Task { await presence.run() }
        await joined.count(3)
        #expect(joined.names == ["Alice", "Bob", "Carol"])
        first.push(Self.event(8, "join", "Dora"))
        await joined.count(4)
        #expect(presence.isPresent(try PeerIdentifier("dora")))
        first.cut()
        await fixture.clock.pass(.seconds(0.5))
        second.push(": beat\n\n" + Self.event(9, "leave", "Alice") + Self.event(10, "expire", "bob"))
        second.push(Self.event(11, "join", "Emil"))
        await joined.count(5)
        #expect(texts(presence.names()) == ["Carol", "Dora", "Emil"] && presence.isCurrent)
        #expect(texts(presence.names(beginning: "D")) == ["Dora"])
        task.cancel()
        await task.value
        let watches = fixture.registry.asked.map(\.target).filter { $0.contains("/changes") }
        #expect(
            watches == [
                "/sub/changes?kinds=join,leave,expire", "/sub/changes?since=8&kinds=join,leave,expire",
            ]
        )
        #expect(!presence.isCurrent)
    }

    @Test func `when too much was missed it lists again, and tells only who is new`() async throws {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let first = PushedBody("id: 7\n\n")
        let third = PushedBody("id: 900\n\n")
        let round = Mutex(0)
        fixture.registry.answer { request in
            if request.targetText.contains("/peers?") {
                return round.withLock { $0 } == 0 ? Self.listing("Alice", "Bob") : Self.listing("Bob", "Carol")
            }
            if request.targetText.contains("since=") {
                round.withLock { $0 = 1 }
                return Response(status: 410)
            }
            return round.withLock { $0 } == 0 ? first.response : third.response
        }
        let presence = presence(fixture, joined)
        let task = Task { await presence.run() }
        await joined.count(2)
        first.cut()
        await fixture.clock.pass(.seconds(0.5))
        await joined.count(3)
        #expect(joined.names == ["Alice", "Bob", "Carol"])
        #expect(texts(presence.names()) == ["Bob", "Carol"])
        task.cancel()
        await task.value
    }

    @Test func `a registry that lists nobody still tells who comes`() async throws {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let changes = PushedBody("id: 7\n\n", Self.event(8, "join", "Alice"))
        fixture.registry.answer { request in
            request.targetText.contains("/peers?") ? Response(status: 404) : changes.response
        }
        let presence = presence(fixture, joined)
        let task = Task { await presence.run() }
        await joined.count(1)
        #expect(texts(presence.names()) == ["Alice"])
        task.cancel()
        await task.value
    }

    @Test func `a registry that tells nothing is left alone, one that is away is asked every 10 s at most`()
        async throws
    {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let presence = presence(fixture, joined)
        let task = Task { await presence.run() }
        for wait in [0.5, 1, 2, 4, 8, 10, 10] { await fixture.clock.pass(.seconds(wait)) }
        await fixture.clock.sleeper(for: .seconds(10))
        fixture.registry.answer { _ in Response(status: 403) }
        fixture.clock.advance(by: .seconds(10))
        await fixture.clock.sleeper(for: .seconds(300))
        #expect(fixture.registry.asked.count == 9 && joined.names.isEmpty)
        task.cancel()
        await task.value
    }

    @Test func `a stream that falls silent is begun anew`() async throws {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let (first, second) = (PushedBody("id: 7\n\n"), PushedBody("id: 7\n\n", Self.event(8, "join", "Bob")))
        fixture.registry.answer { request in
            if request.targetText.contains("/peers?") { return Self.listing("Alice") }
            return request.targetText.contains("since=7&") ? second.response : first.response
        }
        let presence = presence(fixture, joined)
        let task = Task { await presence.run() }
        await joined.count(1)
        await fixture.clock.pass(.seconds(61))
        await fixture.clock.pass(.seconds(0.5))
        await joined.count(2)
        task.cancel()
        await task.value
    }

    @Test func `a change longer than allowed ends the stream, what is none is passed over`() async throws {
        let fixture = try await DirectoryFixture()
        let told = Mutex<[PresenceChange]>([])
        let good = Self.event(9, "join", "Alice")
        for (text, isRefused) in [
            ("id: 8\nevent: join\ndata: nonsense\n\n\(good)", false),
            ("id: 8\nevent: moved\ndata: {\"id\":\"Bob\"}\n\n\(good)", false),
            ("id: x\nevent: join\ndata: {\"id\":\"Bob\"}\n\n\(good)", false),
            ("id: 8\nevent: join\ndata: {\"id\":\"\\u001b[2J\"}\n\n\(good)", false),
            ("data: \(String(repeating: "x", count: 5_000))\n\n\(good)", true),
        ] {
            told.withLock { $0 = [] }
            fixture.registry.answer { _ in PushedBody(text).cutResponse }
            let end = try? await fixture.client.watch(since: 7) { change in told.withLock { $0.append(change) } }
            #expect((end == nil) == isRefused, "\(text.prefix(60))")
            #expect(told.withLock { $0.map(\.identifier.text) } == (isRefused ? [] : ["Alice"]))
        }
    }

    @Test func `the table of who is present is bounded`() async throws {
        let (fixture, joined) = (try await DirectoryFixture(), Joined())
        let changes = PushedBody("id: 1\n\n", Self.event(2, "join", "Carol"), Self.event(3, "join", "Alice"))
        fixture.registry.answer { request in
            request.targetText.contains("/peers?") ? Self.listing("Alice", "Bob") : changes.response
        }
        let presence = presence(fixture, joined, namesMax: 2)
        let task = Task { await presence.run() }
        // Also of who finds no room it is told that he came.
        await joined.count(4)
        #expect(joined.names == ["Alice", "Bob", "Carol", "Alice"])
        #expect(texts(presence.names()) == ["Alice", "Bob"])
        task.cancel()
        await task.value
    }
}

extension PresenceTests.PushedBody {
    /// Ends after what was pushed.
    var cutResponse: Response {
        cut()
        return response
    }
}
