// A disk without space: commits fail, what was a fact stays one, and the store goes on when there is space again.

import Foundation
import HTTP
import HTTPCache
import HTTPCacheDisk
import Testing

@Suite(.enabled("needs leave to mount a file system of its own") { try SmallDisk.isPossible() })
struct DiskFullTests {
    @Test func `a commit for which there is no space fails and leaves the facts as they were`() async throws {
        try await withScratchDirectory { directory in
            let disk = try SmallDisk(at: directory, mebibytes: 8)
            defer { disk.remove() }
            let problems = Problems()
            let store = try DiskStore(directory: directory + "/store") { problems.add($0) }
            let ballast = try store.openSegment(segment(1, 0), creating: true)
            try ballast.write([UInt8](repeating: 1, count: 4 << 20), at: 0)
            try await store.commit([.put(record(1, "ballast")), .holding(segment(1, 0), [0..<4 << 20])])
            var count: UInt64 = 0
            var failure: HTTPCacheError?
            while failure == nil, count < 10_000 {
                do {
                    try await store.commit([
                        .put(record(100 + count, "\(count)", inline: [UInt8](repeating: 2, count: 50_000)))
                    ])
                    count += 1
                } catch let error as HTTPCacheError {
                    failure = error
                }
            }
            #expect(failure?.code == .storeFailed)
            #expect(failure?.message.contains("free some space") == true, "\(failure?.description ?? "")")
            #expect(store.usedBytes == 4 << 20 + Int64(count) * 50_000)
            #expect(try await store.records(for: key("\(count)")) == [])
            #expect(try await store.records(for: key("0")).count == 1)

            store.discardFiles(of: response(1), segment: nil)
            try await store.commit([.remove(response(1)), .put(record(99, "after", inline: [1]))])
            #expect(store.usedBytes == Int64(count) * 50_000 + 1)
            await store.close()
            let next = try DiskStore(directory: directory + "/store") { problems.add($0) }
            #expect(next.usedBytes == Int64(count) * 50_000 + 1)
            #expect(try await next.records(for: key("after")).count == 1)
            await next.close()
            try problems.requireNone()
        }
    }

    @Test func `a store on a disk without any space says so`() async throws {
        try await withScratchDirectory { directory in
            let disk = try SmallDisk(at: directory, mebibytes: 1)
            defer { disk.remove() }
            let file = OpenFile(owning: open(directory + "/full", O_WRONLY | O_CREAT, 0o600))
            var size: Int64 = 0
            while (try? file.write([0], at: size)) != nil { size += 1024 }
            let error = #expect(throws: HTTPCacheError.self) { try DiskStore(directory: directory + "/store") { _ in } }
            #expect(error?.message.contains("free some space") == true, "\(error?.description ?? "")")
        }
    }
}

/// A file system of a few mebibytes in memory.
private struct SmallDisk {
    private let directory: String

    init(at directory: String, mebibytes: Int) throws {
        self.directory = directory
        guard mount("tmpfs", directory, "tmpfs", 0, "size=\(mebibytes)m") == 0 else { throw POSIXError(.EPERM) }
    }

    func remove() {
        umount2(directory, Int32(MNT_DETACH))
    }

    /// Whether such a file system can be mounted here.
    static func isPossible() throws -> Bool {
        guard geteuid() == 0 else { return false }
        let directory = FileManager.default.temporaryDirectory.appending(path: "waystation-mount-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        guard let disk = try? SmallDisk(at: directory.path, mebibytes: 1) else { return false }
        disk.remove()
        return true
    }
}
