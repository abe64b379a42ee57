// Tests of a registry whose store fails, forgets, or is faster than its watchers.

import HTTP
import PeerIdentity
import Synchronization
import Testing

@testable import PeerRegistry

@Suite(.timeLimit(.minutes(5))) struct StoreTroubleTests {
    private static let now = RegistryFixture.start

    private static func entry(_ name: String) throws -> PeerEntry {
        let until = now.advanced(bySeconds: 3_600)
        let url = try PeerURL("http://127.0.0.1:1/")
        return PeerEntry(
            content: .plain(try PeerIdentifier(name), url),
            presentUntil: until,
            isPresent: true,
            heldSince: now,
            heldUntil: until
        )
    }

    private static func join(_ name: String) throws -> PeerChange {
        PeerChange(entry: try entry(name), name: name, expected: 0, kind: .join)
    }

    private func watch(_ registry: Registry, _ query: String = "") async throws -> Watcher {
        Watcher(try await RegistryResponder(registry).respond(to: Request(target: Array("/changes\(query)".utf8))))
    }

    @Test(arguments: [(Method.get, "/peers/a"), (.get, "/peers?ids=a"), (.get, "/changes"), (.delete, "/peers/a")])
    func `a store that fails is 503, and the operator is told why, once`(
        _ method: Method,
        _ target: String
    ) async throws {
        let store = TroubledStore(MemoryPeerStore(secret: [UInt8](repeating: 1, count: 32)))
        store.fails.value = true
        let told = Mutable<[String]>([])
        let registry = Registry(store: store, clock: ContinuousClock(), now: { StoreTroubleTests.now }) { problem in
            told.value.append(problem)
        }
        for _ in 0..<3 {
            let response = try await RegistryResponder(registry).respond(
                to: Request(method: method, target: Array(target.utf8))
            )
            #expect(response.status == 503 && response.fields.text("Retry-After") == "1")
            let text = String(decoding: try await response.body.collect(upTo: 1_000), as: UTF8.self)
            #expect(!text.contains("redis.example"))
        }
        #expect(told.value.count == 1 && told.value.first?.contains("redis.example") == true)
    }

    @Test func `when the store forgot, streams end, their revisions are gone, and new ones go on`() async throws {
        let store = TroubledStore(MemoryPeerStore(secret: [UInt8](repeating: 1, count: 32)))
        let registry = Registry(store: store, clock: ContinuousClock(), now: { StoreTroubleTests.now })
        try await withThrowingTaskGroup(of: Void.self) { group async throws -> Void in
            group.addTask { await registry.run() }
            let watcher = try await watch(registry)
            _ = try await watcher.next()
            _ = try await store.apply(["a", "b", "c"].map(Self.join))
            #expect(try await watcher.events(3).count == 3)
            store.forget()
            #expect(try await watcher.next() == nil)
            #expect(try await watch(registry, "?since=3").response.status == 410)
            let next = try await watch(registry)
            #expect(try await next.next() == "retry: 1000\nid: 0\n\n")
            _ = try await store.apply([Self.join("d")])
            #expect(try await next.events(1).first?.hasPrefix("id: 1\n") == true)
            group.cancelAll()
        }
    }

    @Test func `an event that comes while a watcher hears that there is none is not passed over`() async throws {
        // As after a kill: revisions up to 100 may have been given, and there are no events of them.
        let memory = MemoryPeerStore(secret: [UInt8](repeating: 1, count: 32), lastRevision: 100)
        memory.load(events: [], after: 0, eventsMax: 10)
        let store = TroubledStore(memory)
        let registry = Registry(store: store, clock: ContinuousClock(), now: { StoreTroubleTests.now })
        registry.log.skip(to: 100)
        let watcher = try await watch(registry, "?since=10")
        _ = try await watcher.next()
        let change = try Self.join("a")
        store.afterEvents.value = {
            store.afterEvents.value = nil
            _ = memory.applyNow([change])
            guard case .events(let events) = memory.eventsNow(since: 100, limit: 1) else { return }
            registry.log.append(events)
        }
        #expect(try await watcher.events(1).first?.hasPrefix("id: 101\n") == true)
    }
}

/// A store to be waited for, that fails or forgets when it is told to.
private final class TroubledStore: PeerStore {
    struct Failure: Error, CustomStringConvertible {
        let description = "redis.example does not answer"
    }

    let fails = Mutable(false)
    /// Done once events were looked for, before they are returned.
    let afterEvents = Mutable<(@Sendable () -> Void)?>(nil)
    private let memory: Mutable<MemoryPeerStore>
    private let waiter = Mutex<CheckedContinuation<UInt64, Never>?>(nil)

    init(_ memory: MemoryPeerStore) {
        self.memory = Mutable(memory)
    }

    private func held() throws -> MemoryPeerStore {
        if fails.value { throw Failure() }
        return memory.value
    }

    private func wake(_ revision: UInt64) {
        waiter.withLock { $0.take() }?.resume(returning: revision)
    }

    /// Begins again with nothing, and says so to who waits.
    func forget() {
        memory.value = MemoryPeerStore(secret: [UInt8](repeating: 1, count: 32))
        wake(0)
    }

    func secret() async throws -> [UInt8] { try await held().secret() }

    func entries(_ selection: PeerSelection) async throws -> [PeerEntry] { try held().entriesNow(selection) }

    func apply(_ changes: [PeerChange]) async throws -> [UInt64?] {
        let revisions = try held().applyNow(changes)
        wake(memory.value.lastRevision)
        return revisions
    }

    func events(since: UInt64, limit: Int) async throws -> PeerEventPage {
        let memory = try held()
        let newest = memory.lastRevision
        let page = memory.eventsNow(since: since, limit: limit)
        afterEvents.value?()
        return since > newest ? .gone(oldest: newest + 1) : page
    }

    func waitForEvents(after revision: UInt64) async throws -> UInt64 {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiter.withLock { waiter in
                    if Task.isCancelled || memory.value.lastRevision != revision { return true }
                    waiter = continuation
                    return false
                }
                if isOver { continuation.resume(returning: memory.value.lastRevision) }
            }
        } onCancel: {
            wake(memory.value.lastRevision)
        }
    }
}
