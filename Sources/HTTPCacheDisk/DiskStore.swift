// A store in a directory: facts in an SQLite index, body octets in files; it outlives the process.

import CLinux
import Dispatch
import GRDB
package import HTTP
package import HTTPCache
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Keeps stored responses in a directory of its own, one process at a time.
///
/// - A kill at any moment loses what was not committed, nothing else.
/// - After a power loss or a crash of the system the index is what it was at some moment before, and octets that were
///   committed need not be on the disk. So what a store that was not closed holds in another boot of the system is suspect:
///   ``StoredRecord/suspects``. ``close()`` flushes everything first.
/// - An index that is damaged, foreign or of another version is not used: the store starts empty, and says so.
///
/// Methods that are not `async` may block on the disk.
package final class DiskStore: CacheStore {
    private let directory: String
    private let lock: DirectoryLock
    private let index: StoreIndex
    private let files: SegmentFiles
    private let commits: Mutex<CommitQueue>
    private let orphans: Mutex<OrphanGuard>
    private let keys = KeyFilter()
    /// The search for orphans and closing, one after the other: both block.
    private let housekeeping = DispatchQueue(label: "cache store housekeeping", qos: .utility)
    private let stopsSearching = Atomic(false)
    /// Where a transaction waits for its time.
    private let writing = DispatchQueue(label: "cache store writing")
    /// When the last transaction was begun, on Dispatch's clock.
    private let lastTransaction = Atomic<UInt64>(0)
    private let onProblem: @Sendable (String) -> Void

    /// How far apart transactions begin, so that under load many commits share one; a single commit does not wait.
    ///
    /// A kill may cost what was not yet a fact: at most so much more of it.
    private static let transactionInterval = DispatchTimeInterval.milliseconds(25)

    /// Opens the store in `directory`, which is created if need be; blocks for a few disk reads, whatever the store's size.
    ///
    /// `onProblem` is told, in a sentence for people, of what did not stop the store but lost stored responses; it may be called
    /// from any thread. `boot` identifies this boot of the system; nil, the default: as the kernel says.
    ///
    /// Throws ``HTTPCacheError`` with code `storeFailed` if the directory cannot be created or written to, or if another
    /// process uses it.
    package init(
        directory: String,
        boot: String? = nil,
        onProblem: @escaping @Sendable (String) -> Void
    ) throws(HTTPCacheError) {
        var path = directory
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        do {
            try makeDirectories(path)
        } catch {
            throw .store("create the store \(path)", error)
        }
        self.directory = path
        self.onProblem = onProblem
        lock = try DirectoryLock(directory: path)
        index = try IndexOpening(directory: path, boot: boot, onProblem: onProblem).open()
        files = SegmentFiles(directory: path)
        commits = Mutex(CommitQueue(changesMax: 4096))
        orphans = Mutex(OrphanGuard(responsesMax: 1_000_000))
    }

    /// How many body octets are facts now.
    package var usedBytes: Int64 {
        index.usedBytes.load(ordering: .relaxed)
    }

    package func records(for key: CacheKey) async throws -> [StoredRecord] {
        guard keys.mayContain(key) else { return [] }
        let (records, damage) = try await reporting("read the index of the store \(directory)") {
            try await index.records(for: key)
        }
        if !damage.isEmpty { await forget(damage) }
        return try await spared(records)
    }

    /// Without those that hold nothing and were removed for that meanwhile; from now on they are not.
    private func spared(_ records: [StoredRecord]) async throws -> [StoredRecord] {
        let empty = records.filter { $0.inlineBody == nil && $0.segments.isEmpty }.map(\.id)
        guard !empty.isEmpty else { return records }
        let isSearching = orphans.withLock { orphans in
            for response in empty { orphans.spare(response) }
            return orphans.isSearching
        }
        guard isSearching else { return records }
        let left = try await index.stored(Set(empty))
        return records.filter { !empty.contains($0.id) || left.contains($0.id) }
    }

    package func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await reporting("read the index of the store \(directory)") {
            try await index.units(after: position, limit: limit)
        }
    }

    /// Makes `changes` facts, in order, all or none of them; returns when a kill of the process would not undo them.
    ///
    /// Commits that wait for one another become one transaction. Not cancelled with the task. Throws ``HTTPCacheError`` with
    /// code `storeFailed` if the index cannot be written, for want of space for example, or after ``close()``.
    package func commit(_ changes: [StoreChange]) async throws {
        guard !changes.isEmpty else { return }
        noteKeys(changes)
        try await reporting("write the index of the store \(directory)") {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let commit = PendingCommit(changes: changes, continuation: continuation)
                switch commits.withLock({ $0.add(commit) }) {
                case .wait: if commit.isUrgent { index.onWriter { self.writeGroup($0) } }
                case .startWriter: if commit.isUrgent { index.onWriter { self.writeGroup($0) } } else { startWriter() }
                case .refuse:
                    continuation.resume(
                        throwing: HTTPCacheError(
                            .storeFailed,
                            "the store \(directory) is closed: nothing more is stored"
                        )
                    )
                }
            }
        }
    }

    package func openSegment(_ segment: SegmentID, creating: Bool) throws -> OpenFile {
        if creating { orphans.withLock { $0.spare(segment.response) } }
        return try files.open(segment, creating: creating)
    }

    package func discardFiles(of response: ResponseID, segment: Int?) {
        let segments = segment.map { [SegmentID(response: response, index: $0)] } ?? files.segments(of: response)
        for segment in segments {
            do throws(HTTPCacheError) {
                try files.delete(segment)
            } catch {
                onProblem(error.description)
            }
        }
    }

    /// Whether it was closed when it was opened: then there is nothing for ``removeEmptyResponses()`` to find.
    package var wasClosed: Bool { index.wasClosed.load(ordering: .relaxed) }

    /// Removes responses that hold no octets, left by a kill before their first; returns how many.
    ///
    /// To be called once, in the background, before ``removeOrphans()``: it leaves alone what this process has looked up or stored.
    /// Ends early when the store closes.
    @discardableResult
    package func removeEmptyResponses() async -> Int {
        await withCheckedContinuation { continuation in
            housekeeping.async { continuation.resume(returning: self.removeEmpty()) }
        }
    }

    /// Deletes body files that no fact speaks of, left by a kill; returns how many.
    ///
    /// To be called once, in the background, at any time: it leaves alone what is stored and what this process creates. Ends
    /// early when the store closes.
    @discardableResult
    package func removeOrphans() async -> Int {
        await withCheckedContinuation { continuation in
            housekeeping.async { continuation.resume(returning: self.searchOrphans()) }
        }
    }

    /// Learns which keys are stored, so that a miss need not ask the index; to be called once, in the background, at any time.
    ///
    /// Cost: reads all keys. Ends early when the store closes.
    package func learnKeys() async {
        await withCheckedContinuation { continuation in
            housekeeping.async {
                self.scanKeys()
                continuation.resume()
            }
        }
    }

    /// Ends the use of the store: finishes commits under way, refuses later ones, flushes all to the disk.
    ///
    /// Only then is it marked as closed; if that fails, `onProblem` is told why, and after a power loss its bodies are checked.
    /// Then the directory is free for another process. Segments that are open stay readable.
    package func close() async {
        guard commits.withLock({ $0.close() }) else { return }
        stopsSearching.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            housekeeping.async {
                self.closeNow()
                self.lock.release()
                continuation.resume()
            }
        }
    }

    /// Has the next group of commits written: at once, or ``transactionInterval`` after the last one was begun.
    private func startWriter() {
        let now = DispatchTime.now()
        let due = DispatchTime(uptimeNanoseconds: lastTransaction.load(ordering: .relaxed)) + Self.transactionInterval
        guard now < due else { return index.onWriter { self.writeGroup($0) } }
        writing.asyncAfter(deadline: due) { self.index.onWriter { self.writeGroup($0) } }
    }

    /// Writes one group of commits, if there is one, and sees to it that the next is written; on the writer's queue.
    private func writeGroup(_ db: Database) {
        let group = commits.withLock { $0.nextGroup() }
        guard !group.isEmpty else { return }
        lastTransaction.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
        write(group[...], db)
        startWriter()
    }

    /// Writes all commits there are; on the writer's queue.
    private func writeAll(_ db: Database) {
        while true {
            let group = commits.withLock { $0.nextGroup() }
            if group.isEmpty { return }
            write(group[...], db)
        }
    }

    /// Removes rows that are not what was written, so that they are met once.
    private func forget(_ damage: [StoreChange]) async {
        onProblem("\(damage.count) rows of the index of the store \(directory) are damaged: they are forgotten")
        do {
            try await commit(damage)
        } catch {
            // They are left out as they are now, whenever they are read.
            return
        }
        for case .remove(let response) in damage { discardFiles(of: response, segment: nil) }
    }

    private func write(_ group: ArraySlice<PendingCommit>, _ db: Database) {
        let changes = group.flatMap(\.changes)
        orphans.withLock { orphans in
            guard orphans.isSearching else { return }
            // A response that is removed now may still be read from its files.
            for case .remove(let response) in changes { orphans.spare(response) }
        }
        do {
            try index.apply(changes, db)
            for commit in group { commit.continuation.resume() }
        } catch {
            if group.count == 1 {
                group.first?.continuation.resume(throwing: error)
                return
            }
            // What is wrong with one caller's changes is not the others' fault.
            for position in group.indices { write(group[position...position], db) }
        }
    }

    /// Notes the keys of what is about to be stored: before it is, or a look-up might miss it.
    private func noteKeys(_ changes: [StoreChange]) {
        var isScanDue = false
        orphans.withLock { orphans in
            for case .put(let record) in changes { orphans.spare(record.id) }
        }
        for case .put(let record) in changes where keys.insert(record.key) { isScanDue = true }
        if isScanDue { housekeeping.async { self.scanKeys() } }
    }

    private func scanKeys() {
        do {
            guard keys.beginScan(of: try index.responseCount()) else { return }
            let isComplete = try index.forEachKeys(of: 4096) { found in
                keys.addScanned(found)
                return !stopsSearching.load(ordering: .relaxed)
            }
            keys.endScan(isComplete: isComplete)
        } catch {
            keys.endScan(isComplete: false)
            onProblem("could not read all keys of the store \(directory), so each miss asks its index: \(error)")
        }
    }

    private func removeEmpty() -> Int {
        var count = 0
        do {
            try index.forEachEmpty(of: 256) { empty in
                guard !stopsSearching.load(ordering: .relaxed) else { return false }
                guard !empty.isEmpty else { return true }
                var failure: (any Error)?
                index.onWriterNow { db in
                    // Under the lock, so that nobody stores one of them between the question and its end.
                    orphans.withLock { orphans in
                        let gone = empty.filter { orphans.mayDelete($0) }
                        do {
                            try index.apply(gone.map { .removeIfEmpty($0) }, db)
                            count += gone.count
                        } catch {
                            failure = error
                        }
                    }
                }
                if let failure { throw failure }
                return true
            }
        } catch {
            onProblem("could not remove all that the store \(directory) does not need from its index: \(error)")
        }
        return count
    }

    private func searchOrphans() -> Int {
        var count = 0
        defer { orphans.withLock { $0.end() } }
        do {
            for folder in SegmentFiles.folders {
                let segments = files.segments(inFolder: folder)
                if segments.isEmpty { continue }
                let stored = try index.storedNow(Set(segments.map(\.response)))
                for segment in segments where !stored.contains(segment.response) {
                    guard !stopsSearching.load(ordering: .relaxed) else { return count }
                    // Under the lock, so that nobody creates the file between the question and the deletion.
                    let deleted = try orphans.withLock { orphans in
                        guard orphans.mayDelete(segment.response) else { return false }
                        try files.delete(segment)
                        return true
                    }
                    if deleted { count += 1 }
                }
            }
        } catch {
            onProblem("could not delete all files that the store \(directory) does not need: \(error)")
        }
        return count
    }

    private func closeNow() {
        // A commit may be queued whose writer has not been started yet.
        index.onWriterNow { writeAll($0) }
        do {
            let root = OpenFile(owning: try openFile(directory, O_RDONLY | O_DIRECTORY))
            guard clinux_sync_file_system(root.descriptor) == 0 else { throw SystemError.last }
            try index.markClean()
            try index.close()
        } catch {
            onProblem(
                "could not close the store \(directory) cleanly, after a power loss now its bodies would be checked: \(error)"
            )
        }
    }

    /// Runs `body`; what it throws is told as a failure to `attempt`.
    private func reporting<Value>(_ attempt: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as DatabaseError {
            if error.isDamage { IndexOpening.noteDamage(in: directory, onProblem) }
            throw HTTPCacheError.index(attempt, error)
        }
    }
}
