// Random histories: every store must agree, after each commit, with a model that is too simple to be wrong.

import HTTP
import HTTPCache
import HTTPCacheDisk
import Testing

@Suite struct StoreModelTests {
    @Test(arguments: StoreKind.allCases, [1, 2, 3, 4] as [UInt64])
    func `a random history leaves what the model says`(_ kind: StoreKind, _ seed: UInt64) async throws {
        try await kind.withStore { store in
            var generator = Seeded(seed)
            var model = Model()
            for step in 0..<150 {
                let changes = (0...Int.random(in: 0..<6, using: &generator)).map { _ in change(&generator) }
                for change in changes { model.apply(change) }
                try await store.commit(changes)
                try await expect(store, isLike: model, "seed \(seed), step \(step)")
            }
        }
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `a random history survives being closed and opened in between`(_ seed: UInt64) async throws {
        try await withScratchDirectory { directory in
            var generator = Seeded(seed)
            var model = Model()
            for step in 0..<12 {
                let problems = Problems()
                let store = try DiskStore(directory: directory) { problems.add($0) }
                try await expect(store, isLike: model, "seed \(seed), opening \(step)")
                for _ in 0..<10 {
                    let changes = (0..<5).map { _ in change(&generator) }
                    for change in changes { model.apply(change) }
                    try await store.commit(changes)
                }
                await store.close()
                try problems.requireNone()
            }
        }
    }

    private func expect(_ store: any CacheStore, isLike model: Model, _ place: Comment) async throws {
        #expect(store.usedBytes == model.usedBytes, place)
        #expect(try await store.allUnits(page: 3) == model.units, place)
        for name in Model.names {
            let found = try await store.records(for: key(name)).sorted { $0.id.rawValue < $1.id.rawValue }
            #expect(found == model.records(named: name), place)
        }
    }

    private func change(_ generator: inout Seeded) -> StoreChange {
        let number = UInt64.random(in: 1...8, using: &generator)
        let index = Int.random(in: 0..<4, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<3:
            let inline =
                [nil, [], [1, 2, 3], [UInt8](repeating: 7, count: 5000)].randomElement(using: &generator) ?? nil
            let name = Model.names.randomElement(using: &generator) ?? ""
            return .put(
                record(number, name, inline: inline, length: [nil, 0, 5].randomElement(using: &generator) ?? nil)
            )
        case 3..<7:
            var extents = ExtentMap()
            for _ in 0..<Int.random(in: 0..<4, using: &generator) {
                let start = Int64.random(in: 0..<1000, using: &generator) + Int64(index) << 40
                extents.insert(start..<start + Int64.random(in: 1..<300, using: &generator))
            }
            // Mostly some of what is held stays, and runs come that are not held together with others.
            let isAll = Bool.random(using: &generator)
            let runs = extents.ranges.map { StoredRun(range: $0, checksum: generator.next()) }
            let held = isAll ? [Int64(index) << 40..<Int64(index) << 40 + 700] : extents.ranges
            return .extents(segment(number, index), held, adding: runs)
        case 7: return Bool.random(using: &generator) ? .remove(response(number)) : .removeIfEmpty(response(number))
        default: return .touch([segment(number, index), segment(number % 3, -1)])
        }
    }
}

/// The facts, in lists that are searched.
private struct Model {
    static let names = ["a", "b", "c", "d/e?f"]

    private var stored: [ResponseID: StoredRecord] = [:]
    private var runs: [SegmentID: [Range<Int64>]] = [:]
    private var uses: [(id: SegmentID, isAgain: Bool)] = []

    var usedBytes: Int64 { uses.reduce(0) { $0 + bytes($1.id) } }

    var units: [UnitUse] {
        uses.map { UnitUse(id: $0.id, bytes: bytes($0.id), wasUsedAgain: $0.isAgain) }
    }

    func records(named name: String) -> [StoredRecord] {
        stored.values.filter { $0.key == key(name) }.sorted { $0.id.rawValue < $1.id.rawValue }
    }

    mutating func apply(_ change: StoreChange) {
        switch change {
        case .put(var record):
            record.segments = stored[record.id]?.segments ?? [:]
            stored[record.id] = record
            let item = SegmentID(response: record.id, index: -1)
            let isAgain = take(item)
            if record.inlineBody != nil { uses.append((item, isAgain)) }
        case .extents(let item, let held, let added):
            guard stored[item.response] != nil else { return }
            let isAgain = take(item)
            var left = runs[item, default: []].filter { run in
                held.contains { $0.lowerBound <= run.lowerBound && run.upperBound <= $0.upperBound }
            }
            left.removeAll { run in added.contains { $0.range.overlaps(run) } }
            left += added.map(\.range)
            runs[item] = left
            stored[item.response]?.segments[item.index] = left.isEmpty ? nil : ExtentMap(left).ranges
            if !left.isEmpty { uses.append((item, isAgain)) }
        case .remove(let response):
            stored[response] = nil
            runs = runs.filter { $0.key.response != response }
            uses.removeAll { $0.id.response == response }
        case .removeIfEmpty(let response):
            if !uses.contains(where: { $0.id.response == response }) { stored[response] = nil }
        case .touch(let items):
            for item in items where uses.contains(where: { $0.id == item }) {
                _ = take(item)
                uses.append((item, true))
            }
        }
    }

    /// Takes a unit out of the order of use; returns whether it was used again.
    private mutating func take(_ item: SegmentID) -> Bool {
        guard let index = uses.firstIndex(where: { $0.id == item }) else { return false }
        return uses.remove(at: index).isAgain
    }

    private func bytes(_ item: SegmentID) -> Int64 {
        guard let record = stored[item.response] else { return 0 }
        guard item.index >= 0 else { return Int64(record.inlineBody?.count ?? 0) }
        return record.segments[item.index, default: []].reduce(0) { $0 + Int64($1.count) }
    }
}
