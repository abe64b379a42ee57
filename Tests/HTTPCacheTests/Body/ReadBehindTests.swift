// What leaves the page cache behind a reader, and what may not.

import HTTP
import Testing

@testable import HTTPCache

@Suite struct ReadBehindTests {
    private static let step = 1 << 20

    /// An open file of which nothing is read here.
    private static func file() -> OpenFile {
        OpenFile(sharing: -1, from: 0) {}
    }

    @Test func `what was read goes in whole steps, once, and never the last four`() {
        var behind = ReadBehind()
        let file = Self.file()
        var gone: Int64 = 0
        var read: Int64 = 0
        // A size that is no part of a step.
        for _ in 0..<100 {
            behind.add(FileRegion(file: file, offset: read, count: 300_000))
            for region in behind.take() {
                #expect(region.offset == gone)
                gone += Int64(region.count)
                #expect(gone % Int64(Self.step) == 0)
            }
            read += 300_000
            #expect(gone <= max(0, read - Int64(4 * Self.step)))
            #expect(gone >= read - Int64(5 * Self.step) - 300_000)
        }
        #expect(gone > 0)
    }

    @Test func `the end of a file goes too, when what is read of the next is enough`() {
        var behind = ReadBehind()
        let (first, second) = (Self.file(), Self.file())
        behind.add(FileRegion(file: first, offset: 10, count: 3 * Self.step))
        #expect(behind.take().isEmpty)
        behind.add(FileRegion(file: second, offset: 0, count: 3 * Self.step))
        #expect(behind.take().map(\.count) == [2 * Self.step - 10])
        behind.add(FileRegion(file: second, offset: Int64(3 * Self.step), count: 2 * Self.step))
        let rest = behind.take()
        #expect(rest.map { $0.file === first } == [true, false])
        #expect(rest.map(\.count) == [Self.step + 10, Self.step])
    }

    @Test func `where nothing is taken, no more than four files are kept open for it`() {
        var behind = ReadBehind()
        for number in 0..<10 {
            behind.add(FileRegion(file: Self.file(), offset: 0, count: (number + 1) * Self.step))
        }
        #expect(behind.take().map(\.count) == [7 * Self.step, 8 * Self.step, 9 * Self.step, 6 * Self.step])
        #expect(behind.take().isEmpty)
    }

    @Test func `what others may want is forgotten, and stays`() {
        var behind = ReadBehind()
        let file = Self.file()
        behind.add(FileRegion(file: file, offset: 0, count: 4 * Self.step))
        behind.forget()
        behind.add(FileRegion(file: file, offset: Int64(4 * Self.step), count: 4 * Self.step))
        #expect(behind.take().isEmpty)
    }

    @Test func `a body is read once if it is large and has one reader`() {
        let limits = BodyLimits()
        var small = BodyStateMachine<Int>(length: limits.cachedBytesMax, isResumable: true, limits: limits)
        _ = small.addReader(from: 0, to: nil)
        #expect(!small.isReadOnce(at: 0))
        var large = BodyStateMachine<Int>(length: limits.cachedBytesMax + 1, isResumable: true, limits: limits)
        #expect(!large.isReadOnce(at: 0))
        _ = large.addReader(from: 0, to: nil)
        #expect(large.isReadOnce(at: 0))
        _ = large.addReader(from: 0, to: nil)
        #expect(!large.isReadOnce(at: 0))
        var endless = BodyStateMachine<Int>(length: nil, isResumable: true, limits: limits)
        _ = endless.addReader(from: 0, to: nil)
        #expect(!endless.isReadOnce(at: limits.cachedBytesMax) && endless.isReadOnce(at: limits.cachedBytesMax + 1))
    }
}
