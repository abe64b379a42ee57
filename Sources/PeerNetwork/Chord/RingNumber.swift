// Where nodes and keys are on the ring: numbers of at most 512 bits.

import Crypto

/// A place on a ring of 2^384, or a hash that is reduced to one where it is compared.
struct RingNumber: Sendable, Hashable {
    static let byteCount = 64
    /// The words of 64 bits that count for distances, of eight.
    private static let ringWords = 6

    /// The lowest first.
    private var words = SIMD8<UInt64>()

    /// The number that these octets are, the highest first; nil if there are more than 64.
    init?(_ octets: some BidirectionalCollection<UInt8>) {
        guard octets.count <= Self.byteCount else { return nil }
        self.init(hash: octets)
    }

    /// The number that a hash of at most 64 octets is.
    fileprivate init(hash: some BidirectionalCollection<UInt8>) {
        var (word, shift, value) = (0, UInt64(0), UInt64(0))
        for octet in hash.reversed().prefix(Self.byteCount) {
            value |= UInt64(octet) << shift
            shift += 8
            if shift == 64 {
                words[word] = value
                (word, shift, value) = (word + 1, 0, 0)
            }
        }
        if shift > 0 { words[word] = value }
    }

    /// The number with this text in base 58; nil if it is none.
    init?(base58 text: [UInt8]) {
        guard let octets = Base58.decode(text, byteCount: Self.byteCount) else { return nil }
        self.init(octets)
    }

    /// The text in base 58.
    var base58: [UInt8] { Base58.encode(octets) }

    /// 64 octets, the highest first.
    var octets: [UInt8] {
        var octets: [UInt8] = []
        for index in (0..<8).reversed() { octets.append(bigEndian: words[index], byteCount: 8) }
        return octets
    }

    /// 2^`exponent`, which is below 384.
    init(powerOfTwo exponent: Int) {
        words[exponent / 64] = 1 << UInt64(exponent % 64)
    }

    /// The number of bits on a ring.
    static let bitCount = 384

    /// 48 octets, the highest first: the number as it is on the ring.
    var ringOctets: [UInt8] { Array(octets.suffix(Self.bitCount / 8)) }

    /// Its place when the ring is walked the other way: -self mod 2^384.
    ///
    /// py2p gives a key to the last node at or before its place; walked the other way that is the first at or behind it, as
    /// the papers on Chord have it.
    var mirrored: RingNumber { distance(to: RingNumber()) }

    /// self + 2^`exponent` mod 2^384.
    func advanced(byPowerOfTwo exponent: Int) -> RingNumber {
        RingNumber(powerOfTwo: exponent).mirrored.distance(to: self)
    }

    func hash(into hasher: inout Hasher) {
        for index in 0..<Self.ringWords { hasher.combine(words[index]) }
    }

    /// Whether it is below 2^384.
    var isOnRing: Bool { words[6] == 0 && words[7] == 0 }

    /// Whether it lies behind `start` and at or before `end`, clockwise; where both are one, everything does.
    func isWithin(after start: RingNumber, upTo end: RingNumber) -> Bool {
        if start == end { return true }
        let distance = start.distance(to: self)
        return distance != RingNumber() && distance <= start.distance(to: end)
    }

    private init() {}

    /// How far it is from here to `other`, clockwise: (other - self) mod 2^384.
    func distance(to other: RingNumber) -> RingNumber {
        var result = self
        var borrow: UInt64 = 0
        for index in 0..<Self.ringWords {
            let (partial, first) = other.words[index].subtractingReportingOverflow(words[index])
            let (difference, second) = partial.subtractingReportingOverflow(borrow)
            result.words[index] = difference
            borrow = first || second ? 1 : 0
        }
        for index in Self.ringWords..<8 { result.words[index] = 0 }
        return result
    }
}

extension RingNumber: Comparable {
    static func < (a: RingNumber, b: RingNumber) -> Bool {
        for index in (0..<8).reversed() where a.words[index] != b.words[index] {
            return a.words[index] < b.words[index]
        }
        return false
    }
}

/// One of the five tables of a chord network: each holds every key, at a place of its own.
enum ChordTable: String, Sendable, CaseIterable {
    case sha1
    case sha224
    case sha256
    case sha384
    case sha512

    /// Where `key` is in this table: shorter hashes stand in the highest bits of 384, and that of 512 stays whole.
    func position(of key: [UInt8]) -> RingNumber {
        let digest: [UInt8] =
            switch self {
            case .sha1: Array(Insecure.SHA1.hash(data: key))
            case .sha224: SHA224.hash(key)
            case .sha256: Array(SHA256.hash(data: key))
            case .sha384: Array(SHA384.hash(data: key))
            case .sha512: Array(SHA512.hash(data: key))
            }
        let padding = [UInt8](repeating: 0, count: max(0, 48 - digest.count))
        return RingNumber(hash: digest + padding)
    }
}
