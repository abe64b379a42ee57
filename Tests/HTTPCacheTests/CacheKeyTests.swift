// Keys: their hash does not depend on how they are split, and equal hashes are not equal keys.

import TestSupport
import Testing

@testable import HTTPCache

@Suite struct CacheKeyTests {
    @Test func `the hash of the pieces is the hash of the whole, however it is split`() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let count = Int.random(in: 0...200, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let key = CacheKey(bytes)
            let split = Int.random(in: 0...count, using: &generator)
            let prefix = CacheKeyPrefix(Array(bytes[..<split]))
            let rest = Array(bytes[split...])
            #expect(prefix.hash(rest) == key.hash, "seed \(seed), \(split) of \(count)")
            #expect(prefix.matches(key, rest), "seed \(seed), \(split) of \(count)")
        }
    }

    @Test func `every split of one key has one hash`() {
        let bytes = Array("https://origin.test:8443/media/film.mp4?token=1".utf8)
        let hashes = (0...bytes.count).map { split in
            CacheKeyPrefix(Array(bytes[..<split])).hash(Array(bytes[split...]))
        }
        #expect(Set(hashes).count == 1)
    }

    @Test func `a prefix does not match a key that differs anywhere`() {
        let prefix = CacheKeyPrefix(Array("http://o/".utf8))
        let key = CacheKey(Array("http://o/abc".utf8))
        for rest in ["ab", "abcd", "abd", "", "Abc"] {
            #expect(!prefix.matches(key, Array(rest.utf8)), "\(rest)")
        }
        #expect(!CacheKeyPrefix(Array("http://p/".utf8)).matches(key, Array("abc".utf8)))
        #expect(!CacheKeyPrefix(Array("http://o/abc".utf8)).matches(key, Array("abc".utf8)))
    }

    @Test func `keys are equal octet for octet`() {
        #expect(CacheKey(Array("http://o/a".utf8)) == CacheKey(Array("http://o/a".utf8)))
        #expect(CacheKey(Array("http://o/a".utf8)) != CacheKey(Array("http://o/%61".utf8)))
        #expect(Set(["a", "b", "a"].map { CacheKey(Array($0.utf8)) }).count == 2)
    }
}

extension CacheKeyPrefix {
    // Spans do not go through the macros of Testing.
    fileprivate func hash(_ rest: [UInt8]) -> UInt64 { hash(followedBy: rest.span) }
    fileprivate func matches(_ key: CacheKey, _ rest: [UInt8]) -> Bool { matches(key, followedBy: rest.span) }
}
