// Tests of `/changes`: every change once and in order, to everybody who watches.

import HTTP
import PeerIdentity
import Synchronization
import Testing

@testable import PeerRegistry

struct ChangesTests {
    private let alice: IdentityKey

    init() throws {
        alice = try RegistryFixture.identity()
    }

    private func register(_ fixture: RegistryFixture, _ name: String, _ sequence: UInt64 = 1) async throws -> Answer {
        try await fixture.register(RegistryFixture.record(name, by: alice, sequence: sequence), by: alice)
    }

    private func watch(_ fixture: RegistryFixture, _ query: String = "", _ fields: Fields = [:]) async throws -> Watcher
    {
        let request = Request(target: Array("/changes\(query)".utf8), fields: fields)
        return Watcher(try await fixture.responder.respond(to: request))
    }

    /// Runs the registry while `body` runs.
    private func running(_ fixture: RegistryFixture, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group async throws -> Void in
            group.addTask { await fixture.registry.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test(arguments: [false, true]) func `joins, renewals, leaves and expiries are told as they happen`(
        _ isDistant: Bool
    ) async throws {
        let fixture = RegistryFixture(hidesImage: isDistant)
        try await running(fixture) {
            let watcher = try await watch(fixture)
            #expect(watcher.response.fields.text("Content-Type") == "text/event-stream")
            #expect(try await watcher.next() == "retry: 1000\nid: 0\n\n")
            let lease = try await register(fixture, "Alice").lease
            #expect(
                try await watcher.events(1) == [
                    "id: 1\nevent: join\ndata: {\"expires\":1800000030,\"id\":\"Alice\",\"revision\":1}"
                ]
            )
            fixture.advance(seconds: 10)
            _ = try await fixture.renew("Alice", counter: 1, lease: lease)
            _ = try await register(fixture, "Bob")
            _ = try await fixture.leave("Alice", sequence: 1, by: alice)
            fixture.advance(seconds: 31)
            let events = try await watcher.events(4)
            #expect(
                events.map { $0.split(separator: "\n")[1] } == [
                    "event: renew", "event: join", "event: leave", "event: expire",
                ]
            )
            #expect(events.last == "id: 5\nevent: expire\ndata: {\"expires\":1800000040,\"id\":\"Bob\",\"revision\":5}")
        }
        #expect(fixture.registry.metrics.expiries.load(ordering: .relaxed) == 1)
    }

    @Test(arguments: [false, true]) func `a watcher resumes without a gap, by query or by what it saw last`(
        _ isDistant: Bool
    ) async throws {
        let fixture = RegistryFixture(hidesImage: isDistant) { $0.pageMax = 2 }
        for name in ["a", "b", "c"] { _ = try await register(fixture, name) }
        try await running(fixture) {
            let first = try await watch(fixture, "?since=1")
            _ = try await first.next()
            #expect(try await first.events(2).map { $0.prefix(5) } == ["id: 2", "id: 3"])
            let second = try await watch(fixture, "?since=0", ["Last-Event-ID": "2"])
            _ = try await second.next()
            _ = try await register(fixture, "d")
            #expect(try await second.events(2).map { $0.prefix(5) } == ["id: 3", "id: 4"])
            let third = try await watch(fixture)
            #expect(try await third.next() == "retry: 1000\nid: 4\n\n")
        }
    }

    @Test func `kinds that are not wanted are left out`() async throws {
        let fixture = RegistryFixture()
        try await running(fixture) {
            let watcher = try await watch(fixture, "?since=0&kinds=join,leave")
            _ = try await watcher.next()
            for name in ["a", "a", "b", "a"] { _ = try await register(fixture, name) }
            _ = try await fixture.leave("a", sequence: 1, by: alice)
            let events = try await watcher.events(3)
            #expect(events.map { $0.prefix(5) } == ["id: 1", "id: 3", "id: 5"])
        }
    }

    @Test(arguments: [false, true]) func `what is no longer held is 410 with the oldest that is`(
        _ isDistant: Bool
    ) async throws {
        let fixture = RegistryFixture(eventsMax: 3, hidesImage: isDistant)
        for number in 0..<5 { _ = try await register(fixture, "n\(number)") }
        for (since, status) in [(0, 410), (1, 410), (2, 200), (5, 200), (6, 410)] {
            let request = Request(target: Array("/changes?since=\(since)".utf8))
            let response = try await fixture.responder.respond(to: request)
            #expect(response.status == status, "since \(since)")
            defer { response.body.cancel() }
            guard status == 410 else { continue }
            let text = String(decoding: try await response.body.collect(upTo: 1_000), as: UTF8.self)
            #expect(text.contains("\"oldest\":3"))
        }
        #expect(fixture.registry.log.watcherCount == 0)
    }

    @Test(arguments: [
        "?since=x", "?since=-1", "?since=", "?since=1&since=2", "?kinds=", "?kinds=joy", "?kinds=join,",
        "?since=99999999999999999999",
    ])
    func `what cannot be read is 400`(_ query: String) async throws {
        #expect(try await RegistryFixture().send(.get, "/changes\(query)").status == 400)
    }

    @Test func `a watcher slower than what is held is ended cleanly`() async throws {
        let fixture = RegistryFixture(eventsMax: 3)
        try await running(fixture) {
            let watcher = try await watch(fixture)
            _ = try await watcher.next()
            _ = try await register(fixture, "a")
            #expect(try await watcher.events(1).count == 1)
            // While nobody reads, more happens than is held; the log forgets it too.
            for number in 0..<5 { _ = try await register(fixture, "n\(number)") }
            fixture.registry.log.skip(to: 6)
            #expect(try await watcher.next() == nil)
        }
        #expect(fixture.registry.metrics.watchersLost.load(ordering: .relaxed) == 1)
        #expect(fixture.registry.log.watcherCount == 0)
    }

    @Test func `what the log no longer has is read from the store`() async throws {
        let fixture = RegistryFixture { $0.sharedEventsMax = 1 }
        try await running(fixture) {
            let slow = try await watch(fixture)
            let quick = try await watch(fixture)
            for watcher in [slow, quick] { _ = try await watcher.next() }
            for number in 1...6 {
                _ = try await register(fixture, "n\(number)")
                #expect(try await quick.events(1).first?.hasPrefix("id: \(number)\n") == true)
            }
            #expect(fixture.registry.log.next(after: 0, of: .all) == .behind)
            #expect(try await slow.events(6).map { $0.prefix(5) } == (1...6).map { "id: \($0)" })
        }
    }

    @Test func `a name whose hold is over is free, and nobody is told`() async throws {
        let fixture = RegistryFixture()
        _ = try await register(fixture, "a")
        fixture.advance(seconds: 31)
        try await fixture.registry.sweep()
        #expect(fixture.store.count == 1)
        fixture.advance(seconds: 600)
        try await fixture.registry.sweep()
        #expect(fixture.store.count == 0)
        #expect(fixture.store.eventsNow(since: 0, limit: 9).kinds == [.join, .expire])
    }

    @Test func `silence is broken by comments`() async throws {
        let fixture = RegistryFixture { $0.heartbeatInterval = .milliseconds(1) }
        try await running(fixture) {
            let watcher = try await watch(fixture)
            _ = try await watcher.next()
            #expect(try await watcher.next() == ":\n\n")
            #expect(try await watcher.next() == ":\n\n")
        }
    }

    @Test(arguments: [2, 3]) func `there are so many watchers and no more`(_ count: Int) async throws {
        let fixture = RegistryFixture { $0.watchersMax = 2 }
        var watchers: [Watcher] = []
        for _ in 0..<count { watchers.append(try await watch(fixture)) }
        #expect(watchers.last?.response.status == (count > 2 ? 503 : 200))
        watchers[0].response.body.cancel()
        watchers[0].response.body.cancel()
        #expect(try await watch(fixture).response.status == 200)
    }

    @Test func `a cancelled stream throws, also while it waits`() async throws {
        let fixture = RegistryFixture()
        let watcher = try await watch(fixture)
        _ = try await watcher.next()
        try await withThrowingTaskGroup(of: String?.self) { group async throws -> Void in
            group.addTask { try await watcher.next() }
            watcher.response.body.cancel()
            await #expect(throws: BodyError.cancelled) { _ = try await group.next() }
        }
        #expect(fixture.registry.log.watcherCount == 0)
    }

    @Test func `when the registry ends, its streams end cleanly and no more are begun`() async throws {
        let fixture = RegistryFixture()
        let watcher = try await watch(fixture)
        _ = try await watcher.next()
        try await running(fixture) {}
        #expect(try await watcher.next() == nil)
        #expect(try await watch(fixture).response.status == 503)
    }

    @Test func `a thousand watchers are told the same octets`() async throws {
        let fixture = RegistryFixture()
        try await running(fixture) {
            var watchers: [Watcher] = []
            for _ in 0..<1_000 {
                let watcher = try await watch(fixture)
                _ = try await watcher.next()
                watchers.append(watcher)
            }
            let all = watchers
            try await withThrowingTaskGroup(of: String?.self) { group async throws -> Void in
                for watcher in all { group.addTask { try await watcher.next() } }
                _ = try await register(fixture, "a")
                var texts: Set<String?> = []
                for try await text in group { texts.insert(text) }
                #expect(texts == ["id: 1\nevent: join\ndata: {\"expires\":1800000030,\"id\":\"a\",\"revision\":1}\n\n"])
            }
        }
    }

    @Test func `a page gives what is after a cursor, of some kinds`() throws {
        let name = try PeerIdentifier("a")
        let kinds: [PeerEvent.Kind] = [.join, .renew, .renew, .leave]
        let events = zip(11..., kinds).map { revision, kind in
            PeerEvent(revision: UInt64(revision), kind: kind, identifier: name, presentUntil: RegistryFixture.start)
        }
        let page = EventPage(events, after: 10)
        func ids(_ cursor: UInt64, _ kinds: EventKinds) -> [Substring] {
            String(decoding: page.slice(after: cursor, of: kinds), as: UTF8.self).split(separator: "\n")
                .filter { $0.hasPrefix("id") }
        }
        #expect(ids(10, .all) == ["id: 11", "id: 12", "id: 13", "id: 14"])
        #expect(ids(12, .all) == ["id: 13", "id: 14"])
        #expect(ids(14, .all) == [])
        #expect(ids(10, EventKinds([.renew])) == ["id: 12", "id: 13"])
        #expect(ids(12, EventKinds([.leave, .join])) == ["id: 14"])
        #expect(page.last == 14)
    }
}

/// Reads a stream as text.
struct Watcher: Sendable {
    let response: Response

    init(_ response: Response) {
        self.response = response
    }

    /// The next chunk; nil at the end.
    func next() async throws -> String? {
        guard case .stream(let source) = response.body.content else { return nil }
        guard case .bytes(let octets)? = try await source.next() else { return nil }
        return String(decoding: octets, as: UTF8.self)
    }

    /// The next events, comments left out.
    func events(_ count: Int) async throws -> [String] {
        var events: [String] = []
        while events.count < count, let text = try await next() {
            events += text.split(separator: "\n\n").map(String.init).filter { !$0.hasPrefix(":") }
        }
        return events
    }
}
