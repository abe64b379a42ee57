// A number of bytes as people write it: 10GiB, 500MB, 1.5G.

import ArgumentParser

/// A number of bytes, 0 to 2^63 - 1.
package struct ByteCount: Sendable, Hashable, Comparable {
    package let bytes: Int64

    /// A number of bytes; a negative one becomes 0.
    package init(_ bytes: Int64) {
        self.bytes = max(0, bytes)
    }

    package static func kibibytes(_ count: Int64) -> ByteCount { ByteCount(scaled(count, 10)) }
    package static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(scaled(count, 20)) }
    package static func gibibytes(_ count: Int64) -> ByteCount { ByteCount(scaled(count, 30)) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// Reads digits, perhaps a fraction, and a unit in any letter case.
    ///
    /// `KiB` to `EiB`, and `K` to `E` alone, are powers of 1024; `kB` to `EB` are powers of 1000; `B` and nothing are
    /// bytes. A fraction is rounded down to whole bytes.
    ///
    /// - Throws: ``InvalidValue`` that says what was expected.
    package init(parsing text: String) throws(InvalidValue) {
        let expected = "expected a number of bytes such as 10GiB, 256MiB, 500MB or 4096"
        var reader = QuantityReader(text)
        guard let number = try reader.decimal(orElse: expected), let unit = Self.units[reader.unit().lowercased()],
            reader.isAtEnd
        else { throw InvalidValue(expected) }
        // A fraction of a byte is a slip of the pen.
        guard unit > 1 || number.fractionDigits == 0 else { throw InvalidValue(expected) }
        guard let value = number.multiplied(by: unit) else { throw InvalidValue("too large; at most 8EiB less one") }
        self.init(value)
    }

    private static let units: [String: Int64] = {
        var units: [String: Int64] = ["": 1, "b": 1]
        var binary: Int64 = 1
        var decimal: Int64 = 1
        for letter in ["k", "m", "g", "t", "p", "e"] {
            binary *= 1024
            decimal *= 1000
            units[letter] = binary
            units[letter + "ib"] = binary
            units[letter + "b"] = decimal
        }
        return units
    }()

    private static func scaled(_ count: Int64, _ bits: Int64) -> Int64 {
        let (value, overflow) = count.multipliedReportingOverflow(by: 1 << bits)
        return overflow ? .max : value
    }
}

extension ByteCount: CustomStringConvertible {
    /// For people: `10GiB`, `1.5MiB`, `4000B`; exact where a unit divides it, else to one decimal.
    package var description: String {
        let units = ["EiB", "PiB", "TiB", "GiB", "MiB", "KiB"]
        for (index, unit) in units.enumerated() {
            let size = Int64(1) << (Int64(units.count - index) * 10)
            guard bytes >= size else { continue }
            if bytes % size == 0 { return "\(bytes / size)\(unit)" }
            // Rounded down, so that it never says more than there is; tenfold the rest of an EiB fits UInt64 only.
            let tenths = UInt64(bytes % size) * 10 / UInt64(size)
            return tenths == 0 ? "\(bytes / size)\(unit)" : "\(bytes / size).\(tenths)\(unit)"
        }
        return "\(bytes)B"
    }
}

extension ByteCount: ExpressibleByArgument {
    package init?(argument: String) {
        // `try?`: nil is how this initializer says it; `transform: ByteCount.init(parsing:)` gives the reason as well.
        guard let value = try? ByteCount(parsing: argument) else { return nil }
        self = value
    }

    package var defaultValueDescription: String { description }
}
