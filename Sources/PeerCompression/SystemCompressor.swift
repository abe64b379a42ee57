// Frames in fewer octets, by the system's zlib, bzip2 and liblzma.

import CCompression
package import PeerNetwork

/// Knows zlib, gzip, bzip2 and lzma, or some of them.
package struct SystemCompressor: FrameCompressor {
    /// All that it knows, in py2p's order of preference.
    package static let all: [CompressionMethod] = [.zlib, .gzip, .bzip2, .lzma]

    package let methods: [CompressionMethod]

    /// A compressor that knows `methods`, the best first; others than those of ``all`` are left out.
    package init(_ methods: [CompressionMethod] = Self.all) {
        self.methods = methods.filter(Self.all.contains)
    }

    package func compress(_ body: [UInt8], by method: CompressionMethod) -> [UInt8]? {
        guard methods.contains(method) else { return nil }
        let capacity = ccompression_bound(Int32(method.rawValue), body.count)
        var written: Int64 = -1
        let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            written = ccompression_compress(
                Int32(method.rawValue),
                body,
                body.count,
                buffer.baseAddress,
                buffer.count
            )
            count = max(0, Int(written))
        }
        return written < 0 ? nil : output
    }

    package func decompress(
        _ payload: ArraySlice<UInt8>,
        by method: CompressionMethod,
        lengthMax: Int
    ) -> [UInt8]? {
        guard methods.contains(method), Self.isLikely(payload, method) else { return nil }
        // Room for what it most likely is, then for more, and never for more than is allowed.
        var capacity = min(lengthMax, max(4096, 4 * payload.count))
        while true {
            var written: Int64 = -1
            let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                written = payload.withUnsafeBufferPointer { input in
                    ccompression_decompress(
                        Int32(method.rawValue),
                        input.baseAddress,
                        input.count,
                        buffer.baseAddress,
                        capacity
                    )
                }
                count = max(0, Int(written))
            }
            if written >= 0 { return output }
            guard written == -2, capacity < lengthMax else { return nil }
            capacity = min(lengthMax, 4 * capacity)
        }
    }

    /// Whether it begins as what that method makes: most that does not is a plain frame.
    private static func isLikely(_ payload: ArraySlice<UInt8>, _ method: CompressionMethod) -> Bool {
        switch method {
        case .bzip2: payload.starts(with: [0x42, 0x5a, 0x68])
        case .lzma: payload.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])
        default: payload.first.map { $0 & 0x0f == 8 || $0 == 0x1f } ?? false
        }
    }
}
