// Frames out of a stream, however it is cut.

import TestSupport
import Testing

@testable import PeerNetwork

@Suite struct FrameReaderTests {
    @Test func `frames are found wherever the stream is cut`() throws {
        let payloads = [[UInt8](), [1], [UInt8](repeating: 2, count: 300), [3, 4]]
        let stream = payloads.flatMap(FrameReader.frame)
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var reader = FrameReader()
            var found: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...50, using: &generator))
                rest = rest.dropFirst(piece.count)
                reader.append(piece)
                while let payload = try reader.next(lengthMax: 1000) { found.append(Array(payload)) }
                #expect(rest.isEmpty ? !reader.isWithinFrame : true)
            }
            #expect(found == payloads, "seed \(seed)")
        }
    }

    @Test func `a length at the limit is taken, and one more is refused before anything of it has come`() throws {
        var reader = FrameReader()
        reader.append([0, 0, 0, 10])
        #expect(try reader.next(lengthMax: 10) == nil)
        #expect(throws: FrameReader.TooLong.self) { try reader.next(lengthMax: 9) }
    }

    @Test func `a long stream does not pile up`() throws {
        var reader = FrameReader()
        let frame = FrameReader.frame([UInt8](repeating: 1, count: 70_000))
        for _ in 0..<100 {
            reader.append(frame)
            #expect(try reader.next(lengthMax: 100_000)?.count == 70_000)
        }
        #expect(!reader.isWithinFrame)
    }
}
