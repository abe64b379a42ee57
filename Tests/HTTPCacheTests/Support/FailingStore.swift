// A store in memory whose operations fail when the test says so.

import HTTP
import HTTPCache
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A ``MemoryStore`` with faults that are switched on and off.
final class FailingStore: CacheStore {
    enum Fault: Hashable, Sendable, CaseIterable {
        /// No file can be made.
        case creating
        /// No fact can be made.
        case committing
        /// No octet can be written, neither to files that are open nor to those that are opened from now on.
        case writing
        /// Nothing can be looked up.
        case reading
    }

    private struct State {
        var faults: Set<Fault> = []
        var files: [OpenFile] = []
        var commits = 0
        var records: Set<ResponseID> = []
    }

    private let store = MemoryStore()
    private let state = Mutex(State())

    var usedBytes: Int64 { store.usedBytes }

    /// The responses that are facts.
    var storedResponses: Set<ResponseID> { state.withLock { $0.records } }

    func set(_ faults: Set<Fault>) {
        let files = state.withLock { state in
            state.faults = faults
            return faults.contains(.writing) ? state.files : []
        }
        for file in files { Self.makeReadOnly(file) }
    }

    func records(for key: CacheKey) async throws -> [StoredRecord] {
        try refuse(.reading)
        return try await store.records(for: key)
    }

    func commit(_ changes: [StoreChange]) async throws {
        try refuse(.committing)
        try await store.commit(changes)
        state.withLock { state in
            for change in changes {
                switch change {
                case .put(let record): state.records.insert(record.id)
                case .remove(let id): state.records.remove(id)
                default: break
                }
            }
        }
    }

    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        if creating { try refuse(.creating) }
        let file = try store.openSegment(segment, creating: creating)
        let isReadOnly = state.withLock { state in
            state.files.append(file)
            return state.faults.contains(.writing)
        }
        if isReadOnly { Self.makeReadOnly(file) }
        return file
    }

    func discardFiles(of response: ResponseID, segment: Int?) {
        store.discardFiles(of: response, segment: segment)
    }

    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try refuse(.reading)
        return try await store.units(after: position, limit: limit)
    }

    private func refuse(_ fault: Fault) throws {
        guard state.withLock({ $0.faults.contains(fault) }) else { return }
        throw HTTPCacheError(.storeFailed, "no space left on device")
    }

    /// Puts the same file, opened for reading, in the descriptor's place: every write fails from now on.
    private static func makeReadOnly(_ file: OpenFile) {
        let readOnly = open("/proc/self/fd/\(file.descriptor)", O_RDONLY | O_CLOEXEC)
        guard readOnly >= 0 else { return }
        dup2(readOnly, file.descriptor)
        close(readOnly)
    }
}
