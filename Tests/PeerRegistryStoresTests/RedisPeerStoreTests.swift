// What is particular to Redis: several registries, a Redis that goes away, and one that is not what it should be.

import Foundation
import HTTP
import PeerIdentity
import PeerRegistry
import PeerRegistryRedis
import TestSupport
import Testing

@Suite(
    .timeLimit(.minutes(5)),
    .enabled(if: RedisServer.isInstalled, "redis-server is not installed")
) struct RedisPeerStoreTests {
    @Test func `two stores on one Redis serve one population`() async throws {
        let server = try await RedisServer.start()
        let one = try await redisStore(server, secret: 1)
        let other = try await redisStore(server, secret: 2)
        #expect(try await other.secret() == secretOctets(1))
        async let wait = other.waitForEvents(after: 0)
        let entry = try signed("Alice", hasXWing: true)
        #expect(try await one.apply(PeerChange(entry, 0)) == 1)
        #expect(try await wait == 1)
        expectSame(try await other.entry("alice"), entry.at(1))
        #expect(try await other.apply(PeerChange(try plain("alice"), 0)) == nil)
        #expect(try await other.apply(PeerChange(try plain("bob"), 0)) == 2)
        #expect(try await one.eventList().elementsEqual(try await other.eventList()))
        await one.close()
        await other.close()
    }

    @Test func `of two registries that see the same expiry one tells of it`() async throws {
        let server = try await RedisServer.start()
        let stores = [try await redisStore(server), try await redisStore(server)]
        let names = (0..<300).map { "n\($0)" }
        _ = try await stores[0].apply(try names.map { PeerChange(try plain($0, until: 5), 0) })
        let told = try await withThrowingTaskGroup(of: Int.self) { group in
            for store in stores {
                group.addTask {
                    let due = try await store.entries(.due(before: Timestamp(seconds: 6), limit: 1_000))
                    let changes = due.map { entry in
                        var expired = entry
                        expired.isPresent = false
                        return PeerChange(expired, entry.revision, .expire)
                    }
                    return try await store.apply(changes).compactMap { $0 }.count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(told == 300)
        let expired = try await stores[1].eventList().filter { $0.kind == .expire }
        #expect(expired.count == 300 && Set(expired.map(\.identifier.folded)) == Set(names))
        for store in stores { await store.close() }
    }

    @Test func `of many that race from several registries exactly one wins each revision`() async throws {
        let server = try await RedisServer.start()
        var stores: [RedisPeerStore] = []
        for _ in 0..<3 { stores.append(try await redisStore(server)) }
        try await raceForRevisions(stores, tasks: 12, wins: 30)
        for store in stores { await store.close() }
    }

    @Test func `prefixes keep populations apart`() async throws {
        let server = try await RedisServer.start()
        let one = try await redisStore(server)
        let other = try await redisStore(server, secret: 2) { $0.prefix = "other:" }
        _ = try await one.apply(PeerChange(try plain("a"), 0))
        #expect(try await other.entry("a") == nil)
        #expect(try await other.secret() == secretOctets(2))
        #expect(try await other.apply(PeerChange(try plain("a"), 0)) == 1)
        await one.close()
        await other.close()
    }

    @Test(arguments: [SIGTERM, SIGKILL]) func `while Redis is away all fails at once, then it goes on by itself`(
        _ signal: Int32
    ) async throws {
        let server = try await RedisServer.start(isDurable: true)
        let store = try await redisStore(server)
        let entry = try signed("a")
        _ = try await store.apply(PeerChange(entry, 0))
        _ = try await store.waitForEvents(after: 0)
        async let wait = store.waitForEvents(after: 1)
        try await server.stop(by: signal)
        let error = try await firstError { _ = try await store.entry("a") }
        #expect([.away, .lost].contains(error.code))
        let away = try await firstError { _ = try await store.apply(PeerChange(entry, 1)) }
        #expect(away.code == .away)
        #expect(away.message.contains("redis://127.0.0.1:\(server.port)") && away.message.contains("no connection"))
        let again = try await server.restarted(by: signal, isDurable: true)
        // Scripts are unknown to it now.
        let found = try await eventually { try await store.entry("a") }
        expectSame(found, entry.at(1))
        #expect(try await store.apply(PeerChange(entry, 1, .renew)) == 2)
        #expect(try await wait == 2)
        #expect(try await store.eventList().map(\.revision) == [1, 2])
        await store.close()
        try await again.stop()
    }

    @Test func `a Redis that does not answer is given up in time`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server) { $0.answerTimeout = .milliseconds(200) }
        server.send(SIGSTOP)
        let error = try await firstError { _ = try await store.entry("a") }
        #expect(error.code == .timedOut)
        server.send(SIGCONT)
        _ = try await eventually { try await store.entries(.names([])) + store.entries(.names(["a"])) }
        await store.close()
    }

    @Test func `a Redis that forgot is said to hold no events from before`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server)
        for number in 0..<5 { _ = try await store.apply(PeerChange(try plain("n\(number)"), 0)) }
        _ = try await store.waitForEvents(after: 4)
        let again = try await server.restarted()
        let newest = try await eventually { try await store.apply(PeerChange(try plain("new"), 0)) }
        #expect(newest == 1)
        #expect(try await store.events(since: 5, limit: 9) == .gone(oldest: 2))
        // Who waits for what comes after the lost ones is woken, and looks.
        #expect(try await store.waitForEvents(after: 5) <= 5)
        await store.close()
        try await again.stop()
    }

    @Test func `more commands than may be under way are refused at once`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server) { $0.commandsMax = 3 }
        server.send(SIGSTOP)
        let codes = await withTaskGroup(of: String.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        _ = try await store.entry("a")
                        return "answered"
                    } catch {
                        return (error as? RedisStoreError)?.code.description ?? "\(error)"
                    }
                }
            }
            var codes: [String] = []
            for await code in group {
                codes.append(code)
                if codes.count == 7 { server.send(SIGCONT) }
            }
            return codes
        }
        #expect(codes.filter { $0 == "busy" }.count == 7)
        #expect(codes.filter { $0 == "answered" }.count == 3)
        await store.close()
    }

    @Test func `more waits than may be are refused`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server) { $0.waitersMax = 2 }
        let results = await withTaskGroup(of: String.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do {
                        return "\(try await store.waitForEvents(after: 0))"
                    } catch {
                        return (error as? RedisStoreError)?.code.description ?? "\(error)"
                    }
                }
            }
            let first = await group.next()
            group.cancelAll()
            return await group.reduce(into: [first ?? ""]) { $0.append($1) }
        }
        #expect(results == ["busy", "0", "0"])
        await store.close()
    }

    @Test func `a password is needed, used, and never told`() async throws {
        let server = try await RedisServer.start(password: "s3cret word")
        func open(_ credentials: String) async throws -> RedisPeerStore {
            try await RedisPeerStore.open(
                RedisAddress("redis://\(credentials)127.0.0.1:\(server.port)/3"),
                newSecret: secretOctets(1),
                jitter: { 0 }
            )
        }
        let store = try await open(":s3cret%20word@")
        #expect(try await store.apply(PeerChange(try plain("a"), 0)) == 1)
        await store.close()
        let named = try await open("default:s3cret%20word@")
        #expect(try await named.entry("a") != nil)
        await named.close()
        for wrong in ["", ":wrong-one@", "nobody:wrong-one@"] {
            let error = try await firstError { _ = try await open(wrong) }
            #expect(error.code == .away || error.code == .lost || error.code == .refused)
            #expect(error.message.contains("NOAUTH") || error.message.contains("WRONGPASS"))
            #expect(!error.message.contains("wrong-one"))
        }
    }

    @Test func `a port where nothing listens, and a peer that is not Redis, are said`() async throws {
        let port = try freePort()
        let error = try await firstError {
            _ = try await RedisPeerStore.open(
                RedisAddress("redis://127.0.0.1:\(port)"),
                newSecret: secretOctets(1),
                jitter: { 0 }
            )
        }
        #expect(error.code == .away || error.code == .lost)
        #expect(error.message.contains("Connection refused"))
    }

    @Test func `another format is refused`() async throws {
        let server = try await RedisServer.start()
        try await RunningProcess.succeed([
            "redis-cli", "-p", "\(server.port)", "set", "waystation:registry:format", "9",
        ])
        let error = try await firstError { _ = try await redisStore(server) }
        #expect(error.code == .foreign)
        #expect(error.message.contains("format 9"))
    }

    @Test func `a damaged entry is an error, not a peer`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server)
        for damage in ["", "junk", "1\na\n5\n", "1\na\n5\n" + String(repeating: "x", count: 100)] {
            try await RunningProcess.succeed([
                "redis-cli", "-p", "\(server.port)", "set", "waystation:registry:peer:a", damage,
            ])
            let error = try await firstError { _ = try await store.entry("a") }
            #expect(error.code == .malformed)
        }
        await store.close()
    }

    @Test func `a closed store fails, and so does who waits`() async throws {
        let server = try await RedisServer.start()
        let store = try await redisStore(server)
        let waiting = Task { try await store.waitForEvents(after: 0) }
        for _ in 0..<100 { await Task.yield() }
        await store.close()
        #expect(try await firstError { _ = try await store.entry("a") }.code == .closed)
        #expect(try await firstError { _ = try await waiting.value }.code == .closed)
    }

    /// The error that `body` throws.
    private func firstError(_ body: () async throws -> Void) async throws -> RedisStoreError {
        do {
            try await body()
        } catch let error as RedisStoreError {
            return error
        }
        throw RunningProcess.Failure("no error was thrown")
    }

    /// What `body` returns when it no longer throws; it is asked again and again.
    private func eventually<Value>(_ body: () async throws -> Value) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await body()
            } catch {
                if ContinuousClock.now > deadline { throw error }
                await Task.yield()
            }
        }
    }
}
