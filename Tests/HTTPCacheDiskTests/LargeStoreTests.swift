// A store with very many small responses: what eviction learns of it after a start, and what that takes.

import Foundation
import HTTP
import HTTPCacheDisk
import Testing

@testable import HTTPCache

@Suite struct LargeStoreTests {
    /// A million in the long mode, as the design asks for.
    private static let count =
        ProcessInfo.processInfo.environment["WAYSTATION_TEST_LONG"] == "1" ? 1_000_000 : 10_000 as UInt64

    @Test func `all of a large store is learned after a start, and nothing waits for it`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let count = Self.count
            let before = try DiskStore(directory: directory) { problems.add($0) }
            for start in stride(from: 0, to: count, by: 4000) {
                let numbers = start..<min(count, start + 4000)
                try await before.commit(numbers.map { .put(record($0, "\($0)", inline: [1, 2, 3])) })
                // Every fourth was used again.
                try await before.commit([.touch(numbers.filter { $0 % 4 == 0 }.map { segment($0, -1) })])
            }
            await before.close()

            let store = try DiskStore(directory: directory) { problems.add($0) }
            let table = ObjectTable(bytesMax: 1 << 20)
            // A third of it is too much.
            let bytesMax = Int64(count) * 2
            let evictor = Evictor(store: store, table: table, bytesMax: bytesMax, unitsMax: .max)
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await evictor.load() }
                #expect(try await store.records(for: key("7")).count == 1)
                print("first look-up after \(ContinuousClock.now - start)")
                try await group.waitForAll()
            }
            let known = evictor.known
            print("\(known.units) units in \(known.memoryBytes) octets after \(ContinuousClock.now - start)")
            #expect(known.units == Int(count))
            #expect(known.memoryBytes <= known.units * 96)
            await evictor.evictIfNeeded()
            #expect(store.usedBytes <= bytesMax && store.usedBytes > bytesMax * 9 / 10)
            let left = try await store.units(after: nil, limit: .max)
            #expect(left.filter(\.wasUsedAgain).count == Int(count) / 4, "what was used again has stayed")
            #expect(evictor.known.units == left.count)
            await store.close()
            try problems.requireNone()
        }
    }
}
