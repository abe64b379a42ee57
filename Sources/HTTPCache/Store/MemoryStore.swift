// A store that keeps everything in memory: facts in a dictionary, body octets in files that have no disk under them.

import CLinux
package import HTTP
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Keeps stored responses in memory; all is gone with the process.
///
/// A segment is one memory file, so that its octets go to a socket by `sendfile` as those on a disk do; each holds one file
/// descriptor until it is discarded. Nothing here blocks.
package final class MemoryStore: CacheStore {
    private let state = Mutex(State())

    /// The facts and the files.
    fileprivate struct State {
        var records: [ResponseID: StoredRecord] = [:]
        var runs: [SegmentID: SegmentRuns] = [:]
        var responses: [CacheKey: [ResponseID]] = [:]
        var files: [ResponseID: [Int: OpenFile]] = [:]
        /// Segments, and inline bodies with index -1.
        var order = UseOrder<SegmentID>()
        var usedBytes: Int64 = 0
    }

    /// An empty store.
    package init() {}

    /// How many body octets are facts now.
    package var usedBytes: Int64 {
        state.withLock { $0.usedBytes }
    }

    package func records(for key: CacheKey) async throws -> [StoredRecord] {
        state.withLock { state in
            state.responses[key, default: []].compactMap { state.records[$0] }
        }
    }

    package func commit(_ changes: [StoreChange]) async throws {
        state.withLock { state in
            for change in changes {
                switch change {
                case .put(let record): state.put(record)
                case .extents(let segment, let held, let runs): state.setExtents(held, adding: runs, of: segment)
                case .remove(let response): state.remove(response)
                case .touch(let segments): state.touch(segments)
                }
            }
        }
    }

    package func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        try state.withLock { state in
            if let file = state.files[segment.response]?[segment.index] { return file }
            guard creating else {
                throw HTTPCacheError(.segmentMissing, "segment \(segment.index) of a response is not in memory")
            }
            let descriptor = clinux_memory_file("segment")
            guard descriptor >= 0 else {
                let reason = String(cString: strerror(errno))
                throw HTTPCacheError(.storeFailed, "could not open a file in memory for a segment: \(reason)")
            }
            let file = OpenFile(owning: descriptor)
            state.files[segment.response, default: [:]][segment.index] = file
            return file
        }
    }

    package func discardFiles(of response: ResponseID, segment: Int?) {
        // What is taken out is released, and its descriptor closed, after the lock.
        let discarded: [OpenFile] = state.withLock { state in
            guard let segment else {
                return state.files.removeValue(forKey: response).map { Array($0.values) } ?? []
            }
            let file = state.files[response]?.removeValue(forKey: segment)
            if state.files[response]?.isEmpty == true { state.files[response] = nil }
            return file.map { [$0] } ?? []
        }
        _ = consume discarded
    }

    package func evictionCandidates(bytes: Int64) async throws -> [EvictionCandidate] {
        state.withLock { state in
            var candidates: [EvictionCandidate] = []
            var found: Int64 = 0
            guard bytes > 0 else { return candidates }
            state.order.forEach { item in
                guard let record = state.records[item.response] else { return true }
                let candidate = EvictionCandidate(
                    key: record.key,
                    response: item.response,
                    segment: item.index < 0 ? nil : item.index,
                    bytes: record.bytes(of: item.index)
                )
                candidates.append(candidate)
                found += candidate.bytes
                return found < bytes
            }
            return candidates
        }
    }
}

extension MemoryStore.State {
    fileprivate mutating func put(_ new: StoredRecord) {
        var record = new
        record.segments = [:]
        if let old = records[new.id] {
            record.segments = old.segments
            usedBytes -= old.bytes(of: SegmentID.inline)
            if old.key != new.key { forgetKey(of: old) }
        }
        if responses[new.key]?.contains(new.id) != true { responses[new.key, default: []].append(new.id) }
        records[new.id] = record
        usedBytes += record.bytes(of: SegmentID.inline)
        let inline = SegmentID(response: new.id, index: SegmentID.inline)
        if new.inlineBody == nil { order.remove(inline) } else { order.use(inline) }
    }

    fileprivate mutating func setExtents(
        _ held: [Range<Int64>],
        adding added: [StoredRun],
        of segment: SegmentID
    ) {
        guard segment.index >= 0, var record = records[segment.response] else { return }
        var new = runs[segment] ?? SegmentRuns()
        new.update(held: held, adding: added, era: 0)
        usedBytes += new.count - record.bytes(of: segment.index)
        if new.entries.isEmpty {
            runs[segment] = nil
            record.segments[segment.index] = nil
            order.remove(segment)
        } else {
            runs[segment] = new
            record.segments[segment.index] = new.extents
            order.use(segment)
        }
        records[segment.response] = record
    }

    fileprivate mutating func remove(_ response: ResponseID) {
        guard let record = records.removeValue(forKey: response) else { return }
        forgetKey(of: record)
        for index in [SegmentID.inline] + record.segments.keys {
            usedBytes -= record.bytes(of: index)
            let segment = SegmentID(response: response, index: index)
            order.remove(segment)
            runs[segment] = nil
        }
    }

    fileprivate mutating func touch(_ segments: [SegmentID]) {
        for segment in segments where order.contains(segment) { order.use(segment) }
    }

    private mutating func forgetKey(of record: StoredRecord) {
        responses[record.key]?.removeAll { $0 == record.id }
        if responses[record.key]?.isEmpty == true { responses[record.key] = nil }
    }
}

extension SegmentID {
    /// The index that stands for an inline body where segments are listed.
    fileprivate static var inline: Int { -1 }
}

extension StoredRecord {
    /// How many octets a segment, or the inline body, holds.
    fileprivate func bytes(of index: Int) -> Int64 {
        guard index >= 0 else { return Int64(inlineBody?.count ?? 0) }
        return segments[index, default: []].reduce(0) { $0 + Int64($1.count) }
    }
}
