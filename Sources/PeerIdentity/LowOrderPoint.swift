// Keys with which every agreement or signature comes out the same, whoever takes part.

/// Points of small order on Curve25519 in its two forms.
///
/// An agreement with one of these is all zeros (RFC 7748 section 6.1, RFC 9180 section 7.1.4), and they are all that
/// are: compared with, instead of computed for 50 microseconds a record. The tests try an agreement with each.
enum LowOrderPoint {
    /// Whether an agreement with this X25519 key is all zeros.
    static func isX25519(_ key: some Collection<UInt8>) -> Bool {
        matches(key, u)
    }

    /// Whether this Ed25519 key is of small order: under it anybody could sign.
    static func isEd25519(_ key: some Collection<UInt8>) -> Bool {
        matches(key, y)
    }

    /// The top bit is not part of the coordinate.
    private static func matches(_ key: some Collection<UInt8>, _ coordinates: [[UInt8]]) -> Bool {
        guard key.count == 32 else { return false }
        return coordinates.contains { coordinate in
            zip(key, coordinate).enumerated().allSatisfy { index, pair in
                index == 31 ? pair.0 & 0x7f == pair.1 : pair.0 == pair.1
            }
        }
    }

    private static func wide(_ low: UInt8, _ middle: UInt8, _ high: UInt8) -> [UInt8] {
        [low] + [UInt8](repeating: middle, count: 30) + [high]
    }

    /// 0, 1, p - 1, p, p + 1 for p = 2^255 - 19, least octet first.
    private static let small = [
        wide(0, 0, 0), wide(1, 0, 0), wide(0xec, 0xff, 0x7f), wide(0xed, 0xff, 0x7f), wide(0xee, 0xff, 0x7f),
    ]

    /// And the two of order 8.
    private static let u =
        small + [
            [
                0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
            ],
            [
                0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
            ],
        ]

    private static let y =
        small + [
            [
                0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
                0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
            ],
            [
                0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
                0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
            ],
        ]
}

extension PeerKey {
    /// Whether anybody could sign under it: such a key is nobody's.
    package var isLowOrder: Bool { LowOrderPoint.isEd25519(octets) }
}
