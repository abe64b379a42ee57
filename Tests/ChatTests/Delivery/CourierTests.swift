// What a courier does about each answer of a peer, and how little it asks the registry.

import HTTP
import PeerIdentity
import Synchronization
import TestSupport
import Testing

@testable import Chat

@Suite struct CourierTests {
    private static let alice = "Alice"

    @Test func `a thousand messages to one peer share bodies, in order, and make one look-up`() async throws {
        let peers = ScriptedPeers { _, body in receipt(for: body) }
        let destinations = ScriptedDestinations()
        try await withCourier(peers, destinations) { courier, log in
            let alice = try PeerIdentifier(Self.alice)
            for batch in 0..<10 {
                try await courier.send(
                    (1...100).map { Draft(text: "\(batch) \($0)", recipients: [alice], writtenAtMilliseconds: 1) }
                )
            }
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            let delivered = log.lines.filter { $0.hasSuffix("delivered") }
            #expect(delivered == (1...1000).map { "\($0) delivered" })
        }
        let numbers = try await peers.bodies.flatMap { $0.split(separator: " ").dropFirst().compactMap { Int($0) } }
        #expect(numbers == Array(1...1000))
        // A body asks once; the cache behind it is the destinations' own. None of it is a look-up anew.
        #expect(destinations.lookups.withLock { $0.allSatisfy { !$0 } })
        #expect(destinations.lookups.withLock { $0.count } < 40)
    }

    @Test func `a peer that is away gets everything when it is back, and it is told once why it waits`() async throws {
        let peers = ScriptedPeers { index, body in
            if index < 5 { throw Away() }
            return receipt(for: body)
        }
        let destinations = ScriptedDestinations()
        try await withCourier(peers, destinations) { courier, log in
            try await courier.send("hi", to: [try PeerIdentifier(Self.alice)])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            #expect(log.lines == ["1 queued", "1 queued: Alice is away; will retry", "1 delivered"])
        }
        #expect(destinations.lookups.withLock { $0 } == [false, true, true, true, true, true])
    }

    @Test(arguments: [
        (201, "what answers at the address of Alice is not Alice; will retry"),
        (204, "what answers at the address of Alice is not Alice; will retry"),
        (302, "Alice answers with status 302; will retry"),
        (404, "Alice answers with status 404; will retry"),
        (415, "the client of Alice does not know this way of sealing; will retry"),
        (429, "Alice is busy; will retry"),
        (500, "Alice answers with status 500; will retry"),
        (503, "Alice is busy; will retry"),
    ])
    func `no other answer than a receipt is delivery`(_ status: Int, _ reason: String) async throws {
        let peers = ScriptedPeers { index, body in
            index == 0 ? Response(status: status, body: Body([UInt8](repeating: 0, count: 8))) : receipt(for: body)
        }
        try await withCourier(peers) { courier, log in
            try await courier.send("hi", to: [try PeerIdentifier(Self.alice)])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            #expect(log.lines == ["1 queued", "1 queued: \(reason)", "1 delivered"])
        }
        #expect(peers.requests.withLock { $0.count } == 2)
    }

    @Test(arguments: [0, 7, 9, 40, 100])
    func `a 200 without a valid receipt is not delivery`(_ count: Int) async throws {
        let peers = ScriptedPeers { index, body in
            index == 0 ? Response(status: 200, body: Body([UInt8](repeating: 0, count: count))) : receipt(for: body)
        }
        try await withCourier(peers) { courier, log in
            try await courier.send("hi", to: [try PeerIdentifier(Self.alice)])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            #expect(log.lines.count == 3)
        }
    }

    @Test func `a key that the receiver does not know is learned from its record, at once`() async throws {
        let peers = ScriptedPeers { index, body in
            index == 0 ? Response(status: 409, body: Body("record")) : receipt(for: body)
        }
        let destinations = ScriptedDestinations()
        try await withCourier(peers, destinations) { courier, log in
            try await courier.send("hi", to: [try PeerIdentifier(Self.alice)])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            #expect(log.lines == ["1 queued", "1 delivered"])
        }
        #expect(destinations.learned.withLock { $0 } == [Array("record".utf8)])
    }

    @Test(arguments: [
        (400, "Alice does not understand it"), (403, "Alice does not take messages from you"),
        (413, "it is too long for Alice"),
    ])
    func `a refusal is believed after a new look-up`(_ status: Int, _ reason: String) async throws {
        let peers = ScriptedPeers { _, _ in Response(status: status) }
        let destinations = ScriptedDestinations()
        try await withCourier(peers, destinations) { courier, log in
            try await courier.send("hi", to: [try PeerIdentifier(Self.alice)])
            let rest = await courier.waitUntilSettled(within: .seconds(30))
            #expect(rest.map(\.state) == [.failed])
            #expect(log.lines == ["1 queued", "1 failed: \(reason)"])
        }
        #expect(destinations.lookups.withLock { $0 } == [false, true])
    }

    @Test func `one message that is refused does not take others with it`() async throws {
        let peers = ScriptedPeers { _, body in
            body.split(separator: " ").contains("5") ? Response(status: 400) : receipt(for: body)
        }
        try await withCourier(peers) { courier, log in
            let alice = try PeerIdentifier(Self.alice)
            try await courier.send((1...20).map { Draft(text: "\($0)", recipients: [alice], writtenAtMilliseconds: 1) })
            let rest = await courier.waitUntilSettled(within: .seconds(30))
            #expect(rest.map(\.message.sequence) == [5])
            #expect(log.lines.filter { $0.hasSuffix("delivered") }.count == 19)
        }
    }

    @Test func `a changed key stops delivery until the person decides`() async throws {
        let peers = ScriptedPeers { _, body in receipt(for: body) }
        let destinations = ScriptedDestinations()
        destinations.failure.withLock { $0 = ChatError(.keyChanged, "Alice has another key") }
        try await withCourier(peers, destinations, sleepMax: .zero) { courier, log in
            let alice = try PeerIdentifier(Self.alice)
            try await courier.send("hi", to: [alice])
            #expect(await courier.waitUntilSettled(within: .seconds(60)).map(\.reason) == ["Alice has another key"])
            #expect(log.lines == ["1 queued", "keyChanged(Alice)", "1 queued: Alice has another key"])
            #expect(peers.requests.withLock { $0.isEmpty })
            destinations.failure.withLock { $0 = nil }
            courier.retryNow(alice)
            try await log.tally.reach(4)
            #expect(await courier.waitUntilSettled(within: .seconds(60)) == [])
        }
    }

    @Test func `a plain peer gets one message a post, and that it went in the clear is said`() async throws {
        let peers = ScriptedPeers { _, _ in Response(status: 202) }
        try await withCourier(peers, ScriptedDestinations(isPlain: true)) { courier, log in
            let carol = try PeerIdentifier("Carol")
            try await courier.send(
                ["one", "two"].map { Draft(text: $0, recipients: [carol], writtenAtMilliseconds: 1) }
            )
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
            #expect(log.lines.suffix(2) == ["1 delivered: sent (not encrypted)", "2 delivered: sent (not encrypted)"])
        }
        #expect(try await peers.bodies == ["one", "two"])
        let types = peers.requests.withLock { $0.map { $0.fields.text("Content-Type") } }
        #expect(types == ["text/plain; charset=utf-8", "text/plain; charset=utf-8"])
    }

    @Test func `the next courier on the same store sends what the last one did not`() async throws {
        let store = MemoryChatStore { StreamID(high: 1, low: 1) }
        let alice = try PeerIdentifier(Self.alice)
        try await withCourier(ScriptedPeers { _, _ in throw Away() }, store: store, sleepMax: .zero) { courier, _ in
            try await courier.send("hi", to: [alice])
        }
        let peers = ScriptedPeers { _, body in receipt(for: body) }
        try await withCourier(peers, store: store) { courier, _ in
            try await courier.send("there", to: [alice])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
        }
        #expect(try await peers.bodies.joined(separator: " ").replacing("Alice ", with: "") == "1 2")
    }

    @Test func `texts that are empty or too long and lists of nobody are refused, at the limit not`() async throws {
        let peers = ScriptedPeers { _, body in receipt(for: body) }
        try await withCourier(peers) { courier, _ in
            let alice = try PeerIdentifier(Self.alice)
            await #expect(throws: ChatError.self) { try await courier.send("", to: [alice]) }
            await #expect(throws: ChatError.self) { try await courier.send("hi", to: []) }
            let longest = String(repeating: "x", count: 16 * 1024)
            await #expect(throws: ChatError.self) { try await courier.send(longest + "x", to: [alice]) }
            try await courier.send(longest, to: [alice, try PeerIdentifier("ALICE")])
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
        }
        #expect(peers.requests.withLock { $0.count } == 1)
    }

    /// A pipe that is empty at once must not wait for its whole bound.
    @Test(.timeLimit(.minutes(5))) func `waiting ends when the outbox that is read is empty`()
        async throws
    {
        let courier = Courier(
            identifier: try PeerIdentifier("Bob"),
            store: MemoryChatStore { StreamID(high: 1, low: 1) },
            destinations: ScriptedDestinations(),
            transport: ScriptedPeers { _, body in receipt(for: body) },
            sealing: OpenSealing(),
            clock: CourierClock(
                unixMilliseconds: { 1 },
                elapsed: { .zero },
                sleep: { _ in try await untilCancelled() },
                random: { 0.5 }
            ),
            onEvent: { _ in }
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { #expect(await courier.waitUntilSettled(within: .seconds(30)) == []) }
            while courier.state.withLock({ $0.waiters.isEmpty }) { await Task.yield() }
            group.addTask { await courier.run() }
            await group.next()
            group.cancelAll()
        }
    }

    @Test func `more than may be queued is refused, and so is what comes after the end`() async throws {
        var configuration = CourierConfiguration()
        configuration.queuedMax = 3
        let last = Mutex<Courier?>(nil)
        let peers = ScriptedPeers { _, _ in throw Away() }
        let alice = try PeerIdentifier(Self.alice)
        try await withCourier(peers, configuration: configuration, sleepMax: .zero) { courier, _ in
            for _ in 0..<3 { try await courier.send("hi", to: [alice]) }
            await #expect(throws: ChatError.self) { try await courier.send("hi", to: [alice]) }
            await courier.giveUp(on: alice)
            try await courier.send("hi", to: [alice])
            last.withLock { $0 = courier }
        }
        let stopped = try #require(last.withLock { $0 })
        await #expect(throws: ChatError.self) { try await stopped.send("hi", to: [alice]) }
        #expect(stopped.undelivered.map(\.state) == [.failed, .failed, .failed, .queued])
    }

    @Test func `who reads a long input waits for room, and all of it goes through`() async throws {
        var configuration = CourierConfiguration()
        configuration.queuedMax = 10
        let peers = ScriptedPeers { _, body in receipt(for: body) }
        let alice = try PeerIdentifier(Self.alice)
        try await withCourier(peers, configuration: configuration) { courier, _ in
            for _ in 0..<50 {
                #expect(await courier.waitForRoom(7, within: .seconds(30)))
                try await courier.send(
                    (0..<7).map { Draft(text: "\($0)", recipients: [alice], writtenAtMilliseconds: 1) }
                )
            }
            #expect(await courier.waitUntilSettled(within: .seconds(30)) == [])
        }
        let numbers = try await peers.bodies.flatMap { $0.split(separator: " ").dropFirst().compactMap { Int($0) } }
        #expect(numbers == Array(1...350))
    }

    @Test func `who waits for room while nothing is delivered is told so`() async throws {
        var configuration = CourierConfiguration()
        configuration.queuedMax = 2
        let peers = ScriptedPeers { _, _ in throw Away() }
        let alice = try PeerIdentifier(Self.alice)
        try await withCourier(peers, configuration: configuration, sleepMax: .zero) { courier, _ in
            try await courier.send("1", to: [alice])
            #expect(await courier.waitForRoom(1, within: .zero))
            try await courier.send("2", to: [alice])
            #expect(await courier.waitForRoom(1, within: .zero) == false)
        }
    }

    @Test func `a peer that never answers is given up after the time for an attempt, and tried again`() async throws {
        let destinations = ScriptedDestinations()
        let log = CourierEvents()
        let alice = try PeerIdentifier(Self.alice)
        let courier = Courier(
            identifier: try PeerIdentifier("Bob"),
            store: MemoryChatStore { StreamID(high: 1, low: 1) },
            destinations: destinations,
            transport: SilentPeer(),
            sealing: OpenSealing(),
            clock: CourierClock(
                unixMilliseconds: { 1 },
                elapsed: { .zero },
                sleep: { if $0 != .seconds(15) { try await untilCancelled() } },
                random: { 0.5 }
            ),
            onEvent: log.add
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await courier.run() }
            try await courier.send("hi", to: [alice])
            try await log.tally.reach(2)
            #expect(log.lines == ["1 queued", "1 queued: Alice does not answer; will retry"])
            group.cancelAll()
        }
        #expect(courier.undelivered.map(\.state) == [.queued])
    }
}

/// Takes a request and says nothing until the asker gives up.
private struct SilentPeer: Responder {
    func respond(to request: Request) async throws -> Response {
        try await untilCancelled()
        throw Away()
    }
}
