// Nothing holds a cache, or what it held, once its users have gone.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct ReleaseTests {
    @Test(arguments: [1000, 150_000])
    func `a cache that nobody uses any more is let go, with all that it held`(_ count: Int) async throws {
        let medium = StubMedium(count: count)
        let cacheBox = Mutex(WeakCache())
        weak var store: MemoryStore?
        try await {
            let owned = MemoryStore()
            store = owned
            try await CacheFixture.run(origin: StubOrigin { medium.respond(to: $0) }, store: owned) {
                fixture async throws in
                cacheBox.withLock {
                    $0.value = fixture.cache
                    $0.table = fixture.cache.table
                    $0.coordinator = fixture.cache.coordinator
                    $0.evictor = fixture.cache.coordinator.evictor
                }
                for target in ["/", "/a", "/"] {
                    #expect(try await fixture.get(target).body.elementsEqual(medium.octets))
                }
                await fixture.isIdle()
                let key = fixture.cache.upstream.key(of: Array("/a".utf8).span)
                cacheBox.withLock { $0.stored = fixture.cache.table.variants(of: key)?.first }
            }
        }()
        #expect(cacheBox.withLock { $0.value } == nil)
        #expect(cacheBox.withLock { $0.table } == nil)
        #expect(cacheBox.withLock { $0.coordinator } == nil)
        #expect(cacheBox.withLock { $0.evictor } == nil)
        #expect(cacheBox.withLock { $0.stored } == nil)
        #expect(store == nil)
    }
}

private struct WeakCache: Sendable {
    weak var value: CachingResponder?
    weak var table: ObjectTable?
    weak var coordinator: FetchCoordinator?
    weak var evictor: Evictor?
    weak var stored: StoredResponse?
}
