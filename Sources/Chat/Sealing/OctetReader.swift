// Reads and writes big-endian integers and counted strings, never beyond the end.

/// A place in an array of octets; each read that would pass the end is nil and moves nothing.
struct OctetReader {
    private let octets: [UInt8]
    private(set) var position = 0

    init(_ octets: [UInt8]) {
        self.octets = octets
    }

    /// How many octets are left.
    var remaining: Int { octets.count - position }

    mutating func octet() -> UInt8? {
        take(1)?.first
    }

    /// The next `count` octets.
    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return octets[position..<position + count]
    }

    /// An unsigned integer of `count` octets, at most 8.
    mutating func integer(octets count: Int) -> UInt64? {
        take(count)?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A length of `lengthOctets` octets, then so many octets, at most `max`.
    mutating func counted(lengthOctets: Int, max: Int) -> ArraySlice<UInt8>? {
        let start = position
        guard let count = integer(octets: lengthOctets), count <= max, let found = take(Int(count)) else {
            position = start
            return nil
        }
        return found
    }

    /// Whether all that is left is zeros.
    var restIsZero: Bool { octets[position...].allSatisfy { $0 == 0 } }
}

extension [UInt8] {
    /// Appends the low `count` octets of `value`, the highest first.
    mutating func append(bigEndian value: UInt64, octets count: Int) {
        for index in 0..<count { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - index)))) }
    }
}
