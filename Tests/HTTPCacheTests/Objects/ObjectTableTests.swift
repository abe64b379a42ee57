// The memory tier: look-up, variants, and what goes when there is too much.

import HTTP
import Synchronization
import Testing

@testable import HTTPCache

@Suite struct ObjectTableTests {
    private let key = CacheKey("http://o/a")

    private func add(_ response: StoredResponse, to table: ObjectTable, variantsMax: Int = 8) -> [UInt64] {
        table.add(response, replacing: { _ in false }, variantsMax: variantsMax).map(\.id.rawValue)
    }

    private func ids(_ table: ObjectTable, _ key: CacheKey) -> [UInt64]? {
        table.variants(of: key)?.map(\.id.rawValue)
    }

    @Test func `what was added is found by its key and by its pieces, and nothing else is`() {
        let table = ObjectTable(bytesMax: 1 << 20)
        #expect(table.variants(of: key) == nil)
        #expect(add(.made(key, id: 1), to: table) == [])
        #expect(ids(table, key) == [1])
        #expect(table.variants(of: CacheKey("http://o/b")) == nil)
        let prefix = CacheKeyPrefix(Array("http://o".utf8))
        let (found, other) = (Array("/a".utf8), Array("/b".utf8))
        let variants = table.variants(of: prefix, followedBy: found.span, prefix.hash(followedBy: found.span))
        #expect(variants.count == 1)
        let others = table.variants(of: prefix, followedBy: other.span, prefix.hash(followedBy: other.span))
        #expect(others.isEmpty)
    }

    @Test func `a key with the same hash as another never gets the other's response`() throws {
        let prefix = CacheKeyPrefix(Array("http://o".utf8))
        let wanted = Array("/wanted".utf8)
        let hash = prefix.hash(followedBy: wanted.span)
        let other = CacheKey(Array("http://o/other".utf8), hash: hash)
        let key = CacheKey(Array("http://o/wanted".utf8))
        #expect(key.hash == other.hash && key != other)
        let table = ObjectTable(bytesMax: 1 << 20)
        _ = add(.made(other, id: 1), to: table)
        #expect(ids(table, other) == [1])
        #expect(ids(table, key) == nil)
        var found = table.variants(of: prefix, followedBy: wanted.span, hash)
        #expect(found.isEmpty)
        #expect(table.remove(key) { _ in true }.isEmpty)
        #expect(ids(table, other) == [1])
        // One of the two is in memory, and each is found by its own octets alone.
        #expect(table.load(key, [.made(key, id: 2)]).map(\.id.rawValue) == [2])
        #expect(ids(table, other) == nil)
        _ = add(.made(other, id: 3), to: table)
        #expect(ids(table, key) == nil)
        found = table.variants(of: prefix, followedBy: wanted.span, hash)
        #expect(found.isEmpty)
        #expect(ids(table, other) == [3])
    }

    @Test func `variants are listed newest first, replaced by choice, and limited in number`() {
        let table = ObjectTable(bytesMax: 1 << 20)
        for id in 1...3 as ClosedRange<UInt64> { #expect(add(.made(key, id: id), to: table, variantsMax: 3) == []) }
        #expect(ids(table, key) == [3, 2, 1])
        let replaced = table.add(.made(key, id: 4), replacing: { $0.id.rawValue == 2 }, variantsMax: 3)
        #expect(replaced.map(\.id.rawValue) == [2])
        #expect(ids(table, key) == [4, 3, 1])
        #expect(add(.made(key, id: 5), to: table, variantsMax: 3) == [1])
        #expect(ids(table, key) == [5, 4, 3])
    }

    @Test func `the last variant that is removed takes the key with it`() {
        let table = ObjectTable(bytesMax: 1 << 20)
        _ = add(.made(key, id: 1), to: table)
        _ = add(.made(key, id: 2), to: table)
        #expect(table.remove(key) { $0.id.rawValue == 1 }.map(\.id.rawValue) == [1])
        #expect(ids(table, key) == [2])
        #expect(table.remove(key) { _ in true }.map(\.id.rawValue) == [2])
        #expect(table.variants(of: key) == nil)
        #expect(table.remove(key) { _ in true }.isEmpty)
        #expect(add(.made(key, id: 3), to: table) == [])
        #expect(ids(table, key) == [3])
    }

    @Test func `what is loaded does not displace what somebody else has put there`() {
        let table = ObjectTable(bytesMax: 1 << 20)
        #expect(table.load(key, []).isEmpty)
        #expect(table.variants(of: key) == nil)
        let first = StoredResponse.made(key, id: 1)
        #expect(table.load(key, [first]).first === first)
        #expect(table.load(key, [.made(key, id: 1)]).first === first)
    }

    @Test func `what was used since the last time is told once`() {
        let table = ObjectTable(bytesMax: 1 << 20)
        let response = StoredResponse.made(key, id: 1)
        _ = add(response, to: table)
        #expect(table.takeUsed().isEmpty)
        response.markUsed()
        #expect(table.takeUsed() == [.inlineBody(of: ResponseID(rawValue: 1))])
        #expect(table.takeUsed().isEmpty)
    }

    @Test func `more than fits is evicted, and what was used lately stays`() {
        // Each costs more than 50 000 octets, and each of 16 shards takes 160 000: three.
        let table = ObjectTable(bytesMax: 16 * 160_000)
        let favourite = CacheKey("http://o/favourite")
        let body = [UInt8](repeating: 1, count: 50_000)
        let loved = StoredResponse.made(favourite, id: 1, inline: body)
        _ = add(loved, to: table)
        let keys = (0..<400).map { CacheKey("http://o/\($0)") }
        for (index, key) in keys.enumerated() {
            loved.markUsed()
            let response = StoredResponse.made(key, id: UInt64(index) + 2, inline: body)
            _ = add(response, to: table)
            #expect(table.variants(of: key) != nil)
            #expect(table.bytes <= 16 * 160_000)
        }
        #expect(ids(table, favourite) == [1])
        let left = keys.filter { table.variants(of: $0) != nil }.count
        #expect(left >= 16 && left <= 48, "\(left) are left")
    }

    @Test func `a scan of what is loaded once does not flush what is used`() {
        // Each costs more than 4 000 octets, and each of 16 shards takes 160 000: about forty.
        let table = ObjectTable(bytesMax: 16 * 160_000)
        let body = [UInt8](repeating: 1, count: 1000)
        let popular = (0..<200).map { CacheKey("http://o/popular/\($0)") }
        for (index, key) in popular.enumerated() {
            let response = StoredResponse.made(key, id: UInt64(index), inline: body)
            _ = add(response, to: table)
            response.markUsed()
        }
        for index in 0..<5000 {
            _ = add(.made(CacheKey("http://o/once/\(index)"), id: UInt64(index) + 1000, inline: body), to: table)
            if index % 10 == 0 { table.variants(of: popular[index / 10 % 200])?.first?.markUsed() }
        }
        let left = popular.filter { table.variants(of: $0) != nil }.count
        #expect(left >= 190, "\(left) of 200 are left")
    }

    @Test func `what was used is told even if it has gone from memory`() {
        let table = ObjectTable(bytesMax: 16)
        let response = StoredResponse.made(key, id: 1)
        _ = add(response, to: table)
        response.markUsed()
        for index in 0..<200 { _ = add(.made(CacheKey("http://o/\(index)"), id: UInt64(index) + 2), to: table) }
        #expect(table.variants(of: key) == nil)
        #expect(table.takeUsed() == [.inlineBody(of: ResponseID(rawValue: 1))])
    }

    @Test func `what is being read is not evicted`() {
        let table = ObjectTable(bytesMax: 16)
        let busy = StoredResponse.made(key, id: 1)
        let reader = busy.withBody { $0.addReader(from: 0, to: nil) }
        _ = add(busy, to: table)
        let others = (0..<200).map { CacheKey("http://o/\($0)") }
        for (index, other) in others.enumerated() { _ = add(.made(other, id: UInt64(index) + 2), to: table) }
        #expect(ids(table, key) == [1])
        busy.removeReader(reader)
        for (index, other) in others.enumerated() { _ = add(.made(other, id: UInt64(index) + 300), to: table) }
        #expect(table.variants(of: key) == nil)
    }

    @Test func `a body that has come in is counted when it is recounted`() {
        let table = ObjectTable(bytesMax: 16 * 160_000)
        let keys = (0..<400).map { CacheKey("http://o/\($0)") }
        for (index, key) in keys.enumerated() {
            let response = StoredResponse.made(key, id: UInt64(index), inline: [])
            _ = add(response, to: table)
            response.withBody { body in
                let fill = body.addFill(from: 0, to: nil)
                let isTaken = body.appendInline(fill, [UInt8](repeating: 1, count: 50_000)[...])
                #expect(isTaken)
                _ = body.advance(fill, by: 50_000, rate: 0)
                _ = body.finish(fill)
            }
            table.recount(key)
        }
        let left = keys.filter { table.variants(of: $0) != nil }.count
        #expect(left >= 16 && left <= 48, "\(left) are left")
    }
}
