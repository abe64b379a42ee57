// What tells one message from another: the hash of all that it says.

import Crypto

/// The SHA-256 of a message's packed form, which travels in front of it as its checksum.
public struct MessageID: Sendable, Hashable, CustomStringConvertible {
    static let byteCount = 32

    private let words: SIMD4<UInt64>

    /// The id that `octets` are; nil unless there are 32 of them.
    init?(_ octets: some Collection<UInt8>) {
        guard octets.count == Self.byteCount else { return nil }
        var words = SIMD4<UInt64>()
        for (index, octet) in octets.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(octet) }
        self.words = words
    }

    /// The id of the message with this packed form.
    init(ofPacked packed: ArraySlice<UInt8>) {
        let digest = packed.withUnsafeBytes { SHA256.hash(data: $0) }
        words = digest.withUnsafeBytes { octets in
            var words = SIMD4<UInt64>()
            for index in 0..<4 {
                words[index] = UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return words
        }
    }

    /// The 32 octets.
    public var octets: [UInt8] {
        var octets: [UInt8] = []
        for index in 0..<4 { octets.append(bigEndian: words[index], byteCount: 8) }
        return octets
    }

    /// 64 hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0x0f)]] }, as: UTF8.self)
    }
}
