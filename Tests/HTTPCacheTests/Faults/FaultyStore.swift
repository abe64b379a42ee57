// A store in memory whose disk fills up, whose commits fail or take their time, and whose files vanish; and what it holds as facts.

import HTTP
import HTTPCache
import Synchronization
import TestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A ``MemoryStore`` with random faults, and a copy of its facts to be checked against the truth at any moment.
final class FaultyStore: CacheStore {
    fileprivate struct State {
        var generator: SeededGenerator
        var facts: [ResponseID: StoredRecord] = [:]
        var runs: [SegmentID: SegmentRuns] = [:]
        var files: [OpenFile] = []
        var isFull = false
        var isGood = false
        var commits = 0
        /// Pieces of bodies until the disk is full; nil: never.
        var piecesLeft: Int?
    }

    private let store = MemoryStore()
    private let executor: SeededExecutor
    private let state: Mutex<State>

    init(seed: UInt64, on executor: SeededExecutor) {
        self.executor = executor
        var generator = SeededGenerator(seed: seed)
        let isFillingUp = Int.random(in: 0..<4, using: &generator) == 0
        let pieces = isFillingUp ? Int.random(in: 0..<60, using: &generator) : nil
        state = Mutex(State(generator: generator, piecesLeft: pieces))
    }

    var usedBytes: Int64 { store.usedBytes }

    /// From now on all is well; files that could not be written to still cannot.
    func becomeGood() {
        state.withLock { state in
            state.isGood = true
            state.isFull = false
            state.piecesLeft = nil
        }
    }

    /// A piece of a body is about to be written.
    func countPiece() {
        let files: [OpenFile] = state.withLock { state in
            guard let left = state.piecesLeft else { return [] }
            state.piecesLeft = left - 1
            if left == 0 {
                state.isFull = true
                return state.files
            }
            // Somebody made room after a while.
            if left == -40 {
                state.isFull = false
                state.piecesLeft = nil
            }
            return []
        }
        for file in files { Self.makeReadOnly(file) }
    }

    /// Deletes the file of some segment, as a person might.
    func loseSomeFile() {
        let segment: SegmentID? = state.withLock { state in
            let segments = state.facts.values.flatMap { record in
                record.segments.keys.map { SegmentID(response: record.id, index: $0) }
            }.sorted { ($0.response.rawValue, $0.index) < ($1.response.rawValue, $1.index) }
            return segments.randomElement(using: &state.generator)
        }
        if let segment { store.discardFiles(of: segment.response, segment: segment.index) }
    }

    // MARK: CacheStore

    func records(for key: CacheKey) async throws -> [StoredRecord] {
        try await hesitate(failing: 60)
        return try await store.records(for: key)
    }

    func commit(_ changes: [StoreChange]) async throws {
        try await hesitate(failing: 40)
        if state.withLock({ $0.isFull }) { throw HTTPCacheError(.storeFailed, "no space left on device") }
        try await store.commit(changes)
        state.withLock { state in
            for change in changes { state.apply(change) }
        }
        // Done, and reported late or as failed.
        try await hesitate(failing: 80)
    }

    func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        let isFull = state.withLock { $0.isFull }
        if creating, isFull {
            // A file that is there is opened all the same.
            return try store.openSegment(segment, creating: false)
        }
        let file = try store.openSegment(segment, creating: creating)
        state.withLock { $0.files.append(file) }
        if isFull { Self.makeReadOnly(file) }
        return file
    }

    func discardFiles(of response: ResponseID, segment: Int?) {
        store.discardFiles(of: response, segment: segment)
    }

    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await hesitate(failing: 60)
        return try await store.units(after: position, limit: limit)
    }

    private func hesitate(failing oneIn: Int) async throws {
        let (milliseconds, fails) = state.withLock { state in
            guard !state.isGood else { return (0, false) }
            let isSlow = Int.random(in: 0..<6, using: &state.generator) == 0
            let fails = Int.random(in: 0..<oneIn, using: &state.generator) == 0
            return (isSlow ? Int.random(in: 1...300, using: &state.generator) : 0, fails)
        }
        if milliseconds > 0 { await executor.sleep(milliseconds: milliseconds) }
        if fails { throw HTTPCacheError(.storeFailed, "the disk has an error") }
    }

    // MARK: Facts

    /// What a process that starts now would find and take for true, and is not; nil if all of it is.
    func wrongFact(_ medium: (_ number: Int) -> FaultyMedium?) -> String? {
        let facts = state.withLock { $0.facts }
        for record in facts.values {
            guard let metadata = ResponseMetadata(encoded: record.metadata) else { return "facts that cannot be read" }
            // Answers without a version are one short text.
            guard let number = metadata.fields.version, let medium = medium(number) else { continue }
            if let inline = record.inlineBody {
                guard medium.matches(inline[...], at: 0), record.length == Int64(inline.count),
                    inline.count == medium.count
                else { return "an inline body of \(inline.count) octets of \(medium.count), version \(number)" }
            }
            for (index, ranges) in record.segments {
                for range in ranges {
                    if let fault = wrongOctets(SegmentID(response: record.id, index: index), range, medium) {
                        return fault
                    }
                }
            }
        }
        return nil
    }

    /// A file that is not there heals itself; one with other octets than the facts say does not.
    private func wrongOctets(_ segment: SegmentID, _ range: Range<Int64>, _ medium: FaultyMedium) -> String? {
        guard let file = try? store.openSegment(segment, creating: false) else { return nil }
        let base = Int64(segment.index) * segmentBytes.load(ordering: .relaxed)
        let region = FileRegion(file: file, offset: range.lowerBound - base, count: range.count)
        guard let octets = try? region.read(), medium.matches(octets[...], at: Int(range.lowerBound)) else {
            return "\(range) of version \(medium.number) as a fact, with other octets in the file"
        }
        return nil
    }

    /// As the cache in front of it is configured.
    let segmentBytes = Atomic<Int64>(0)

    /// Puts the same file, opened for reading, in the descriptor's place: every write fails from now on.
    private static func makeReadOnly(_ file: OpenFile) {
        let readOnly = open("/proc/self/fd/\(file.descriptor)", O_RDONLY | O_CLOEXEC)
        guard readOnly >= 0 else { return }
        dup2(readOnly, file.descriptor)
        close(readOnly)
    }
}

extension FaultyStore.State {
    fileprivate mutating func apply(_ change: StoreChange) {
        switch change {
        case .put(var record):
            record.segments = facts[record.id]?.segments ?? [:]
            facts[record.id] = record
        case .extents(let segment, let held, let added):
            guard facts[segment.response] != nil else { return }
            var new = runs[segment] ?? SegmentRuns()
            new.update(held: held, adding: added, era: 0)
            runs[segment] = new
            facts[segment.response]?.segments[segment.index] = new.entries.isEmpty ? nil : new.extents
        case .remove(let response): remove(response)
        case .removeIfEmpty(let response):
            guard let record = facts[response], record.inlineBody == nil, record.segments.isEmpty else { return }
            remove(response)
        case .touch: break
        }
    }

    private mutating func remove(_ response: ResponseID) {
        facts[response] = nil
        runs = runs.filter { $0.key.response != response }
    }
}
