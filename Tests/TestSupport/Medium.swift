// A file of any size that exists only as a rule, so that a test can serve and check 4 GiB without holding it.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A deterministic pseudo-random medium: the octet at each offset follows from the seed.
///
/// Blocks of 64 KiB are windows into 1 MiB of random octets, each beginning with its own number, so that octets at a
/// wrong offset never pass for right ones. Making octets costs about a memory copy, in a debug build too.
package struct Medium: Sendable, Equatable {
    /// The seed that the octets follow from.
    package let seed: UInt64
    /// How many octets it has.
    package let count: Int64

    private static let blockBytes = 64 << 10
    private static let tableBytes = 1 << 20
    /// 1 MiB of random octets and its first block again, so that windows need not wrap.
    private static let table: [UInt8] = {
        var generator = SeededGenerator(seed: 0x57a7_1011)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tableBytes + blockBytes)
        while bytes.count < tableBytes {
            withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: bytes[..<blockBytes])
        return bytes
    }()

    package init(count: Int64, seed: UInt64 = 1) {
        self.count = count
        self.seed = seed
    }

    /// The octets at `range`, which must be within the medium.
    package func octets(in range: Range<Int64>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range \(range) of \(count) octets")
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let block = position / Int64(Self.blockBytes)
            let within = Int(position % Int64(Self.blockBytes))
            let end = min(Self.blockBytes, within + Int(range.upperBound - position))
            append(block: UInt64(block), within..<end, to: &result)
            position += Int64(end - within)
        }
        return result
    }

    /// All octets; for small media.
    package var octets: [UInt8] { octets(in: 0..<count) }

    /// Whether `bytes` are the octets from `offset`.
    package func matches(_ bytes: ArraySlice<UInt8>, at offset: Int64) -> Bool {
        guard offset >= 0, offset + Int64(bytes.count) <= count else { return false }
        var position = offset
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(Self.blockBytes)
            let expected = octets(in: position..<position + Int64(piece.count))
            let isEqual = piece.withUnsafeBytes { left in
                expected.withUnsafeBytes { right in left.isEqual(to: right) }
            }
            guard isEqual else { return false }
            position += Int64(piece.count)
            rest = rest.dropFirst(piece.count)
        }
        return true
    }

    private func append(block: UInt64, _ within: Range<Int>, to result: inout [UInt8]) {
        var generator = SeededGenerator(seed: seed ^ (block &* 0xd6e8_feb8_6659_fd93))
        let stamp = generator.next()
        let start = Int(stamp % UInt64(Self.tableBytes))
        var rest = within
        while rest.lowerBound < min(8, within.upperBound) {
            result.append(UInt8(truncatingIfNeeded: stamp >> UInt64(8 * rest.lowerBound)))
            rest = rest.lowerBound + 1..<rest.upperBound
        }
        result.append(contentsOf: Self.table[start + rest.lowerBound..<start + rest.upperBound])
    }
}

extension UnsafeRawBufferPointer {
    /// `memcmp`, because a loop over octets is slow in a debug build.
    fileprivate func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let left = baseAddress, let right = other.baseAddress else { return isEmpty }
        return memcmp(left, right, count) == 0
    }
}
