// Files that no fact speaks of: deleted, and nothing else with them.

import Dispatch
import Foundation
import HTTP
import HTTPCache
import Testing

@testable import HTTPCacheDisk

@Suite struct OrphanTests {
    @Test func `files without a response go and all others stay`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let before = try DiskStore(directory: directory) { problems.add($0) }
            let orphans = [segment(0x1, 0), segment(0x1, 7), segment(0xff, 0), segment(0x7fff_ffff_ffff_ff00, 3)]
            let stored = [segment(0x101, 0), segment(0x1ff, 2)]
            for segment in orphans + stored { _ = try before.openSegment(segment, creating: true) }
            try await before.commit(stored.map { .put(record($0.response.rawValue, "a")) })
            await before.close()
            // Not ours, whatever they are.
            let foreign = ["01/notes.txt", "01/0000000000000001", "01/0000000000000001.01", "01/00000000000000ff.0"]
            for name in foreign { try Data().write(to: URL(filePath: directory + "/bodies/" + name)) }

            let store = try DiskStore(directory: directory) { problems.add($0) }
            _ = try store.openSegment(segment(0x901, 1), creating: true)
            #expect(await store.removeOrphans() == orphans.count)
            for orphan in orphans {
                #expect(throws: HTTPCacheError.self) { try store.openSegment(orphan, creating: false) }
            }
            for segment in stored + [segment(0x901, 1)] { _ = try store.openSegment(segment, creating: false) }
            for name in foreign { #expect(FileManager.default.fileExists(atPath: directory + "/bodies/" + name)) }
            #expect(await store.removeOrphans() == 0)
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `responses that hold nothing go, but for those that this process knows`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let before = try DiskStore(directory: directory) { problems.add($0) }
            for number in UInt64(1)...600 { try await before.commit([.put(record(number, "\(number)"))]) }
            try await before.commit([
                .put(record(601, "inline", inline: [])), .put(record(602, "held")), .holding(segment(602, 0), [0..<1]),
            ])
            await before.close()

            let store = try DiskStore(directory: directory) { problems.add($0) }
            // One is looked up, one has its head replaced, one is new.
            #expect(try await store.records(for: key("7")).count == 1)
            try await store.commit([.put(record(9, "9")), .put(record(700, "new"))])
            #expect(await store.removeEmptyResponses() == 598)
            let left = ["7", "9", "new", "inline", "held"]
            for name in left { #expect(try await store.records(for: key(name)).count == 1) }
            for name in ["1", "8", "600"] { #expect(try await store.records(for: key(name)).isEmpty) }
            #expect(await store.removeEmptyResponses() == 0)
            await store.close()
            try problems.requireNone()
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `look-ups from one thread do not wait for one another beside the search`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            for number in UInt64(1)...64 { try await store.commit([.put(record(number, "\(number)"))]) }
            // As in the loop that asks origins: whoever blocks there holds up all others, who may have all readers.
            let count = try await withTaskExecutorPreference(OneThread()) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<8 {
                        for number in 1...64 { group.addTask { try await store.records(for: key("\(number)")).count } }
                    }
                    return try await group.reduce(0, +)
                }
            }
            #expect(count == 8 * 64)
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `files of a response that was removed since the start stay until they are discarded`() async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let before = try DiskStore(directory: directory) { problems.add($0) }
            _ = try before.openSegment(segment(1, 0), creating: true)
            try await before.commit([.put(record(1, "a"))])
            await before.close()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            try await store.commit([.remove(response(1))])
            #expect(await store.removeOrphans() == 0)
            _ = try store.openSegment(segment(1, 0), creating: false)
            await store.close()
            let next = try DiskStore(directory: directory) { problems.add($0) }
            #expect(await next.removeOrphans() == 1)
            await next.close()
            try problems.requireNone()
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `fills that run beside the search lose nothing`(
        _ seed: UInt64
    ) async throws {
        try await withScratchDirectory { directory in
            let problems = Problems()
            let before = try DiskStore(directory: directory) { problems.add($0) }
            for number in UInt64(1)...500 { _ = try before.openSegment(segment(number, 0), creating: true) }
            await before.close()
            let store = try DiskStore(directory: directory) { problems.add($0) }
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { await store.removeOrphans() }
                for number in UInt64(1001)...1300 {
                    group.addTask {
                        try store.openSegment(segment(number, 0), creating: true).write([1], at: 0)
                        await Task.yield()
                        try await store.commit([
                            .put(record(number, "\(number)")), .holding(segment(number, 0), [0..<1]),
                        ])
                        return 0
                    }
                }
                let deleted = try await group.reduce(0, +)
                #expect(deleted == 500)
            }
            for number in UInt64(1001)...1300 {
                let file = try store.openSegment(segment(number, 0), creating: false)
                #expect(try FileRegion(file: file, offset: 0, count: 1).read() == [1])
            }
            await store.close()
            try problems.requireNone()
        }
    }

    @Test func `beyond its limit the search deletes nothing more`() {
        var orphans = OrphanGuard(responsesMax: 2)
        orphans.spare(response(1))
        orphans.spare(response(2))
        orphans.spare(response(2))
        #expect(orphans.isSearching)
        #expect(!orphans.mayDelete(response(1)))
        #expect(orphans.mayDelete(response(3)))
        orphans.spare(response(3))
        #expect(!orphans.isSearching)
        #expect(!orphans.mayDelete(response(4)))
    }
}

/// Runs tasks one after another, on a queue.
private final class OneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "one thread")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
