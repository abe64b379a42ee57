// Stores and directories for one test, gone after it.

import Foundation
import HTTP
import HTTPCache
import HTTPCacheDisk
import Synchronization

/// The stores that must behave alike.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, disk

    /// Runs `body` with an empty store.
    func withStore(_ body: (any CacheStore) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(MemoryStore())
        case .disk:
            try await withScratchDirectory { directory in
                let problems = Problems()
                let store = try DiskStore(directory: directory) { problems.add($0) }
                try await body(store)
                await store.close()
                try problems.requireNone()
            }
        }
    }
}

/// Runs `body` with the path of a new directory, which is deleted afterwards.
func withScratchDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "waystation-store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try await body(directory.path)
}

/// What a store complained of.
final class Problems: Sendable {
    private let messages = Mutex<[String]>([])

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    var all: [String] { messages.withLock { $0 } }

    func add(_ message: String) {
        messages.withLock { $0.append(message) }
    }

    func requireNone() throws {
        if !all.isEmpty { throw Unexpected(description: all.joined(separator: "; ")) }
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

func key(_ name: String) -> CacheKey {
    CacheKey(Array("http://origin.test/\(name)".utf8))
}

func response(_ number: UInt64) -> ResponseID {
    ResponseID(rawValue: number)
}

func record(_ number: UInt64, _ name: String, inline: [UInt8]? = nil, length: Int64? = nil) -> StoredRecord {
    StoredRecord(
        id: response(number),
        key: key(name),
        metadata: Array("metadata \(number)".utf8),
        length: length ?? inline.map { Int64($0.count) },
        inlineBody: inline
    )
}

func segment(_ number: UInt64, _ index: Int) -> SegmentID {
    SegmentID(response: response(number), index: index)
}

extension OpenFile {
    func write(_ octets: [UInt8], at offset: Int64) throws {
        guard pwrite(descriptor, octets, octets.count, off_t(offset)) == octets.count else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
    }
}

extension StoreChange {
    /// The segment holds these ranges and nothing else, each in a run of its own.
    static func holding(_ segment: SegmentID, _ ranges: [Range<Int64>], checksum: UInt64 = 0) -> StoreChange {
        .extents(segment, ranges, adding: ranges.map { StoredRun(range: $0, checksum: checksum) })
    }
}

/// A unit of a store without its number in the order of use, which each store counts as it likes.
struct UnitUse: Equatable {
    var id: SegmentID
    var bytes: Int64
    var wasUsedAgain = false
}

extension CacheStore {
    /// All units in the order of use, asked for in pages.
    func allUnits(page: Int = 2) async throws -> [UnitUse] {
        var units: [StoredUnit] = []
        while true {
            let next = try await self.units(after: units.last?.position, limit: page)
            guard !next.isEmpty, next.count <= page else { break }
            units += next
        }
        return units.map { UnitUse(id: $0.id, bytes: $0.bytes, wasUsedAgain: $0.wasUsedAgain) }
    }
}
