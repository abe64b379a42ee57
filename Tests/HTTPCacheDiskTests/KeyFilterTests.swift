// What is known in memory about the keys of the index.

import HTTPCache
import TestSupport
import Testing

@testable import HTTPCacheDisk

struct KeyFilterTests {
    private func key(_ number: Int) -> CacheKey {
        CacheKey(Array("http://127.0.0.1:9000/film.mp4?\(number)".utf8))
    }

    @Test func `every key may be stored until the index was scanned`() {
        let filter = KeyFilter()
        #expect(filter.mayContain(key(1)))
        #expect(filter.beginScan(of: 10))
        #expect(filter.mayContain(key(1)))
        filter.endScan(isComplete: false)
        #expect(filter.mayContain(key(1)))
    }

    @Test func `a key that was scanned, or inserted at any time, may be stored`() {
        let filter = KeyFilter()
        _ = filter.insert(key(0))
        #expect(filter.beginScan(of: 100))
        filter.addScanned((0..<100).map(key))
        _ = filter.insert(key(100))
        filter.endScan(isComplete: true)
        _ = filter.insert(key(101))
        for number in 0...101 { #expect(filter.mayContain(key(number))) }
    }

    @Test func `one in a hundred of the others at most may be stored`() {
        let filter = KeyFilter()
        #expect(filter.beginScan(of: 20_000))
        filter.addScanned((0..<20_000).map(key))
        filter.endScan(isComplete: true)
        let mistaken = (20_000..<40_000).count { filter.mayContain(key($0)) }
        #expect(mistaken < 200)
    }

    @Test func `a scan is due after twice as many keys, and keeps what comes while it runs`() {
        let filter = KeyFilter()
        #expect(filter.beginScan(of: 0))
        #expect(!filter.beginScan(of: 0))
        filter.endScan(isComplete: true)
        let count = 2 * BlockedBloomFilter.capacityMin
        let due = (0...count).first { filter.insert(key($0)) }
        #expect(due == count)
        #expect(filter.beginScan(of: count))
        #expect(!filter.insert(key(1_000_000)))
        filter.addScanned((0..<count).map(key))
        filter.endScan(isComplete: true)
        #expect(filter.mayContain(key(1_000_000)) && filter.mayContain(key(count - 1)))
    }

    @Test(arguments: [1, 4096, BlockedBloomFilter.capacityMin + 1])
    func `a filter for any number of elements finds all of them`(capacity: Int) {
        var filter = BlockedBloomFilter(capacity: capacity)
        var generator = SeededGenerator(seed: 7)
        let hashes = (0..<capacity).map { _ in generator.next() }
        for hash in hashes { filter.insert(hash) }
        #expect(hashes.allSatisfy { filter.mayContain($0) })
        #expect(filter.count == capacity)
    }
}

/// A store that knows its keys.
struct KnownKeysTests {
    @Test func `what was stored before and after the keys were learnt is found`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let first = try DiskStore(directory: directory) { problems.add($0) }
            try await first.commit([.put(record(1, "a")), .put(record(2, "b", inline: [1]))])
            await first.close()

            let store = try DiskStore(directory: directory) { problems.add($0) }
            try await store.commit([.put(record(3, "c"))])
            #expect(try await store.records(for: record(1, "a").key).count == 1)
            await store.learnKeys()
            try await store.commit([.put(record(4, "d"))])
            for (number, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
                #expect(try await store.records(for: record(UInt64(number), name).key).count == 1)
            }
            #expect(try await store.records(for: record(5, "e").key).isEmpty)
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `all keys of a store are learnt, of however many pages, with variants on both sides of a page's end`()
        async throws
    {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            let names = (0..<4200).map { String(10_000 + $0) }
            // The key that ends the first page of 4,096 has three variants.
            let doubled = [names[4094], names[4094], names[4095]]
            let records = (names + doubled).enumerated().map { record(UInt64($0.offset + 1), $0.element) }
            try await store.commit(records.map { .put($0) })
            await store.learnKeys()
            for name in names.suffix(150) + names.prefix(3) {
                let count = 1 + doubled.count { $0 == name }
                #expect(try await store.records(for: record(1, name).key).count == count)
            }
            #expect(try await store.records(for: record(1, "20000").key).isEmpty)
            await store.close()
            try problems.requireNone()
        }
    }
}
