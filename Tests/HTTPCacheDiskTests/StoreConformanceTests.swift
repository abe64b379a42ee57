// What every store must do, whatever it keeps its things in: the rules of the seam, one test each.

import HTTP
import HTTPCache
import HTTPCacheDisk
import Testing

@Suite struct StoreConformanceTests {
    @Test(arguments: StoreKind.allCases) func `nothing is stored for a key that nobody put`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { (store) async throws in
            #expect(try await store.records(for: key("a")) == [])
            #expect(store.usedBytes == 0)
            #expect(try await store.allUnits() == [])
        }
    }

    @Test(arguments: StoreKind.allCases) func `a record comes back as it was put`(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            var large = record(1, "a")
            large.metadata = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            let small = record(0x7fff_ffff_ffff_ffff, "b", inline: [0, 1, 255])
            let empty = record(0xffff_ffff_ffff_ffff, "", inline: [])
            try await store.commit([.put(large), .put(small), .put(empty)])
            #expect(try await store.records(for: key("a")) == [large])
            #expect(try await store.records(for: key("b")) == [small])
            #expect(try await store.records(for: key("")) == [empty])
            #expect(try await store.records(for: key("A")) == [])
        }
    }

    @Test(arguments: StoreKind.allCases) func `variants of a key are all found`(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let variants = (1...5).map { record($0, "a") }
            try await store.commit(variants.map { .put($0) })
            try await store.commit([.put(record(6, "b"))])
            let found = try await store.records(for: key("a")).sorted { $0.id.rawValue < $1.id.rawValue }
            #expect(found == variants)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a put replaces everything but the segments`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([.put(record(1, "a")), .holding(segment(1, 2), [10..<20, 30..<40])])
            var changed = record(1, "b", inline: [1, 2, 3], length: 99)
            changed.metadata = [7]
            changed.segments = [5: [0..<1]]
            try await store.commit([.put(changed)])
            changed.segments = [2: [10..<20, 30..<40]]
            #expect(try await store.records(for: key("b")) == [changed])
            #expect(try await store.records(for: key("a")) == [])
            #expect(store.usedBytes == 23)
        }
    }

    @Test(arguments: StoreKind.allCases) func `an inline body that is put away no longer counts`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([.put(record(1, "a", inline: [1, 2, 3]))])
            #expect(store.usedBytes == 3)
            try await store.commit([.put(record(1, "a"))])
            #expect(store.usedBytes == 0)
            #expect(try await store.allUnits() == [])
        }
    }

    @Test(arguments: StoreKind.allCases) func `extents replace those that the segment had`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            let far = Int64.max - 10..<Int64.max
            try await store.commit([.put(record(1, "a")), .holding(segment(1, 0), [0..<10])])
            try await store.commit([.holding(segment(1, 0), [0..<5, 100..<300]), .holding(segment(1, 7), [far])])
            let found = try await store.records(for: key("a")).first
            #expect(found?.segments == [0: [0..<5, 100..<300], 7: [far]])
            #expect(store.usedBytes == 215)
        }
    }

    @Test(arguments: StoreKind.allCases) func `no extents: the segment is gone`(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.commit([.put(record(1, "a")), .holding(segment(1, 0), [0..<10])])
            try await store.commit([.extents(segment(1, 0), [])])
            #expect(try await store.records(for: key("a")) == [record(1, "a")])
            #expect(store.usedBytes == 0)
            #expect(try await store.allUnits() == [])
        }
    }

    @Test(arguments: StoreKind.allCases) func `extents of a response that is not stored have no effect`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([.holding(segment(1, 0), [0..<10]), .touch([segment(1, 0), segment(2, -1)])])
            #expect(store.usedBytes == 0)
            try await store.commit([.put(record(1, "a"))])
            #expect(try await store.records(for: key("a")) == [record(1, "a")])
        }
    }

    @Test(arguments: StoreKind.allCases) func `a removed response is gone and its files stay`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try store.openSegment(segment(1, 0), creating: true).write([1, 2, 3], at: 0)
            try await store.commit([
                .put(record(1, "a")), .put(record(2, "a", inline: [1])), .holding(segment(1, 0), [0..<3]),
            ])
            try await store.commit([.remove(response(1)), .remove(response(3))])
            #expect(try await store.records(for: key("a")) == [record(2, "a", inline: [1])])
            #expect(store.usedBytes == 1)
            let file = try store.openSegment(segment(1, 0), creating: false)
            #expect(try FileRegion(file: file, offset: 0, count: 3).read() == [1, 2, 3])
        }
    }

    @Test(arguments: StoreKind.allCases) func `the changes of a commit happen in order`(_ kind: StoreKind) async throws
    {
        try await kind.withStore { store in
            try await store.commit([
                .put(record(1, "a", inline: [1, 2])), .remove(response(1)), .put(record(1, "b")),
                .holding(segment(1, 0), [0..<10]), .remove(response(1)), .holding(segment(1, 0), [0..<10]),
                .put(record(1, "c")),
            ])
            #expect(try await store.records(for: key("a")) == [])
            #expect(try await store.records(for: key("b")) == [])
            #expect(try await store.records(for: key("c")) == [record(1, "c")])
            #expect(store.usedBytes == 0)
        }
    }

    @Test(arguments: StoreKind.allCases) func `commits of many tasks all become facts`(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt64(1)...500 {
                    group.addTask {
                        try await store.commit([.put(record(number, "\(number)", inline: [1, 2, 3]))])
                        // What is acknowledged is seen by whoever asks next.
                        let found = try await store.records(for: key("\(number)"))
                        #expect(found == [record(number, "\(number)", inline: [1, 2, 3])])
                    }
                }
                try await group.waitForAll()
            }
            #expect(store.usedBytes == 1500)
        }
    }

    @Test(arguments: StoreKind.allCases) func `octets lie at their offset and outlive the deletion while open`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            let written = try store.openSegment(segment(1, 3), creating: true)
            try written.write([1, 2, 3], at: 1_000_000)
            let read = try store.openSegment(segment(1, 3), creating: false)
            #expect(try FileRegion(file: read, offset: 1_000_000, count: 3).read() == [1, 2, 3])
            store.discardFiles(of: response(1), segment: 3)
            #expect(try FileRegion(file: read, offset: 999_999, count: 4).read() == [0, 1, 2, 3])
            let anew = try store.openSegment(segment(1, 3), creating: true)
            #expect(throws: BodyError.self) { try FileRegion(file: anew, offset: 0, count: 1).read() }
        }
    }

    @Test(arguments: StoreKind.allCases) func `a segment without a file is missing`(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            #expect { try store.openSegment(segment(1, 0), creating: false) } throws: { error in
                (error as? HTTPCacheError)?.code == .segmentMissing
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `files are discarded by segment or all of a response`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            // 0x101 and 0x201 share the directory that 0x1 is in.
            let kept = [segment(0x101, 0), segment(0x201, 1)]
            for segment in [segment(1, 0), segment(1, 1), segment(1, 100)] + kept {
                _ = try store.openSegment(segment, creating: true)
            }
            store.discardFiles(of: response(1), segment: 1)
            #expect(throws: HTTPCacheError.self) { try store.openSegment(segment(1, 1), creating: false) }
            _ = try store.openSegment(segment(1, 100), creating: false)
            store.discardFiles(of: response(1), segment: nil)
            for index in [0, 1, 100] {
                #expect(throws: HTTPCacheError.self) { try store.openSegment(segment(1, index), creating: false) }
            }
            for segment in kept { _ = try store.openSegment(segment, creating: false) }
            store.discardFiles(of: response(77), segment: nil)
        }
    }

    @Test(arguments: StoreKind.allCases) func `what holds octets is listed from the least recently used on`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([
                .put(record(1, "a")), .holding(segment(1, 0), [0..<10]), .holding(segment(1, 1), [100..<120]),
                .put(record(2, "b", inline: [1, 2, 3])), .put(record(3, "c")), .holding(segment(3, 0), [0..<7]),
            ])
            try await store.commit([.touch([segment(1, 0), segment(2, -1)])])
            let all = [
                UnitUse(id: segment(1, 1), bytes: 20), UnitUse(id: segment(3, 0), bytes: 7),
                UnitUse(id: segment(1, 0), bytes: 10, wasUsedAgain: true),
                UnitUse(id: segment(2, -1), bytes: 3, wasUsedAgain: true),
            ]
            for page in 1...5 { #expect(try await store.allUnits(page: page) == all) }
            #expect(try await store.units(after: nil, limit: 0) == [])
            let last = try await store.units(after: nil, limit: 10).last?.position
            #expect(try await store.units(after: last, limit: 10) == [])
        }
    }

    @Test(arguments: StoreKind.allCases) func `what is filled further keeps that it was used again`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([.put(record(1, "a")), .holding(segment(1, 0), [0..<10])])
            try await store.commit([.put(record(2, "b", inline: [1])), .touch([segment(1, 0), segment(2, -1)])])
            try await store.commit([.holding(segment(1, 0), [0..<20]), .put(record(2, "b", inline: [1]))])
            let again = [
                UnitUse(id: segment(1, 0), bytes: 20, wasUsedAgain: true),
                UnitUse(id: segment(2, -1), bytes: 1, wasUsedAgain: true),
            ]
            #expect(try await store.allUnits() == again)
            try await store.commit([.extents(segment(1, 0), []), .holding(segment(1, 0), [0..<5])])
            #expect(try await store.allUnits().last == UnitUse(id: segment(1, 0), bytes: 5))
        }
    }

    @Test(arguments: StoreKind.allCases) func `a response is removed as empty only if it holds nothing`(
        _ kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            try await store.commit([
                .put(record(1, "a")), .holding(segment(1, 3), [0..<10]), .put(record(2, "b", inline: [])),
                .put(record(3, "c")),
            ])
            try await store.commit((1...4).map { .removeIfEmpty(response($0)) })
            #expect(try await store.records(for: key("a")).count == 1)
            #expect(try await store.records(for: key("b")).count == 1)
            #expect(try await store.records(for: key("c")) == [])
            try await store.commit([.extents(segment(1, 3), []), .removeIfEmpty(response(1))])
            #expect(try await store.records(for: key("a")) == [])
        }
    }
}
