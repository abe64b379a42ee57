// A span of time as people write it: 30s, 500ms, 2m, 1h30m.

public import ArgumentParser

extension Duration {
    /// Reads numbers with units, the larger unit first, each once: `d`, `h`, `m`, `s`, `ms`, `us`.
    ///
    /// The last number may have a fraction; `0` needs no unit; any other number does, so that nobody wonders whether 30
    /// are seconds.
    ///
    /// - Throws: ``InvalidValue`` that says what was expected.
    package init(parsing text: String) throws(InvalidValue) {
        let expected = "expected a time with its unit such as 30s, 500ms, 2m or 1h30m"
        let tooLong = InvalidValue("too long; at most 36500d")
        if text == "0" {
            self = .zero
            return
        }
        var reader = QuantityReader(text)
        var total: Int64 = 0
        var unitsLeft = Self.units[...]
        repeat {
            guard let number = try reader.decimal(orElse: expected) else { throw InvalidValue(expected) }
            let name = reader.unit()
            guard let index = unitsLeft.firstIndex(where: { $0.name == name }) else { throw InvalidValue(expected) }
            guard number.fractionDigits == 0 || reader.isAtEnd else { throw InvalidValue(expected) }
            guard let nanoseconds = number.multiplied(by: unitsLeft[index].nanoseconds) else { throw tooLong }
            let (sum, overflow) = total.addingReportingOverflow(nanoseconds)
            guard !overflow, sum <= 36500 * Self.dayNanoseconds else { throw tooLong }
            total = sum
            unitsLeft = unitsLeft[(index + 1)...]
        } while !reader.isAtEnd
        self = .nanoseconds(total)
    }

    /// As ``init(parsing:)`` reads it: `1h30m`, `500ms`; parts of a microsecond are left out.
    package var text: String {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0, seconds < Int64.max / 1_000_000_000 else { return "\(self)" }
        var rest = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        var result = ""
        for unit in Self.units where rest >= unit.nanoseconds {
            result += "\(rest / unit.nanoseconds)\(unit.name)"
            rest %= unit.nanoseconds
        }
        return result.isEmpty ? "0s" : result
    }

    private static let dayNanoseconds: Int64 = 86_400_000_000_000
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", dayNanoseconds), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000),
    ]
}

extension Duration: @retroactive ExpressibleByArgument {
    /// Nil where ``init(parsing:)`` throws; `transform: Duration.init(parsing:)` gives the reason as well.
    public init?(argument: String) {
        // `try?`: nil is how this initializer says it.
        guard let value = try? Duration(parsing: argument) else { return nil }
        self = value
    }

    /// As ``init(parsing:)`` reads it.
    public var defaultValueDescription: String { text }
}
