// The X25519 points of low order: an agreement with one of them gives zeros, whoever asks.

/// RFC 9180 section 7.1.4 has both sides refuse a shared secret of zeros; the library does not, so the points that give
/// one are refused before.
enum LowOrderPoints {
    /// The u-coordinates of order 1, 2, 4 and 8, canonical and not (RFC 7748 section 5: the top bit is ignored).
    private static let points: Set<[UInt8]> = {
        let order8a: [UInt8] = [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
            0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ]
        let order8b: [UInt8] = [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
            0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ]
        let small = [0, 1].map { [UInt8($0)] + [UInt8](repeating: 0, count: 31) }
        // p - 1, p and p + 1 with p = 2^255 - 19.
        let nearPrime = [0xec, 0xed, 0xee].map { [UInt8($0)] + [UInt8](repeating: 0xff, count: 30) + [0x7f] }
        return Set([order8a, order8b] + small + nearPrime)
    }()

    /// Whether `point`, 32 octets, is one of them.
    static func contains(_ point: some Collection<UInt8>) -> Bool {
        var masked = Array(point)
        guard masked.count == 32 else { return false }
        masked[31] &= 0x7f
        return points.contains(masked)
    }
}
