// Our own name at a scripted registry, in virtual time.

import Chat
import HTTP
import PeerIdentity
import Synchronization
import TestSupport
import Testing

struct RegistrationTests {
    /// A client that registers itself at a scripted registry; a lease is 30 s.
    struct Running {
        let fixture: DirectoryFixture
        let alice: TestPeer
        let registration: Registration
        let keys: Mutable<SealingKeySet>
        let url: Mutable<PeerURL?>
        let turnAt: Mutable<Timestamp>

        init(
            _ fixture: DirectoryFixture,
            as alice: TestPeer,
            likelyURL: PeerURL? = nil,
            handover: String? = nil
        ) throws {
            (self.fixture, self.alice) = (fixture, alice)
            let (keys, url) = (Mutable(alice.keys), Mutable<PeerURL?>(alice.url))
            let turnAt = Mutable(fixture.now.advanced(bySeconds: 3_300))
            (self.keys, self.url, self.turnAt) = (keys, url, turnAt)
            let published = PublishedKeys(
                current: { keys.value },
                nextTurn: { turnAt.value },
                turn: { now in
                    guard now >= turnAt.value else { return false }
                    keys.value = try TestPeer.keys()
                    turnAt.value = now.advanced(bySeconds: 3_300)
                    return true
                }
            )
            let told = fixture.told
            registration = Registration(
                of: RegisteredSelf(
                    identifier: alice.identifier,
                    identity: alice.identity,
                    keys: published,
                    url: { url.value },
                    likelyURL: { likelyURL },
                    handover: handover
                ),
                in: fixture.directory,
                random: { 0 },
                onEvent: { told.append($0) }
            )
        }

        /// Runs it while `body` runs, then stops it in good order.
        func run(_ body: @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await registration.run() }
                try await body()
                registration.stop()
                try await group.waitForAll()
            }
        }
    }

    /// A value that a test changes while others read it.
    final class Mutable<Value: Sendable>: Sendable {
        private let state: Mutex<Value>

        init(_ value: Value) { state = Mutex(value) }

        var value: Value {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    static let leaseKey = [UInt8](repeating: 9, count: 32)

    /// Answers as a registry does that has room for everybody.
    @Sendable static func accept(_ request: Request) -> Response {
        switch request.method {
        case .put: Response(status: 201, fields: ["Peer-Lease": Base64URL.encode(leaseKey)])
        case .delete: Response(status: 204)
        default: Response(status: 404)
        }
    }

    private func record(_ asked: ScriptedRegistry.Asked) throws -> PeerRecord {
        try SignedPeerRecord(parsing: asked.body).record
    }

    private func running(_ script: @escaping ScriptedRegistry.Script = accept) async throws -> Running {
        try Running(try await DirectoryFixture(registry: ScriptedRegistry(script)), as: try TestPeer("Alice"))
    }

    @Test func `it registers, renews under the lease key and deregisters`() async throws {
        let running = try await running()
        let (clock, registry) = (running.fixture.clock, running.fixture.registry)
        let start = running.fixture.now
        try await running.run {
            await clock.pass(.seconds(10))
            await registry.asked(2)
            await clock.pass(.seconds(10))
            await registry.asked(3)
            await clock.sleeper(for: .seconds(10))
            #expect(running.registration.isRegistered)
        }
        let asked = registry.asked
        #expect(asked.map(\.method) == ["PUT", "PUT", "PUT", "DELETE"])
        let record = try record(asked[0])
        #expect(record.url == running.alice.url && record.sealingKeys == running.alice.keys)
        #expect(record.sequence == UInt64(start.seconds) * 1_000 && record.ttlSeconds == 30)
        #expect(record.expiresAt == start.seconds + 3_600)
        for (number, request) in asked[1...2].enumerated() {
            let field = try #require(request.fields["Peer-Renew"])
            let renewal = try #require(PeerRenewal(parsing: field))
            #expect(renewal.counter == UInt64(number + 1) && renewal.sequence == record.sequence)
            #expect(renewal.isValid(leaseKey: Self.leaseKey, identifier: record.identifier) && request.body.isEmpty)
        }
        let text = try #require(asked[3].fields.text("Authorization"))
        let leave = try PeerLeave.parse(Array(text.dropFirst(5).utf8))
        #expect(text.hasPrefix("Peer ") && leave.isSignatureValid(by: record.key))
        #expect(leave.payload.sequence >= record.sequence && !running.registration.isRegistered)
        #expect(running.fixture.told.events.isEmpty)
    }

    @Test func `a registry that is away at the start is warned about once, and once told to be back`() async throws {
        let running = try await running { _ in throw ScriptedRegistry.Unreachable() }
        let (clock, registry, told) = (running.fixture.clock, running.fixture.registry, running.fixture.told)
        try await running.run {
            for wait in [0.5, 1, 2, 4, 8, 10, 10] { await clock.pass(.seconds(wait)) }
            await clock.sleeper(for: .seconds(10))
            #expect(told.notices.count == 1)
            registry.answer(Self.accept)
            await clock.pass(.seconds(10))
            await registry.asked(9)
            await clock.sleeper(for: .seconds(10))
            #expect(told.notices.count == 2 && running.registration.isRegistered)
        }
        // The record that was made first is still good: no signature is made for each attempt.
        let asked = registry.asked
        #expect(asked[8].body == asked[0].body)
    }

    @Test func `a registry that lost us is given the record again`() async throws {
        let running = try await running { request in
            request.fields["Peer-Renew"] == nil ? Self.accept(request) : Response(status: 401)
        }
        let (clock, registry) = (running.fixture.clock, running.fixture.registry)
        try await running.run {
            await clock.pass(.seconds(10))
            await registry.asked(3)
            await clock.sleeper(for: .seconds(10))
        }
        let asked = registry.asked
        #expect(asked[1].fields["Peer-Renew"] != nil && asked[2].body == asked[0].body)
    }

    @Test func `new sealing keys are published with a higher seq`() async throws {
        let running = try await running()
        let (clock, registry) = (running.fixture.clock, running.fixture.registry)
        running.turnAt.value = running.fixture.now.advanced(bySeconds: 5)
        try await running.run {
            await clock.pass(.seconds(5))
            await registry.asked(2)
            await clock.sleeper(for: .seconds(10))
        }
        let (first, second) = (try record(registry.asked[0]), try record(registry.asked[1]))
        #expect(second.sequence > first.sequence && second.sealingKeys != first.sealingKeys)
        #expect(second.sealingKeys == running.keys.value)
    }

    @Test func `seq never goes back after a restart, even if the clock does`() async throws {
        let running = try await running()
        let ahead = running.fixture.now.advanced(bySeconds: 1_000)
        let last = UInt64(ahead.seconds) * 1_000
        try await running.fixture.directory.keepOwn(try running.alice.record(last, at: ahead))
        try await running.run { await running.fixture.clock.sleeper(for: .seconds(10)) }
        #expect(try record(running.fixture.registry.asked[0]).sequence == last + 1)
        #expect(try await running.fixture.store.stored("alice")?.sequence == last + 1)
    }

    @Test func `a seq that another machine used is learnt from the registry's record`() async throws {
        let alice = try TestPeer("Alice")
        let fixture = try await DirectoryFixture()
        let far = UInt64(fixture.now.seconds) * 2_000
        let held = try alice.record(far, at: fixture.now)
        fixture.registry.answer { request in
            guard request.method == .put else {
                return request.method == .get ? ScriptedRegistry.found(held) : Response(status: 204)
            }
            let body = try await request.body.collect(upTo: 8_192)
            let sequence = try SignedPeerRecord(parsing: body).record.sequence
            guard sequence > far else { return Response(status: 409, text: "seq \(sequence) is too low") }
            return Self.accept(request)
        }
        let running = try Running(fixture, as: alice)
        try await running.run { await fixture.clock.sleeper(for: .seconds(10)) }
        #expect(fixture.registry.asked.map(\.method) == ["PUT", "GET", "PUT", "DELETE"])
        #expect(try record(fixture.registry.asked[2]).sequence == far + 1)
    }

    @Test func `the registry's bare word cannot use up the numbers`() async throws {
        let running = try await running { request in
            guard request.method == .put else { return Self.accept(request) }
            return Response(status: 409, text: "seq 1 is too low: the registry holds seq 9007199254740991")
        }
        try await running.run { await running.fixture.clock.sleeper(for: .seconds(1)) }
        let puts = running.fixture.registry.asked.filter { $0.method == "PUT" }
        for put in puts { #expect(try record(put).sequence < UInt64(running.fixture.now.seconds) * 1_001) }
        #expect(puts.count == 2 && puts[0].body != puts[1].body)
    }

    @Test func `a name that belongs to another key ends it with that error`() async throws {
        let running = try await running { _ in Response(status: 409, text: "the name belongs to another key") }
        let error = await #expect(throws: ChatError.self) { try await running.registration.run() }
        #expect(error?.code == .nameTaken && error?.message.contains("--identity") == true)
    }

    @Test func `a refusal is told with the registry's words, once`() async throws {
        let running = try await running { _ in Response(status: 400, text: "url: a loopback address") }
        let told = running.fixture.told
        try await running.run {
            await running.fixture.clock.pass(.seconds(0.5))
            await running.fixture.clock.sleeper(for: .seconds(1))
        }
        #expect(told.notices.count == 1 && told.notices[0].contains("url: a loopback address"))
    }

    @Test func `a stop while the registry does not answer is over within its bound`() async throws {
        let gate = Gate()
        let running = try await running { _ in
            await gate.wait()
            throw ScriptedRegistry.Unreachable()
        }
        let registry = running.fixture.registry
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await running.registration.run() }
            await registry.asked(1)
            running.registration.stop()
            gate.open()
            try await group.waitForAll()
        }
        #expect(registry.asked.map(\.method) == ["PUT", "DELETE"])
        let second = try await self.running { request in
            guard request.method == .delete else { return Self.accept(request) }
            let never = Gate()
            await withTaskCancellationHandler {
                await never.wait()
            } onCancel: {
                never.open()
            }
            throw CancellationError()
        }
        try await second.run {
            await second.fixture.clock.sleeper(for: .seconds(10))
            second.registration.stop()
            await second.fixture.clock.pass(.seconds(2))
        }
    }

    @Test func `cancellation ends it without a word to the registry`() async throws {
        let running = try await running()
        let task = Task { try await running.registration.run() }
        await running.fixture.clock.sleeper(for: .seconds(10))
        task.cancel()
        try await task.value
        #expect(running.fixture.registry.asked.count == 1)
    }

    @Test func `our address is learnt from a connection if nobody gave one`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        let running = try Running(fixture, as: alice)
        running.url.value = nil
        fixture.registry.answer { request in
            running.url.value = alice.url
            return Self.accept(request)
        }
        try await running.run { await fixture.clock.sleeper(for: .seconds(10)) }
        #expect(fixture.registry.asked.map(\.method) == ["GET", "PUT", "DELETE"])
        #expect(try record(fixture.registry.asked[1]).url == alice.url)
    }

    @Test func `known peers are given a record also if the registry was away from the start`() async throws {
        let fixture = try await DirectoryFixture()
        let alice = try TestPeer("Alice")
        let running = try Running(fixture, as: alice, likelyURL: alice.url)
        running.url.value = nil
        try await running.run {
            await fixture.clock.sleeper(for: .seconds(0.5))
            #expect(running.registration.record?.record.url == alice.url)
            #expect(running.registration.record?.record.sealingKeys == alice.keys)
            #expect(!running.registration.isRegistered)
        }
    }

    @Test func `a client whose address changed registers the new one instead of a sign of life`() async throws {
        let running = try await running()
        let (clock, registry) = (running.fixture.clock, running.fixture.registry)
        let moved = try PeerURL("http://192.0.2.77:8081/")
        try await running.run {
            await clock.sleeper(for: .seconds(10))
            running.url.value = moved
            await clock.pass(.seconds(10))
            await registry.asked(2)
            await clock.sleeper(for: .seconds(10))
        }
        let (first, second) = (try record(registry.asked[0]), try record(registry.asked[1]))
        #expect(second.url == moved && second.sequence > first.sequence)
    }
}
