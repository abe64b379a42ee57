// What is known in memory about the keys of the index.

import HTTPCache
import Testing
import TestSupport

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
        let due = (0..<10_000).first { filter.insert(key($0)) }
        #expect(due == 2 * 4096)
        #expect(filter.beginScan(of: 10_000))
        #expect(!filter.insert(key(1_000_000)))
        filter.addScanned((0..<10_000).map(key))
        filter.endScan(isComplete: true)
        #expect(filter.mayContain(key(1_000_000)) && filter.mayContain(key(9_999)))
    }

    @Test(arguments: [1, 4096, 4097, 100_000])
    func `a filter for any number of elements finds all of them`(capacity: Int) {
        var filter = BlockedBloomFilter(capacity: capacity)
        var generator = SeededGenerator(seed: 7)
        let hashes = (0..<capacity).map { _ in generator.next() }
        for hash in hashes { filter.insert(hash) }
        #expect(hashes.allSatisfy { filter.mayContain($0) })
        #expect(filter.count == capacity)
    }
}
