// Pins on their way to the store: in order, together, and again after a failure.

import PeerIdentity
import Synchronization
import TestSupport
import Testing

@testable import Chat

struct PinKeeperTests {
    private let now = DirectoryTestClock().timestamp

    @Test func `changes during a write are written together afterwards, the newest state last`() async throws {
        let (began, gate) = (Gate(), Gate())
        let batches = Mutex<[[UInt64]]>([])
        let store = PinStore { pins in
            batches.withLock { $0.append(pins.map(\.sequence)) }
            began.open()
            await gate.wait()
        }
        let alice = try TestPeer("Alice")
        let current = Mutex(PinRules.pinned(try alice.record(1, at: now)))
        let keeper = PinKeeper(store: store, registry: DirectoryFixture.base) { _ in [current.withLock { $0 }] }
        let first = Task { try await keeper.save("alice") }
        await began.wait()
        let later = (2...20).map { number in
            current.withLock { $0.sequence = UInt64(number) }
            return Task { try await keeper.save("alice") }
        }
        #expect(keeper.isDue("alice"))
        gate.open()
        try await first.value
        for task in later { try await task.value }
        #expect(try await store.stored("alice")?.sequence == 20)
        #expect(batches.withLock { $0.first } == [1] && store.writes >= 2 && !keeper.isDue("alice"))
    }

    @Test func `a write that failed is due until it succeeds`() async throws {
        let store = PinStore()
        let pin = PinRules.pinned(try TestPeer("Alice").record(1, at: now))
        let keeper = PinKeeper(store: store, registry: DirectoryFixture.base) { _ in [pin] }
        store.fail(true)
        let error = await #expect(throws: ChatError.self) { try await keeper.save("alice") }
        #expect(error?.code == .storeFailed && keeper.isDue("alice"))
        store.fail(false)
        try await keeper.save("other")
        #expect(try await store.stored("alice") == pin && !keeper.isDue("alice"))
    }
}
