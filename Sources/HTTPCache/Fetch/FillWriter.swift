// Takes one fill's octets from the origin to the store, and makes facts of them.

import HTTP

/// Writes the octets of one fill: into memory, or into segment files and then, octets first, into the store's facts.
struct FillWriter {
    let response: StoredResponse
    let fill: FillID
    let store: any CacheStore
    let configuration: HTTPCacheConfiguration
    let now: @Sendable () -> Timestamp
    /// Octets of the origin's answer to pass over: it ignored the Range field.
    var skipBytes: Int64 = 0

    private let startTime: Timestamp
    /// Octets taken in.
    private(set) var received: Int64 = 0
    /// Where the octets begin that are in the store but no facts yet.
    private var uncommittedFrom: Int64?
    private var frontier: Int64 = 0
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
        guard !response.isRecorded || uncommittedFrom != nil else { return }
        let from = uncommittedFrom
        uncommittedFrom = from == nil ? nil : frontier
        do {
            try await response.recording { try await store.commit(changes(from: from, to: frontier)) }
            response.isRecorded = true
        } catch {
            // The octets are there for those who read them now; they are just no facts.
            storeFailure = error
        }
    }

    /// The facts about what came in between two positions, as they are now.
    private func changes(from start: Int64?, to end: Int64) -> [StoreChange] {
        var changes: [StoreChange] = response.isRecorded ? [] : [.put(response.record())]
        guard let start else { return changes }
        let segmentBytes = configuration.body.segmentBytes
        for index in Int(start / segmentBytes)...Int(max(start, end - 1) / segmentBytes) {
            let extents = response.withBody { $0.extents(ofSegment: index) }
            changes.append(.extents(SegmentID(response: response.id, index: index), extents))
        }
        return changes
    }

    /// Makes facts of the end too: the length if only the end told it, the whole of a small body.
    mutating func commitEnd(lengthWasKnown: Bool) async {
        if !lengthWasKnown { response.isRecorded = false }
        await commit()
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) async throws {
        let passed = min(skipBytes, Int64(bytes.count))
        skipBytes -= passed
        var rest = bytes.dropFirst(Int(passed))
        while !rest.isEmpty {
            let (claimed, room) = response.withBody { ($0.claim(fill, count: rest.count), $0.inlineRoom(fill)) }
            let offset = claimed.offset
            // What comes first is kept in memory, however long the body: its first octet does not wait for a disk.
            let count = min(claimed.count, room > 0 ? room : .max)
            guard count > 0 else { break }
            frontier = offset + Int64(count)
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
            if uncommittedFrom == nil { uncommittedFrom = offset }
        }
        if let from = uncommittedFrom, frontier - from >= configuration.commitBytes { await commit() }
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
            uncommittedFrom = 0
            // Another fill may have added to it meanwhile: then it is written once more.
            if response.withBody({ $0.spill(count: held.count) }) { return }
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
        var position = offset
        var rest = bytes
        while !rest.isEmpty {
            let index = Int(position / segmentBytes)
            let within = position - Int64(index) * segmentBytes
            let part = rest.prefix(Int(segmentBytes - within))
            if position > offset { file = try await response.fileToWrite(segment: index) }
            try file.write(part, at: within)
            rest = rest.dropFirst(part.count)
            position += Int64(part.count)
        }
    }
}
