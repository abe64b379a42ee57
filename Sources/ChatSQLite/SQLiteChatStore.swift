// A person's conversations in a SQLite file.

package import Chat
import GRDB
package import PeerIdentity
import Synchronization

/// Keeps outbox, inbox, pins and history in one file, which only its owner may read, one process at a time.
///
/// - A kill at any moment loses nothing that a method returned for, and leaves no half of anything: each call is one
///   transaction in a write-ahead log, and calls that wait for one another share one.
/// - A power loss or a crash of the system can undo the last moments, unless ``Durability/powerLoss`` is asked for. What was
///   received then is lost though it was acknowledged; what was sent is sent again, and its recipient knows it. As numbers
///   given out may have been undone too, new messages begin new streams if the file was not closed and the system was
///   started since: no number names two texts.
///   That is the default for the time it takes: on a busy machine with two CPUs a commit that waits for the disk took
///   0.26 ms at the median and 44 ms at the 99th percentile, one that does not 0.01 and 0.04 ms; a message on its way
///   to the screen meets two of them.
/// - A file that was copied back from an older copy is not noticed here; the courier notices it by receipts that are ahead.
///
/// The text of a received message is in the same transaction as its number, with every ``History``: without history it is
/// deleted when it was marked as shown.
package final class SQLiteChatStore: ChatStore, UnshownMessages {
    /// Whether texts stay once they are delivered or shown.
    package enum History: Sendable, Equatable {
        case kept
        case none
    }

    /// What a commit is proof against.
    package enum Durability: Sendable, Equatable {
        /// The end of the process, however sudden.
        case kill
        /// Also a power loss: every commit waits for the disk.
        case powerLoss
    }

    private let path: String
    private let queue: DatabaseQueue
    private let limits: ChatStoreLimits
    private let history: History
    private let randomStream: @Sendable () -> StreamID
    private let writes = Mutex(WriteQueue(writesMax: 256))

    /// Opens the file, making it if there is none; blocks.
    ///
    /// - Parameters:
    ///   - path: The file; its directory exists.
    ///   - history: Whether texts stay.
    ///   - durability: What a commit is proof against.
    ///   - limits: How much is kept.
    ///   - boot: What tells this boot of the system from others; nil: as the kernel says.
    ///   - randomStream: Makes the names of streams; may be called again for a write that is repeated.
    /// - Throws: ``ChatError`` with `storeFailed` if the file is not ours, was written by a newer version, is damaged, is in
    ///   use by another process or cannot be written.
    package init(
        path: String,
        history: History = .kept,
        durability: Durability = .kill,
        limits: ChatStoreLimits = ChatStoreLimits(),
        boot: String? = nil,
        randomStream: @escaping @Sendable () -> StreamID
    ) throws(ChatError) {
        (self.path, self.history, self.limits, self.randomStream) = (path, history, limits, randomStream)
        queue = try ChatFile(path: path, synchronous: durability == .kill ? "NORMAL" : "FULL").openQueue()
        let boot = boot ?? currentBoot() ?? ""
        do {
            try queue.write { db in
                let row = try Row.fetchOne(db, sql: "SELECT boot, clean FROM store")
                let (lastBoot, isClean): (String, Bool) = (row?[0] ?? "", row?[1] ?? false)
                if !isClean, boot.isEmpty || boot != lastBoot { try OutboxTable(db: db).forgetStreams() }
                try db.execute(sql: "UPDATE store SET boot = ?, clean = 0", arguments: [boot])
                if history == .none { try db.execute(sql: "DELETE FROM lines WHERE unshown = 0") }
            }
        } catch {
            throw .store("open \(path)", error)
        }
    }

    package func enqueue(_ drafts: [Draft]) async throws -> [OutgoingMessage] {
        try await write("keep a message in") { [history, limits, randomStream] db in
            let outbox = OutboxTable(db: db)
            let lines = HistoryTable(db: db)
            var messages: [OutgoingMessage] = []
            for draft in drafts {
                for to in draft.recipients {
                    messages.append(try outbox.enqueue(draft, to: to, randomStream))
                    guard history == .kept else { continue }
                    try lines.add(
                        HistoryLine(
                            isOutgoing: true,
                            peer: to.text,
                            atMilliseconds: draft.writtenAtMilliseconds,
                            text: draft.text,
                            isSealed: true
                        )
                    )
                }
            }
            try lines.bound(to: limits.historyLinesMax)
            return messages
        }
    }

    package func outbox() async throws -> [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] {
        let queued = try await write("read the outbox in") { try OutboxTable(db: $0).queued() }
        var places: [OutboxPlace: Int] = [:]
        var entries: [(to: PeerIdentifier, stream: StreamID, messages: [OutgoingMessage])] = []
        for message in queued {
            let place = OutboxPlace(to: message.to, stream: message.stream)
            if let index = places[place] {
                entries[index].messages.append(message)
            } else {
                places[place] = entries.count
                entries.append((message.to, message.stream, [message]))
            }
        }
        return entries
    }

    package func settle(
        _ to: PeerIdentifier,
        stream: StreamID,
        upTo sequence: UInt64,
        as state: OutgoingMessage.State,
        reason: String?
    ) async throws {
        try await write("note a delivery in") { [history, limits] db in
            let outbox = OutboxTable(db: db)
            switch state {
            case .queued: break
            case .failed where history == .kept:
                try outbox.fail(to, stream, upTo: sequence, reason, keeping: limits.failedMax)
            case .failed, .delivered: try outbox.remove(to, stream, upTo: sequence)
            }
        }
    }

    package func receive(_ bodies: [IncomingBody], atMilliseconds: UInt64) async throws -> [StoredBody] {
        try await write("keep a received message in") { [history, limits] db in
            let inbox = InboxTable(db: db, limits: limits)
            let stored = try bodies.map { try inbox.receive($0, at: atMilliseconds) }
            try inbox.boundUnshown(keeping: history == .kept)
            try HistoryTable(db: db).bound(to: limits.historyLinesMax)
            return stored
        }
    }

    package func pins(of registry: String, changing: [Pin]) async throws -> [Pin] {
        try await write("read or write the pins in") { db in
            let table = PinTable(db: db)
            for pin in changing { try table.put(pin, of: registry) }
            return try table.all(of: registry)
        }
    }

    package func history(limit: Int, adding: [HistoryLine]) async throws -> [HistoryLine] {
        guard history == .kept else { return [] }
        return try await write("read or write the history in") { [limits] db in
            let lines = HistoryTable(db: db)
            for line in adding { try lines.add(line) }
            if !adding.isEmpty { try lines.bound(to: limits.historyLinesMax) }
            return try lines.last(limit)
        }
    }

    package func unshown() async throws -> [IncomingBody] {
        try await write("read the inbox in") { [limits] in try InboxTable(db: $0, limits: limits).unshown() }
    }

    package func markShown(from sender: PeerKey, stream: StreamID, upTo sequence: UInt64) async throws {
        try await write("note what was shown in") { [history, limits] db in
            try InboxTable(db: db, limits: limits)
                .markShown(from: sender, stream, upTo: sequence, keeping: history == .kept)
        }
    }

    /// Finishes what is being written, refuses what comes later, and leaves a file that needs no recovery; blocks.
    package func close() throws(ChatError) {
        guard writes.withLock({ $0.close() }) else { return }
        do {
            try queue.inDatabase { db in
                // On the disk before it says that it was closed: else a power loss could undo numbers given out.
                try db.execute(sql: "PRAGMA synchronous = FULL; UPDATE store SET clean = 1")
            }
            try queue.close()
        } catch {
            throw .store("close \(path)", error)
        }
    }

    private struct OutboxPlace: Hashable {
        var to: PeerIdentifier
        var stream: StreamID
    }

    /// Adds a write to the next transaction, and returns when that is committed; not cancelled with the task.
    private func write<Value: Sendable>(
        _ attempt: String,
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                switch writes.withLock({ $0.add(WriteOf(continuation, work)) }) {
                case .wait: break
                case .startWriter: queue.asyncWriteWithoutTransaction { self.writeGroups($0) }
                case .refuse:
                    continuation.resume(throwing: ChatError(.storeFailed, "\(path) is closed: nothing more is kept"))
                }
            }
        } catch let error as ChatError {
            throw error
        } catch {
            throw ChatError.store("\(attempt) \(path)", error)
        }
    }

    /// Takes groups of writes until there are none; on the writer's queue.
    private func writeGroups(_ db: Database) {
        while true {
            let group = writes.withLock { $0.nextGroup() }
            if group.isEmpty { return }
            let error = Self.commit(group, db)
            guard error != nil, group.count > 1 else {
                for write in group { write.finish(error) }
                continue
            }
            // One of them failed all: each by itself.
            for write in group { write.finish(Self.commit([write], db)) }
        }
    }

    private static func commit(_ group: [any PendingWrite], _ db: Database) -> (any Error)? {
        do {
            try db.inTransaction(.immediate) {
                for write in group { try write.perform(db) }
                return .commit
            }
            return nil
        } catch {
            return error
        }
    }
}
