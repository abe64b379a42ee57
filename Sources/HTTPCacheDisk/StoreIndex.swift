// The facts, in SQLite: the only file that talks to the database while the store is in use.

import Foundation
import GRDB
import HTTPCache
import Synchronization

/// The index of a store.
///
/// A write-ahead log makes a commit proof against a kill of the process. After a power loss the index is what it was after
/// some earlier commit: the log is flushed before its pages are copied into the file and the file before the log is used
/// anew (https://www.sqlite.org/pragma.html#pragma_synchronous), and each entry of the log has a checksum. Reads run beside writes. Methods that block say so; they run on Dispatch queues, never on Swift's
/// own threads.
final class StoreIndex: Sendable {
    /// Body octets that are facts.
    let usedBytes: Atomic<Int64>
    private let pool: DatabasePool
    /// The last use, counted: each use of a segment has a number of its own, which the column `used` holds twice.
    private let lastUse: Atomic<Int64>
    /// See ``IndexSchema``; set once, before the index is used.
    private let era = Atomic<Int64>(0)
    /// Whether the store had been closed when it was opened: then no kill has left anything half done.
    let wasClosed = Atomic(true)

    /// Opens the index at `path`, which must be one of ours; blocks, but reads only a few pages, however large it is.
    init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "cache index"
        configuration.foreignKeysEnabled = false
        configuration.maximumReaderCount = 3
        configuration.persistentReadOnlyConnections = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // In the log mode, a commit is then written but not flushed: proof against a kill, quick. A log of 16 MiB has each
            // page copied into the file for more changes at a time than one of 4.
            try db.execute(
                sql: """
                    PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000; PRAGMA cell_size_check = ON;
                    PRAGMA wal_autocheckpoint = 4000
                    """
            )
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        let (used, last) = try pool.writeWithoutTransaction { db in
            (
                try Row.fetchOne(db, sql: IndexStatement.usedBytes)?.integer(0),
                try Row.fetchOne(db, sql: IndexStatement.lastUse)?.integer(0)
            )
        }
        guard let used else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table store is empty") }
        usedBytes = Atomic(used)
        lastUse = Atomic((last ?? 0) / 2)
    }

    /// Which boot the store was last used in, and whether it was closed then; blocks.
    func state() throws -> (boot: String, isClean: Bool) {
        try pool.read { db in
            guard let row = try Row.fetchOne(db, sql: IndexStatement.state), case .string(let boot) = row.storage(0),
                let era = row.integer(2)
            else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table store is empty")
            }
            self.era.store(era, ordering: .relaxed)
            wasClosed.store(row.integer(1) == 1, ordering: .relaxed)
            return (boot, row.integer(1) == 1)
        }
    }

    /// Notes durably that the store is in use in `boot`, in a new era if all that it holds is suspect; blocks until the disk
    /// has it.
    func markRunning(boot: String, isNewEra: Bool) throws {
        if isNewEra { era.wrappingAdd(1, ordering: .relaxed) }
        let era = era.load(ordering: .relaxed)
        try durably { try $0.execute(sql: IndexStatement.markRunning, arguments: [boot, era]) }
    }

    /// Notes durably that the store was closed; blocks until the disk has it.
    func markClean() throws {
        try durably { try $0.execute(sql: IndexStatement.markClean) }
    }

    /// Closes all connections; blocks until they are idle.
    func close() throws {
        try pool.close()
    }

    /// Runs `body` on the writer's queue, after what was given to it before.
    func onWriter(_ body: @escaping @Sendable (Database) -> Void) {
        pool.asyncWriteWithoutTransaction(body)
    }

    /// Runs `body` on the writer's queue and waits for it; blocks.
    func onWriterNow(_ body: (Database) -> Void) {
        pool.writeWithoutTransaction(body)
    }

    /// Makes `changes` facts in one transaction; for the writer's queue only.
    func apply(_ changes: [StoreChange], _ db: Database) throws {
        var used = usedBytes.load(ordering: .relaxed)
        try db.inTransaction(.immediate) {
            for change in changes { try apply(change, db) }
            used = try Row.fetchOne(db.cachedStatement(sql: IndexStatement.usedBytes))?.integer(0) ?? used
            return .commit
        }
        usedBytes.store(used, ordering: .relaxed)
    }

    /// The responses stored for `key`, and what removes those rows that are not what was written.
    func records(for key: CacheKey) async throws -> (records: [StoredRecord], damage: [StoreChange]) {
        let era = era.load(ordering: .relaxed)
        return try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(sql: IndexStatement.responses),
                arguments: [Data(key.bytes)]
            )
            var records: [StoredRecord] = []
            var damage: [StoreChange] = []
            for row in rows {
                guard let id = row.integer(0) else { continue }
                let response = ResponseID(rawValue: UInt64(bitPattern: id))
                guard var record = row.record(response, key) else {
                    damage.append(.remove(response))
                    continue
                }
                let segments = try Row.fetchCursor(
                    db.cachedStatement(sql: IndexStatement.segments),
                    arguments: [id]
                )
                while let row = try segments.next() {
                    guard let index = row.integer(0).map({ Int($0) }) else { continue }
                    let segment = SegmentID(response: response, index: index)
                    guard let runs = row.octets(1).flatMap({ ExtentCoding.decode($0, of: segment) }) else {
                        damage.append(.extents(segment, []))
                        continue
                    }
                    record.segments[index] = runs.extents
                    record.suspects += runs.suspects(in: era)
                }
                records.append(record)
            }
            return (records, damage)
        }
    }

    /// How many responses there are; blocks.
    func responseCount() throws -> Int {
        try pool.read { Int(try Row.fetchOne($0, sql: IndexStatement.responseCount)?.integer(0) ?? 0) }
    }

    /// Calls `body` with the keys of all responses, some at a time, until it returns false; whether it got all; blocks.
    ///
    /// A response that is stored meanwhile may be left out.
    func forEachKeys(of count: Int, _ body: ([CacheKey]) -> Bool) throws -> Bool {
        // What is no octets sorts in front of all that is.
        var last: [UInt8] = []
        while true {
            // A transaction for each part: a long one would keep the log from being used again.
            let keys = try pool.read { db -> [[UInt8]] in
                let rows = try Row.fetchCursor(
                    db.cachedStatement(sql: IndexStatement.keys),
                    arguments: [Data(last), count]
                )
                var keys: [[UInt8]] = []
                while let row = try rows.next() {
                    if let key = row.octets(0) { keys.append(key) }
                }
                return keys
            }
            guard let key = keys.last else { return true }
            // In a damaged index the keys may be in no order.
            guard body(keys.map { CacheKey($0) }), last.lexicographicallyPrecedes(key) else { return false }
            last = key
        }
    }

    /// Calls `body` with the responses that hold nothing, of some at a time, until it returns false; blocks.
    func forEachEmpty(of count: Int, _ body: ([ResponseID]) throws -> Bool) throws {
        var last = (key: [UInt8](), id: Int64.min)
        while true {
            let rows = try pool.read { db in
                try Row.fetchAll(
                    db.cachedStatement(sql: IndexStatement.emptiness),
                    arguments: [Data(last.key), last.id, count]
                )
            }
            guard let id = rows.last?.integer(0), let key = rows.last?.octets(2) else { return }
            let empty = rows.filter { $0.integer(1) == 1 }.compactMap { $0.integer(0) }
            guard try body(empty.map { ResponseID(rawValue: UInt64(bitPattern: $0)) }) else { return }
            // In a damaged index the keys may be in no order.
            guard last.key.lexicographicallyPrecedes(key) || last.key == key && last.id < id else { return }
            last = (key, id)
        }
    }

    /// What holds octets, in the order of use behind `position`.
    func units(after position: Int64?, limit: Int) async throws -> [StoredUnit] {
        try await read { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(sql: IndexStatement.units),
                arguments: [position ?? .min, limit]
            )
            var units: [StoredUnit] = []
            while let row = try rows.next() {
                guard let response = row.integer(0), let index = row.integer(1), let count = row.integer(2),
                    let used = row.integer(3)
                else { continue }
                units.append(
                    StoredUnit(
                        id: SegmentID(
                            response: ResponseID(rawValue: UInt64(bitPattern: response)),
                            index: Int(index)
                        ),
                        bytes: count,
                        wasUsedAgain: used & IndexSchema.usedAgain != 0,
                        position: used
                    )
                )
            }
            return units
        }
    }

    /// Those of `responses` that are stored.
    func stored(_ responses: Set<ResponseID>) async throws -> Set<ResponseID> {
        try await read { try Self.stored(responses, $0) }
    }

    /// Those of `responses` that are stored; blocks.
    func storedNow(_ responses: Set<ResponseID>) throws -> Set<ResponseID> {
        try pool.read { try Self.stored(responses, $0) }
    }

    private static func stored(_ responses: Set<ResponseID>, _ db: Database) throws -> Set<ResponseID> {
        let statement = try db.cachedStatement(sql: IndexStatement.responseExists)
        return try responses.filter { try Row.fetchOne(statement, arguments: [$0.column]) != nil }
    }

    /// Has `body` read, on a thread of the index's own.
    ///
    /// The reader is free again before the calling task goes on. With `read` of the pool it is not, and tasks that share one
    /// thread would hold all readers for as long as another has that thread.
    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            pool.asyncRead { db in continuation.resume(with: Result { try body(db.get()) }) }
        }
    }

    private func durably(_ body: (Database) throws -> Void) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            defer {
                // Left at FULL, commits are slower, not wrong.
                try? db.execute(sql: "PRAGMA synchronous = NORMAL")
            }
            try db.inTransaction(.immediate) {
                try body(db)
                return .commit
            }
        }
    }

    private func apply(_ change: StoreChange, _ db: Database) throws {
        func run(_ sql: String, _ arguments: StatementArguments) throws {
            try db.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch change {
        case .put(let record):
            let inline = record.inlineBody.map { Data($0) }
            let id = record.id.column
            try run(
                IndexStatement.putResponse,
                [
                    id, Data(record.key.bytes), Data(record.metadata), record.length, inline,
                    Int64(bitPattern: record.checksum),
                ]
            )
            if let inline {
                try run(IndexStatement.putInline, [id, IndexSchema.inlineIndex, inline.count, nextUse()])
            } else {
                try run(IndexStatement.deleteSegment, [id, IndexSchema.inlineIndex])
            }
        case .extents(let segment, let held, let added):
            guard segment.index >= 0 else { return }
            let id = segment.response.column
            var runs = SegmentRuns()
            if !held.isEmpty {
                let row = try Row.fetchOne(
                    db.cachedStatement(sql: IndexStatement.segment),
                    arguments: [id, segment.index]
                )
                runs = row?.octets(0).flatMap { ExtentCoding.decode($0, of: segment) } ?? runs
            }
            runs.update(held: held, adding: added, era: era.load(ordering: .relaxed))
            if runs.entries.isEmpty {
                try run(IndexStatement.deleteSegment, [id, segment.index])
            } else {
                let octets = Data(ExtentCoding.encode(runs, of: segment))
                try run(IndexStatement.putSegment, [id, segment.index, runs.count, nextUse(), octets])
            }
        case .remove(let response):
            try run(IndexStatement.deleteSegments, [response.column])
            try run(IndexStatement.deleteResponse, [response.column])
        case .removeIfEmpty(let response):
            try run(IndexStatement.deleteEmptyResponse, [response.column])
        case .touch(let segments):
            for segment in segments {
                let use = nextUse() | IndexSchema.usedAgain
                try run(IndexStatement.touch, [use, segment.response.column, segment.index])
            }
        }
    }

    private func nextUse() -> Int64 {
        lastUse.wrappingAdd(1, ordering: .relaxed).newValue * 2
    }
}

extension ResponseID {
    /// This identifier as SQLite's integers are: signed.
    fileprivate var column: Int64 { Int64(bitPattern: rawValue) }
}

extension StoredRecord {
    /// The checksum of what stands in its row.
    fileprivate var checksum: UInt64 {
        let stream = Checksum.Stream()
        for number in [id.column, length ?? -1, Int64(key.bytes.count), Int64(inlineBody?.count ?? -1)] {
            withUnsafeBytes(of: number.littleEndian) { stream.add($0) }
        }
        key.bytes.withUnsafeBytes { stream.add($0) }
        metadata.withUnsafeBytes { stream.add($0) }
        inlineBody?.withUnsafeBytes { stream.add($0) }
        return stream.sum
    }
}

extension Row {
    /// The record in a row of `responses`, without its segments; nil if it is not what was written.
    fileprivate func record(_ id: ResponseID, _ key: CacheKey) -> StoredRecord? {
        guard let metadata = octets(1), let checksum = integer(4) else { return nil }
        let record = StoredRecord(id: id, key: key, metadata: metadata, length: integer(2), inlineBody: octets(3))
        return record.checksum == UInt64(bitPattern: checksum) ? record : nil
    }

    /// A column as it is stored; GRDB's typed access stops the process when a damaged file holds something else.
    fileprivate func storage(_ column: Int) -> DatabaseValue.Storage {
        (self[column] as DatabaseValue).storage
    }

    fileprivate func integer(_ column: Int) -> Int64? {
        if case .int64(let number) = storage(column) { number } else { nil }
    }

    fileprivate func octets(_ column: Int) -> [UInt8]? {
        if case .blob(let data) = storage(column) { [UInt8](data) } else { nil }
    }
}
