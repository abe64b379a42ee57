// In place of swift-crypto where parsers are compiled for libFuzzer: hashes that are quick, of the right length, and no more.
//
// What a checksum protects from is not what the fuzzer looks for, and a real one would take most of its time.

/// A digest of so many octets.
package struct Digest: Sequence, Sendable {
    fileprivate let octets: [UInt8]

    package func makeIterator() -> IndexingIterator<[UInt8]> { octets.makeIterator() }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try octets.withUnsafeBytes(body)
    }
}

private func mix(_ data: some Sequence<UInt8>, byteCount: Int) -> Digest {
    var lanes: [UInt64] = (1...8).map { $0 &* 0x9e37_79b9_7f4a_7c15 }
    var count = 0
    for octet in data {
        lanes[count & 7] = (lanes[count & 7] ^ UInt64(octet)) &* 0x100_0000_01b3
        count += 1
    }
    var sum = UInt64(count)
    for _ in 0..<2 {
        for index in 0..<8 {
            sum = (sum ^ lanes[index]) &* 0xff51_afd7_ed55_8ccd
            sum ^= sum >> 33
            lanes[index] = sum
        }
    }
    let octets = lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> (8 * UInt64($0))) } }
    return Digest(octets: Array(octets.prefix(byteCount)))
}

package enum SHA256 {
    package static func hash(data: some Sequence<UInt8>) -> Digest { mix(data, byteCount: 32) }
}

package enum SHA384 {
    package static func hash(data: some Sequence<UInt8>) -> Digest { mix(data, byteCount: 48) }
}

package enum SHA512 {
    package static func hash(data: some Sequence<UInt8>) -> Digest { mix(data, byteCount: 64) }
}

package enum Insecure {
    package enum SHA1 {
        package static func hash(data: some Sequence<UInt8>) -> Digest { mix(data, byteCount: 20) }
    }
}
