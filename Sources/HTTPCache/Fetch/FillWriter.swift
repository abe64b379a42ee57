// Takes one fill's octets from the origin to the store, and makes facts of them.

import HTTP

/// Writes the octets of one fill: into memory, or into segment files and then, octets first, into the store's facts.
struct FillWriter {
    let response: StoredResponse
    let fill: FillID
    let store: any CacheStore
    let configuration: HTTPCacheConfiguration
    let now: @Sendable () -> Timestamp
    private let startTime: Timestamp
    /// Octets taken in.
    private(set) var received: Int64 = 0
    /// What is in the store's files but no fact yet.
    private var runs = RunRecorder()
    private let writeback = EarlyWriteback()
    /// The body's count of evictions when octets began to be placed.
    private var evictions = 0
    private(set) var storeFailure: (any Error)?

    init(
        response: StoredResponse,
        fill: FillID,
        store: any CacheStore,
        configuration: HTTPCacheConfiguration,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.response = response
        self.fill = fill
        self.store = store
        self.configuration = configuration
        self.now = now
        startTime = now()
    }

    /// Octets that are in the store and no facts yet.
    var uncommittedBytes: Int64 { runs.count }

    /// Takes one chunk in and wakes who waits for it.
    mutating func write(_ chunk: BodyChunk) async throws {
        switch chunk {
        case .bytes(let bytes): try await write(bytes)
        case .file(let region): try await write(region.read()[...])
        }
    }

    /// Makes facts of what came in since the last time.
    mutating func commit() async {
        guard storeFailure == nil, !response.isDetached else { return }
        let isUnfinishedInline = response.withBody { body in
            if case .inline = body.storage { !body.isComplete } else { false }
        }
        guard !isUnfinishedInline else { return }
        let runs = runs.take()
        guard !response.isRecorded || !runs.isEmpty else { return }
        do {
            try await response.recording { try await store.commit(changes(runs)) }
            response.isRecorded = true
        } catch {
            // The octets are there for those who read them now; they are just no facts.
            storeFailure = error
        }
    }

    /// The facts about what came in, as they are now.
    private func changes(_ runs: [StoredRun]) -> [StoreChange] {
        var changes: [StoreChange] = response.isRecorded ? [] : [.put(response.record())]
        let segmentBytes = configuration.body.segmentBytes
        for (index, runs) in Dictionary(grouping: runs, by: { Int($0.range.lowerBound / segmentBytes) }) {
            // What was evicted before it became a fact is none.
            let (held, facts) = response.withBody { body in
                (runs.filter { body.extents.contains($0.range) }, body.facts(ofSegment: index))
            }
            changes.append(.extents(SegmentID(response: response.id, index: index), facts, adding: held))
        }
        return changes
    }

    /// Makes facts of the end too: the length if only the end told it, the whole of a small body.
    mutating func commitEnd(lengthWasKnown: Bool) async {
        if !lengthWasKnown { response.isRecorded = false }
        await commit()
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) async throws {
        var rest = bytes
        while !rest.isEmpty {
            let passed = response.withBody { $0.passHeld(fill, count: rest.count) }
            if passed > 0 {
                rest = rest.dropFirst(passed)
                continue
            }
            let (claimed, room) = response.withBody { ($0.claim(fill, count: rest.count), $0.inlineRoom(fill)) }
            let offset = claimed.offset
            // What comes first is kept in memory, however long the body: its first octet does not wait for a disk.
            let count = min(claimed.count, room > 0 ? room : .max)
            guard count > 0 else { break }
            let taken = rest.prefix(count)
            rest = rest.dropFirst(count)
            if case .inline = response.withBody({ $0.storage }) {
                if response.withBody({ $0.appendInline(fill, taken) }) {
                    advance(by: taken.count)
                    continue
                }
                try await spill()
            }
            repeat { try await place(taken, at: offset) } while !advanceUnlessEvicted(by: taken.count)
            sumUp(taken, at: offset)
        }
        if runs.count >= configuration.commitBytes { await commit() }
    }

    private mutating func advance(by count: Int) {
        received += Int64(count)
        response.withBody { $0.advance(fill, by: count, rate: rate) }.resume()
    }

    /// Says that the octets that were placed are held; false if something was evicted while they were: the file that they
    /// were written to may be gone, and another in its place.
    private mutating func advanceUnlessEvicted(by count: Int) -> Bool {
        guard let wake = response.withBody({ $0.advance(fill, by: count, rate: rate, since: evictions) }) else {
            return false
        }
        received += Int64(count)
        wake.resume()
        return true
    }

    private var rate: Double {
        let elapsed = now().nanosecondsSince(startTime)
        return elapsed > 0 ? Double(received) * 1e9 / Double(elapsed) : 0
    }

    /// Moves an inline body that has grown too large, or gets octets from elsewhere, into segments.
    private mutating func spill() async throws {
        while case .inline(let held) = response.withBody({ $0.storage }) {
            try await place(held[...], at: 0)
            sumUp(held[...], at: 0)
            // Another fill may have added to it meanwhile: then it is written once more.
            if response.withBody({ $0.spill(count: held.count) }) { return }
        }
    }

    /// Adds octets that are in the store's files to what is to become a fact: once, however often they were written.
    private mutating func sumUp(_ bytes: ArraySlice<UInt8>, at offset: Int64) {
        guard !response.isDetached else { return }
        let segmentBytes = configuration.body.segmentBytes
        var position = offset
        var rest = bytes
        while !rest.isEmpty {
            let part = rest.prefix(Int(segmentBytes - position % segmentBytes))
            runs.add(part, at: position, segmentBytes: segmentBytes)
            rest = rest.dropFirst(part.count)
            position += Int64(part.count)
        }
    }

    /// Writes octets at their place; if the store cannot, the response goes on in memory for those who read it now.
    private mutating func place(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws {
        do {
            try await placeOnce(bytes, at: offset)
        } catch  where !response.isDetached {
            storeFailure = error
            response.detach()
            try await placeOnce(bytes, at: offset)
        }
    }

    private mutating func placeOnce(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws {
        var file: OpenFile
        repeat {
            evictions = response.withBody { $0.evictions }
            file = try await response.fileToWrite(segment: Int(offset / configuration.body.segmentBytes))
            // A file that was made for it counts as an eviction too.
        } while response.withBody { $0.evictions } != evictions
        let segmentBytes = configuration.body.segmentBytes
        let isLarge = response.withBody { $0.isLarge(at: offset) }
        var position = offset
        var rest = bytes
        while !rest.isEmpty {
            let index = Int(position / segmentBytes)
            let within = position - Int64(index) * segmentBytes
            let part = rest.prefix(Int(segmentBytes - within))
            if position > offset { file = try await response.fileToWrite(segment: index) }
            try file.write(part, at: within)
            if isLarge { writeback.note(file, within, count: part.count) }
            rest = rest.dropFirst(part.count)
            position += Int64(part.count)
        }
    }
}
