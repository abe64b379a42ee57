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
/// A segment is one memory file, so that its octets go to a socket by `sendfile` as those on a disk do. Each holds a descriptor
/// until it is discarded; beyond half of the share for files, and where that is used up, new ones are parts of one that all
/// share. Nothing here blocks.
package final class MemoryStore: CacheStore {
    private let state = Mutex(State())
    private let arena = MemoryArena()

    /// The facts and the files.
    fileprivate struct State {
        var records: [ResponseID: StoredRecord] = [:]
        var runs: [SegmentID: SegmentRuns] = [:]
        var responses: [CacheKey: [ResponseID]] = [:]
        var files: [ResponseID: [Int: OpenFile]] = [:]
        var fileCount = 0
        /// Of segments, and inline bodies with index -1: when they were last stored or used, counted, and if used again.
        var uses: [SegmentID: (position: Int64, isAgain: Bool)] = [:]
        var lastPosition: Int64 = 0
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
                case .removeIfEmpty(let response): state.removeIfEmpty(response)
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
            let file = try newFile(besides: state.fileCount)
            state.fileCount += 1
            state.files[segment.response, default: [:]][segment.index] = file
            return file
        }
    }

    private func newFile(besides count: Int) throws(HTTPCacheError) -> OpenFile {
        let filesMax = DescriptorShares.process.files
        if count >= filesMax / 2 || OpenFile.openCount >= filesMax, let part = arena?.newFile() { return part }
        let descriptor = clinux_memory_file("segment")
        if descriptor >= 0 { return OpenFile(owning: descriptor) }
        let reason = String(cString: strerror(errno))
        if let part = arena?.newFile() { return part }
        throw HTTPCacheError(.storeFailed, "could not open a file in memory for a segment: \(reason)")
    }

    package func discardFiles(of response: ResponseID, segment: Int?) {
        // What is taken out is released, and its descriptor closed, after the lock.
        let discarded: [OpenFile] = state.withLock { state in
            guard let segment else {
                let files = state.files.removeValue(forKey: response).map { Array($0.values) } ?? []
                state.fileCount -= files.count
                return files
            }
            let file = state.files[response]?.removeValue(forKey: segment)
            if file != nil { state.fileCount -= 1 }
            if state.files[response]?.isEmpty == true { state.files[response] = nil }
            return file.map { [$0] } ?? []
        }
        _ = consume discarded
    }

    /// Cost: that of sorting all units, since a store that begins empty is listed once, when nothing is in it.
    package func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        state.withLock { state in
            let units = state.uses.filter { $0.value.position > position ?? 0 }.map { id, use in
                StoredUnit(
                    id: id,
                    bytes: state.records[id.response]?.bytes(of: id.index) ?? 0,
                    wasUsedAgain: use.isAgain,
                    position: use.position
                )
            }
            return Array(units.sorted { $0.position < $1.position }.prefix(limit))
        }
    }
}

extension MemoryStore.State {
    fileprivate mutating func put(_ new: StoredRecord) {
        var record = new
        record.segments = [:]
        if let old = records[new.id] {
            record.segments = old.segments
            usedBytes -= old.bytes(of: SegmentID.inlineIndex)
            if old.key != new.key { forgetKey(of: old) }
        }
        if responses[new.key]?.contains(new.id) != true { responses[new.key, default: []].append(new.id) }
        records[new.id] = record
        usedBytes += record.bytes(of: SegmentID.inlineIndex)
        let inline = SegmentID.inlineBody(of: new.id)
        if new.inlineBody == nil { uses[inline] = nil } else { stored(inline) }
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
            uses[segment] = nil
        } else {
            runs[segment] = new
            record.segments[segment.index] = new.extents
            stored(segment)
        }
        records[segment.response] = record
    }

    fileprivate mutating func remove(_ response: ResponseID) {
        guard let record = records.removeValue(forKey: response) else { return }
        forgetKey(of: record)
        for index in [SegmentID.inlineIndex] + record.segments.keys {
            usedBytes -= record.bytes(of: index)
            let segment = SegmentID(response: response, index: index)
            uses[segment] = nil
            runs[segment] = nil
        }
    }

    fileprivate mutating func touch(_ segments: [SegmentID]) {
        for segment in segments where uses[segment] != nil {
            lastPosition += 1
            uses[segment] = (lastPosition, true)
        }
    }

    fileprivate mutating func removeIfEmpty(_ response: ResponseID) {
        guard let record = records[response], record.inlineBody == nil, record.segments.isEmpty else { return }
        remove(response)
    }

    private mutating func stored(_ segment: SegmentID) {
        lastPosition += 1
        uses[segment] = (lastPosition, uses[segment]?.isAgain ?? false)
    }

    private mutating func forgetKey(of record: StoredRecord) {
        responses[record.key]?.removeAll { $0 == record.id }
        if responses[record.key]?.isEmpty == true { responses[record.key] = nil }
    }
}

extension StoredRecord {
    /// How many octets a segment, or the inline body, holds.
    fileprivate func bytes(of index: Int) -> Int64 {
        guard index >= 0 else { return Int64(inlineBody?.count ?? 0) }
        return segments[index, default: []].reduce(0) { $0 + Int64($1.count) }
    }
}
