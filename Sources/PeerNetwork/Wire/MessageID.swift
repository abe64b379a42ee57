// What tells one message from another: the hash of all that it says.

import Crypto

/// The SHA-256 of a message's packed form, which travels in front of it as its checksum.
public struct MessageID: Sendable, Hashable, CustomStringConvertible {
    static let byteCount = 32

    /// Half of an id, by which many are remembered: to make two that have it in common takes 2^64 attempts.
    struct Name: Sendable, Hashable {
        let first: UInt64
        private let second: UInt64

        /// Nobody's: to make an id that begins like that takes 2^128 attempts.
        static let none = Name(SIMD4())

        fileprivate init(_ words: SIMD4<UInt64>) {
            (first, second) = (words[0], words[1])
        }
    }

    private let words: SIMD4<UInt64>

    /// What it is remembered by.
    var name: Name { Name(words) }

    /// The id that `octets` are; nil unless there are 32 of them.
    init?(_ octets: some Collection<UInt8>) {
        guard octets.count == Self.byteCount else { return nil }
        words =
            octets.withContiguousStorageIfAvailable { Self.words(UnsafeRawBufferPointer($0)) }
            ?? Array(octets).withUnsafeBytes(Self.words)
    }

    /// The id of the message with this packed form.
    init(ofPacked packed: ArraySlice<UInt8>) {
        words = packed.withUnsafeBytes { SHA256.hash(data: $0) }.withUnsafeBytes(Self.words)
    }

    /// What 32 octets come to.
    private static func words(_ octets: UnsafeRawBufferPointer) -> SIMD4<UInt64> {
        var words = SIMD4<UInt64>()
        for index in 0..<4 {
            words[index] = UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        return words
    }

    /// The 32 octets.
    public var octets: [UInt8] {
        var octets: [UInt8] = []
        for index in 0..<4 { octets.append(bigEndian: words[index], byteCount: 8) }
        return octets
    }

    /// 64 hexadecimal digits, in ASCII.
    public var hexadecimal: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 2 * Self.byteCount) { digits, count in
            for index in 0..<4 {
                let (high, low) = (words[index] >> 32, words[index] & 0xffff_ffff)
                let output = UnsafeMutableRawBufferPointer(digits)
                output.storeBytes(of: Self.digits(high).bigEndian, toByteOffset: 16 * index, as: UInt64.self)
                output.storeBytes(of: Self.digits(low).bigEndian, toByteOffset: 16 * index + 8, as: UInt64.self)
            }
            count = 2 * Self.byteCount
        }
    }

    /// The eight digits of 32 bits, the first in the highest octet: all at a time, without a look at any.
    private static func digits(_ bits: UInt64) -> UInt64 {
        let pairs = (bits | bits << 16) & 0x0000_ffff_0000_ffff
        let octets = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff
        let values = (octets | octets << 4) & 0x0f0f_0f0f_0f0f_0f0f
        // 1 where a value is 10 or more.
        let letters = (values + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return values + 0x3030_3030_3030_3030 + letters * 0x27
    }

    /// 64 hexadecimal digits.
    public var description: String { String(decoding: hexadecimal, as: UTF8.self) }
}
