// Decimal numbers in field values, read without a String in between.

/// A count of seconds as HTTP writes it (RFC 9111 section 1.2.2): not negative, at most ``DeltaSeconds/deltaSecondsMax``.
package typealias DeltaSeconds = Int64

extension DeltaSeconds {
    /// 2^31: what a cache keeps of any greater number (RFC 9111 section 1.2.2).
    package static let deltaSecondsMax: DeltaSeconds = 1 << 31
}

extension Span<UInt8> {
    /// The number that these octets spell, all of them digits and at least one; ``DeltaSeconds/deltaSecondsMax`` if it is
    /// greater; nil if they spell no number.
    package var deltaSeconds: DeltaSeconds? {
        guard let value = saturatingDecimal else { return nil }
        return Swift.min(value, .deltaSecondsMax)
    }

    /// The number that these octets spell, all of them digits and at least one; nil also if it is above `Int64.max`.
    package var decimal: Int64? {
        guard !isEmpty else { return nil }
        var value: Int64 = 0
        for index in 0..<count {
            guard Octet.isDigit(self[index]) else { return nil }
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int64(self[index] &- 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// As ``decimal``, but `Int64.max` for what is above it.
    package var saturatingDecimal: Int64? {
        guard !isEmpty else { return nil }
        for index in 0..<count {
            guard Octet.isDigit(self[index]) else { return nil }
        }
        return decimal ?? .max
    }
}

extension [UInt8] {
    /// Appends `value` in decimal digits; a negative one as 0, which no field of HTTP can carry.
    package mutating func append(decimal value: Int64) {
        append(addingCapacity: OutputSpan.decimalDigitsMax) { $0.append(decimal: value) }
    }
}

extension OutputSpan<UInt8> {
    /// Digits of the greatest number.
    package static var decimalDigitsMax: Int { 19 }

    /// Appends `value` in decimal digits; a negative one as 0, which no field of HTTP can carry.
    @inlinable
    package mutating func append(decimal value: Int64) {
        var rest = UInt64(Swift.max(value, 0))
        var digits = 1
        var bound: UInt64 = 10
        while digits < 19, rest >= bound {
            digits += 1
            bound &*= 10
        }
        precondition(digits <= freeCapacity)
        withUnsafeMutableBufferPointer { buffer, count in
            for index in stride(from: count + digits - 1, through: count, by: -1) {
                buffer.initializeElement(at: index, to: 0x30 + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            }
            count += digits
        }
    }

    /// Appends a copy of `octets`, for which there must be room.
    @inlinable
    package mutating func append(copying octets: Span<UInt8>) {
        precondition(octets.count <= freeCapacity)
        octets.withUnsafeBufferPointer { source in
            withUnsafeMutableBufferPointer { buffer, count in
                count += buffer[count...].initialize(fromContentsOf: source) - count
            }
        }
    }
}
