// The registry's state in a SQLite file.

import Dispatch
package import HTTP
package import PeerIdentity
package import PeerRegistry
import Synchronization

/// Keeps everything in memory and writes it to one file, from which it begins again.
///
/// Look-ups read memory alone. A durable change is acknowledged when the file has it; all that came while one transaction
/// was written go into the next. A sign of life is acknowledged at once and written within a second, so a kill may undo
/// the last second of those: whose lease then ends shows another. A change that could not be written
/// is reported as failed, stands in memory, and is written as soon as that is possible again.
///
/// A lease is what it was: whoever could not renew while the registry was down is told of as gone, and comes back by
/// itself.
///
/// Nobody is told of an event before the file has it, so that none is missing after a kill. Revisions are consecutive
/// while the store is open and over ``close()``; after a kill there is a jump, because those of signs of life may have
/// been given and not been written.
package final class SQLitePeerStore: PeerStore {
    private let memory: MemoryPeerStore
    private let database: PeerDatabase
    private let kept: [UInt8]
    private let configuration: SQLiteConfiguration
    private let pending: Mutex<PendingWrites>
    /// Up to here revisions can be given without a word to the file.
    private let reserved: Atomic<UInt64>
    /// The newest event that the file has; only the queue's.
    private let writtenEvent: Atomic<UInt64>
    /// Events that the file has; only the queue's.
    private let eventCount: Atomic<Int>
    private let watch = EventWatch()
    private let onProblem: @Sendable (String) -> Void

    /// So many revisions are reserved at a time.
    private static let reserveStep: UInt64 = 1 << 20

    /// Opens the file at `path`, a new one if there is none; blocks while it reads all of it, the longer the more
    /// entries there are.
    ///
    /// - Parameters:
    ///   - path: The file, which this store has for itself; its directory must exist.
    ///   - configuration: Limits and times.
    ///   - newSecret: 32 octets at random: the secret of a new file.
    ///   - now: The time of the start.
    ///   - onProblem: Told, for the log, when signs of life could not be written.
    /// - Throws: ``SQLiteStoreError`` if the file is not ours, another has it, or it is damaged.
    package init(
        path: String,
        configuration: SQLiteConfiguration = SQLiteConfiguration(),
        newSecret: [UInt8],
        now: Timestamp,
        onProblem: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(SQLiteStoreError) {
        (self.configuration, self.onProblem) = (configuration, onProblem)
        let eventsMax = max(1, configuration.eventsMax)
        database = try PeerDatabase(path: path, synchronous: configuration.synchronous, newSecret: newSecret)
        let head = try database.head(eventsMax: eventsMax)
        kept = head.secret
        let memory = MemoryPeerStore(secret: head.secret, lastRevision: head.lastRevision, eventsMax: eventsMax)
        try database.forEachEntry { memory.load(CollectionOfOne($0)) }
        memory.load(events: head.events, after: head.eventsBase, eventsMax: eventsMax)
        let lastRevision = memory.lastRevision
        try database.reserve(lastRevision + Self.reserveStep)
        self.memory = memory
        pending = Mutex(PendingWrites(lazyMax: configuration.lazyMax))
        reserved = Atomic(lastRevision + Self.reserveStep)
        writtenEvent = Atomic(lastRevision)
        eventCount = Atomic(head.events.count)
    }

    /// Writes what is not written yet and closes the file; later changes fail.
    package func close() async throws {
        guard pending.withLock({ $0.close() }) else { return }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            database.enqueue { transaction in
                self.writeBatches(transaction)
                do {
                    try transaction.commit(
                        PeerTransaction.Contents(entries: [], events: [], reserved: self.memory.lastRevision)
                    )
                    continuation.resume()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
        // Not on one of Swift's threads: it flushes the file.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try self.database.close() })
            }
        }
    }

    /// Has everything that waits written now, signs of life too.
    package func writeNow() async throws {
        try await withCheckedThrowingContinuation { waiter in perform(pending.withLock { $0.flush(waiter) }) }
    }

    // MARK: PeerStore

    package var image: PeerImage? {
        PeerImage(of: memory) { self.renewImmediately($0, of: $1, expected: $2) }
    }

    package func secret() async throws -> [UInt8] { kept }

    package func entries(_ selection: PeerSelection) async throws -> [PeerEntry] { memory.entriesNow(selection) }

    package func events(since: UInt64, limit: Int) async throws -> PeerEventPage {
        let page = memory.eventsNow(since: since, limit: limit)
        guard case .events(let events) = page else { return page }
        let written = writtenEvent.load(ordering: .acquiring)
        return .events(Array(events.prefix { $0.revision <= written }))
    }

    package func waitForEvents(after revision: UInt64) async throws -> UInt64 {
        await watch.wait(after: revision) { self.writtenEvent.load(ordering: .acquiring) }
    }

    /// As ``PeerImage/renew(_:of:expected:)``.
    package func renewImmediately(
        _ entry: PackedEntry,
        of identifier: PeerIdentifier,
        expected: UInt64
    ) -> Bool? {
        guard isReserved(1), pending.withLock({ $0.isSettled(identifier.folded) }) else { return nil }
        guard memory.applyNow(entry, identifier: identifier, expected: expected, kind: .renew) != nil else {
            return false
        }
        perform(pending.withLock { $0.addLazily(identifier.folded, hasContent: false) })
        return true
    }

    package func apply(_ changes: [PeerChange]) async throws -> [UInt64?] {
        let durable = changes.filter(\.isDurable).map(\.name)
        guard pending.withLock({ $0.announce(durable) }) else { throw closed }
        guard isReserved(changes.count) else {
            pending.withLock { $0.withdraw(durable) }
            throw SQLiteStoreError(.failed, "\(database.path) has not been written to for too long; see the log")
        }
        // The file is to have these before anyone is told: all durable ones, and others of names that are not settled.
        let urgent = pending.withLock { pending in
            Set(changes.filter { $0.isDurable || !pending.isSettled($0.name) }.map(\.name))
        }
        let revisions = memory.applyNow(changes)
        let made = zip(changes, revisions).filter { $0.1 != nil }.map(\.0)
        for change in made where !urgent.contains(change.name) {
            perform(pending.withLock { $0.addLazily(change.name, hasContent: true) })
        }
        let names = made.map(\.name).filter(urgent.contains)
        guard !names.isEmpty else {
            pending.withLock { $0.withdraw(durable) }
            return revisions
        }
        try await withCheckedThrowingContinuation { waiter in
            perform(
                pending.withLock { pending in
                    pending.withdraw(durable)
                    return pending.add(names, waiter)
                }
            )
        }
        return revisions
    }

    // MARK: Writing

    private var closed: SQLiteStoreError { SQLiteStoreError(.closed, "the store \(database.path) is closed") }

    /// Whether so many revisions can be given; none is given twice, even after a kill.
    private func isReserved(_ count: Int) -> Bool {
        memory.lastRevision + UInt64(count) + Self.reserveStep / 16 <= reserved.load(ordering: .acquiring)
    }

    private func perform(_ action: PendingWrites.Action) {
        switch action {
        case .nothing: break
        case .startWriter: database.enqueue { self.writeBatches($0) }
        case .startTimer:
            let (seconds, attoseconds) = configuration.lazyDelay.components
            let delay = DispatchTimeInterval.milliseconds(Int(seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
            DispatchQueue.global().asyncAfter(deadline: .now() + delay) {
                self.perform(self.pending.withLock { $0.timeIsUp() })
            }
        }
    }

    /// Writes until there is nothing to be written; on the queue.
    private func writeBatches(_ transaction: PeerTransaction) {
        while let batch = pending.withLock({ $0.nextBatch() }) {
            do throws(SQLiteStoreError) {
                try write(batch, transaction)
                pending.withLock { $0.written() }
                for waiter in batch.waiters { waiter.resume() }
            } catch {
                let action = pending.withLock { $0.failed(batch) }
                for waiter in batch.waiters { waiter.resume(throwing: error) }
                if batch.waiters.isEmpty { onProblem("\(error)") }
                perform(action)
                return
            }
        }
    }

    private func write(_ batch: PendingWrites.Batch, _ transaction: PeerTransaction) throws(SQLiteStoreError) {
        let entries = batch.names.map { name, hasContent in
            (name, memory.packedEntry(Array(name.utf8).span), hasContent)
        }
        var contents = PeerTransaction.Contents(entries: entries, events: [])
        let written = writtenEvent.load(ordering: .relaxed)
        switch memory.eventsNow(since: written, limit: configuration.eventsMax) {
        case .events(let events): contents.events = events
        case .gone(let oldest):
            // More than memory holds came since: the file, too, begins anew.
            contents.eventsBase = oldest - 1
            if case .events(let events) = memory.eventsNow(since: oldest - 1, limit: configuration.eventsMax) {
                contents.events = events
            }
        }
        let lastRevision = memory.lastRevision
        if lastRevision + Self.reserveStep / 2 > reserved.load(ordering: .relaxed) {
            contents.reserved = lastRevision + Self.reserveStep
        }
        try transaction.commit(contents)
        if let bound = contents.reserved { reserved.store(bound, ordering: .releasing) }
        if let newest = contents.events.last?.revision {
            writtenEvent.store(newest, ordering: .releasing)
            watch.wake(upTo: newest)
        }
        let count = (contents.eventsBase == nil ? eventCount.load(ordering: .relaxed) : 0) + contents.events.count
        eventCount.store(count, ordering: .relaxed)
        // A quarter more than is needed, so that it is seldom that they are counted.
        guard count > configuration.eventsMax + max(16, configuration.eventsMax / 4) else { return }
        try transaction.trimEvents(to: max(1, configuration.eventsMax))
        eventCount.store(configuration.eventsMax, ordering: .relaxed)
    }
}
