// The store as the cache sees it: what becomes a fact is told to the evictor.

import HTTP

/// A store whose evictor hears of each change once it is a fact.
final class EvictingStore: CacheStore {
    private let store: any CacheStore
    private let evictor: Evictor

    /// `store`, watched by `evictor`, which evicts from `store` itself.
    init(_ store: any CacheStore, evictor: Evictor) {
        self.store = store
        self.evictor = evictor
    }

    var usedBytes: Int64 { store.usedBytes }

    func records(for key: CacheKey) async throws -> [StoredRecord] {
        try await store.records(for: key)
    }

    /// Also throws ``HTTPCacheError`` with code `storeFailed` for a segment so far behind in its body that it has no number.
    func commit(_ changes: [StoreChange]) async throws {
        for case .extents(let segment, _, _) in changes where segment.index > Int(Int32.max) {
            throw HTTPCacheError(.storeFailed, "the body is too long: segment \(segment.index) cannot be kept")
        }
        try await store.commit(changes)
        evictor.note(changes)
    }

    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        try store.openSegment(segment, creating: creating)
    }

    func discardFiles(of response: ResponseID, segment: Int?) {
        store.discardFiles(of: response, segment: segment)
    }

    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await store.units(after: position, limit: limit)
    }
}
