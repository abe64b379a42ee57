// Frames made smaller and larger again, and those that would be too large.

import PeerCompression
import Testing

@testable import PeerNetwork

@Suite struct CompressionTests {
    private static let body = Array(String(repeating: "waystation ", count: 1000).utf8)

    @Test(arguments: SystemCompressor.all)
    func `what is compressed is decompressed, up to the limit and not beyond`(_ method: CompressionMethod) throws {
        let compressor = SystemCompressor()
        for body in [Self.body, [], [7]] {
            let payload = try #require(compressor.compress(body, by: method))
            #expect(compressor.decompress(payload[...], by: method, lengthMax: body.count + 1) == body)
        }
        let payload = try #require(compressor.compress(Self.body, by: method))
        #expect(payload.count < 1000)
        #expect(compressor.decompress(payload[...], by: method, lengthMax: Self.body.count) == Self.body)
        #expect(compressor.decompress(payload[...], by: method, lengthMax: Self.body.count - 1) == nil)
    }

    @Test(arguments: SystemCompressor.all)
    func `a frame that would be a hundred times too large takes no more than is allowed`(
        _ method: CompressionMethod
    ) throws {
        let bomb = try #require(SystemCompressor().compress([UInt8](repeating: 0, count: 100 << 20), by: method))
        #expect(bomb.count < 1 << 20)
        #expect(SystemCompressor().decompress(bomb[...], by: method, lengthMax: 1 << 20) == nil)
    }

    @Test(arguments: SystemCompressor.all)
    func `what is cut off or was never compressed is not decompressed`(_ method: CompressionMethod) throws {
        let payload = try #require(SystemCompressor().compress(Self.body, by: method))
        for count in [0, 1, payload.count / 2, payload.count - 1] {
            #expect(SystemCompressor().decompress(payload[..<count], by: method, lengthMax: 1 << 20) == nil)
        }
        #expect(SystemCompressor().decompress(Self.body[...], by: method, lengthMax: 1 << 20) == nil)
        #expect(SystemCompressor([]).decompress(payload[...], by: method, lengthMax: 1 << 20) == nil)
        #expect(SystemCompressor([]).compress(Self.body, by: method) == nil)
    }

    @Test func `either header is taken for zlib and gzip`() throws {
        let compressor = SystemCompressor()
        let (zlib, gzip) = (compressor.compress(Self.body, by: .zlib), compressor.compress(Self.body, by: .gzip))
        #expect(compressor.decompress(try #require(zlib)[...], by: .gzip, lengthMax: 1 << 20) == Self.body)
        #expect(compressor.decompress(try #require(gzip)[...], by: .zlib, lengthMax: 1 << 20) == Self.body)
        #expect(try #require(zlib).prefix(2) == [0x78, 0x9c])
    }

    @Test func `methods that nobody knows are left out`() {
        let methods = [CompressionMethod(rawValue: 0x20), .lzma, .zlib]
        #expect(SystemCompressor(methods).methods == [.lzma, .zlib])
    }
}
