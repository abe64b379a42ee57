// multipart/byteranges: what stands between the parts, and how long it is.

import HTTP
import Testing

@Suite struct MultipartByteRangesTests {
    private func message(
        _ ranges: [Range<Int64>],
        of length: Int64? = 8000,
        type: String? = "video/mp4"
    ) throws
        -> MultipartByteRanges
    {
        var random = SeededRandom(seed: 0x5eed_0006)
        let message = MultipartByteRanges(
            ranges: ranges,
            completeLength: length,
            partType: type.map { Array($0.utf8)[...] },
            using: &random
        )
        return try #require(message)
    }

    @Test func `RFC 9110 section 14.6: parts have a delimiter, a type and a range each`() throws {
        let message = try message([500..<1000, 7000..<8000])
        let boundary = try #require(message.contentType.split(separator: "=").last.map(String.init))
        #expect(message.contentType == "multipart/byteranges; boundary=\(boundary)")
        #expect(boundary.utf8.count == 32)
        let first = "--\(boundary)\r\nContent-Type: video/mp4\r\nContent-Range: bytes 500-999/8000\r\n\r\n"
        let second = "\r\n--\(boundary)\r\nContent-Type: video/mp4\r\nContent-Range: bytes 7000-7999/8000\r\n\r\n"
        #expect(String(decoding: message.head(ofPart: 0), as: UTF8.self) == first)
        #expect(String(decoding: message.head(ofPart: 1), as: UTF8.self) == second)
        #expect(String(decoding: message.end, as: UTF8.self) == "\r\n--\(boundary)--\r\n")
        let length = first.utf8.count + 500 + second.utf8.count + 1000 + message.end.count
        #expect(message.length == Int64(length))
    }

    @Test func `RFC 9110 section 15.3.7.2: without a type of its own the representation gives its parts none`() throws {
        let head = try message([0..<1, 100..<101], of: nil, type: nil).head(ofPart: 0)
        #expect(String(decoding: head, as: UTF8.self).hasSuffix("\r\nContent-Range: bytes 0-0/*\r\n\r\n"))
        #expect(!String(decoding: head, as: UTF8.self).contains("Content-Type"))
    }

    @Test func `two messages have different boundaries`() throws {
        var random = SeededRandom(seed: 1)
        let made = (0..<2).compactMap { _ in
            MultipartByteRanges(ranges: [0..<1], completeLength: 1, partType: nil, using: &random)
        }
        #expect(made.count == 2 && made.first?.contentType != made.last?.contentType)
    }

    @Test func `a message longer than can be counted is none`() {
        var random = SeededRandom(seed: 1)
        let huge = MultipartByteRanges(
            ranges: [0..<Int64.max - 10],
            completeLength: .max,
            partType: nil,
            using: &random
        )
        #expect(huge == nil)
        let twice: [Range<Int64>] = [0..<Int64.max / 2 + 1, 0..<Int64.max / 2 + 1]
        #expect(MultipartByteRanges(ranges: twice, completeLength: .max, partType: nil, using: &random) == nil)
    }
}
