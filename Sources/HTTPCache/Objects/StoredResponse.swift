// One stored response: its head, its body's state, and the files that the body's octets are in.
// Above 400 lines: the order of its locks, and what may be believed between two of them, is seen in one place.

package import HTTP
import Synchronization

/// One stored response, shared by everybody who reads or fills it.
///
/// It owns two independent pieces of state, each under its own lock: the head, which a validation replaces, and the body,
/// which fills add to. Once nobody refers to a removed response any more, its files are discarded.
package final class StoredResponse: Sendable {
    package typealias Body = BodyStateMachine<CheckedContinuation<Void, Never>>

    package let id: ResponseID
    package let key: CacheKey
    /// Counts what must end a ``PreparedHit``: another head, octets that are not held any more.
    private let changes = Atomic<UInt32>(0)
    /// For the memory tier's eviction: see ``Use``.
    private let use: Atomic<UInt8>
    /// Used since the store was last told.
    private let wasUsedSinceTouch = Atomic<Bool>(false)

    /// Runs to be checked before they count as held; see ``check(_:)``.
    let suspects = Mutex<[StoredRun]>([])
    /// Whether there may be any.
    let isSuspect = Atomic<Bool>(false)
    /// Lets one task check at a time.
    let checking = RecordingGate()

    let store: any CacheStore
    private let overflow: any CacheStore
    private let head: Mutex<HeadSnapshot>
    private let bodyState: Mutex<Body>
    private let files = Mutex(Files())
    /// Orders what is told to the store about it.
    private let gate = RecordingGate()
    private let recorded = Atomic<Bool>(false)
    /// What it takes the place of and what stays a fact until it is one itself.
    private let replaced = Mutex<[StoredResponse]>([])
    /// Whom to tell that a fill is not wanted, or not now.
    private let fillOwners = Mutex<[FillID: FillOwner]>([:])

    /// Who runs a fill.
    struct FillOwner: Sendable {
        /// It was given up: wakes who waits for the origin.
        let cancel: @Sendable () -> Void
        /// Nobody reads it any more: its place may go to another.
        let offer: @Sendable () -> Void
    }

    /// What the memory tier has seen of it.
    private enum Use {
        /// It was loaded for somebody whose use of it is still to come, and tells nothing.
        static let loaded: UInt8 = 0
        /// Nobody has used it since eviction came by.
        static let none: UInt8 = 1
        /// Somebody has.
        static let used: UInt8 = 2
    }

    private struct Files {
        var open: [Int: OpenFile] = [:]
        /// Segments used since the store was last told, and which one was last; -1: none.
        var used: Set<Int> = []
        var lastUsed = -1
        /// The store has failed: octets go to memory files, and those behind all readers are dropped.
        var isDetached = false
        /// Which segments are in memory files.
        var overflowing: Set<Int> = []
        /// Segments of which the store's facts may name octets that are not held.
        var lost: Set<Int> = []
        /// A file of it was opened or made.
        var hasBeenOpened = false
        /// Removed from the store's facts; the files go with the last reference.
        var isRemoved = false

        mutating func markUsed(_ index: Int) {
            guard index != lastUsed else { return }
            lastUsed = index
            used.insert(index)
        }
    }

    private static let openFilesMax = 8

    /// A response of which nothing is held yet, or what the store has said is held.
    ///
    /// Octets are in `store`; once that fails they go to `overflow`, for the response's present readers alone.
    package init(
        id: ResponseID,
        key: CacheKey,
        metadata: ResponseMetadata,
        body: Body,
        store: any CacheStore,
        overflow: any CacheStore,
        isLoaded: Bool = false
    ) {
        self.id = id
        use = Atomic(isLoaded ? Use.loaded : Use.none)
        self.key = key
        self.store = store
        self.overflow = overflow
        head = Mutex(HeadSnapshot(metadata))
        bodyState = Mutex(body)
    }

    /// What the store has of a response; nil if its facts cannot be read.
    package convenience init?(
        _ record: StoredRecord,
        limits: BodyLimits,
        store: any CacheStore,
        overflow: any CacheStore
    ) {
        guard let metadata = ResponseMetadata(encoded: record.metadata) else { return nil }
        let isStrong = Validators(metadata.fields, received: metadata.responseTime).strongEntityTag != nil
        let facts = ExtentMap(record.segments.values.joined())
        var held = facts
        for run in record.suspects { held.remove(run.range) }
        let isResumable = metadata.status == 200 && isStrong
        // What was broken off before its length was known can be served and completed only if it may be asked for by range.
        guard record.length != nil || isResumable && !facts.ranges.isEmpty else { return nil }
        let body = Body(
            length: record.length,
            isResumable: isResumable,
            limits: limits,
            inline: record.inlineBody,
            extents: held,
            suspects: ExtentMap(record.suspects.map(\.range)),
            piece: isResumable || facts.ranges.count > 1 ? nil : facts.ranges.first
        )
        self.init(
            id: record.id,
            key: record.key,
            metadata: metadata,
            body: body,
            store: store,
            overflow: overflow,
            isLoaded: true
        )
        recorded.store(true, ordering: .relaxed)
        suspects.withLock { $0 = record.suspects }
        isSuspect.store(!record.suspects.isEmpty, ordering: .relaxed)
    }

    deinit {
        let files = files.withLock { $0 }
        let isInSegments = withBody { if case .segments = $0.storage { true } else { false } }
        // What was in memory all the time has no files to look for.
        if files.isRemoved, isInSegments || files.hasBeenOpened { store.discardFiles(of: id, segment: nil) }
        if files.isDetached { overflow.discardFiles(of: id, segment: nil) }
    }

    // MARK: Head

    /// The head as it is now.
    package var currentHead: HeadSnapshot { head.withLock { $0 } }

    /// Another number after each change of what it is answered with, filling aside.
    var version: UInt32 { changes.load(ordering: .acquiring) }

    /// Remembers that it was used, for both tiers' eviction.
    package func markUsed() {
        // Read first: a line that nobody writes stays in every core's cache.
        let use = use.load(ordering: .relaxed)
        if use != Use.used { self.use.store(use + 1, ordering: .relaxed) }
        if !wasUsedSinceTouch.load(ordering: .relaxed) { wasUsedSinceTouch.store(true, ordering: .relaxed) }
    }

    /// Whether it was used since this was last asked; for the memory tier.
    package func takeUse() -> Bool {
        use.compareExchange(expected: Use.used, desired: Use.none, ordering: .relaxed).exchanged
    }

    /// What was used since this was last asked: segments, or the inline body; for the store's order of use.
    package func takeUsedUnits() -> [SegmentID] {
        guard wasUsedSinceTouch.exchange(false, ordering: .relaxed) else { return [] }
        let isInline = withBody { body in
            if case .inline = body.storage { true } else { false }
        }
        if isInline { return [.inlineBody(of: id)] }
        let used = files.withLock { files in
            defer {
                files.used = []
                files.lastUsed = -1
            }
            return files.used
        }
        return used.sorted().map { SegmentID(response: id, index: $0) }
    }

    /// Remembers that a segment was used by somebody who did not have it fetched.
    package func markUsed(segment index: Int) {
        files.withLock { $0.markUsed(index) }
        if !wasUsedSinceTouch.load(ordering: .relaxed) { wasUsedSinceTouch.store(true, ordering: .relaxed) }
    }

    /// What its body takes in memory: octets, and open files at 16 KiB each, since they are scarce too.
    package var memoryBytes: Int64 {
        let inline = withBody { body in
            if case .inline(let bytes) = body.storage { Int64(bytes.count) } else { Int64(0) }
        }
        return inline + Int64(files.withLock { $0.open.count }) << 14
    }

    /// Replaces the head after a validation (RFC 9111 section 4.3.4).
    package func replaceHead(_ metadata: ResponseMetadata) {
        let new = HeadSnapshot(metadata)
        head.withLock { $0 = new }
        changes.add(1, ordering: .releasing)
    }

    /// What a store is told of it.
    package func record() -> StoredRecord {
        let metadata = currentHead.metadata
        let (length, inline) = withBody { ($0.length, $0.completeInline) }
        return StoredRecord(id: id, key: key, metadata: metadata.encoded, length: length, inlineBody: inline)
    }

    /// Whether the store knows of it.
    package var isRecorded: Bool {
        get { recorded.load(ordering: .relaxed) }
        set { recorded.store(newValue, ordering: .relaxed) }
    }

    /// Runs `body`, which reads its state and tells the store, after all that came before.
    func recording<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        try await gate.pass(body)
    }

    // MARK: Body

    /// Reads or changes the body's state under its lock; what is to be woken is woken by the caller afterwards.
    package func withBody<Result>(_ change: (inout Body) -> sending Result) -> sending Result {
        bodyState.withLock { body in
            let evictions = body.evictions
            let result = change(&body)
            if body.evictions != evictions { changes.add(1, ordering: .releasing) }
            return result
        }
    }

    /// Forgets a reader; fills that nobody wants any more are given up at once, however long their origin would be silent.
    package func removeReader(_ reader: ReaderID) {
        let (wake, abandoned, unread) = withBody { body in
            let wake = body.removeReader(reader)
            return (wake, body.giveUpAbandonedFills(), body.unreadFills)
        }
        wake.resume()
        for fill in abandoned { owner(of: fill)?.cancel() }
        for fill in unread { owner(of: fill)?.offer() }
    }

    /// Has the places of those fills offered that nobody reads: one that moved when it was last asked may not any more.
    func offerUnreadFills() {
        for fill in withBody({ $0.unreadFills }) { owner(of: fill)?.offer() }
    }

    /// Gives `fill` up if nobody needs it now: unread with more than `rest` missing, or held back with a rest that can be asked
    /// for later.
    ///
    /// - Returns: Whether it is given up.
    func giveUpIfIdle(_ fill: FillID, unlessWithin rest: Int64) -> Bool {
        let (isGivenUp, wake) = withBody { $0.giveUpIfIdle(fill, unlessWithin: rest) }
        wake.resume()
        if isGivenUp { owner(of: fill)?.cancel() }
        return isGivenUp
    }

    /// Says who runs a fill; nil: it is over.
    func setOwner(_ owner: FillOwner?, of fill: FillID) {
        fillOwners.withLock { $0[fill] = owner }
    }

    private func owner(of fill: FillID) -> FillOwner? { fillOwners.withLock { $0[fill] } }

    /// Whether its octets are not kept any more: a disk that is full or broken.
    package var isDetached: Bool { files.withLock { $0.isDetached } }

    /// Whether it is there for its present readers alone: who comes to read it may find that it has gone.
    var isPassing: Bool { withBody { $0.isDetached || $0.retirement != nil } }

    /// Says that the store's facts no longer name it, so that its files go with the last reference.
    package func markRemoved() {
        files.withLock { $0.isRemoved = true }
    }

    /// Leaves `responses`, and what these left, among the store's facts until ``takeReplaced()``.
    func holdReplaced(_ responses: [StoredResponse]) {
        let all = responses + responses.flatMap { $0.takeReplaced() }
        replaced.withLock { $0 += all }
    }

    /// What it took the place of and is a fact still; the caller removes it.
    func takeReplaced() -> [StoredResponse] {
        replaced.withLock { responses in
            defer { responses = [] }
            return responses
        }
    }

    /// The file region of octets that the body's state says are held, all in one segment.
    ///
    /// Nil if they are not held any more: the file is shorter than it was, or all is different by now. Throws
    /// ``HTTPCacheError`` with code `segmentMissing` if the store has lost the file.
    package func region(offset: Int64, count: Int64, segmentBytes: Int64) throws -> FileRegion? {
        let index = Int(offset / segmentBytes)
        let evictions = withBody { $0.evictions }
        let file = try file(segment: index, creating: false)
        guard isHeld(offset..<offset + count, since: evictions) else { return nil }
        return FileRegion(file: file, offset: offset - Int64(index) * segmentBytes, count: Int(count))
    }

    /// The region if its file is open already: the express lane does not touch the disk.
    package func openRegion(offset: Int64, count: Int64, segmentBytes: Int64, since evictions: Int) -> FileRegion? {
        let index = Int(offset / segmentBytes)
        let file = files.withLock { files in
            files.markUsed(index)
            return files.open[index]
        }
        guard let file, isHeld(offset..<offset + count, since: evictions) else { return nil }
        return FileRegion(file: file, offset: offset - Int64(index) * segmentBytes, count: Int(count))
    }

    /// Between the body's lock and the files' the segment may have been evicted, and begun anew in another file: the one at
    /// hand has holes where the new one has octets.
    private func isHeld(_ range: Range<Int64>, since evictions: Int) -> Bool {
        withBody { $0.evictions == evictions && $0.extents.contains(range) }
    }

    /// The store's facts may name octets of a segment that are not held: they go before a new file is made for it.
    func doubtFacts(ofSegment index: Int) {
        _ = files.withLock { $0.lost.insert(index) }
    }

    /// A segment's file is not there any more: none of its octets are held.
    func loseSegment(_ index: Int, before reader: ReaderID, at position: Int64) {
        doubtFacts(ofSegment: index)
        withBody { $0.lose($0.range(ofSegment: index), at: position, for: reader) }
    }

    /// The open file of a segment, opened or made if need be; kept open for later, if there is room.
    ///
    /// A file that is made is empty: whoever makes one has seen to it that nothing of the segment counts as held.
    package func file(segment index: Int, creating: Bool) throws -> OpenFile {
        let (open, isInMemory) = files.withLock { ($0.open[index], $0.overflowing.contains(index)) }
        if let open { return open }
        let held = heldInFile(ofSegment: index)
        let mayKeep = isInMemory || OpenSegments.makeRoom()
        let file = try (isInMemory ? overflow : store).openSegment(
            SegmentID(response: id, index: index),
            creating: creating
        )
        if !isInMemory { forget(held, behind: file.size ?? 0, ofSegment: index) }
        let (kept, isNew) = files.withLock { files in
            if let other = files.open[index] { return (other, false) }
            guard mayKeep else { return (file, true) }
            if files.open.count - files.overflowing.count >= Self.openFilesMax,
                let far = files.open.keys.filter({ !files.overflowing.contains($0) })
                    .max(by: { abs($0 - index) < abs($1 - index) })
            {
                files.open[far] = nil
            }
            files.open[index] = file
            files.hasBeenOpened = true
            return (file, true)
        }
        if isNew, !isInMemory {
            file.onLoss { [weak self] in self?.lose(segment: index) }
            if mayKeep { OpenSegments.note(self, index) }
        }
        return kept
    }

    private func heldInFile(ofSegment index: Int) -> [Range<Int64>] {
        withBody { body in
            if case .segments = body.storage { body.extents(ofSegment: index) } else { [] }
        }
    }

    /// A file that is shorter than what was held before its size was asked has lost that.
    private func forget(_ held: [Range<Int64>], behind size: Int64, ofSegment index: Int) {
        guard let last = held.last else { return }
        withBody { body in
            let end = body.range(ofSegment: index).lowerBound + size
            guard last.upperBound > end else { return }
            for range in held where range.upperBound > end { body.evict(max(end, range.lowerBound)..<range.upperBound) }
        }
    }

    /// Whoever read a segment's file has found that it cannot be read: what it held is fetched again.
    private func lose(segment index: Int) {
        doubtFacts(ofSegment: index)
        withBody { $0.evict($0.range(ofSegment: index)) }
        closeFile(segment: index)
    }

    /// Opens the files of what is held in `range`, so far as it matters: what they have lost does not count as held then.
    func checkFiles(of range: Range<Int64>) {
        guard !range.isEmpty, withBody({ $0.isInFiles }), !isDetached else { return }
        let (segmentBytes, isResumable) = withBody { ($0.limits.segmentBytes, $0.isResumable) }
        // What can be completed is completed on the way; of the rest nobody knows after the head is sent how to go on.
        let heldEnd = withBody { $0.extents.ranges.last?.upperBound ?? 0 }
        guard heldEnd > range.lowerBound else { return }
        let first = Int(range.lowerBound / segmentBytes)
        // Where the length is not known the range has no end either.
        let last = isResumable ? first : Int((min(range.upperBound, heldEnd) - 1) / segmentBytes)
        for index in first...last where withBody({ !$0.extents(ofSegment: index).isEmpty }) {
            do {
                _ = try file(segment: index, creating: false)
            } catch let error as HTTPCacheError where error.code == .segmentMissing {
                doubtFacts(ofSegment: index)
                withBody { $0.evict($0.range(ofSegment: index)) }
            } catch {
                // It may be had when it is read.
                continue
            }
        }
    }

    /// The file to write a segment's octets to.
    ///
    /// Where a file was lost its facts go first: with a new file in its place they would no longer heal themselves.
    package func fileToWrite(segment index: Int) async throws -> OpenFile {
        if files.withLock({ $0.isDetached && !$0.overflowing.contains(index) }) {
            return try overflowFile(segment: index)
        }
        do {
            return try file(segment: index, creating: false)
        } catch let error as HTTPCacheError where error.code == .segmentMissing {
            // What a lost file held is not held; an inline body has no file yet, and another fill may have made one since.
            let hadOctets = withBody { body in
                guard case .segments = body.storage, isMissing(segment: index) else { return false }
                defer { body.evict(body.range(ofSegment: index)) }
                return !body.extents(ofSegment: index).isEmpty
            }
            if isRecorded, hadOctets || files.withLock({ $0.lost.contains(index) }) {
                try await recording { try await store.commit([.extents(SegmentID(response: id, index: index), [])]) }
                _ = files.withLock { $0.lost.remove(index) }
            }
            return try file(segment: index, creating: true)
        }
    }

    private func isMissing(segment index: Int) -> Bool {
        do {
            _ = try store.openSegment(SegmentID(response: id, index: index), creating: false)
            return false
        } catch let error as HTTPCacheError {
            return error.code == .segmentMissing
        } catch {
            return false
        }
    }

    /// Turns from the store to memory: for this response alone, and for as long as it is read.
    package func detach() {
        files.withLock { $0.isDetached = true }
        withBody { $0.isDetached = true }
    }

    /// Moves what is held of a segment into memory, where the rest of it goes.
    private func overflowFile(segment index: Int) throws -> OpenFile {
        let (held, base) = withBody { body in
            let isInSegments = if case .segments = body.storage { true } else { false }
            return (isInSegments ? body.extents(ofSegment: index) : [], body.range(ofSegment: index).lowerBound)
        }
        let file = try overflow.openSegment(SegmentID(response: id, index: index), creating: true)
        if !held.isEmpty {
            let before = try self.file(segment: index, creating: false)
            for range in held {
                let region = FileRegion(file: before, offset: range.lowerBound - base, count: range.count)
                try file.write(region.read()[...], at: range.lowerBound - base)
            }
        }
        files.withLock { files in
            files.open[index] = file
            files.overflowing.insert(index)
        }
        return file
    }

    /// Forgets an evicted segment; who is sending from it keeps the file.
    package func closeFile(segment index: Int) {
        files.withLock { $0.open[index] = nil }
    }

    /// Drops what no reader of a detached response needs, or what is so far ahead of those who do that it can be asked for
    /// again.
    package func dropUnneededSegments() {
        let overflowing = files.withLock { $0.overflowing }
        let unneeded = withBody { body in
            let unneeded = overflowing.filter { !body.isPinned(body.range(ofSegment: $0)) }
            for index in unneeded { body.evict(body.range(ofSegment: index)) }
            return unneeded
        }
        for index in unneeded {
            files.withLock { files in
                files.open[index] = nil
                files.overflowing.remove(index)
            }
            overflow.discardFiles(of: id, segment: index)
            // What a fill that began meanwhile has written may be in the file that is gone.
            withBody { $0.evict($0.range(ofSegment: index)) }
        }
    }
}

extension [CheckedContinuation<Void, Never>] {
    /// Resumes all of them; called after the lock is released.
    package func resume() {
        for continuation in self { continuation.resume() }
    }
}
