// A store in memory where something happens just before it says that a segment has no file.

import HTTP
import HTTPCache
import Synchronization

/// A ``MemoryStore`` whose answer that a file is missing is out of date when it comes, once.
final class RacingStore: CacheStore {
    let inner = MemoryStore()
    private let hook = Mutex<(@Sendable (SegmentID) -> Void)?>(nil)

    /// Called once, when a segment was found to have no file.
    var beforeMissing: (@Sendable (SegmentID) -> Void)? {
        get { hook.withLock { $0 } }
        set { hook.withLock { $0 = newValue } }
    }

    var usedBytes: Int64 { inner.usedBytes }

    func records(for key: CacheKey) async throws -> [StoredRecord] { try await inner.records(for: key) }
    func commit(_ changes: [StoreChange]) async throws { try await inner.commit(changes) }

    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        do {
            return try inner.openSegment(segment, creating: creating)
        } catch {
            hook.withLock { $0.take() }?(segment)
            throw error
        }
    }

    func discardFiles(of response: ResponseID, segment: Int?) {
        inner.discardFiles(of: response, segment: segment)
    }

    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await inner.units(after: position, limit: limit)
    }
}
