// Files that share one descriptor: each has its own octets, and what is over gives its memory back.

import HTTP
import Testing

@testable import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite struct MemoryArenaTests {
    private static func blocks(_ file: OpenFile) -> Int {
        var status = stat()
        return fstat(file.descriptor, &status) == 0 ? Int(status.st_blocks) : -1
    }

    @Test func `parts of one file have octets of their own`() throws {
        let arena = try #require(MemoryArena())
        let open = OpenFile.openCount
        let files = try (0..<5).map { _ in try #require(arena.newFile()) }
        for (index, file) in files.enumerated() {
            #expect(file.size == 0)
            try file.write([UInt8(index), 7][...], at: 100_000)
            try file.write([7], at: 0)
            #expect(file.size == 100_002)
        }
        for (index, file) in files.enumerated() {
            var region = FileRegion(file: file, offset: 100_000, count: 2)
            #expect(try region.read() == [UInt8(index), 7])
            region.offset += 1
            region.count = 1
            #expect(try region.read() == [7])
        }
        #expect(Set(files.map(\.descriptor)).count == 1)
        // Other tests run at the same time: they open few.
        #expect(OpenFile.openCount < open + 1000)
    }

    @Test func `a part that nobody refers to gives its memory back, and is empty when it is used again`() throws {
        let arena = try #require(MemoryArena())
        let kept = try #require(arena.newFile())
        try kept.write([1][...], at: 0)
        var file = arena.newFile()
        try file?.write([UInt8](repeating: 1, count: 1 << 20)[...], at: 0)
        let region = try #require(file.map { FileRegion(file: $0, offset: 0, count: 1 << 20) })
        file = nil
        // Who is sending from it still can.
        #expect(try region.read().allSatisfy { $0 == 1 })
        #expect(Self.blocks(kept) > 2048)
        _ = consume region
        #expect(Self.blocks(kept) < 100)
        let again = try #require(arena.newFile())
        try again.write([2][...], at: 9)
        #expect(try FileRegion(file: again, offset: 0, count: 10).read() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
    }
}
