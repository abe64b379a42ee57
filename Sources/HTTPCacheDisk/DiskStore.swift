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
    /// The search for orphans and closing, one after the other: both block.
    private let housekeeping = DispatchQueue(label: "cache store housekeeping", qos: .utility)
    private let stopsSearching = Atomic(false)
    private let onProblem: @Sendable (String) -> Void

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
        let (records, damage) = try await reporting("read the index of the store \(directory)") {
            try await index.records(for: key)
        }
        if !damage.isEmpty { await forget(damage) }
        return records
    }

    package func evictionCandidates(bytes: Int64) async throws -> [EvictionCandidate] {
        try await reporting("read the index of the store \(directory)") {
            try await index.evictionCandidates(bytes: bytes)
        }
    }

    /// Makes `changes` facts, in order, all or none of them; returns when a kill of the process would not undo them.
    ///
    /// Commits that wait for one another become one transaction. Not cancelled with the task. Throws ``HTTPCacheError`` with
    /// code `storeFailed` if the index cannot be written, for want of space for example, or after ``close()``.
    package func commit(_ changes: [StoreChange]) async throws {
        guard !changes.isEmpty else { return }
        try await reporting("write the index of the store \(directory)") {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let commit = PendingCommit(changes: changes, continuation: continuation)
                switch commits.withLock({ $0.add(commit) }) {
                case .wait: break
                case .startWriter: index.onWriter { self.writeGroups($0) }
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

    /// Takes groups of commits until there are none; on the writer's queue.
    private func writeGroups(_ db: Database) {
        while true {
            let group = commits.withLock { $0.nextGroup() }
            if group.isEmpty { return }
            write(group[...], db)
        }
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

    private func searchOrphans() -> Int {
        var count = 0
        defer { orphans.withLock { $0.end() } }
        do {
            for folder in SegmentFiles.folders {
                let segments = files.segments(inFolder: folder)
                if segments.isEmpty { continue }
                let stored = try index.stored(Set(segments.map(\.response)))
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
        index.onWriterNow { writeGroups($0) }
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
