// Faults met while the store is in use: a database that refuses, a damaged page, another process.

import Foundation
import GRDB
import HTTP
import HTTPCache
import HTTPCacheDisk
import Testing

@Suite struct DiskStoreFaultTests {
    @Test func `a commit that fails takes none of those down that were written with it`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            try await DiskStore(directory: directory) { problems.add($0) }.close()
            try database(directory) { db in
                try db.execute(
                    sql: """
                        CREATE TRIGGER refusal BEFORE INSERT ON responses WHEN new.length = 666
                        BEGIN SELECT RAISE(ABORT, 'refused'); END
                        """
                )
            }
            let store = try DiskStore(directory: directory) { problems.add($0) }
            let failed = await withTaskGroup(of: UInt64?.self) { group in
                for number in UInt64(1)...200 {
                    let last = record(number, "\(number)", inline: [1, 2], length: number % 50 == 0 ? 666 : 1)
                    group.addTask {
                        do {
                            try await store.commit([
                                .put(record(number | 1 << 40, "\(number)", inline: [1])), .put(last),
                            ])
                            return nil
                        } catch {
                            return (error as? HTTPCacheError)?.code == .storeFailed ? number : 0
                        }
                    }
                }
                return await group.reduce(into: Set()) { if let number = $1 { $0.insert(number) } }
            }
            #expect(failed == [50, 100, 150, 200])
            for number in UInt64(1)...200 {
                let found = try await store.records(for: key("\(number)"))
                #expect(found.count == (failed.contains(number) ? 0 : 2), "\(number)")
            }
            #expect(store.usedBytes == 196 * 3)
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `damage that is found in use is told and the store starts empty next time`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let full = try DiskStore(directory: directory) { problems.add($0) }
            try await full.commit((1...500).map { .put(record($0, "\($0)", inline: [1])) })
            await full.close()
            let page = try database(directory) { db in
                try Int64.fetchOne(db, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'responses'") ?? 0
            }
            let file = OpenFile(owning: open(directory + "/index.sqlite", O_RDWR | O_CLOEXEC))
            try file.write([UInt8](repeating: 0xaa, count: 4096), at: (page - 1) * 4096)
            try problems.requireNone()

            let store = try DiskStore(directory: directory) { problems.add($0) }
            let error = await #expect(throws: HTTPCacheError.self) { try await store.records(for: key("1")) }
            #expect(error?.code == .storeFailed)
            await #expect(throws: HTTPCacheError.self) { try await store.records(for: key("2")) }
            #expect(problems.all.count == 1)
            #expect(problems.all.first?.hasSuffix("is damaged; it starts empty next time") == true)
            await store.close()

            let problemsThen = Problems()
            let next = try DiskStore(directory: directory) { problemsThen.add($0) }
            #expect(problemsThen.all.count == 1)
            #expect(problemsThen.all.first?.hasSuffix("was found to be damaged when last used") == true)
            #expect(next.usedBytes == 0)
            try await next.commit([.put(record(1, "1"))])
            await next.close()
            let last = try DiskStore(directory: directory) { problemsThen.add($0) }
            #expect(try await last.records(for: key("1")).count == 1)
            #expect(problemsThen.all.count == 1)
            await last.close()
        }
    }

    @Test func `another process is refused while the store is in use and not after a kill`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            await #expect(processExitsWith: .exitCode(7)) {
                [directory = directory as String, pid = getpid() as Int32] in
                do {
                    _ = try DiskStore(directory: directory) { _ in }
                } catch {
                    let isNamed = "\(error)".contains("in use by another cdn (pid \(pid))")
                    exit(isNamed ? 7 : 8)
                }
            }
            await store.close()
            await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String] in
                let store = try DiskStore(directory: directory) { _ in }
                try await store.commit([.put(record(1, "a"))])
                kill(getpid(), SIGKILL)
            }
            let next = try DiskStore(directory: directory) { problems.add($0) }
            #expect(try await next.records(for: key("a")) == [record(1, "a")])
            await next.close()
            try problems.requireNone()
        }
    }

    /// Runs `body` on the index of a closed store.
    @discardableResult
    private func database<Value>(_ directory: String, _ body: (Database) throws -> Value) throws -> Value {
        let queue = try DatabaseQueue(path: directory + "/index.sqlite")
        defer { try? queue.close() }
        return try queue.writeWithoutTransaction(body)
    }
}
