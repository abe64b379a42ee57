// What only a store on a disk must do: opening what was left, by whomever and however.

import Foundation
import GRDB
import HTTP
import HTTPCache
import HTTPCacheDisk
import Testing

@Suite struct DiskStoreTests {
    private let inline = record(2, "b", inline: [1, 2, 3])

    @Test func `what was committed is there after closing and opening`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            try await expectFilled(directory)
        }
    }

    @Test func `a second use of the directory is refused and names the process`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            let error = #expect(throws: HTTPCacheError.self) { try DiskStore(directory: directory + "/") { _ in } }
            #expect(error?.code == .storeFailed)
            let message = "is in use by another cdn (pid \(getpid())); choose another directory with --store DIR"
            #expect(error?.message.hasSuffix(message) == true)
            await store.close()
            try await DiskStore(directory: directory) { problems.add($0) }.close()
            try problems.requireNone()
        }
    }

    @Test func `a closed store is opened in another boot as it was`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory, boot: "one")
            try await expectFilled(directory, boot: "two")
        }
    }

    @Test func `a store that was not closed is opened in the same boot as it was`() async throws {
        try await withScratchDirectory { parent in
            let directory = parent + "/store"
            try await fill(directory, boot: "one", closing: false)
            try await expectFilled(directory + ".killed", boot: "one")
        }
    }

    @Test(arguments: ["two", ""])
    func `octets of a store that was not closed are suspect in another boot until checked`(
        _ boot: String
    ) async throws {
        try await withScratchDirectory { parent in
            let directory = parent + "/store"
            try await fill(directory, boot: boot.isEmpty ? "" : "one", closing: false)
            let suspect = StoredRun(range: 1007..<1009, checksum: 0)
            for round in 0..<2 {
                let problems = Problems()
                let store = try DiskStore(directory: directory + ".killed", boot: boot) { problems.add($0) }
                #expect(problems.all.count == (round == 0 ? 1 : 0))
                #expect(problems.all.allSatisfy { $0.contains("the system went down") })
                #expect(store.usedBytes == 5)
                #expect(try await store.records(for: key("b")) == [inline])
                let found = try await store.records(for: key("a")).first
                #expect(found?.segments == [1: [1007..<1009]])
                #expect(found?.suspects == [suspect], "a clean end later makes nothing sound")
                // What comes now is not suspect.
                let new = StoredRun(range: 1020..<1030, checksum: 7)
                try await store.commit([.extents(segment(1, 1), [1000..<1010], adding: [new])])
                #expect(try await store.records(for: key("a")).first?.suspects == [suspect])
                try await store.commit([.extents(segment(1, 1), [1000..<1010])])
                await store.close()
            }
            let problems = Problems()
            let store = try DiskStore(directory: directory + ".killed", boot: "four") { problems.add($0) }
            try await store.commit([.extents(segment(1, 1), [1000..<1010], adding: [suspect])])
            #expect(try await store.records(for: key("a")).first?.suspects == [])
            #expect(try await store.records(for: key("a")).first?.segments == [1: [1007..<1009]])
            await store.close()
            try problems.requireNone()
        }
    }

    @Test(arguments: ["responses SET metadata = x'00'", "responses SET inline = x'010204'", "responses SET length = 9"])
    func `a row that is not what was written is forgotten`(_ change: String) async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            try await DatabaseQueue(path: directory + "/index.sqlite").write { db in
                try db.execute(sql: "UPDATE \(change) WHERE id = 2")
            }
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            for _ in 0..<2 { #expect(try await store.records(for: key("b")) == []) }
            #expect(try await store.records(for: key("a")).count == 1)
            #expect(problems.all.count == 1)
            #expect(store.usedBytes == 2)
            await store.close()
        }
    }

    @Test func `a segment's row that is not what was written is forgotten`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            try await DatabaseQueue(path: directory + "/index.sqlite").write { db in
                try db.execute(sql: "UPDATE segments SET extents = CAST(extents || x'00' AS BLOB) WHERE idx = 1")
            }
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            for _ in 0..<2 { #expect(try await store.records(for: key("a")) == [record(1, "a")]) }
            #expect(problems.all.count == 1)
            #expect(store.usedBytes == 3)
            await store.close()
        }
    }

    @Test func `an index of the first version starts empty`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            try overwrite(directory, at: 60, with: [0, 0, 0, 1])
            try await expectEmpty(directory, because: "another version of cdn (format 1)")
        }
    }

    @Test func `a log that outlived its index is not replayed into a new one`() async throws {
        try await withScratchDirectory { parent in
            let directory = parent + "/store"
            try await fill(directory, closing: false)
            #expect(try Data(contentsOf: URL(filePath: directory + ".killed/index.sqlite-wal")).count > 0)
            try FileManager.default.removeItem(atPath: directory + ".killed/index.sqlite")
            try await expectEmpty(directory + ".killed", because: nil)
        }
    }

    @Test(arguments: [0, 1, 16, 99, 100, 50_000]) func `an index of other octets is set aside`(
        _ count: Int
    ) async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            var generator = Seeded(UInt64(count))
            let octets = Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
            try octets.write(to: URL(filePath: directory + "/index.sqlite"))
            // A file of no octets is what a kill leaves at worst: nothing to tell.
            try await expectEmpty(directory, because: count == 0 ? nil : "is damaged or not an index of a cdn")
            if count > 0 {
                #expect(try Data(contentsOf: URL(filePath: directory + "/index.sqlite.set-aside-1")) == octets)
            }
        }
    }

    @Test func `a foreign database is set aside with its log and otherwise left alone`() async throws {
        try await withScratchDirectory { directory in
            var foreign = Data("SQLite format 3\0".utf8)
            foreign.append(Data(repeating: 1, count: 8192 - foreign.count))
            try foreign.write(to: URL(filePath: directory + "/index.sqlite"))
            try Data("log".utf8).write(to: URL(filePath: directory + "/index.sqlite-wal"))
            try await expectEmpty(directory, because: "not an index of a cdn")
            let aside = directory + "/index.sqlite.set-aside-1"
            #expect(try Data(contentsOf: URL(filePath: aside)) == foreign)
            #expect(try Data(contentsOf: URL(filePath: aside + "-wal")) == Data("log".utf8))
        }
    }

    @Test func `an index of a later version starts empty`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            try overwrite(directory, at: 60, with: [0, 0, 0, 9])
            try await expectEmpty(directory, because: "another version of cdn (format 9)")
        }
    }

    @Test func `an index without its tables starts empty`() async throws {
        try await withScratchDirectory { directory in
            try await fill(directory)
            // The first page's tree of tables, behind the header.
            try overwrite(directory, at: 100, with: [UInt8](repeating: 0xaa, count: 3000))
            try await expectEmpty(directory, because: "index.sqlite is damaged")
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `damage anywhere in the index never stops the process, and the store recovers`(_ seed: UInt64) async throws {
        try await withScratchDirectory { directory in
            var generator = Seeded(seed)
            let problems = Problems()
            let full = try DiskStore(directory: directory) { problems.add($0) }
            try await full.commit((1...2000).map { .put(record($0, "\($0)", inline: [1, 2, 3])) })
            await full.close()
            try problems.requireNone()
            let size = try Data(contentsOf: URL(filePath: directory + "/index.sqlite")).count
            for _ in 0..<20 {
                let octets = (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
                try overwrite(directory, at: Int.random(in: 100..<size - 40, using: &generator), with: octets)
            }
            // It may open or not be believed, and answer or throw: but neither crash nor say what was never stored.
            let store = try DiskStore(directory: directory) { problems.add($0) }
            for number in UInt64(1)...2000 {
                let found = (try? await store.records(for: key("\(number)"))) ?? []
                #expect(found.allSatisfy { $0.key == key("\(number)") }, "seed \(seed)")
            }
            _ = try? await store.units(after: nil, limit: .max)
            _ = try? await store.commit((1...2000).map { .remove(response($0)) })
            await store.close()
            // If damage was met, the next start is empty; in any case it works.
            let next = try DiskStore(directory: directory) { problems.add($0) }
            try await next.commit([.put(record(1, "new", inline: [9]))])
            #expect(try await next.records(for: key("new")).count == 1, "seed \(seed)")
            await next.close()
        }
    }

    @Test func `files and directories are for their owner only`() async throws {
        try await withScratchDirectory { parent in
            let directory = parent + "/a/b"
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            _ = try store.openSegment(segment(0xab, 5), creating: true)
            for name in ["/../../a", "", "/bodies", "/bodies/ab"] {
                #expect(try permissions(directory + name) == 0o700, "\(name)")
            }
            let body = "/bodies/ab/00000000000000ab.5"
            for name in ["/lock", "/index.sqlite", "/index.sqlite-wal", "/index.sqlite-shm", body] {
                #expect(try permissions(directory + name) == 0o600, "\(name)")
            }
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `a store whose directory cannot be made says what to do`() async throws {
        try await withScratchDirectory { parent in
            try Data().write(to: URL(filePath: parent + "/file"))
            for path in [parent + "/file", parent + "/file/below", "/proc/nowhere/store"] {
                let error = #expect(throws: HTTPCacheError.self) { try DiskStore(directory: path) { _ in } }
                #expect(error?.code == .storeFailed)
                #expect(error?.message.contains(path) == true)
                #expect(error?.message.contains("--store DIR") == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test func `a closed store refuses commits`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            await store.close()
            await store.close()
            let error = await #expect(throws: HTTPCacheError.self) { try await store.commit([.put(inline)]) }
            #expect(error?.message.hasSuffix("is closed: nothing more is stored") == true)
            await #expect(throws: HTTPCacheError.self) { try await store.records(for: key("a")) }
            try problems.requireNone()
        }
    }

    @Test func `commits under way when the store closes are facts or were refused`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            let stored = await withTaskGroup(of: UInt64?.self) { group in
                for number in UInt64(1)...300 {
                    group.addTask {
                        if number == 150 { await store.close() }
                        let done: Void? = try? await store.commit([.put(record(number, "\(number)", inline: [1]))])
                        return done == nil ? nil : number
                    }
                }
                return await group.reduce(into: Set()) { if let number = $1 { $0.insert(number) } }
            }
            #expect(!stored.contains(150))
            let next = try DiskStore(directory: directory) { problems.add($0) }
            #expect(next.usedBytes == Int64(stored.count))
            for number in UInt64(1)...300 {
                #expect(try await next.records(for: key("\(number)")).isEmpty == !stored.contains(number))
            }
            await next.close()
            try problems.requireNone()
        }
    }

    private func fill(_ directory: String, boot: String? = nil, closing: Bool = true) async throws {
        let problems = Problems()
        let store = try DiskStore(directory: directory, boot: boot) { problems.add($0) }
        try store.openSegment(segment(1, 1), creating: true).write([4, 5], at: 7)
        try await store.commit([.put(record(1, "a")), .holding(segment(1, 1), [1007..<1009]), .put(inline)])
        if !closing {
            // Nothing is being written: a copy is what a kill would leave.
            try FileManager.default.copyItem(atPath: directory, toPath: directory + ".killed")
        }
        await store.close()
        try problems.requireNone()
    }

    private func expectFilled(_ directory: String, boot: String? = nil) async throws {
        let problems = Problems()
        let store = try DiskStore(directory: directory, boot: boot) { problems.add($0) }
        var first = record(1, "a")
        first.segments = [1: [1007..<1009]]
        #expect(store.usedBytes == 5)
        #expect(try await store.records(for: key("a")) == [first])
        #expect(try await store.records(for: key("b")) == [inline])
        let file = try store.openSegment(segment(1, 1), creating: false)
        #expect(try FileRegion(file: file, offset: 7, count: 2).read() == [4, 5])
        #expect(try await store.allUnits().map(\.id.response) == [response(1), response(2)])
        await store.close()
        try problems.requireNone()
    }

    private func expectEmpty(_ directory: String, boot: String? = nil, because reason: String?) async throws {
        let problems = Problems()
        let store = try DiskStore(directory: directory, boot: boot) { problems.add($0) }
        #expect(problems.all.count == (reason == nil ? 0 : 1))
        #expect(
            problems.all.allSatisfy { $0.contains("starts empty: ") && $0.contains(reason ?? "") },
            "\(problems.all)"
        )
        #expect(store.usedBytes == 0)
        for name in ["a", "b"] { #expect(try await store.records(for: key(name)) == []) }
        // It works from here on.
        try await store.commit([.put(inline)])
        #expect(try await store.records(for: key("b")) == [inline])
        await store.close()
    }

    private func overwrite(_ directory: String, at offset: Int, with octets: [UInt8]) throws {
        let file = OpenFile(owning: open(directory + "/index.sqlite", O_RDWR | O_CLOEXEC))
        try file.write(octets, at: Int64(offset))
    }

    private func permissions(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}
